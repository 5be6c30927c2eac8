//! Connections that are read by a feed of changes: nothing is passed over, whatever happens in between.

use application::commands::{
    CutoverCommand, Precondition, change_cutover, put_connection, remove_connection,
};
use application::polling::{RunError, run_cycle};
use bf_depot_sim::{Account, Behaviour, Fault};
use domain::fleet::{CutoverPatch, ProviderMode};
use domain::ids::{DeviceId, ProviderId};
use domain::polling::{ConnectionOutcome, ConnectionReport, HeldCursor};
use persistence::polling::ClaimedCycle;
use providers::Providers;
use testkit::{
    AUTHOR, Fixture, Fleet, a_device, a_workspace, eventually, hours, minutes, seconds, start,
};

use crate::provider::Provider;

const ACCOUNT: &str = "north";

/// A fleet that is read by changes, and its provider.
struct Stage {
    fixture: Fixture,
    provider: Provider,
    clients: Providers,
    depot: Fleet,
}

impl Stage {
    /// With a device for each of these vehicles.
    async fn set(vehicles: impl IntoIterator<Item = (&'static str, Behaviour)>) -> Self {
        let fixture = Fixture::create().await;
        let mut account = Account::new(ACCOUNT);
        let mut devices = Vec::new();
        for (id, behaviour) in vehicles {
            account = account.with_vehicle(&format!("{id}-unit"), behaviour);
            devices.push(a_device(id));
        }
        let provider = Provider::serve(&fixture.clock, [account]).await;
        let connection = provider.connection("sim-main", ACCOUNT);
        let depot = a_workspace("north")
            .through(connection.with_setting("feed", "changes"))
            .with_all(devices)
            .create(&fixture)
            .await;
        Self {
            clients: provider.clients(),
            fixture,
            provider,
            depot,
        }
    }

    async fn claimed(&self) -> ClaimedCycle {
        let cycle_id = self.depot.trigger(None).await.cycle_id;
        self.depot.claim(cycle_id).await.expect("a claim")
    }

    async fn poll(&self) -> ConnectionReport {
        let cycle = self.claimed().await;
        self.run(&cycle).await.expect("the lease is held")
    }

    async fn run(&self, cycle: &ClaimedCycle) -> Result<ConnectionReport, RunError> {
        run_cycle(&self.depot.core, &self.clients, cycle).await?;
        let mut cycle = self.depot.cycle(cycle.cycle_id).await;
        Ok(cycle.polls.remove(0).report)
    }

    /// Five minutes later.
    async fn next_poll(&self) -> ConnectionReport {
        self.fixture.clock.advance(minutes(5));
        self.poll().await
    }

    async fn held(&self) -> Option<HeldCursor> {
        let store = &self.depot.core.store;
        let held = store.held_cursors(&self.depot.id, &connection_id()).await;
        held.expect("the store").remove("changes")
    }

    /// Whether the poll that was just made read everything.
    async fn read_anew(&self) -> bool {
        let held = self.held().await.expect("a cursor");
        held.read_anew_at == self.fixture.clock.now()
    }

    async fn version(&self, device_id: &str) -> i64 {
        self.depot.snapshot(device_id).await.held.version
    }

    async fn change_connection(&self, declared_minutes: u32) {
        let connection = self.provider.connection("sim-main", ACCOUNT);
        let connection = connection
            .with_setting("feed", "changes")
            .reporting_every_minutes(declared_minutes);
        let (id, spec) = connection.build();
        let core = &self.depot.core;
        put_connection(core, AUTHOR, &self.depot.id, &id, spec, &Precondition::None)
            .await
            .expect("a change");
    }
}

fn connection_id() -> ProviderId {
    ProviderId::try_new("sim-main").expect("an id")
}

fn parked() -> Behaviour {
    Behaviour::Frozen {
        at: start() - hours(1),
    }
}

fn missing(report: &ConnectionReport) -> Vec<&str> {
    report.missing.iter().map(DeviceId::as_str).collect()
}

#[tokio::test]
async fn after_the_first_poll_only_changes_come_and_who_has_none_is_not_missing() {
    let stage = Stage::set([
        ("bus-1", Behaviour::Reporting),
        ("bus-2", parked()),
        ("bus-3", Behaviour::Omitted),
    ])
    .await;
    let first = stage.poll().await;
    assert_eq!((first.returned, first.unchanged), (2, 0));
    assert_eq!(missing(&first), ["bus-3"]);

    let next = stage.next_poll().await;
    assert_eq!(next.duplicate, 0, "what was told is not told again");
    assert!(next.accepted > 0);
    assert_eq!(
        (next.devices_expected, next.returned, next.unchanged),
        (3, 2, 1),
        "the parked one is as before"
    );
    assert_eq!(missing(&next), ["bus-3"], "and who was missing still is");
    assert!(!stage.read_anew().await);

    let is_back = Behaviour::Reporting;
    stage.provider.set_behaviour(ACCOUNT, "bus-3-unit", is_back);
    assert!(missing(&stage.next_poll().await).is_empty());
    assert!(missing(&stage.next_poll().await).is_empty());
}

#[tokio::test]
async fn a_crash_between_the_answer_and_its_commit_has_the_same_changes_read_again() {
    let stage = Stage::set([("bus-1", Behaviour::Reporting)]).await;
    stage.poll().await;
    let (held, version) = (stage.held().await, stage.version("bus-1").await);
    stage.fixture.clock.advance(minutes(5));

    let cycle_id = stage.depot.trigger(None).await.cycle_id;
    let crashed = stage.depot.claim_and_die(cycle_id).await.expect("a claim");
    let requests = stage.provider.requests(ACCOUNT);
    let refused = stage.run(&crashed).await;
    assert!(matches!(refused, Err(RunError::LeaseLost)), "{refused:?}");
    assert_eq!(
        stage.provider.requests(ACCOUNT),
        requests + 1,
        "it had its answer"
    );
    assert_eq!(stage.held().await, held);
    assert_eq!(stage.version("bus-1").await, version);

    let other = eventually("a take-over", async || stage.depot.claim(cycle_id).await).await;
    let report = stage.run(&other).await.expect("the lease is held");
    assert!(report.accepted > 0);
    assert!(stage.version("bus-1").await > version);
    assert_ne!(stage.held().await, held);
}

#[tokio::test]
async fn a_cursor_that_the_provider_forgot_begins_anew_in_the_same_poll() {
    let stage = Stage::set([("bus-1", Behaviour::Reporting), ("bus-2", parked())]).await;
    stage.poll().await;
    stage.fixture.clock.advance(minutes(5));
    stage.provider.put_account(
        Account::new(ACCOUNT)
            .with_vehicle("bus-1-unit", Behaviour::Reporting)
            .with_vehicle("bus-2-unit", parked()),
    );
    let report = stage.poll().await;
    assert_eq!(report.outcome, ConnectionOutcome::Ok);
    assert!(report.duplicate > 0, "the parked one is told again");
    assert!(stage.read_anew().await);
    stage.next_poll().await;
    assert!(!stage.read_anew().await);
}

#[tokio::test]
async fn a_device_that_is_activated_later_gets_what_was_told_before() {
    let stage = Stage::set([("bus-1", Behaviour::Reporting)]).await;
    stage
        .provider
        .set_behaviour(ACCOUNT, "bus-2-unit", parked());
    let first = stage.poll().await;
    assert!(first.rejected.contains_key("unknown_device"), "{first:?}");
    stage.fixture.clock.advance(minutes(5));
    stage.depot.configure(a_device("bus-2")).await;
    stage.poll().await;
    assert!(
        stage.version("bus-2").await > 0,
        "though it has not changed since"
    );
    stage.next_poll().await;
    stage.next_poll().await;
    assert!(!stage.read_anew().await, "that was once");
}

#[tokio::test]
async fn a_connection_that_was_changed_or_made_again_is_read_from_the_beginning() {
    let stage = Stage::set([("bus-1", Behaviour::Reporting)]).await;
    stage.poll().await;
    stage.change_connection(10).await;
    stage.next_poll().await;
    assert!(stage.read_anew().await);
    stage.next_poll().await;
    assert!(!stage.read_anew().await);

    // Its versions begin again, and come by the one that the cursor was kept under.
    stage.depot.deactivate("bus-1").await;
    let core = &stage.depot.core;
    remove_connection(
        core,
        AUTHOR,
        &stage.depot.id,
        &connection_id(),
        &Precondition::None,
    )
    .await
    .expect("a removal");
    assert_eq!(stage.held().await, None);
}

#[tokio::test]
async fn who_is_gone_from_the_account_is_missing_within_the_hour() {
    let stage = Stage::set([("bus-1", Behaviour::Reporting), ("bus-2", parked())]).await;
    stage.poll().await;
    stage
        .provider
        .set_behaviour(ACCOUNT, "bus-2-unit", Behaviour::Omitted);
    for _ in 1..12 {
        let changes = stage.next_poll().await;
        assert!(missing(&changes).is_empty(), "changes do not tell");
    }
    assert_eq!(missing(&stage.next_poll().await), ["bus-2"]);
    assert!(stage.read_anew().await);
}

#[tokio::test]
async fn what_the_flags_kept_out_is_read_again_once_they_let_it_in() {
    let stage = Stage::set([("bus-1", Behaviour::Reporting)]).await;
    stage.poll().await;
    let (held, version) = (stage.held().await, stage.version("bus-1").await);
    stage.fixture.clock.advance(minutes(5));
    let mode = async |provider_mode| {
        let patch = CutoverPatch {
            provider_mode: Some(provider_mode),
            ..CutoverPatch::default()
        };
        let (core, id) = (&stage.depot.core, &stage.depot.id);
        let command = CutoverCommand::Patch(patch);
        change_cutover(core, AUTHOR, id, command, None, &Precondition::None)
            .await
            .expect("a change");
    };

    // The provider has been asked, and is asked again in a second: until then the flags change.
    let limited = Fault::RateLimited {
        retry_after_seconds: 1,
    };
    stage.provider.set_fault(ACCOUNT, limited);
    let requests = stage.provider.requests(ACCOUNT);
    let cycle = stage.claimed().await;
    let change = async {
        eventually("it is asked", async || {
            stage.provider.requests(ACCOUNT) > requests
        })
        .await;
        mode(ProviderMode::LegacyProvider).await;
        stage.provider.clear_fault(ACCOUNT);
    };
    let (report, ()) = tokio::join!(stage.run(&cycle), change);
    let report = report.expect("the lease is held");
    assert!(
        report.rejected.contains_key("provider_not_allowed"),
        "{report:?}"
    );
    assert_eq!(stage.held().await, held);

    mode(ProviderMode::Mixed).await;
    stage.fixture.clock.advance(seconds(1));
    let report = stage.poll().await;
    assert!(report.accepted > 0 && !stage.read_anew().await);
    assert!(stage.version("bus-1").await > version);
}
