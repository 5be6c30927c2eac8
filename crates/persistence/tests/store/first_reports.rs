//! First reports: which activations are known to have reported.

use persistence::Store;
use testkit::{Fixture, a_device, a_workspace, an_update, minutes};

async fn unreported(store: &Store) -> Vec<String> {
    sqlx::query_scalar("SELECT device_id FROM devices WHERE unreported ORDER BY device_id")
        .fetch_all(store.pool())
        .await
        .expect("devices")
}

#[tokio::test]
async fn upkeep_notes_the_devices_that_have_reported_once() {
    let fixture = Fixture::create().await;
    let store = fixture.store();
    let reporting = |id| a_device(id).silent_for(minutes(20));
    let depot = a_workspace("north")
        .with(a_device("never"))
        .with_all(["refitted", "reported", "retired"].map(reporting))
        .create(&fixture)
        .await;
    depot.deactivate("retired").await;
    assert_eq!(unreported(store).await, ["never", "refitted", "reported"]);

    let to_note = async || {
        let found = store.workspaces_with_first_reports(10).await;
        found.expect("workspaces")
    };
    let note = async || store.note_first_reports(&depot.id).await.expect("a note");
    assert_eq!(to_note().await, std::slice::from_ref(&depot.id));
    assert_eq!(note().await, 2);
    assert_eq!(unreported(store).await, ["never"]);
    assert_eq!((to_note().await, note().await), (Vec::new(), 0));

    depot
        .configure(a_device("refitted").fitted_to("another"))
        .await;
    assert_eq!(unreported(store).await, ["never", "refitted"]);
    depot
        .push([an_update("refitted").with("speed_kmh", 1)])
        .await;
    assert_eq!(note().await, 1);
    assert_eq!(unreported(store).await, ["never"]);
}
