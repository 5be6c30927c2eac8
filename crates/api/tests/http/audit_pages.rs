//! The audit as it is asked for: by filters and by pages.

use serde_json::{Value, json};
use testkit::{a_device, a_workspace, minutes, seconds};

use crate::audit::changes;
use crate::service::{ADMIN, SYSTEM_ADMIN, Service};

/// Two workspaces, changed by two people, a minute apart.
async fn two_depots() -> Service {
    let service = Service::start().await;
    for id in ["depot-north", "depot-south"] {
        a_workspace(id)
            .with_all(["bus-1", "bus-2"].map(a_device))
            .create(&service.fixture)
            .await;
    }
    service.fixture.clock.advance(minutes(1));
    let renamed = json!({"name": "Depot South", "active": true});
    service
        .put(SYSTEM_ADMIN, "/workspaces/depot-south", &renamed)
        .await
        .of(200);
    service.fixture.clock.advance(minutes(1));
    service
        .delete(ADMIN, "/workspaces/depot-north/devices/bus-2")
        .await;
    service
}

#[tokio::test]
async fn filters_leave_out_what_is_not_asked_for() {
    let service = two_depots().await;
    let all = changes(&service, "").await;
    for (query, expected) in [
        (
            "&workspace=depot-north",
            all.iter()
                .filter(|change| change["workspace_id"] == "depot-north")
                .count(),
        ),
        ("&workspace=depot-west", 0),
        ("&type=DeviceConfigured", 4),
        ("&type=DeviceConfigured&workspace=depot-south", 2),
        ("&changed_by=anna", all.len() - 2),
        ("&changed_by=person:dev-user", 2),
        ("&changed_by=person:nobody", 0),
        ("&device=bus-2", 3),
        ("&device=bus-2&type=DeviceDeactivated", 1),
        ("&from=2026-11-23T08:01:00Z", 2),
        ("&from=2026-11-23T08:01:00.000001Z", 1),
        ("&to=2026-11-23T08:01:00Z", all.len() - 2),
        (
            "&from=2026-11-23T09:01:00%2B01:00&to=2026-11-23T09:02:00%2B01:00",
            1,
        ),
        ("&from=2026-11-24T00:00:00Z", 0),
    ] {
        let listed = changes(&service, query).await;
        assert_eq!(listed.len(), expected, "{query}");
        assert!(listed.iter().all(|change| all.contains(change)), "{query}");
    }
    assert_eq!(
        (&all[0]["type"], &all[1]["type"]),
        (&json!("DeviceDeactivated"), &json!("WorkspaceConfigured")),
        "newest first"
    );
}

#[tokio::test]
async fn a_wrong_filter_is_named() {
    let service = Service::start().await;
    for (query, named) in [
        ("workspace=a:b", "workspace"),
        ("type=SomethingElse", "type"),
        ("type=TelematicsUpdateAccepted", "type"),
        ("changed_by=", "changed_by"),
        ("changed_by=a%00", "changed_by"),
        ("device=-", "device"),
        ("from=yesterday", "from"),
        ("from=2026-11-23T08:00:00", "from"),
        ("to=2026-11-23", "to"),
        ("at=2026-11-23T08:00:00Z", "at"),
        ("limit=0", "limit"),
        ("changed_by=anna&changed_by=anna", "changed_by"),
        ("cursor=abc", "cursor"),
    ] {
        service
            .get(SYSTEM_ADMIN, &format!("/audit?{query}"))
            .await
            .names(&[named]);
    }
}

#[tokio::test]
async fn pages_are_whole_while_changes_go_on() {
    let service = two_depots().await;
    let whole = changes(&service, "").await;
    for limit in 1..=whole.len() {
        let (mut read, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/audit?limit={limit}{cursor}");
            let page = service.get(SYSTEM_ADMIN, &path).await.of(200);
            read.extend(page["changes"].as_array().expect("changes").clone());
            // Somebody changes something between any two pages, now and then in the same instant.
            service
                .fixture
                .clock
                .advance(seconds(i64::from(read.len() % 2 == 0)));
            let name = format!("Depot {limit} {}", read.len());
            let renamed = json!({"name": name, "active": true});
            service
                .put(SYSTEM_ADMIN, "/workspaces/depot-south", &renamed)
                .await
                .of(200);
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let known: Vec<&Value> = read
            .iter()
            .filter(|change| whole.contains(change))
            .collect();
        assert_eq!(known.len(), whole.len(), "limit {limit}");
        assert!(
            known.iter().zip(&whole).all(|(read, whole)| *read == whole),
            "limit {limit}"
        );
        let mut ids: Vec<String> = read
            .iter()
            .map(|change| change["event_id"].to_string())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), read.len(), "limit {limit}: none twice");
    }
    let first = service
        .get(SYSTEM_ADMIN, "/audit?limit=1&changed_by=anna")
        .await
        .of(200);
    let next = first["next_cursor"].as_str().expect("a cursor");
    for other in ["", "&changed_by=person:dev-user"] {
        service
            .get(
                SYSTEM_ADMIN,
                &format!("/audit?limit=1{other}&cursor={next}"),
            )
            .await
            .names(&["cursor"]);
    }
}
