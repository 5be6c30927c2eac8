//! The worklist over all workspaces is what their health says of each.

use std::collections::BTreeMap;

use application::commands::{Precondition, follow_up_device};
use application::maintain;
use application::queries::{
    DeviceHealth, HealthAt, PageRequest, SilentDevice, WorklistFilter, evaluate_workspace,
    list_silent_devices,
};
use chrono::{DateTime, Utc};
use domain::fleet::ReadOwner;
use domain::follow_up::FollowUp;
use domain::health::{Reason, Responsibility, WorklistPosition};
use domain::ids::{DeviceId, ProviderId, WorkspaceId};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use testkit::{
    AUTHOR, Fixture, Fleet, a_device, a_workspace, an_update, eventually, minutes, seconds, start,
    statements_of,
};
use tokio_util::sync::CancellationToken;

use crate::generated::some_workspace;

/// What is said of a silent device: all that the two ways of asking must agree on.
type Told = (WorklistPosition, String);

fn told(workspace_id: &WorkspaceId, device: &DeviceHealth) -> Told {
    let place = WorklistPosition {
        silent_since: device.row.facts.silent_since(),
        workspace_id: workspace_id.clone(),
        device_id: device.row.device_id.clone(),
    };
    (place, format!("{device:?}"))
}

/// Each workspace's health, filtered here.
async fn by_health(fleets: &[Fleet], filter: &WorklistFilter, now: DateTime<Utc>) -> Vec<Told> {
    let mut all = Vec::new();
    for fleet in fleets {
        let record = fleet.record().await;
        let of_core = record.workspace.cutover.read_owner == ReadOwner::Core;
        if !(of_core || filter.not_cut_over) {
            continue;
        }
        let report = evaluate_workspace(&fleet.core, &fleet.id, HealthAt::Present(now)).await;
        let devices = report.expect("the health of the workspace").devices;
        let wanted = devices.iter().filter(|device| {
            device.health.state.is_silence()
                && filter
                    .reason
                    .is_none_or(|reason| device.cause.is_some_and(|cause| cause.reason == reason))
                && filter.responsibility.is_none_or(|whose| {
                    device
                        .cause
                        .is_some_and(|cause| cause.responsibility == whose)
                })
                && filter.provider.as_ref().is_none_or(|provider| {
                    device.row.provider_id == *provider || provider.as_str() == "depot_sim"
                })
                && now - device.row.facts.silent_since() >= filter.silent_for
        });
        all.extend(wanted.map(|device| told(&fleet.id, device)));
    }
    all.sort_unstable();
    all
}

/// The list, page by page.
async fn by_pages(
    fixture: &Fixture,
    filter: &WorklistFilter,
    limit: usize,
    now: DateTime<Utc>,
) -> Vec<Told> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let request = PageRequest { after, limit };
        let page = list_silent_devices(&fixture.core, filter, &request, now)
            .await
            .expect("the store");
        assert!(page.items.len() <= limit);
        all.extend(
            page.items
                .iter()
                .map(|silent| told(&silent.workspace_id, &silent.device)),
        );
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

fn filters() -> Vec<WorklistFilter> {
    let all = WorklistFilter {
        not_cut_over: true,
        ..WorklistFilter::default()
    };
    let provider = |text| ProviderId::try_new(text).ok();
    vec![
        WorklistFilter::default(),
        all.clone(),
        WorklistFilter {
            reason: Some(Reason::NotReturnedByProvider),
            ..all.clone()
        },
        WorklistFilter {
            responsibility: Some(Responsibility::Ours),
            ..all.clone()
        },
        WorklistFilter {
            provider: provider("slow"),
            ..all.clone()
        },
        WorklistFilter {
            provider: provider("depot_sim"),
            ..all.clone()
        },
        WorklistFilter {
            silent_for: minutes(60),
            ..all
        },
    ]
}

