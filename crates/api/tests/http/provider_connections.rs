//! Provider connections.

use serde_json::{Value, json};
use testkit::{a_device, a_workspace};

use crate::service::{NORTH, SUPPORT, SYSTEM_ADMIN, Service};

const GEOTAB: &str = "/workspaces/depot-north/provider-connections/geotab-main";

fn geotab() -> Value {
    json!({"provider_type": "geotab", "base_url": "https://my.geotab.com/apiv1", "credential_ref": "env:PROVIDER_GEOTAB_NORTH",
           "enabled": true, "expected_reporting_interval_minutes": null, "settings": {"database": "north"}})
}

#[tokio::test]
async fn a_connection_is_configured_shown_and_listed_alike() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    let put = service.put(SYSTEM_ADMIN, GEOTAB, &geotab()).await;
    let shown = put.of(201);
    let mut expected = geotab();
    expected["provider_id"] = json!("geotab-main");
    for (name, member) in expected.as_object().expect("an object") {
        assert_eq!(shown[name], *member, "{name}");
    }
    assert_eq!(put.version(), 1);
    assert_eq!(service.get(SUPPORT, GEOTAB).await.of(200), shown);
    let listed = service
        .get(SUPPORT, "/workspaces/depot-north/provider-connections")
        .await
        .of(200);
    assert_eq!(listed["provider_connections"][0], shown);
    assert_eq!(listed["provider_connections"][1]["provider_id"], "sim-main");
}

#[tokio::test]
async fn every_type_of_the_contract_is_known() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    for provider_type in ["geotab", "samsara", "rfms", "viriciti", "depot_sim"] {
        let path = format!("/workspaces/depot-north/provider-connections/{provider_type}");
        let body = json!({"provider_type": provider_type, "base_url": "https://my.geotab.com"});
        let shown = service.put(SYSTEM_ADMIN, &path, &body).await.of(201);
        assert_eq!(
            (
                &shown["enabled"],
                &shown["credential_ref"],
                &shown["settings"]
            ),
            (&json!(true), &Value::Null, &json!({}))
        );
    }
}

#[tokio::test]
async fn a_simulators_connection_is_read_whole_or_by_changes_and_others_have_settings_of_their_own()
{
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    let path = "/workspaces/depot-north/provider-connections/feed";
    let body = |provider_type: &str, feed: Value| {
        json!({"provider_type": provider_type, "base_url": "https://my.geotab.com",
               "settings": {"feed": feed}})
    };
    let put = async |path, body: Value| service.put(SYSTEM_ADMIN, path, &body).await;
    for wrong in [json!("some"), json!(null), json!(1)] {
        let refused = put(path, body("depot_sim", wrong)).await.of(400);
        assert_eq!(refused["errors"][0]["pointer"], "/settings/feed");
    }
    let first = put(path, body("depot_sim", json!("changes"))).await.of(201);
    assert_eq!(first["settings"]["feed"], "changes");
    put(path, body("depot_sim", json!("whole"))).await.of(200);
    let path = "/workspaces/depot-north/provider-connections/geotab";
    put(path, body("geotab", json!("some"))).await.of(201);
}

#[tokio::test]
async fn loopback_is_for_dev_only() {
    let simulator =
        json!({"provider_type": "depot_sim", "base_url": "http://127.0.0.1:8090/accounts/a"});
    for loopback_http in [true, false] {
        let service =
            Service::start_with(|state| state.addresses.loopback_http = loopback_http).await;
        a_workspace(NORTH).create(&service.fixture).await;
        let put = service.put(SYSTEM_ADMIN, GEOTAB, &simulator).await;
        if loopback_http {
            put.of(201);
        } else {
            put.names(&["/base_url"]);
        }
    }
}

#[tokio::test]
async fn a_connection_in_use_stays_and_a_type_is_for_good() {
    let (service, fleet) = Service::with(a_workspace(NORTH).with(a_device("bus-1"))).await;
    let sim = "/workspaces/depot-north/provider-connections/sim-main";
    service
        .delete(SYSTEM_ADMIN, sim)
        .await
        .problem(409, "conflict");
    service
        .put(SYSTEM_ADMIN, sim, &geotab())
        .await
        .problem(409, "conflict");
    fleet.deactivate("bus-1").await;
    assert_eq!(service.delete(SYSTEM_ADMIN, sim).await.status, 204);
    service
        .get(SYSTEM_ADMIN, sim)
        .await
        .problem(404, "not-found");
    service
        .delete(SYSTEM_ADMIN, sim)
        .await
        .problem(404, "not-found");
}

/// Whatever is refused is not repeated: whoever mistakes a member may have put a secret there.
#[tokio::test]
async fn a_credential_comes_from_two_places_and_an_address_carries_none() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    let put = async |member: &str, value: &str| {
        let mut connection = geotab();
        connection[member] = json!(value);
        service.put(SYSTEM_ADMIN, GEOTAB, &connection).await
    };
    for reference in [
        "",
        "s3cret",
        "env:DATABASE_URL",
        "env:PROVIDER_",
        "env:provider_s3cret",
        "env:PROVIDER_A,PROVIDER_B",
        "env:PROVIDER_A\n",
        "ENV:PROVIDER_A",
        " env:PROVIDER_A",
        "file:",
        "file:/etc/passwd",
        "file:..",
        "file:../s3cret",
        "file:a/../../s3cret",
        "file:a/./b",
        "file:a//b",
        "file:a/",
        "file:a\\b",
        "file:%2e%2e/s3cret",
        "file:a\u{0}",
        "file://host/s3cret",
        "vault:s3cret",
        "https://s3cret.example",
    ] {
        let refused = put("credential_ref", reference).await;
        refused.names(&["/credential_ref"]);
        assert!(!refused.text().contains("s3cret"), "{}", refused.text());
    }
    for base_url in [
        "https://core:s3cret@my.geotab.com/apiv1",
        "https://s3cret@my.geotab.com",
        "https://my.geotab.com/apiv1?key=s3cret",
        "https://my.geotab.com/apiv1#s3cret",
        "https://s3cret.example",
        "https://my.geotab.com@s3cret.example",
        "http://my.geotab.com/s3cret",
        "https://169.254.169.254/s3cret",
        "file:///s3cret",
        "s3cret",
        "",
    ] {
        let refused = put("base_url", base_url).await;
        refused.names(&["/base_url"]);
        assert!(!refused.text().contains("s3cret"), "{}", refused.text());
    }
}
