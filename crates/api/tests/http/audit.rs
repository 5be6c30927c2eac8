//! Who changed what: every change, and nothing but changes.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{a_device, a_workspace, minutes, seconds};

use crate::service::{Answer, Caller, INGEST, NORTH, POLL, SYSTEM_ADMIN, Service};

const FLAGS: [&str; 4] = [
    "device_registry_source",
    "poll_owner",
    "read_owner",
    "provider_mode",
];

pub async fn changes(service: &Service, query: &str) -> Vec<Value> {
    let path = format!("/audit?limit=1000{query}");
    match service.get(SYSTEM_ADMIN, &path).await.of(200)["changes"].take() {
        Value::Array(changes) => changes,
        other => panic!("changes are {other}"),
    }
}

/// A step of a story: what somebody asks for, and the type of the change that it is.
struct Step(Method, &'static str, Value, Option<&'static str>);

fn put(path: &'static str, body: Value, change: &'static str) -> Step {
    Step(Method::PUT, path, body, Some(change))
}

/// The same step again, which changes nothing.
fn again(step: &Step) -> Step {
    Step(step.0.clone(), step.1, step.2.clone(), None)
}

async fn take(service: &Service, caller: Caller, step: &Step) -> Answer {
    let Step(method, path, body, _) = step;
    let call = service.call(caller, method, path);
    if *method == Method::DELETE {
        call.send().await
    } else {
        call.json(body).await
    }
}

fn connection(enabled: bool) -> Value {
    json!({"provider_type": "geotab", "base_url": "https://my.geotab.com", "credential_ref": "env:PROVIDER_GEOTAB_NORTH",
           "enabled": enabled, "settings": {"group": "g1"}})
}

fn flags(values: [&str; 4]) -> Value {
    FLAGS
        .into_iter()
        .zip(values)
        .map(|(flag, value)| (flag.to_owned(), json!(value)))
        .collect()
}

/// Each command, what it changes, and once more where that changes nothing.
fn every_change() -> Vec<Step> {
    let north = "/workspaces/depot-north";
    let registered = put(
        north,
        json!({"name": "North", "active": true, "cutover": flags(["core", "core", "core", "mixed"])}),
        "WorkspaceConfigured",
    );
    let renamed = put(
        north,
        json!({"name": "Depot North", "active": true}),
        "WorkspaceConfigured",
    );
    let deactivated = put(
        north,
        json!({"name": "Depot North", "active": false}),
        "WorkspaceConfigured",
    );
    let activated = put(
        north,
        json!({"name": "Depot North", "active": true}),
        "WorkspaceConfigured",
    );
    let geo = "/workspaces/depot-north/provider-connections/geo";
    let connected = put(geo, connection(true), "ProviderConnectionConfigured");
    let disabled = put(geo, connection(false), "ProviderConnectionConfigured");
    let bus = "/workspaces/depot-north/devices/bus-1";
    let device =
        |vehicle: &str| json!({"vehicle_id": vehicle, "provider_id": "geo", "external_id": "b2C"});
    let fitted = put(bus, device("tram"), "DeviceConfigured");
    let moved = put(bus, device("bus"), "DeviceConfigured");
    let followed_up = put(
        "/workspaces/depot-north/devices/bus-1/follow-up",
        json!({"contacted": true, "snoozed_until": null, "note": "the unit is being exchanged"}),
        "DeviceFollowUpChanged",
    );
    let removed = Step(Method::DELETE, bus, Value::Null, Some("DeviceDeactivated"));
    let disconnected = Step(
        Method::DELETE,
        geo,
        Value::Null,
        Some("ProviderConnectionRemoved"),
    );
    let policy = json!({"poll_interval_minutes": 10, "stale_threshold_minutes": 30, "no_data_grace_minutes": 60});
    let policy = put(
        "/workspaces/depot-north/policy",
        policy,
        "WorkspacePolicyChanged",
    );
    let cutover = "/workspaces/depot-north/cutover";
    let shadowed = put(
        cutover,
        flags(["core", "both_shadow", "core", "mixed"]),
        "WorkspaceCutoverChanged",
    );
    let patched = Step(
        Method::PATCH,
        cutover,
        json!({"poll_owner": "core", "reason": "parity is good"}),
        Some("WorkspaceCutoverChanged"),
    );
    let cycle = Step(
        Method::POST,
        "/poll-cycles",
        json!({"workspace_id": NORTH}),
        Some("WorkspacePollCycleTriggered"),
    );
    let rolled_back = Step(
        Method::POST,
        "/workspaces/depot-north/cutover/rollback",
        json!({"reason": "odometers"}),
        Some("WorkspaceCutoverChanged"),
    );
    let mut steps = Vec::new();
    for step in [
        registered,
        renamed,
        deactivated,
        activated,
        connected,
        disabled,
        fitted,
        moved,
        followed_up,
        removed,
        policy,
        shadowed,
        patched,
        cycle,
        rolled_back,
    ] {
        let repeated = again(&step);
        steps.extend([step, repeated]);
    }
    steps.push(disconnected);
    steps
}