/// The law of the list: SQL finds, the rule decides, and nothing is lost between them.
#[tokio::test]
async fn the_list_of_all_is_the_union_of_each_workspaces_health() {
    for seed in [1, 2, 3] {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let fixture = Fixture::create().await;
        let mut fleets = Vec::new();
        for number in 0..6 {
            fleets.push(some_workspace(&fixture, &format!("depot-{number}"), &mut random).await);
        }
        for round in 0..2 {
            let now = start() + minutes(10) * round;
            for filter in filters() {
                let expected = by_health(&fleets, &filter, now).await;
                for limit in [1, 7, 1000] {
                    let listed = by_pages(&fixture, &filter, limit, now).await;
                    assert_eq!(listed, expected, "seed {seed}, limit {limit}, {filter:?}");
                }
                for fleet in &fleets {
                    let of_one = WorklistFilter {
                        workspace_id: Some(fleet.id.clone()),
                        ..filter.clone()
                    };
                    let expected: Vec<Told> = expected
                        .iter()
                        .filter(|(place, _)| place.workspace_id == fleet.id)
                        .cloned()
                        .collect();
                    assert_eq!(by_pages(&fixture, &of_one, 3, now).await, expected);
                }
            }
            let found = by_health(&fleets, &filters()[1], now).await;
            assert!(found.len() > 5, "seed {seed} has silent devices");
            // The second round is after upkeep has noted who has reported.
            for fleet in &fleets {
                let noted = fixture.store().note_first_reports(&fleet.id).await;
                noted.expect("the store");
            }
        }
    }
}

fn first_page(limit: usize) -> PageRequest<WorklistPosition> {
    PageRequest { after: None, limit }
}

async fn silent(fixture: &Fixture) -> Vec<SilentDevice> {
    let filter = WorklistFilter::default();
    let now = fixture.clock.now();
    let page = list_silent_devices(&fixture.core, &filter, &first_page(100), now).await;
    page.expect("the store").items
}

fn ids(devices: &[SilentDevice]) -> Vec<&str> {
    let ids = devices
        .iter()
        .map(|silent| silent.device.row.device_id.as_str());
    ids.collect()
}

#[tokio::test]
async fn the_number_of_statements_does_not_grow_with_the_number_of_workspaces() {
    let fixture = Fixture::create().await;
    let mut counts = BTreeMap::new();
    for number in 0..4 {
        a_workspace(&format!("depot-{number}"))
            .with(a_device("bus-1").silent_for(minutes(20)))
            .create(&fixture)
            .await;
        let (devices, statements) = statements_of(Box::pin(silent(&fixture))).await;
        counts.insert(devices.len(), statements.len());
    }
    assert_eq!(counts.keys().copied().collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(counts[&1], counts[&4], "{counts:?}");
    assert!(counts[&4] <= 6, "{counts:?}");
}

/// A page that is read later is of the same instant: nothing twice, nothing skipped but who has reported.
#[tokio::test]
async fn pages_stand_still_while_devices_report() {
    let fixture = Fixture::create().await;
    let devices = (1..=5).map(|n| a_device(&format!("bus-{n}")).silent_for(minutes(100 - n)));
    let depot = a_workspace("depot")
        .with_all(devices)
        .create(&fixture)
        .await;
    let now = fixture.clock.now();
    let filter = WorklistFilter::default();
    let page = async |after: Option<WorklistPosition>| {
        let request = PageRequest { after, limit: 2 };
        let page = list_silent_devices(&fixture.core, &filter, &request, now).await;
        page.expect("the store")
    };
    let first = page(None).await;
    assert_eq!(ids(&first.items), ["bus-1", "bus-2"]);
    fixture.clock.advance(minutes(1));
    let at = fixture.clock.now();
    for device in ["bus-1", "bus-3"] {
        depot
            .push([an_update(device).observed(at).with("speed_kmh", 31)])
            .await;
    }
    let second = page(first.next).await;
    assert_eq!(ids(&second.items), ["bus-4", "bus-5"]);
    assert_eq!(second.next, None);
}

#[tokio::test]
async fn a_follow_up_is_shown_for_the_silence_that_it_is_about() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("depot")
        .with(a_device("bus-1").silent_for(minutes(20)))
        .with(a_device("never").configured(minutes(90)))
        .create(&fixture)
        .await;
    for device in ["bus-1", "never"] {
        let id = DeviceId::try_new(device).expect("an id");
        let follow_up = FollowUp {
            contacted: true,
            ..FollowUp::default()
        };
        follow_up_device(
            &fixture.core,
            AUTHOR,
            &depot.id,
            &id,
            follow_up,
            &Precondition::None,
        )
        .await
        .expect("a follow-up");
    }
    let listed = silent(&fixture).await;
    assert_eq!(ids(&listed), ["never", "bus-1"]);
    assert!(listed.iter().all(|silent| silent.follow_up.is_some()));
    let now = fixture.clock.now();
    depot
        .push([an_update("bus-1").observed(now).with("speed_kmh", 31)])
        .await;
    fixture.clock.advance(minutes(20));
    let listed = silent(&fixture).await;
    let followed_up = |silent: &SilentDevice| silent.follow_up.is_some();
    assert_eq!(ids(&listed), ["never", "bus-1"]);
    assert_eq!(
        listed.iter().map(followed_up).collect::<Vec<_>>(),
        [true, false]
    );
}

