//! Every reason, provoked by what causes it in earnest: told within one cycle of it, and over within one.

use std::time::Duration;

use application::commands::CutoverCommand;
use application::polling::run_cycle;
use application::queries::{DeviceHealth, HealthAt, evaluate_workspace};
use bf_depot_sim::{Account, Behaviour, Fault};
use clock::Clock;
use domain::acceptance::RejectReason;
use domain::fleet::{CutoverPatch, PollOwner, ProviderMode};
use domain::health::HealthState::{AwaitingFirstData, ConfiguredNoData, Delayed, Healthy};
use domain::health::{Cause, HealthState, Reason, Responsibility};
use domain::polling::ErrorClass;
use testkit::{
    DeviceBuilder, Fixture, Fleet, WorkspaceBuilder, a_device, a_workspace, an_update, hours,
    minutes, seconds, start,
};

use crate::provider::Provider;

/// Longer than a provider on this machine takes, and not long to wait for one that hangs.
const DEADLINE: Duration = Duration::from_millis(500);

/// `bus-1`, as an account's first vehicle.
fn bus() -> DeviceBuilder {
    a_device("bus-1").called("vehicle-001")
}

/// A workspace that is polled through `sim-main`.
struct Depot {
    fixture: Fixture,
    provider: Provider,
    fleet: Fleet,
}

impl Depot {
    async fn with(account: Account, device: DeviceBuilder) -> Self {
        let fixture = Fixture::create().await;
        let provider = Provider::serve(&fixture.clock, [account]).await;
        Self::at(fixture, provider, device).await
    }

    async fn at(fixture: Fixture, provider: Provider, device: DeviceBuilder) -> Self {
        let depot: WorkspaceBuilder = a_workspace("north")
            .through(provider.connection("sim-main", "main"))
            .with(device);
        let fleet = depot.create(&fixture).await;
        Self {
            fixture,
            provider,
            fleet,
        }
    }

    /// Everything well, as of now: a device that reports, and was just heard of.
    async fn well() -> Self {
        let depot = Self::with(Account::fleet("main", 1), bus()).await;
        depot.cycle().await;
        depot.is(Healthy, None).await;
        depot
    }

    /// A whole cycle, now.
    async fn cycle(&self) {
        let triggered = self.fleet.trigger(None).await.cycle_id;
        let cycle = self.fleet.claim(triggered).await.expect("a claim");
        // As a restart leaves them: without the pause that a provider has asked for.
        let clients = self.provider.clients_with_deadline(DEADLINE);
        run_cycle(&self.fleet.core, &clients, &cycle)
            .await
            .expect("a cycle");
    }

    /// The next cycle of the default cadence, and then the instant at which what it did not bring is late.
    async fn next_cycle_and_late(&self) {
        self.fixture.clock.advance(minutes(5));
        self.cycle().await;
        self.fixture.clock.advance(seconds(61));
    }

    async fn device(&self) -> DeviceHealth {
        let now = self.fixture.clock.now();
        let at = HealthAt::Present(now);
        let report = evaluate_workspace(&self.fleet.core, &self.fleet.id, at).await;
        let mut devices = report.expect("the health of the workspace").devices;
        devices.pop().expect("the device")
    }

    #[track_caller]
    fn is(&self, state: HealthState, reason: Option<Reason>) -> impl Future<Output = Cause> {
        let caller = std::panic::Location::caller();
        async move {
            let device = self.device().await;
            let cause = device.cause;
            let told = (device.health.state, cause.map(|cause| cause.reason));
            assert_eq!(told, (state, reason), "{caller}");
            cause.unwrap_or(Reason::Unknown.into())
        }
    }
}

#[tokio::test]
async fn a_failure_of_a_provider_is_told_after_one_cycle_and_over_after_one() {
    for (fault, reason, responsibility) in [
        (
            Fault::CredentialsRejected,
            Reason::ProviderCredentialsRejected,
            Responsibility::Ours,
        ),
        (
            Fault::Unavailable,
            Reason::ProviderUnavailable,
            Responsibility::Provider,
        ),
        (
            Fault::Hang,
            Reason::ProviderUnavailable,
            Responsibility::Provider,
        ),
        (
            Fault::Garbage,
            Reason::ProviderUnavailable,
            Responsibility::Provider,
        ),
        (
            Fault::RateLimited {
                retry_after_seconds: 3_600,
            },
            Reason::ProviderRateLimited,
            Responsibility::Provider,
        ),
    ] {
        let depot = Depot::well().await;
        depot.provider.set_fault("main", fault);
        depot.next_cycle_and_late().await;
        let cause = depot.is(Delayed, Some(reason)).await;
        assert_eq!(cause.responsibility, responsibility, "{fault:?}");

        depot.provider.clear_fault("main");
        depot.fixture.clock.advance(minutes(4));
        depot.cycle().await;
        depot.is(Healthy, None).await;
    }
}

#[tokio::test]
async fn a_credential_that_cannot_be_found_is_ours() {
    let depot = Depot::well().await;
    let connection = depot.provider.connection("sim-main", "main");
    let elsewhere = connection.clone().credential("file:gone");
    depot.fleet.connect(elsewhere).await;
    depot.next_cycle_and_late().await;
    let cause = depot
        .is(Delayed, Some(Reason::ProviderCredentialsRejected))
        .await;
    assert_eq!(cause.responsibility, Responsibility::Ours);
    depot.fleet.connect(connection).await;
    depot.fixture.clock.advance(minutes(4));
    depot.cycle().await;
    depot.is(Healthy, None).await;
}

