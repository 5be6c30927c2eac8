//! Snapshots proven from their history, and put right, on a database that is being written to.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use application::history::BaselineWatch;
use serde_json::Value;
use testkit::{Fixture, Fleet, a_device, a_workspace, an_update, seconds, start};

use crate::built::program;
use crate::running::Running;

const DEVICES: [&str; 6] = ["bus-1", "bus-2", "bus-3", "bus-4", "bus-5", "bus-6"];

/// Runs the command to its end: whether it is content, what it told, and what it complains of.
fn rebuild(fixture: &Fixture, flags: &[&str]) -> (bool, Vec<String>, Vec<String>) {
    let mut command = Command::new(program("bf-manage-core"));
    command
        .arg("rebuild-snapshots")
        .args(flags)
        .current_dir(std::env::temp_dir())
        .env("DATABASE_URL", fixture.database.url());
    let mut running = Running::start(&mut command);
    let status = running.wait_for_exit();
    (status.success(), running.stdout(), running.stderr())
}

/// Pushes new readings of every device without a pause, until told to stop; answers how many batches.
async fn write(depot: Fleet, writer: i64, stop: Arc<AtomicBool>) -> i64 {
    let mut batch = 0;
    while !stop.load(Ordering::Relaxed) {
        let observed_at = start() + seconds(batch / 10);
        depot
            .push(DEVICES.map(|device| {
                an_update(device)
                    .observed(observed_at)
                    .with("speed_kmh", batch % 200)
                    .with("odometer_km", writer)
            }))
            .await;
        batch += 1;
    }
    batch
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proof_holds_while_others_write_and_a_damaged_row_is_found_and_put_right() {
    // Built before anybody is kept busy.
    program("bf-manage-core");
    let fixture = Fixture::create().await;
    let depot = a_workspace("depot-north")
        .with_all(DEVICES.map(a_device))
        .create(&fixture)
        .await;
    a_workspace("depot-south")
        .with(a_device("tram-1"))
        .create(&fixture)
        .await;
    fixture.clock.advance(seconds(600));
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let depot = depot.seen_by(fixture.another_instance());
            tokio::spawn(write(depot, writer, Arc::clone(&stop)))
        })
        .collect();
    for baseline in [false, true] {
        if baseline {
            // While they write: some of its batches are before it, and end after it.
            BaselineWatch::default()
                .look(&depot.core)
                .await
                .expect("a baseline");
        }
        for _ in 0..3 {
            let (content, told, complaints) = rebuild(&fixture, &["--verify"]);
            assert!(content, "{told:#?}\n{complaints:#?}");
            assert_eq!(
                told.last().map(String::as_str),
                Some("2 workspaces, 7 devices: 0 differ, 0 repaired")
            );
        }
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        assert!(writer.await.expect("no batch fails") > 10);
    }

    let sound = depot.snapshot("bus-3").await;
    sqlx::query("UPDATE snapshots SET last_update_received_at = last_update_received_at - interval '1 day' WHERE device_id = 'bus-3'")
        .execute(fixture.store().pool())
        .await
        .expect("a change by hand");
    let (content, told, complaints) =
        rebuild(&fixture, &["--verify", "--workspace", "depot-north"]);
    assert!(!content, "{told:#?}");
    assert_eq!(
        told[0],
        "depot-north: 6 devices, 1 differ, 0 repaired, 0 without their whole history"
    );
    assert!(
        told[1].starts_with("  bus-3 last_update_received_at: stored \"2026-11-22T"),
        "{told:#?}"
    );
    // On a busy machine the driver may have called a statement slow before.
    assert_eq!(
        complaints.last().map(String::as_str),
        Some("bf-manage-core: 1 of 6 snapshots are not proven")
    );
    let (content, _, _) = rebuild(&fixture, &["--verify", "--workspace", "depot-south"]);
    assert!(content, "nothing is wrong there");

    let (content, told, complaints) = rebuild(&fixture, &["--json"]);
    assert!(content, "{complaints:#?}");
    let [north, south] = &told[..] else {
        panic!("a line each: {told:#?}");
    };
    let north: Value = serde_json::from_str(north).expect("JSON");
    assert_eq!(
        (
            &north["workspace_id"],
            &north["differing"],
            &north["repaired"]
        ),
        (&"depot-north".into(), &1.into(), &1.into())
    );
    assert_eq!(north["shown"][0]["device_id"], "bus-3");
    assert!(south.contains("depot-south"), "{south}");
    let repaired = depot.snapshot("bus-3").await;
    assert_eq!(repaired.held, sound.held);
    assert_eq!(
        repaired.last_update_received_at,
        sound.last_update_received_at
    );
    let (content, told, _) = rebuild(&fixture, &["--verify"]);
    assert!(content, "{told:#?}");

    let (content, _, complaints) = rebuild(&fixture, &["--workspace", "nowhere"]);
    assert!(!content);
    assert_eq!(
        complaints.last().map(String::as_str),
        Some("bf-manage-core: there is no workspace nowhere")
    );
}
