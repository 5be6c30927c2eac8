//! What exists in other workspaces cannot be told from what does not exist anywhere.
//!
//! `depot-south` is there with everything, `depot-nowhere` and what it would hold are not; every
//! question is asked twice and must be answered the same, but for the names that it was asked with.

use std::collections::BTreeSet;

use api::access::TABLE;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{a_connection, a_device, a_workspace, minutes};

use crate::service::{
    ADMIN, API, Answer, Caller, INGEST, NORTH, POLL, SYSTEM_ADMIN, Service, VIEWER,
};

/// With a role in [`NORTH`], or in nothing.
const OUTSIDERS: [Caller; 3] = [VIEWER, ADMIN, Caller::Person("everyone")];

/// What is there, and what is not, by their names.
struct Pair {
    there: &'static str,
    nowhere: &'static str,
}

const WORKSPACE: Pair = pair("depot-south", "depot-nowhere");
const DEVICE: Pair = pair("south-bus", "nowhere-bus");
const VEHICLE: Pair = pair("south-bus-vehicle", "nowhere-bus-vehicle");
const PROVIDER: Pair = pair("south-main", "nowhere-main");
const UNIT: Pair = pair("south-bus-unit", "nowhere-bus-unit");

const fn pair(there: &'static str, nowhere: &'static str) -> Pair {
    Pair { there, nowhere }
}

/// North and south, and a cycle of the south.
async fn depots() -> (Service, String) {
    let north = a_workspace(NORTH)
        .through(a_connection("north-main"))
        .with_all(
            ["bus-1", "bus-2", "bus-3"]
                .map(|id| a_device(id).through("north-main").silent_for(minutes(20))),
        );
    let (service, _) = Service::with(north).await;
    let south = a_workspace(WORKSPACE.there)
        .through(a_connection(PROVIDER.there))
        .with_all(
            [DEVICE.there, "south-car"]
                .map(|id| a_device(id).through(PROVIDER.there).silent_for(minutes(20))),
        )
        .create(&service.fixture)
        .await;
    let cycle_id = south.trigger(None).await.cycle_id.to_string();
    (service, cycle_id)
}

/// An answer without what no two answers share, and with one of a pair's names for the other.
fn told(answer: &Answer, names: &[(&str, &str)]) -> String {
    let mut headers: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| {
            !["date", "x-trace-id", "x-request-id", "content-length"].contains(&name.as_str())
        })
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    headers.sort_unstable();
    let mut body = answer.text();
    if let Ok(json) = serde_json::from_str::<Value>(&body)
        && let Some(trace_id) = json["trace_id"].as_str()
    {
        body = body.replace(trace_id, "trace");
    }
    for (there, nowhere) in names {
        body = body.replace(nowhere, there);
    }
    format!("{} {headers:#?} {body}", answer.status)
}

/// Every path of the table that names a workspace, with every method there is.
#[tokio::test]
async fn a_workspace_in_the_path() {
    let (service, cycle_id) = depots().await;
    let paths: BTreeSet<&str> = TABLE
        .iter()
        .map(|route| route.path)
        .filter(|path| path.contains("{workspace_id}"))
        .collect();
    assert!(paths.len() > 10, "{paths:?}");
    let methods = ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"];
    for template in paths {
        let template = template
            .replace("{device_id}", DEVICE.there)
            .replace("{vehicle_id}", VEHICLE.there)
            .replace("{provider_id}", PROVIDER.there)
            .replace("{cycle_id}", &cycle_id);
        for (caller, method) in OUTSIDERS
            .iter()
            .flat_map(|caller| methods.map(|method| (*caller, method)))
        {
            let ask = async |workspace_id: &str, suffix: &str, body: &'static str| {
                let path = template.replace("{workspace_id}", workspace_id);
                let path = format!("{}{suffix}", path.strip_prefix(API).unwrap_or(&path));
                let method = Method::from_bytes(method.as_bytes()).expect("a method");
                let call = service.call(caller, &method, &path);
                call.header("if-match", "\"99\"").said_json(body).await
            };
            for (suffix, body) in [("", "{}"), ("?nope=1", "{")] {
                let there = ask(WORKSPACE.there, suffix, body).await;
                assert_eq!(there.status, 404, "{method} {template} by {caller:?}");
                let nowhere = ask(WORKSPACE.nowhere, suffix, body).await;
                assert_eq!(
                    told(&there, &[]),
                    told(&nowhere, &[(WORKSPACE.there, WORKSPACE.nowhere)]),
                    "{method} {template} by {caller:?}"
                );
            }
        }
    }
}