#[tokio::test]
async fn a_silent_or_frozen_vehicle_is_told_after_one_cycle() {
    let a_minute_in = start() + minutes(1);
    for (behaviour, reason) in [
        (
            Behaviour::SilentSince { at: a_minute_in },
            Reason::NotReturnedByProvider,
        ),
        (Behaviour::Frozen { at: start() }, Reason::NoNewReading),
    ] {
        let account = Account::new("main").with_vehicle("vehicle-001", behaviour.clone());
        let depot = Depot::with(account, bus()).await;
        depot.cycle().await;
        depot.is(Healthy, None).await;
        depot.next_cycle_and_late().await;
        let cause = depot.is(Delayed, Some(reason)).await;
        assert_eq!(
            cause.responsibility,
            Responsibility::Device,
            "{behaviour:?}"
        );
    }
    let account = Account::new("main").with_vehicle("vehicle-001", Behaviour::Omitted);
    let depot = Depot::with(account, bus()).await;
    depot.cycle().await;
    depot
        .is(ConfiguredNoData, Some(Reason::NotReturnedByProvider))
        .await;
}

#[tokio::test]
async fn a_providers_clock_that_is_ahead_is_named_by_the_rejection() {
    let fixture = Fixture::create().await;
    let ahead = Clock::manual(start() + hours(1));
    let provider = Provider::serve(&ahead, [Account::fleet("main", 1)]).await;
    let depot = Depot::at(fixture, provider, bus().silent_for(minutes(4))).await;
    depot.cycle().await;
    depot.is(Healthy, None).await;
    depot.fixture.clock.advance(minutes(2) + seconds(1));
    let cause = depot.is(Delayed, Some(Reason::UpdatesRejected)).await;
    assert_eq!(cause.rejection, Some(RejectReason::FutureTimestamp));
    assert!(cause.next_step().contains("clock"), "{cause:?}");
}

#[tokio::test]
async fn pushes_that_are_refused_are_told_at_once() {
    let depot = Depot::well().await;
    depot.fixture.clock.advance(minutes(5));
    let now = depot.fixture.clock.now();
    depot
        .fleet
        .push([an_update("bus-1")
            .observed(now + hours(1))
            .with("speed_kmh", 3)])
        .await;
    depot.fixture.clock.advance(seconds(61));
    let cause = depot.is(Delayed, Some(Reason::UpdatesRejected)).await;
    assert_eq!(cause.rejection, Some(RejectReason::FutureTimestamp));
    let now = depot.fixture.clock.now();
    depot
        .fleet
        .push([an_update("bus-1").observed(now).with("speed_kmh", 3)])
        .await;
    depot.is(Healthy, None).await;
}

#[tokio::test]
async fn cycles_that_stopped_are_told_as_soon_as_it_shows() {
    let depot = Depot::well().await;
    depot.fixture.clock.advance(minutes(6) + seconds(1));
    let cause = depot.is(Delayed, Some(Reason::CyclesNotRunning)).await;
    assert_eq!(cause.responsibility, Responsibility::Ours);
    depot.cycle().await;
    depot.is(Healthy, None).await;
}

#[tokio::test]
async fn readings_that_are_late_are_the_providers() {
    let depot = Depot::with(
        Account::fleet("main", 1).with_fault(Fault::Late { minutes: 30 }),
        bus(),
    )
    .await;
    depot.cycle().await;
    let cause = depot.is(Delayed, Some(Reason::ProviderLag)).await;
    assert_eq!(cause.responsibility, Responsibility::Provider);
    let since = depot.device().await.health.since.expect("a time");
    assert!(
        since <= start() - minutes(15),
        "older than allowed since then"
    );
}

#[tokio::test]
async fn a_new_device_waits_for_its_first_poll() {
    let depot = Depot::well().await;
    depot.fixture.clock.advance(minutes(1));
    depot
        .fleet
        .configure(a_device("z-new").called("vehicle-002"))
        .await;
    let cause = depot
        .is(AwaitingFirstData, Some(Reason::AwaitingFirstPoll))
        .await;
    assert_eq!(cause.responsibility, Responsibility::Ours);
    depot.cycle().await;
    depot
        .is(AwaitingFirstData, Some(Reason::NotReturnedByProvider))
        .await;
}

#[tokio::test]
async fn a_switch_that_keeps_core_from_polling_is_told_at_once() {
    let no_poller = CutoverPatch {
        poll_owner: Some(PollOwner::Legacy),
        ..CutoverPatch::default()
    };
    let no_simulators = CutoverPatch {
        provider_mode: Some(ProviderMode::LegacyProvider),
        ..CutoverPatch::default()
    };
    for patch in [no_poller, no_simulators] {
        let depot = Depot::well().await;
        depot.fixture.clock.advance(minutes(6) + seconds(1));
        let command = CutoverCommand::Patch(patch);
        depot.fleet.change_flags(command).await;
        let cause = depot.is(Delayed, Some(Reason::PollingDisabled)).await;
        assert_eq!(cause.responsibility, Responsibility::Ours, "{patch:?}");
    }

    let depot = Depot::well().await;
    let connection = depot.provider.connection("sim-main", "main");
    let switch = async |enabled| {
        depot
            .fleet
            .connect(connection.clone().enabled(enabled))
            .await;
    };
    switch(false).await;
    depot.next_cycle_and_late().await;
    depot.is(Delayed, Some(Reason::PollingDisabled)).await;
    let cycles = depot.fleet.cycles().await;
    let class = cycles[0].polls[0]
        .report
        .error
        .as_ref()
        .map(|error| error.class);
    assert_eq!(class, Some(ErrorClass::Disabled));
    switch(true).await;
    depot.is(Delayed, Some(Reason::AwaitingFirstPoll)).await;

    let depot = Depot::well().await;
    depot.fixture.clock.advance(minutes(6) + seconds(1));
    depot.fleet.set_active(false).await;
    depot.is(Delayed, Some(Reason::PollingDisabled)).await;
}