#[tokio::test]
async fn every_change_is_listed_with_who_when_and_in_which_trace_and_what_changes_nothing_is_not() {
    let service = Service::start().await;
    let mut expected = Vec::new();
    for step in every_change() {
        service.fixture.clock.advance(seconds(1));
        let answer = take(&service, SYSTEM_ADMIN, &step).await;
        assert!(
            answer.status < 300,
            "{} {}: {}",
            step.0,
            step.1,
            answer.text()
        );
        if let Some(change) = step.3 {
            expected.push((
                change,
                service.fixture.clock.now(),
                answer.header("x-trace-id").expect("a trace").to_owned(),
            ));
        }
        // What is refused is not listed either.
        if [Method::PUT, Method::PATCH].contains(&step.0) {
            let call = service
                .call(SYSTEM_ADMIN, &step.0, step.1)
                .header("if-match", "\"99\"");
            call.json(&step.2).await.problem(412, "precondition-failed");
        }
    }
    let listed = changes(&service, "").await;
    assert_eq!(listed.len(), expected.len());
    for (change, (kind, at, trace_id)) in listed.iter().rev().zip(expected) {
        assert_eq!(change["type"], kind);
        assert_eq!(change["at"], json!(at), "{change}");
        assert_eq!(change["trace_id"], trace_id, "{change}");
        assert_eq!(change["workspace_id"], NORTH, "{change}");
        assert_eq!(change["changed_by"], "person:dev-user", "{change}");
        assert_eq!(
            change["details"]["changed_by"], "person:dev-user",
            "{change}"
        );
        assert_eq!(
            change["device_id"].is_string(),
            kind.starts_with("Device"),
            "{change}"
        );
        assert!(change["event_id"].is_string(), "{change}");
    }
}

#[tokio::test]
async fn a_change_says_what_was_before_and_what_is_now() {
    let service = Service::start().await;
    for step in every_change() {
        take(&service, SYSTEM_ADMIN, &step).await;
    }
    let details = async |kind: &str| -> Vec<Value> {
        let mut listed = changes(&service, &format!("&type={kind}")).await;
        listed.reverse();
        listed
            .iter_mut()
            .map(|change| change["details"].take())
            .collect()
    };
    let by = "person:dev-user";
    let workspace = details("WorkspaceConfigured").await;
    assert_eq!(
        workspace[0],
        json!({"name": "North", "active": true, "from": null, "cutover": flags(["core", "core", "core", "mixed"]), "changed_by": by})
    );
    assert_eq!(
        workspace[1],
        json!({"name": "Depot North", "active": true, "from": {"name": "North", "active": true}, "changed_by": by})
    );
    assert_eq!(
        workspace[2]["from"],
        json!({"name": "Depot North", "active": true})
    );

    // The reference, never what it leads to.
    let mut geo = connection(true);
    geo["provider_id"] = json!("geo");
    geo["version"] = json!(1);
    geo["expected_reporting_interval_minutes"] = Value::Null;
    let connections = details("ProviderConnectionConfigured").await;
    let mut first = geo.clone();
    first["from"] = Value::Null;
    first["changed_by"] = json!(by);
    assert_eq!(connections[0], first);
    assert_eq!(
        (&connections[1]["from"], &connections[1]["enabled"]),
        (&geo, &json!(false))
    );
    let removed = &details("ProviderConnectionRemoved").await[0];
    assert_eq!(
        (&removed["provider_id"], &removed["from"]["enabled"]),
        (&json!("geo"), &json!(false))
    );

    let tram = json!({"vehicle_id": "tram", "provider_id": "geo", "external_id": "b2C", "active": true, "version": 1});
    let devices = details("DeviceConfigured").await;
    assert_eq!(
        (&devices[0]["vehicle_id"], &devices[0]["from"]),
        (&json!("tram"), &Value::Null)
    );
    assert_eq!(
        (&devices[1]["vehicle_id"], &devices[1]["from"]),
        (&json!("bus"), &tram)
    );
    let deactivated = &details("DeviceDeactivated").await[0];
    assert_eq!(
        (&deactivated["vehicle_id"], &deactivated["active"]),
        (&json!("bus"), &json!(false))
    );

    let policy = &details("WorkspacePolicyChanged").await[0];
    assert_eq!(
        (
            &policy["from"]["poll_interval_minutes"],
            &policy["to"]["poll_interval_minutes"]
        ),
        (&json!(5), &json!(10))
    );
    let cutover = details("WorkspaceCutoverChanged").await;
    assert_eq!(
        (
            &cutover[1]["from"]["poll_owner"],
            &cutover[1]["to"]["poll_owner"]
        ),
        (&json!("both_shadow"), &json!("core"))
    );
    assert_eq!(cutover[1]["reason"], "parity is good");
    assert_eq!(
        (
            &cutover[2]["from"]["read_owner"],
            &cutover[2]["to"]["read_owner"]
        ),
        (&json!("core"), &json!("legacy"))
    );
    assert_eq!(
        details("WorkspacePollCycleTriggered").await[0]["trigger"],
        "manual"
    );
}

#[tokio::test]
async fn what_nobody_changed_is_not_listed() {
    let workspace = a_workspace(NORTH).with(a_device("bus-1").silent_for(minutes(1)));
    let (service, _) = Service::with(workspace).await;
    let before = changes(&service, "").await.len();
    let update = json!({"updates": [{"device_id": "bus-1", "observed_at": service.fixture.clock.now(), "signals": {"speed_kmh": 31}}]});
    service
        .post(INGEST, "/workspaces/depot-north/ingest", &update)
        .await
        .of(200);
    let slot = json!({"workspace_id": NORTH, "scheduled_time": service.fixture.clock.now()});
    assert!(service.post(POLL, "/poll-cycles", &slot).await.status < 300);
    assert_eq!(changes(&service, "").await.len(), before);
    let by_hand = json!({"workspace_id": NORTH});
    service.post(POLL, "/poll-cycles", &by_hand).await.of(202);
    assert_eq!(
        changes(&service, "&changed_by=machine:bf-dev").await.len(),
        1
    );
}