/// What belongs to another workspace is not there under the path of one's own.
#[tokio::test]
async fn a_thing_of_another_workspace_in_the_path() {
    let (service, cycle_id) = depots().await;
    let no_cycle = "019aa000-0000-7000-8000-000000000000";
    let device = ("devices", DEVICE.there, DEVICE.nowhere);
    let connection = ("provider-connections", PROVIDER.there, PROVIDER.nowhere);
    let get = &Method::GET;
    for (caller, method, (list, there, nowhere), rest) in [
        (VIEWER, get, device, ""),
        (VIEWER, get, device, "/follow-up"),
        (VIEWER, get, device, "/follow-up/history"),
        (ADMIN, &Method::DELETE, device, ""),
        (VIEWER, get, ("snapshots", DEVICE.there, DEVICE.nowhere), ""),
        (
            VIEWER,
            get,
            ("vehicles", VEHICLE.there, VEHICLE.nowhere),
            "/snapshot",
        ),
        (VIEWER, get, ("poll-cycles", &cycle_id, no_cycle), ""),
        (SYSTEM_ADMIN, get, connection, ""),
        (SYSTEM_ADMIN, &Method::DELETE, connection, ""),
    ] {
        let ask = async |id: &str| {
            let path = format!("/workspaces/{NORTH}/{list}/{id}{rest}");
            service.call(caller, method, &path).send().await
        };
        let there = ask(there).await;
        there.problem(404, "not-found");
        let names = [(there_name(list, &cycle_id), nowhere)];
        assert_eq!(
            told(&there, &[]),
            told(&ask(nowhere).await, &names),
            "{method} {list}"
        );
    }
}

fn there_name<'a>(list: &str, cycle_id: &'a str) -> &'a str {
    match list {
        "devices" | "snapshots" => DEVICE.there,
        "vehicles" => VEHICLE.there,
        "provider-connections" => PROVIDER.there,
        _ => cycle_id,
    }
}

