//! A sweep repairs what somebody did to schedules by hand.

use std::process::Command;

use reqwest::Method;
use serde_json::json;
use testkit::{a_workspace, eventually};

use super::{Console, NORTH, is_applied, put, serve, settings};
use crate::built::program;
use crate::cognito::emulator;
use crate::running::Running;

/// More than two pages of a list.
const FLEETS: usize = 220;

#[tokio::test]
#[ignore = "needs the emulator that .ci/install-issuers installs"]
async fn a_sweep_repairs_what_was_done_by_hand_over_many_pages_of_schedules() {
    let aws = emulator("0");
    let console = Console(&aws);
    console.create_group().await;
    let (serve, admin) = serve(&aws, &aws.url).await;
    for number in 0..FLEETS {
        a_workspace(&format!("fleet-{number:03}"))
            .create(&serve.fixture)
            .await;
    }
    // In order of id: the last is applied when all are.
    is_applied(&serve, &admin, &format!("fleet-{:03}", FLEETS - 1)).await;
    is_applied(&serve, &admin, "fleet-000").await;

    let wanted = console.schedule(NORTH).await.expect("a schedule");
    let mut disabled = wanted.clone();
    disabled["State"] = json!("DISABLED");
    console
        .write(Method::PUT, "tm-poll-depot-north", &disabled)
        .await;
    let mut slower = console.schedule("fleet-150").await.expect("a schedule");
    let expression = slower["ScheduleExpression"].take();
    slower["ScheduleExpression"] = json!("cron(0 12 * * ? *)");
    console
        .write(Method::PUT, "tm-poll-fleet-150", &slower)
        .await;
    console.delete("fleet-007").await;
    console.write(Method::POST, "tm-poll-ghost", &wanted).await;
    console.write(Method::POST, "somebody-elses", &wanted).await;
    put(
        &serve,
        &admin,
        "/workspaces/fleet-200",
        json!({"name": "200", "active": false}),
    )
    .await;
    eventually("it is gone", async || {
        console.schedule("fleet-200").await.is_none()
    })
    .await;
    is_applied(&serve, &admin, "fleet-200").await;
    console
        .write(Method::POST, "tm-poll-fleet-200", &wanted)
        .await;

    let path = "/reconciliation-sweeps";
    let (status, asked) = serve.ask(Method::POST, &admin, path, &json!({})).await;
    assert_eq!(status, 202, "{asked}");
    let path = format!("{path}/{}", asked["sweep_id"].as_str().expect("an id"));
    let ended = eventually("the sweep has ended", async || {
        let sweep = serve.get(&admin, &path).await.1;
        sweep["ended_at"].is_string().then_some(sweep)
    })
    .await;
    assert_eq!(ended["status"], "completed", "{ended}");
    assert_eq!(
        ended["schedules"],
        json!({"outcome": "completed", "checked": FLEETS, "in_line": FLEETS - 3, "pending": 0, "missing": 1, "changed": 2, "orphaned": 2,
               "foreign": 1, "not_repaired": 0, "error": null})
    );
    assert_eq!(console.schedule(NORTH).await, Some(wanted));
    assert_eq!(console.expression("fleet-150").await, expression);
    assert!(console.schedule("fleet-007").await.is_some());
    for (name, is_there) in [
        ("tm-poll-ghost", false),
        ("tm-poll-fleet-200", false),
        ("somebody-elses", true),
    ] {
        assert_eq!(console.is_there(name).await, is_there, "{name}");
    }

    let mut command = Command::new(program("bf-manage-core"));
    command
        .arg("sweep")
        .current_dir(std::env::temp_dir())
        .env("PROFILE", "dev")
        .env("DATABASE_URL", serve.fixture.database.url())
        .envs(settings(&aws.url));
    let mut sweep = Running::start(&mut command);
    let ended = sweep.wait_for_exit();
    let said = sweep.stdout().join("\n");
    assert_eq!(ended.code(), Some(0), "{said}\n{:?}", sweep.stderr());
    for line in [
        &format!("  checked      {FLEETS}"),
        "  missing      0",
        "  changed      0",
        "  orphaned     0",
        "legacy registry: not_configured",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
}
