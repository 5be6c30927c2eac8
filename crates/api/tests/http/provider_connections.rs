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