#[tokio::test]
async fn a_thing_of_another_workspace_in_the_query() {
    let (service, _) = depots().await;
    for query in [
        "health?vehicle=",
        "health?by=vehicle&vehicle=",
        "health?workspace=",
        "devices?workspace_id=",
    ] {
        let ask = async |id: &str| {
            let path = format!("/workspaces/{NORTH}/{query}{id}");
            service.get(VIEWER, &path).await
        };
        let (there, nowhere) = match query.rsplit('&').next() {
            Some(filter) if filter.ends_with("vehicle=") => (VEHICLE.there, VEHICLE.nowhere),
            _ => (WORKSPACE.there, WORKSPACE.nowhere),
        };
        assert_eq!(
            told(&ask(there).await, &[]),
            told(&ask(nowhere).await, &[(there, nowhere)]),
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_workspace_in_the_body() {
    let (service, _) = depots().await;
    let ask = async |caller, workspace_id: &str| {
        let body = json!({"workspace_id": workspace_id});
        service.post(caller, "/poll-cycles", &body).await
    };
    for caller in OUTSIDERS.into_iter().chain([INGEST]) {
        let there = ask(caller, WORKSPACE.there).await;
        there.problem(403, "forbidden");
        assert_eq!(
            told(&there, &[]),
            told(&ask(caller, WORKSPACE.nowhere).await, &[])
        );
    }
    // Whoever triggers all workspaces may know which there are.
    ask(POLL, WORKSPACE.nowhere).await.problem(404, "not-found");
}

/// A batch belongs to one workspace; its items cannot reach into another.
#[tokio::test]
async fn a_device_of_another_workspace_in_a_batch() {
    let (service, _) = depots().await;
    let before = south_as_it_is(&service).await;
    let batch = |device: &str, provider: &str, unit: &str| {
        let reading = |mut address: Value| {
            address["observed_at"] = json!(service.fixture.clock.now());
            address["signals"] = json!({"odometer_km": 99_999.0});
            address
        };
        json!({"updates": [
            reading(json!({"device_id": device})),
            reading(json!({"device_id": device, "provider_id": provider, "external_id": unit})),
            reading(json!({"provider_id": provider, "external_id": unit})),
            reading(json!({"provider_id": "north-main", "external_id": unit})),
            reading(json!({"device_id": "bus-1", "provider_id": provider, "external_id": unit})),
            reading(json!({"device_id": device, "workspace_id": WORKSPACE.there})),
        ]})
    };
    let path = format!("/workspaces/{NORTH}/ingest");
    let there = batch(DEVICE.there, PROVIDER.there, UNIT.there);
    let there = service.post(INGEST, &path, &there).await;
    let nowhere = batch(DEVICE.nowhere, PROVIDER.nowhere, UNIT.nowhere);
    let nowhere = service.post(INGEST, &path, &nowhere).await;
    let summary = &there.of(200)["summary"];
    assert_eq!(
        (&summary["received"], &summary["rejected"]),
        (&6.into(), &6.into())
    );
    let names = [
        (UNIT.there, UNIT.nowhere),
        (DEVICE.there, DEVICE.nowhere),
        (PROVIDER.there, PROVIDER.nowhere),
    ];
    assert_eq!(told(&there, &[]), told(&nowhere, &names));
    assert_eq!(south_as_it_is(&service).await, before, "nothing landed");
}

async fn south_as_it_is(service: &Service) -> Value {
    let path = format!("/workspaces/{}/snapshots/{}", WORKSPACE.there, DEVICE.there);
    let snapshot = service.get(SYSTEM_ADMIN, &path).await.of(200);
    json!([snapshot["version"], snapshot["signals"]])
}

/// Devices are configured through connections of their own workspace; unit ids of others are free.
#[tokio::test]
async fn a_connection_of_another_workspace_in_a_device() {
    let (service, _) = depots().await;
    let path = format!("/workspaces/{NORTH}/devices/bus-9");
    let device = |provider: &str| json!({"vehicle_id": "bus-9", "provider_id": provider, "external_id": UNIT.there});
    let there = service.put(ADMIN, &path, &device(PROVIDER.there)).await;
    there.problem(409, "conflict");
    let nowhere = service.put(ADMIN, &path, &device(PROVIDER.nowhere)).await;
    let names = [(PROVIDER.there, PROVIDER.nowhere)];
    assert_eq!(told(&there, &[]), told(&nowhere, &names));
    let taken_in_the_south = service.put(ADMIN, &path, &device("north-main")).await;
    assert_eq!(taken_in_the_south.status, 201);
}

/// Cursors are no secrets: whoever makes one up, or brings one along, gets rows of the path's
/// workspace alone.
#[tokio::test]
async fn a_cursor_of_another_workspace() {
    let (service, cycle_id) = depots().await;
    // One that a colleague with rights in the south was given.
    let path = format!("/workspaces/{}/devices?limit=1", WORKSPACE.there);
    let given = service.get(SYSTEM_ADMIN, &path).await.of(200);
    let given = given["next_cursor"]
        .as_str()
        .expect("a second page")
        .to_owned();
    let never_given = URL_SAFE_NO_PAD.encode(format!(
        r#"{{"l":"{API}/workspaces/{}/devices?","t":"2026-11-23T08:00:00Z","a":"x"}}"#,
        WORKSPACE.nowhere
    ));
    let ask = async |list: &str, cursor: &str| {
        let path = format!("/workspaces/{NORTH}/{list}?cursor={cursor}");
        service.get(VIEWER, &path).await
    };
    let there = ask("devices", &given).await;
    there.names(&["cursor"]);
    assert_eq!(
        told(&there, &[]),
        told(&ask("devices", &never_given).await, &[])
    );

    // Made up for the north's lists, from ids of the south and of nowhere.
    for (list, rows, there, nowhere) in [
        ("devices", "devices", "b", "a"),
        ("devices", "devices", DEVICE.there, "sa"),
        ("snapshots", "snapshots", DEVICE.there, "sa"),
        ("health", "devices", DEVICE.there, "sa"),
        (
            "poll-cycles",
            "poll_cycles",
            &cycle_id,
            "ffffffff-ffff-7fff-bfff-ffffffffffff",
        ),
    ] {
        let made_up = |after: &str| {
            let now = service.fixture.clock.now();
            let list = format!("{API}/workspaces/{NORTH}/{list}?");
            let cursor = json!({"l": list, "t": now, "a": after});
            URL_SAFE_NO_PAD.encode(cursor.to_string())
        };
        let answer = ask(list, &made_up(there)).await;
        let page = answer.of(200);
        assert!(!answer.text().contains("south"), "{page}");
        assert!(page[rows].is_array(), "{page}");
        assert_eq!(
            told(&answer, &[]),
            told(&ask(list, &made_up(nowhere)).await, &[]),
            "{list} after {there}"
        );
    }
}
