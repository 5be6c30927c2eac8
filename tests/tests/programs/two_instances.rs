//! Two processes on one database, and every trigger sent to both: once is once.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt};
use testkit::{a_connection, a_device, a_workspace, eventually, seconds};

use crate::instances::{CREDENTIAL, Deployment, Ended, Simulator, slot_due};

const WORKSPACES: usize = 60;
/// Triggers under way at once.
const CALLERS: usize = 16;

#[tokio::test]
async fn a_slot_that_is_triggered_four_times_at_two_instances_is_polled_once() {
    let deployment = Deployment::new().await;
    let simulator = Simulator::start();
    let mut slots = Vec::new();
    for number in 0..WORKSPACES {
        let id = format!("depot-{number:02}");
        let base_url = simulator.account(&id, &["bus-1-unit", "bus-2-unit"]).await;
        let fleet = a_workspace(&id)
            .registered_for(seconds(0))
            .through(a_connection("sim-main").at(base_url).credential(CREDENTIAL))
            .with_all([a_device("bus-1"), a_device("bus-2")])
            .create(&deployment.fixture)
            .await;
        slots.push((id, slot_due(&fleet).await));
    }
    let (first, second) = (deployment.instance().await, deployment.instance().await);

    // Each slot twice to each, those of one slot far apart; coprime strides are shuffle enough.
    let triggers = (0..4 * WORKSPACES).map(|at| (at * 7) % (4 * WORKSPACES));
    let answers: Vec<(usize, u16, String)> = stream::iter(triggers)
        .map(|at| {
            let ((id, slot), instance) = (
                &slots[at % WORKSPACES],
                [&first, &second][at / WORKSPACES % 2],
            );
            async move {
                let (status, answer) = instance.trigger(id, *slot).await;
                let outcome = answer["outcome"].as_str().unwrap_or_default();
                (at % WORKSPACES, status, outcome.to_owned())
            }
        })
        .buffer_unordered(CALLERS)
        .collect()
        .await;
    let mut by_slot: BTreeMap<usize, Vec<(u16, String)>> = BTreeMap::new();
    for (slot, status, outcome) in answers {
        by_slot.entry(slot).or_default().push((status, outcome));
    }
    for (slot, mut answers) in by_slot {
        answers.sort();
        let outcomes: Vec<(u16, &str)> = answers
            .iter()
            .map(|(status, outcome)| (*status, outcome.as_str()))
            .collect();
        let duplicate = (200, "duplicate");
        assert_eq!(
            outcomes,
            [duplicate, duplicate, duplicate, (202, "queued")],
            "{}",
            slots[slot].0
        );
    }

    // A workspace whose next slot comes due meanwhile has that one too, as a recovery.
    let ended = eventually("every cycle has ended", async || {
        let ended = deployment.ended("completed").await;
        let open = deployment.ended("queued").await.len() + deployment.ended("running").await.len();
        (open == 0 && ended.len() >= WORKSPACES).then_some(ended)
    })
    .await;
    let recorded: Vec<(String, i64)> = sqlx::query_as(
        "SELECT workspace_id, count(*) FROM poll_cycles WHERE trigger = 'scheduled' GROUP BY 1 ORDER BY 1",
    )
    .fetch_all(deployment.fixture.store().pool())
    .await
    .expect("the slots");
    let once: Vec<(String, i64)> = slots.iter().map(|(id, _)| (id.clone(), 1)).collect();
    assert_eq!(recorded, once);
    for cycle in &ended {
        let once = Ended {
            workspace_id: cycle.workspace_id.clone(),
            leases_lost: 0,
            connections: 1,
            events_of_its_end: 1,
        };
        assert_eq!(*cycle, once);
    }
    let polls: u64 = simulator
        .requests("depot-")
        .await
        .iter()
        .map(|(polls, _)| polls)
        .sum();
    assert_eq!(polls, ended.len() as u64, "one poll a cycle");
    let (events, moves) = deployment.accepted().await;
    assert_eq!(events, moves, "an event for each move of a snapshot");
    assert!(
        usize::try_from(events).is_ok_and(|events| events >= 2 * WORKSPACES),
        "{events}"
    );
}
