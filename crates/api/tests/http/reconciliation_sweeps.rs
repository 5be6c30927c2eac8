//! Asking for a sweep, and what it says of itself.

use std::sync::Arc;

use application::sweeps::{ExternalSystems, Sweeper};
use scheduling::InProcessSchedules;
use serde_json::{Value, json};
use testkit::a_workspace;
use tokio_util::sync::CancellationToken;

use crate::service::{Caller, NORTH, SYSTEM_ADMIN, Service};

const PATH: &str = "/reconciliation-sweeps";
const SWEEP: Caller = Caller::Machine("telematics/sweep");

#[tokio::test]
async fn a_sweep_is_asked_for_once_and_tells_what_it_found() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    let asked = service
        .call(SWEEP, &reqwest::Method::POST, PATH)
        .send()
        .await;
    let sweep_id = asked.of(202)["sweep_id"].take();
    let again = service.post(SYSTEM_ADMIN, PATH, &json!({})).await.of(202);
    assert_eq!(again["sweep_id"], sweep_id, "one at a time");
    let path = format!("{PATH}/{}", sweep_id.as_str().expect("an id"));
    let queued = service.get(SWEEP, &path).await.of(200);
    assert_eq!(
        (&queued["status"], &queued["schedules"]),
        (&json!("queued"), &Value::Null)
    );

    let schedules = InProcessSchedules::default();
    let sweeper = Sweeper::new(
        service.fixture.core.clone(),
        ExternalSystems::new(Some(Arc::new(schedules))),
    );
    sweeper
        .take_one(&CancellationToken::new())
        .await
        .expect("a sweep");
    let ended = service.get(SYSTEM_ADMIN, &path).await.of(200);
    assert_eq!(ended["status"], "completed");
    assert_eq!(
        ended["schedules"],
        json!({"outcome": "completed", "checked": 1, "in_line": 0, "pending": 1, "missing": 0, "changed": 0, "orphaned": 0,
               "foreign": 0, "not_repaired": 0, "error": null})
    );
    assert_eq!(
        ended["partitions"],
        json!({"outcome": "completed", "dropped": [], "raw_messages_dropped": [], "error": null})
    );
    assert_eq!(
        ended["legacy_registry"],
        json!({"outcome": "not_configured", "mirrored": 0, "error": null})
    );
    assert_eq!(
        ended["old_records"],
        json!({"outcome": "completed", "poll_cycles": 0, "sweeps": 0, "error": null})
    );
    let next = service.post(SWEEP, PATH, &json!({})).await.of(202);
    assert_ne!(next["sweep_id"], sweep_id);
    let nowhere = format!("{PATH}/019a0000-0000-7000-8000-000000000000");
    service.get(SWEEP, &nowhere).await.problem(404, "not-found");
}
