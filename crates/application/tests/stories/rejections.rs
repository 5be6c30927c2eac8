//! What is kept of refused updates: counted, capped, with the batch that they were in.

use application::polling::run_cycle;
use bf_depot_sim::Account;
use domain::acceptance::{Item, KeptRejection, REJECTIONS_AT_MOST, RejectReason, RejectionFilter};
use domain::ids::ExternalId;
use telemetry::metrics::Exporter;
use testkit::{
    Fixture, Fleet, UpdateBuilder, a_connection, a_device, a_report, a_workspace, an_envelope,
    an_update, minutes, seconds, start, statements_of, words_of,
};

use crate::provider::Provider;

pub async fn kept(depot: &Fleet, reason: RejectReason) -> Vec<KeptRejection> {
    let filter = RejectionFilter {
        reason: Some(reason),
        ..RejectionFilter::default()
    };
    depot
        .core
        .store
        .rejections(&depot.id, &filter, None, 100_000)
        .await
        .expect("the store")
}

pub async fn counted(depot: &Fleet, reason: RejectReason) -> i64 {
    let counts = depot.core.store.rejection_counts(&depot.id).await;
    let counts = counts.expect("the store");
    let of_reason = counts.iter().find(|(counted, _)| *counted == reason);
    of_reason.map_or(0, |(_, count)| *count)
}

pub fn unknown(name: &str) -> UpdateBuilder {
    an_update("any")
        .from_unit("sim-main", name)
        .with("speed_kmh", 1)
}

#[tokio::test]
async fn polls_and_pushes_keep_rejections_in_one_place() {
    let fixture = Fixture::create().await;
    let provider = Provider::serve(&fixture.clock, [Account::fleet("main", 3)]).await;
    let depot = a_workspace("north")
        .through(provider.connection("sim-main", "main"))
        .with(a_device("bus-1").called("vehicle-001"))
        .create(&fixture)
        .await;
    let cycle_id = depot.trigger(None).await.cycle_id;
    let cycle = depot.claim(cycle_id).await.expect("a claim");
    run_cycle(&depot.core, &provider.clients(), &cycle)
        .await
        .expect("a cycle");
    let polled = kept(&depot, RejectReason::UnknownDevice).await;
    let names: Vec<_> = polled
        .iter()
        .filter_map(|kept| kept.key.external_id.as_ref())
        .map(ExternalId::as_str)
        .collect();
    assert_eq!(names, ["vehicle-002", "vehicle-003"]);
    assert!(polled.iter().all(|kept| kept.cycle_id == Some(cycle_id)));
    let of_second = polled[0].count;

    fixture.clock.advance(minutes(1));
    depot.push([unknown("vehicle-002")]).await;
    let both = kept(&depot, RejectReason::UnknownDevice).await;
    assert_eq!(both[0].count, of_second + 1);
    assert_eq!(both[0].cycle_id, None, "the latest was pushed");
    assert_eq!(
        (both[0].first_seen_at, both[0].last_seen_at),
        (start(), start() + minutes(1))
    );
    assert_eq!(both[1], polled[1]);
}

#[tokio::test]
async fn rejected_envelopes_are_kept_beside_rejected_updates() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .through(a_connection("sim-main"))
        .through(a_connection("off").disabled())
        .create(&fixture)
        .await;
    let reporting = |number| an_envelope(number).reporting("demo_001", "speed_kmh", 71);
    depot
        .forward([
            reporting(1).through("sim-main"),
            reporting(2).through("off"),
        ])
        .await;
    // The same envelope again is nothing new.
    depot.forward([reporting(1).through("sim-main")]).await;
    let unknown = kept(&depot, RejectReason::UnknownDevice).await;
    assert_eq!(unknown.len(), 1);
    assert_eq!(unknown[0].count, 1);
    let disabled = kept(&depot, RejectReason::ConnectionDisabled).await;
    let name = disabled[0].key.external_id.as_ref().map(ExternalId::as_str);
    assert_eq!((disabled.len(), name), (1, Some("demo_001")));
}

#[tokio::test]
async fn a_device_that_is_configured_is_unknown_no_more() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .through(a_connection("sim-main"))
        .through(a_connection("sim-other"))
        .create(&fixture)
        .await;
    let at_other = an_update("any")
        .from_unit("sim-other", "b2C")
        .with("speed_kmh", 1);
    let by_id = |id: &str| an_update(id).with("speed_kmh", 1);
    depot
        .push([
            unknown("b2C"),
            unknown("x"),
            at_other,
            by_id("bus-1"),
            by_id("bus-2"),
        ])
        .await;
    assert_eq!(kept(&depot, RejectReason::UnknownDevice).await.len(), 5);

    depot.configure(a_device("bus-1").called("b2C")).await;
    let left: Vec<_> = kept(&depot, RejectReason::UnknownDevice)
        .await
        .iter()
        .map(|kept| {
            let name = kept.key.external_id.as_ref().map(ToString::to_string);
            name.or(kept.key.device_id.as_ref().map(ToString::to_string))
        })
        .collect();
    let left: Vec<_> = left.iter().flatten().map(String::as_str).collect();
    assert_eq!(
        left,
        ["bus-2", "x", "b2C"],
        "and the name at another connection"
    );
    assert_eq!(
        counted(&depot, RejectReason::UnknownDevice).await,
        5,
        "what was counted stays so"
    );
}

