//! Connections that keep failing are left alone, by every instance, and asked again.

use application::Core;
use application::polling::run_cycle;
use application::queries::{HealthAt, evaluate_workspace};
use bf_depot_sim::{Account, Fault};
use domain::health::Reason;
use domain::polling::{ConnectionOutcome, ErrorClass, PollCycle};
use testkit::{Fixture, Fleet, a_device, a_workspace, minutes};

use crate::provider::Provider;

/// A cycle from its trigger to its end, by whichever instance.
async fn cycle(depot: &Fleet, instance: &Core, provider: &Provider) -> PollCycle {
    let depot = depot.seen_by(instance.clone());
    let cycle_id = depot.trigger(None).await.cycle_id;
    let claimed = depot.claim(cycle_id).await.expect("a claim");
    run_cycle(instance, &provider.clients(), &claimed)
        .await
        .expect("a cycle");
    depot.cycle(cycle_id).await
}

fn seen(cycle: &PollCycle) -> (&str, ConnectionOutcome, Option<ErrorClass>) {
    let report = &cycle.polls[0].report;
    let class = report.error.as_ref().map(|error| error.class);
    (cycle.status.as_str(), report.outcome, class)
}

const DOWN: (&str, ConnectionOutcome, Option<ErrorClass>) = (
    "failed",
    ConnectionOutcome::Failed,
    Some(ErrorClass::Unavailable),
);
const LEFT_ALONE: (&str, ConnectionOutcome, Option<ErrorClass>) = (
    "failed",
    ConnectionOutcome::Skipped,
    Some(ErrorClass::CircuitOpen),
);

async fn a_depot_whose_provider_is_down(fixture: &Fixture) -> (Fleet, Provider) {
    let down = Account::fleet("north", 1).with_fault(Fault::Unavailable);
    let provider = Provider::serve(&fixture.clock, [down]).await;
    let depot = a_workspace("north")
        .through(provider.connection("sim-main", "north"))
        .with(
            a_device("bus-1")
                .called("vehicle-001")
                .silent_for(minutes(30)),
        )
        .create(fixture)
        .await;
    (depot, provider)
}

#[tokio::test]
async fn after_five_failures_only_a_probe_asks_on_whichever_instance() {
    let fixture = Fixture::create().await;
    let (depot, provider) = a_depot_whose_provider_is_down(&fixture).await;
    let instances = [fixture.core.clone(), fixture.another_instance()];
    for n in 0..5 {
        assert_eq!(
            seen(&cycle(&depot, &instances[n % 2], &provider).await),
            DOWN
        );
        fixture.clock.advance(minutes(5));
    }
    assert_eq!(provider.requests("north"), 15);

    let left_alone = cycle(&depot, &instances[1], &provider).await;
    assert_eq!(seen(&left_alone), LEFT_ALONE);
    let detail = &left_alone.polls[0]
        .report
        .error
        .as_ref()
        .expect("why")
        .detail;
    assert_eq!(
        detail,
        "the last 5 polls failed; it is asked again at 2026-11-23T08:30:00Z"
    );
    assert_eq!(provider.requests("north"), 15, "nobody was asked");
    let ended = depot.events("WorkspacePollIngestCompleted").await;
    let summary = &ended.last().expect("an end").1["result_summary"];
    assert_eq!(summary["connections_failed"], 1);

    fixture.clock.advance(minutes(5));
    assert_eq!(seen(&cycle(&depot, &instances[0], &provider).await), DOWN);
    assert_eq!(provider.requests("north"), 16, "one request, and no second");
    fixture.clock.advance(minutes(5));
    assert_eq!(
        seen(&cycle(&depot, &instances[1], &provider).await),
        LEFT_ALONE
    );

    provider.clear_fault("north");
    fixture.clock.advance(minutes(5));
    assert_eq!(
        cycle(&depot, &instances[1], &provider).await.status,
        "completed"
    );
    fixture.clock.advance(minutes(5));
    assert_eq!(
        cycle(&depot, &instances[0], &provider).await.status,
        "completed"
    );
}

#[tokio::test]
async fn health_still_names_what_the_provider_failed_at() {
    let fixture = Fixture::create().await;
    let (depot, provider) = a_depot_whose_provider_is_down(&fixture).await;
    for _ in 0..6 {
        cycle(&depot, &depot.core, &provider).await;
        fixture.clock.advance(minutes(5));
    }
    let now = fixture.clock.now();
    let report = evaluate_workspace(&depot.core, &depot.id, HealthAt::Present(now)).await;
    let report = report.expect("the health of the workspace");
    let cause = report.devices[0].cause;
    let reason = cause.map(|cause| cause.reason);
    assert_eq!(reason, Some(Reason::ProviderUnavailable));
}

#[tokio::test]
async fn a_changed_connection_is_asked_at_once() {
    let fixture = Fixture::create().await;
    let (depot, provider) = a_depot_whose_provider_is_down(&fixture).await;
    for _ in 0..6 {
        cycle(&depot, &depot.core, &provider).await;
        fixture.clock.advance(minutes(1));
    }
    provider.clear_fault("north");
    let connection = provider.connection("sim-main", "north");
    depot.connect(connection.reporting_every_minutes(30)).await;
    assert_eq!(
        cycle(&depot, &depot.core, &provider).await.status,
        "completed"
    );
}

#[tokio::test]
async fn a_breaker_that_is_off_asks_every_time() {
    let fixture = Fixture::create().await;
    let (depot, provider) = a_depot_whose_provider_is_down(&fixture).await;
    let mut core = depot.core.clone();
    core.rules.breaker.failures = 0;
    for _ in 0..7 {
        assert_eq!(seen(&cycle(&depot, &core, &provider).await), DOWN);
    }
}
