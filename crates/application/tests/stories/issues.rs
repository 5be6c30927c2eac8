//! Issues, of what cycles and batches have left in the records.

use application::commands::CutoverCommand;
use application::polling::run_cycle;
use application::queries::{
    Evidence, FoundIssue, IssueFilter, IssueReport, PageRequest, find_issues,
};
use bf_depot_sim::{Account, Fault};
use domain::fleet::{CutoverPatch, PollOwner};
use domain::ids::CycleId;
use domain::polling::ErrorClass;
use testkit::{
    DeviceBuilder, Fixture, Fleet, a_connection, a_device, a_report, a_workspace, an_update,
    eventually, minutes, seconds, start,
};

use crate::provider::Provider;

async fn report(depot: &Fleet) -> IssueReport {
    let now = depot.core.clock.now();
    find_issues(&depot.core, &depot.id, now)
        .await
        .expect("the issues of the workspace")
}

/// Codes with the ids of the devices, and where each leads.
async fn issues(depot: &Fleet) -> Vec<(&'static str, Vec<String>, Evidence)> {
    let report = report(depot).await;
    let everything = PageRequest {
        after: None,
        limit: 1_000,
    };
    let page = report.list(IssueFilter::default(), &everything);
    page.items
        .into_iter()
        .map(|FoundIssue { issue, evidence }| {
            let ids = issue
                .impacted
                .iter()
                .map(|found| found.device_id.to_string());
            (issue.code.as_str(), ids.collect(), evidence)
        })
        .collect()
}

/// One device for each vehicle of an account.
fn fleet_of(count: usize) -> impl Iterator<Item = DeviceBuilder> {
    (1..=count).map(|n| a_device(&format!("bus-{n:02}")).called(&format!("vehicle-{n:03}")))
}

async fn cycle(depot: &Fleet, provider: &Provider) -> CycleId {
    let cycle_id = depot.trigger(None).await.cycle_id;
    let cycle = depot.claim(cycle_id).await.expect("a claim");
    run_cycle(&depot.core, &provider.clients(), &cycle)
        .await
        .expect("a cycle");
    cycle_id
}

#[tokio::test]
async fn an_outage_is_one_issue_from_its_first_failed_cycle_until_the_provider_is_back() {
    let fixture = Fixture::create().await;
    let provider = Provider::serve(&fixture.clock, [Account::fleet("main", 20)]).await;
    let depot = a_workspace("north")
        .through(provider.connection("sim-main", "main"))
        .with_all(fleet_of(20))
        .create(&fixture)
        .await;
    cycle(&depot, &provider).await;
    assert!(issues(&depot).await.is_empty());

    provider.set_fault("main", Fault::Unavailable);
    let mut failed = Vec::new();
    for _ in 0..3 {
        fixture.clock.advance(minutes(5));
        failed.push(cycle(&depot, &provider).await);
    }
    fixture.clock.advance(seconds(1));
    let found = issues(&depot).await;
    assert_eq!(found.len(), 1, "{found:?}");
    let (code, ids, evidence) = &found[0];
    assert_eq!((*code, ids.len()), ("provider_unavailable", 20));
    assert_eq!(evidence.cycle_ids, [failed[0], failed[2]]);
    let error = evidence.error.as_deref().expect("what it answered");
    assert!(error.starts_with("unavailable: "), "{error}");
    assert!(error.contains("503"), "{error}");

    provider.clear_fault("main");
    fixture.clock.advance(minutes(5));
    cycle(&depot, &provider).await;
    assert!(issues(&depot).await.is_empty());
}

#[tokio::test]
async fn evidence_leads_to_where_each_cause_shows() {
    let fixture = Fixture::create().await;
    let silent = |id: &str| a_device(id).silent_for(minutes(30));
    let depot = a_workspace("north")
        .through(a_connection("sim-main"))
        .through(a_connection("sim-off").disabled())
        .with_all([silent("ahead"), silent("frozen"), silent("lost")])
        .with(a_device("off").through("sim-off"))
        .create(&fixture)
        .await;
    let then = depot.seen_by(fixture.core_at(start() - minutes(2)));
    let polled = then.polled([a_report("sim-main").missing(["lost"])]).await;
    then.push([an_update("ahead")
        .observed(start() + minutes(60))
        .with("speed_kmh", 1)])
        .await;
    let leads_to = |cycle_ids: &[CycleId], error: Option<&str>| Evidence {
        cycle_ids: cycle_ids.to_vec(),
        error: error.map(str::to_owned),
    };
    let device = |id: &str| vec![id.to_owned()];
    assert_eq!(
        issues(&depot).await,
        [
            (
                "no_new_reading",
                device("frozen"),
                leads_to(&[polled], None)
            ),
            (
                "not_returned_by_provider",
                device("lost"),
                leads_to(&[polled], None)
            ),
            ("polling_disabled", device("off"), leads_to(&[], None)),
            (
                "updates_rejected",
                device("ahead"),
                leads_to(&[polled], Some("future_timestamp"))
            ),
        ]
    );

    fixture.clock.advance(minutes(10));
    let found = issues(&depot).await;
    let codes: Vec<_> = found
        .iter()
        .map(|(code, ids, _)| (*code, ids.len()))
        .collect();
    assert_eq!(codes, [("cycles_not_running", 3), ("polling_disabled", 1)]);
    assert_eq!(found[0].2, leads_to(&[polled], None));

    let patch = CutoverPatch {
        poll_owner: Some(PollOwner::Legacy),
        ..CutoverPatch::default()
    };
    depot.change_flags(CutoverCommand::Patch(patch)).await;
    let found = issues(&depot).await;
    assert!(found.iter().all(|(code, ..)| *code == "polling_disabled"));
}

/// A reader that saw what a poll has recorded without what it brought would call a device silent that has
/// just been heard of. Here it is held up between the devices and the polls.
#[tokio::test]
async fn a_reader_sees_everything_as_of_one_instant() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1").silent_for(minutes(30)))
        .create(&fixture)
        .await;
    let then = depot.seen_by(fixture.core_at(start() - minutes(2)));
    let down = a_report("sim-main").failed(ErrorClass::Unavailable);
    then.polled([down]).await;
    let triggered = depot.trigger(None).await.cycle_id;
    let cycle = depot.claim(triggered).await.expect("a claim");

    let mut lock = fixture.store().pool().begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE provider_connections IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *lock)
        .await
        .expect("the table's lock");
    let reader = depot.seen_by(fixture.another_instance());
    let reading = tokio::spawn(async move { issues(&reader).await });
    eventually("the reader waits", async || {
        fixture.database.sessions_waiting().await == 1
    })
    .await;
    depot.push([an_update("bus-1").with("speed_kmh", 3)]).await;
    depot.record_reports(&cycle, [a_report("sim-main")]).await;
    lock.rollback().await.expect("the lock is given up");

    let seen = reading.await.expect("an answer");
    let codes: Vec<_> = seen.iter().map(|(code, ..)| *code).collect();
    assert_eq!(codes, ["provider_unavailable"], "as it was");
    depot.finish(&cycle).await;
    let seen = issues(&depot).await;
    let codes: Vec<_> = seen.iter().map(|(code, ..)| *code).collect();
    assert_eq!(codes, ["signal_missing_or_stale"], "as it is");
}
