//! An instance that is killed or stopped in the middle of its cycles: another finishes them, and what the
//! first would still bring is refused.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use clock::Clock;
use serde_json::{Value, json};
use testkit::{Fleet, a_connection, a_device, a_workspace, eventually, seconds};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::instances::{CREDENTIAL, Deployment, Instance, Simulator, slot_due};

const WORKSPACES: usize = 12;

fn name(number: usize) -> String {
    format!("depot-{number:02}")
}

async fn depot(deployment: &Deployment, id: &str, base_url: String) -> Fleet {
    a_workspace(id)
        .registered_for(seconds(0))
        .through(a_connection("sim-main").at(base_url).credential(CREDENTIAL))
        .with(a_device("bus-1"))
        .create(&deployment.fixture)
        .await
}

async fn trigger_all(instance: &Instance, depots: &[Fleet]) {
    for depot in depots {
        let slot = slot_due(depot).await;
        let (status, answer) = instance.trigger(depot.id.as_str(), slot).await;
        assert_eq!(status, 202, "{answer}");
    }
}

/// Waits until all have ended, each lost once and each effective once.
async fn all_ended_once(deployment: &Deployment) {
    let ended = eventually("every cycle has ended", async || {
        let ended = deployment.ended("completed").await;
        (ended.len() == WORKSPACES).then_some(ended)
    })
    .await;
    for (number, cycle) in ended.iter().enumerate() {
        assert_eq!(
            (
                cycle.workspace_id.as_str(),
                cycle.leases_lost,
                cycle.connections,
                cycle.events_of_its_end
            ),
            (name(number).as_str(), 1, 1, 1)
        );
    }
    let (events, moves) = deployment.accepted().await;
    assert_eq!(events, moves, "an event for each move of a snapshot");
}

#[tokio::test]
async fn a_killed_instances_cycles_are_finished_by_another_and_none_counts_twice() {
    let deployment = Deployment::new().await;
    let simulator = Simulator::start();
    let mut depots = Vec::new();
    for number in 0..WORKSPACES {
        let id = name(number);
        let base_url = simulator.account(&id, &["bus-1-unit"]).await;
        simulator.hangs(&id).await;
        depots.push(depot(&deployment, &id, base_url).await);
    }
    let killed = deployment.instance().await;
    trigger_all(&killed, &depots).await;
    eventually("all of them are being polled", async || {
        let requests = simulator.requests("depot-").await;
        requests
            .iter()
            .filter(|(_, in_flight)| *in_flight == 1)
            .count()
            == WORKSPACES
    })
    .await;
    let _other = deployment.instance().await;
    for number in 0..WORKSPACES {
        simulator.is_well(&name(number)).await;
    }

    killed.kill_9();
    all_ended_once(&deployment).await;
    let polls = simulator.requests("depot-").await;
    assert!(polls.iter().all(|(polls, _)| *polls == 2), "{polls:?}");
}

/// A provider that answers the first poll of each account when it is let, with readings newer than those
/// that it answers all later ones with at once.
#[derive(Clone)]
struct Provider {
    clock: Clock,
    polls: Arc<Mutex<HashMap<String, u32>>>,
    let_go: watch::Receiver<bool>,
}

const OF_THE_FIRST_KM: &str = "111";
const OF_THE_SECOND_KM: &str = "222";

impl Provider {
    async fn serve(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new()
            .route("/{account}/vehicles", get(vehicles))
            .with_state(self);
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    fn polls(&self) -> Vec<u32> {
        let polls = self.polls.lock().expect("counts");
        polls.values().copied().collect()
    }
}

async fn vehicles(State(provider): State<Provider>, Path(account): Path<String>) -> Json<Value> {
    let poll = {
        let mut polls = provider.polls.lock().expect("counts");
        let poll = polls.entry(account).or_default();
        *poll += 1;
        *poll
    };
    let now = provider.clock.now();
    let (odometer_km, time) = if poll == 1 {
        let mut let_go = provider.let_go.clone();
        let_go
            .wait_for(|is_let| *is_let)
            .await
            .expect("the story goes on");
        (OF_THE_FIRST_KM, now + seconds(60))
    } else {
        (OF_THE_SECOND_KM, now)
    };
    let value: u32 = odometer_km.parse().expect("a number");
    let reading = json!({"name": "odometer_km", "value": value, "time": time.to_rfc3339()});
    Json(json!({"vehicles": [{"id": "bus-1-unit", "signals": [reading]}], "next_page_token": null}))
}

#[tokio::test]
async fn the_results_of_an_instance_stopped_past_its_lease_are_refused() {
    let deployment = Deployment::new().await;
    let (let_go, is_let) = watch::channel(false);
    let provider = Provider {
        clock: deployment.fixture.clock.clone(),
        polls: Arc::default(),
        let_go: is_let,
    };
    let url = provider.clone().serve().await;
    let mut depots = Vec::new();
    for number in 0..WORKSPACES {
        let id = name(number);
        depots.push(depot(&deployment, &id, format!("{url}/{id}")).await);
    }
    let stopped = deployment.instance().await;
    trigger_all(&stopped, &depots).await;
    eventually("all of them are being polled", async || {
        provider.polls().len() == WORKSPACES
    })
    .await;

    stopped.running.signal("STOP");
    // The answers wait for it where its kernel keeps them.
    let_go.send_replace(true);
    let _other = deployment.instance().await;
    all_ended_once(&deployment).await;
    assert!(provider.polls().iter().all(|polls| *polls == 2));

    stopped.running.signal("CONT");
    eventually("it has let go of all of them", async || {
        let said = stopped.running.stderr();
        let left = said
            .iter()
            .filter(|line| line.contains("poll cycle left to another holder"));
        left.count() == WORKSPACES
    })
    .await;
    all_ended_once(&deployment).await;
    for depot in &depots {
        let accepted = depot.events("TelematicsUpdateAccepted").await;
        let [(_, payload)] = &accepted[..] else {
            panic!("one update each: {accepted:?}");
        };
        let values = payload["normalized_values"].to_string();
        assert!(values.contains(OF_THE_SECOND_KM), "{values}");
    }
}
