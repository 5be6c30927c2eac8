//! The indicators' shape and definitions. What they count is told by the stories of `application`.

use serde_json::{Value, json};
use testkit::{a_device, a_report, a_workspace, minutes, seconds, start};

use crate::service::{NORTH, Service, VIEWER};

const PATH: &str = "/workspaces/depot-north/indicators";

#[tokio::test]
async fn every_window_has_every_figure_and_every_figure_its_definition() {
    let workspace = a_workspace(NORTH)
        .registered_for(minutes(20))
        .with(a_device("bus-1").silent_for(minutes(4)))
        .with(a_device("bus-2").silent_for(minutes(12)))
        .with(a_device("never"));
    let (service, depot) = Service::with(workspace).await;
    let slot = depot
        .record()
        .await
        .workspace
        .schedule()
        .slot_at_or_after(start());
    service
        .fixture
        .clock
        .advance(slot - service.fixture.clock.now());
    let triggered = depot.trigger(Some(slot)).await;
    let late = triggered.due_at - slot + minutes(1) / 4;
    service.fixture.clock.advance(late);
    let cycle = depot.claim(triggered.cycle_id).await.expect("a claim");
    depot
        .record_reports(&cycle, [a_report("sim-main").naming(2, 3)])
        .await;
    depot.finish(&cycle).await;
    let answer = service.get(VIEWER, PATH).await.of(200);
    let now = service.fixture.clock.now();
    assert_eq!(answer["evaluated_at"], json!(now));
    assert_eq!(answer["workspace_id"], NORTH);
    let silent = |for_minutes: i64| (now - start()).num_seconds() + 60 * for_minutes;
    let cycles = json!({
        "scheduled": 1, "completed": 1, "partial": 0, "failed": 0, "missed": 0, "skipped": 0, "expired": 0,
        "abandoned": 0, "open": 0, "success_percent": 100.0,
    });
    for window in ["1h", "24h", "7d"] {
        let mut figures = answer["windows"][window].clone();
        let within = figures["within_5_minutes_percent"].take();
        assert!(
            within
                .as_f64()
                .is_some_and(|share| share > 0.0 && share < 100.0),
            "{within}"
        );
        assert_eq!(
            figures,
            json!({
                "cycles": cycles,
                "age_seconds": {"p50": silent(4), "p95": silent(12), "p99": silent(12)},
                "lag_seconds": {"p50": 0, "p95": 0, "p99": 0},
                "start_deviation_seconds": {"p50": 15.0, "p95": 15.0, "max": 15.0},
                "coverage_percent": 66.67,
                "within_5_minutes_percent": null,
            })
        );
    }
    let definitions = answer["definitions"].as_object().expect("definitions");
    let figures = answer["windows"]["1h"].as_object().expect("figures");
    for figure in figures
        .keys()
        .map(String::as_str)
        .chain(["success_percent"])
    {
        for part in ["numerator", "denominator", "excluded"] {
            assert!(definitions[figure][part].is_string(), "{figure} {part}");
        }
    }
}

#[tokio::test]
async fn what_there_is_nothing_of_is_null() {
    let (service, _) = Service::with(a_workspace(NORTH).registered_for(seconds(0))).await;
    let answer = service.get(VIEWER, PATH).await.of(200);
    let nothing = json!({
        "cycles": {
            "scheduled": 0, "completed": 0, "partial": 0, "failed": 0, "missed": 0, "skipped": 0, "expired": 0,
            "abandoned": 0, "open": 0, "success_percent": null,
        },
        "age_seconds": {"p50": null, "p95": null, "p99": null},
        "lag_seconds": {"p50": null, "p95": null, "p99": null},
        "start_deviation_seconds": {"p50": null, "p95": null, "max": null},
        "coverage_percent": null,
        "within_5_minutes_percent": null,
    });
    for window in ["1h", "24h", "7d"] {
        assert_eq!(answer["windows"][window], nothing, "{window}");
    }
    let parameter = format!("{PATH}?window=1h");
    service.get(VIEWER, &parameter).await.names(&["window"]);
    let nobody: Value = service
        .get(
            crate::service::SUPPORT,
            "/workspaces/depot-nowhere/indicators",
        )
        .await
        .problem(404, "not-found");
    assert_eq!(nobody["status"], 404);
}