#[tokio::test]
async fn the_oldest_rejections_go_and_all_are_counted() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .through(a_connection("sim-main"))
        .through(a_connection("sim-other"))
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    let elsewhere = an_update("any")
        .from_unit("sim-other", "x")
        .with("speed_kmh", 1);
    let ahead = an_update("bus-1")
        .observed(start() + minutes(9))
        .with("speed_kmh", 1);
    depot.push([elsewhere, ahead]).await;
    let names = |from: usize, to: usize| (from..to).map(|n| format!("x{n:05}"));
    depot
        .push(names(0, REJECTIONS_AT_MOST).map(|name| unknown(&name)))
        .await;
    fixture.clock.advance(seconds(1));
    depot.push(names(0, 10).map(|name| unknown(&name))).await;
    fixture.clock.advance(seconds(1));
    depot
        .push(names(REJECTIONS_AT_MOST, REJECTIONS_AT_MOST + 3).map(|name| unknown(&name)))
        .await;

    let kept_now = kept(&depot, RejectReason::UnknownDevice).await;
    let of_main: Vec<&str> = kept_now
        .iter()
        .filter(|kept| {
            kept.key
                .provider_id
                .as_ref()
                .is_some_and(|id| id.as_str() == "sim-main")
        })
        .filter_map(|kept| kept.key.external_id.as_ref())
        .map(ExternalId::as_str)
        .collect();
    assert_eq!(of_main.len(), REJECTIONS_AT_MOST);
    assert!(of_main.contains(&"x00000"), "seen again since");
    assert!(of_main.contains(&"x01002"), "new");
    assert_eq!(kept_now.len(), REJECTIONS_AT_MOST + 1, "of each connection");
    assert_eq!(kept(&depot, RejectReason::FutureTimestamp).await.len(), 1);
    let all = i64::try_from(REJECTIONS_AT_MOST + 14).expect("some");
    assert_eq!(counted(&depot, RejectReason::UnknownDevice).await, all);
}

#[tokio::test]
async fn a_batch_that_is_undone_leaves_no_rejections() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    let cycle_id = depot.trigger(None).await.cycle_id;
    let cycle = depot.claim(cycle_id).await.expect("a claim");
    depot.record_reports(&cycle, [a_report("sim-main")]).await;
    depot.finish(&cycle).await;
    let source = domain::acceptance::Source::Cycle {
        cycle_id,
        lease: cycle.lease,
    };
    let refused = depot.accept(&[unknown("x").into()], source).await;
    assert!(refused.is_err(), "the lease is over");
    assert!(kept(&depot, RejectReason::UnknownDevice).await.is_empty());
    assert_eq!(counted(&depot, RejectReason::UnknownDevice).await, 0);
}

/// The law is the same as for what is accepted: statements are of a batch, never of an item.
#[tokio::test]
async fn many_refused_updates_cost_no_more_statements_than_one() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    let statements = async |items: Vec<Item>| {
        let (_, statements) = statements_of(depot.push(items)).await;
        statements.len()
    };
    let at = |second| start() - seconds(60) + seconds(second);
    let accepted = |second| an_update("bus-1").observed(at(second)).with("speed_kmh", 1);
    let with = |second: i64, refused: std::ops::Range<usize>| -> Vec<Item> {
        let refused = refused.map(|n| unknown(&format!("x{n}")).into());
        std::iter::once(accepted(second).into())
            .chain(refused)
            .collect()
    };
    // The instance has read the registry by then.
    statements(with(0, 0..0)).await;

    let of_none = statements(with(1, 0..0)).await;
    let of_single = statements(with(2, 0..1)).await;
    let of_many = statements(with(3, 1..501)).await;
    let of_the_same_again = statements(with(4, 1..501)).await;
    assert!(
        of_none < of_single,
        "{of_none} {of_single}: none are for nothing"
    );
    assert_eq!(of_many, of_single);
    assert!(
        of_the_same_again <= of_single,
        "{of_the_same_again} {of_single}"
    );
    assert_eq!(kept(&depot, RejectReason::UnknownDevice).await.len(), 501);
}

#[tokio::test]
async fn every_outcome_is_counted_in_the_metrics_once_it_is_committed() {
    let metrics = Exporter::on_this_thread().expect("a sound catalogue");
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    let update = |offset: i64| an_update("bus-1").observed(start() + seconds(offset));
    let judged = depot
        .push([
            update(0).with("speed_kmh", 1),
            update(0).with("speed_kmh", 1),
            update(-1).with("speed_kmh", 2),
            update(301).with("speed_kmh", 3),
            update(301).with("speed_kmh", 3),
            unknown("x"),
        ])
        .await;
    assert_eq!(
        words_of(&judged),
        [
            "accepted",
            "duplicate",
            "stale",
            "future_timestamp",
            "future_timestamp",
            "unknown_device"
        ]
    );
    for line in [
        r#"telematics_updates_total{outcome="accepted",reason=""} 1"#,
        r#"telematics_updates_total{outcome="duplicate",reason=""} 1"#,
        r#"telematics_updates_total{outcome="stale",reason=""} 1"#,
        r#"telematics_updates_total{outcome="rejected",reason="future_timestamp"} 2"#,
        r#"telematics_updates_total{outcome="rejected",reason="unknown_device"} 1"#,
    ] {
        assert!(metrics.has(line), "{line} in\n{}", metrics.render());
    }
}