/// Who is known to have reported is looked for among the snapshots only; a new activation is a new question.
#[tokio::test]
async fn upkeep_notes_first_reports_and_a_new_activation_is_asked_anew() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("depot")
        .with(a_device("bus-1").silent_for(minutes(20)))
        .with(a_device("never").configured(minutes(90)))
        .create(&fixture)
        .await;
    let shutdown = CancellationToken::new();
    let upkeep = tokio::spawn(maintain(fixture.core.clone(), shutdown.clone()));
    let unreported = async || -> Vec<String> {
        sqlx::query_scalar("SELECT device_id FROM devices WHERE unreported ORDER BY device_id")
            .fetch_all(fixture.store().pool())
            .await
            .expect("devices")
    };
    eventually("bus-1 is noted", async || unreported().await == ["never"]).await;
    shutdown.cancel();
    upkeep.await.expect("it ends");
    assert_eq!(ids(&silent(&fixture).await), ["never", "bus-1"]);
    // Fitted elsewhere, it starts empty, and goes silent by the other rule.
    depot.configure(a_device("bus-1").fitted_to("tram")).await;
    assert_eq!(unreported().await, ["bus-1", "never"]);
    assert_eq!(ids(&silent(&fixture).await), ["never"]);
    fixture.clock.advance(minutes(60) + seconds(1));
    assert_eq!(ids(&silent(&fixture).await), ["never", "bus-1"]);
}

/// However many people look at the list of all, connections are left for the batches of machines.
#[tokio::test]
async fn many_who_look_at_once_wait_for_each_other_and_nobody_else_for_them() {
    let fixture = Fixture::create().await;
    a_workspace("depot")
        .with(a_device("bus-1").silent_for(minutes(20)))
        .create(&fixture)
        .await;
    // Whoever reads snapshots now goes on when this is over.
    let elsewhere = fixture.another_instance();
    let mut blocker = elsewhere.store.pool().begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE snapshots IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *blocker)
        .await
        .expect("a lock");
    let readers: Vec<_> = (0..30)
        .map(|_| {
            let core = fixture.core.clone();
            tokio::spawn(async move {
                let filter = WorklistFilter::default();
                let now = core.clock.now();
                list_silent_devices(&core, &filter, &first_page(10), now).await
            })
        })
        .collect();
    eventually("some wait for the lock", async || {
        fixture.database.sessions_waiting().await >= 4
    })
    .await;
    fixture.store().ping().await.expect("a connection is left");
    blocker.rollback().await.expect("the end of it");
    for reader in readers {
        let page = reader.await.expect("a task").expect("the store");
        assert_eq!(ids(&page.items), ["bus-1"]);
    }
}
