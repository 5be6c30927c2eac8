//! Worklists as spreadsheets: the same rows, harmless cells, and a record of who took them.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{a_connection, a_device, a_report, a_workspace, eventually, minutes};

use crate::service::{ACCOUNTS, ADMIN, API, Answer, Caller, NORTH, SYSTEM_ADMIN, Service, VIEWER};

const STALE_DEVICES: &str = "/workspaces/depot-north/stale-devices";

async fn csv(service: &Service, caller: Caller, path: &str) -> Answer {
    let call = service.call(caller, &Method::GET, path);
    call.header("accept", "text/csv").send().await
}

/// The cells by the names of their columns, line by line, and that everything is as RFC 4180 has it.
fn lines(answer: &Answer) -> Vec<BTreeMap<String, String>> {
    let text = answer.text();
    let text = text.strip_prefix('\u{feff}').expect("a byte order mark");
    assert!(text.ends_with("\r\n"), "{text:?}");
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let lines = reader.deserialize().map(|line| line.expect("a line"));
    lines.collect()
}

fn flattened(row: &Value) -> BTreeMap<String, String> {
    let mut cells = BTreeMap::new();
    for (name, value) in row.as_object().expect("a row") {
        let nested = value.as_object().into_iter().flatten();
        let nested: Vec<_> = nested
            .map(|(inner, value)| (format!("{name}_{inner}"), value))
            .collect();
        if nested.is_empty() {
            cells.insert(name.clone(), text(value));
        }
        cells.extend(nested.into_iter().map(|(name, value)| (name, text(value))));
    }
    cells
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

async fn exports(service: &Service) -> Vec<Value> {
    let path = "/audit?type=WorklistExported";
    match service.get(SYSTEM_ADMIN, path).await.of(200)["changes"].take() {
        Value::Array(changes) => changes,
        other => panic!("changes are {other}"),
    }
}

/// Two depots: more silent devices than a JSON page has.
async fn service() -> Service {
    let devices = (0..120).map(|n| a_device(&format!("bus-{n:03}")).silent_for(minutes(20 + n)));
    let north = a_workspace(NORTH)
        .with(a_device("never").configured(minutes(500)))
        .with_all(devices);
    let (service, depot) = Service::with(north).await;
    depot
        .polled([a_report("sim-main").missing(["bus-000", "bus-119"])])
        .await;
    a_workspace("depot-south")
        .with(a_device("silent").silent_for(minutes(90)))
        .create(&service.fixture)
        .await;
    service
}

#[tokio::test]
async fn all_pages_with_the_columns_and_the_order_of_the_json() {
    let service = service().await;
    let path = "/workspaces/depot-north/devices/bus-007/follow-up";
    let note = json!({"contacted": true, "note": "\"quoted\", with a comma;\nand a second line"});
    service.put(ACCOUNTS, path, &note).await.of(200);
    for (path, name) in [
        (STALE_DEVICES, "devices"),
        ("/follow-ups", "follow_ups"),
        ("/follow-ups?responsibility=device", "follow_ups"),
    ] {
        let separator = if path.contains('?') { '&' } else { '?' };
        let json = service
            .get(ACCOUNTS, &format!("{path}{separator}limit=1000"))
            .await
            .of(200);
        let rows = json[name].as_array().expect("rows");
        assert!(rows.len() > 100, "{path}");
        let answer = csv(&service, ACCOUNTS, &format!("{path}{separator}limit=1")).await;
        assert_eq!(
            answer.header("content-type"),
            Some("text/csv; charset=utf-8")
        );
        assert_eq!(
            answer.header("content-disposition"),
            Some(
                format!(
                    "attachment; filename=\"{}-20261123T080000Z.csv\"",
                    if name == "devices" {
                        "stale-devices"
                    } else {
                        "follow-ups"
                    }
                )
                .as_str()
            )
        );
        let expected: Vec<_> = rows.iter().map(flattened).collect();
        assert_eq!(lines(&answer), expected, "{path}");
    }
}

#[tokio::test]
async fn names_and_notes_cannot_be_formulas() {
    let (service, _) =
        Service::with(a_workspace(NORTH).with(a_device("bus-1").silent_for(minutes(20)))).await;
    let name = json!({"name": "=HYPERLINK(\"http://evil.example\")", "active": true});
    service
        .put(SYSTEM_ADMIN, "/workspaces/depot-north", &name)
        .await
        .of(200);
    let path = "/workspaces/depot-north/devices/bus-1/follow-up";
    for (note, cell) in [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("1=1", "1=1"),
    ] {
        let body = json!({"contacted": false, "note": note});
        service.put(ACCOUNTS, path, &body).await.of(200);
        let line = &lines(&csv(&service, VIEWER, STALE_DEVICES).await)[0];
        assert_eq!(line["follow_up_note"], cell);
        assert_eq!(
            line["workspace_name"],
            "'=HYPERLINK(\"http://evil.example\")"
        );
        // JSON has what was written.
        let json = service.get(VIEWER, STALE_DEVICES).await.of(200);
        assert_eq!(json["devices"][0]["follow_up"]["note"], note);
    }
}

#[tokio::test]
async fn who_took_what_is_in_the_audit_of_each_workspace() {
    let service = service().await;
    let rows = lines(&csv(&service, ADMIN, STALE_DEVICES).await).len();
    let taken = exports(&service).await;
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0]["workspace_id"], NORTH);
    assert_eq!(taken[0]["changed_by"], "person:dev-user");
    assert!(taken[0]["trace_id"].is_string());
    assert_eq!(
        taken[0]["details"],
        json!({"list": "stale-devices", "format": "csv", "filter": {}, "evaluated_at": "2026-11-23T08:00:00Z",
               "rows": rows, "rows_of_workspace": rows, "complete": true, "changed_by": "person:dev-user"})
    );
    csv(
        &service,
        ACCOUNTS,
        "/follow-ups?silent_for_minutes=80&provider=sim-main",
    )
    .await;
    let taken = exports(&service).await;
    let of_all: Vec<_> = taken
        .iter()
        .filter(|change| change["details"]["list"] == "follow-ups")
        .collect();
    assert_eq!(of_all.len(), 2, "one in each workspace");
    for change in of_all {
        assert_eq!(
            change["details"]["filter"],
            json!({"silent_for_minutes": "80", "provider": "sim-main"})
        );
        assert_eq!(change["details"]["rows"], 62);
        let own = if change["workspace_id"] == NORTH {
            61
        } else {
            1
        };
        assert_eq!(change["details"]["rows_of_workspace"], own);
    }
    // What has no rows takes nothing away; a workspace's own list is on record all the same.
    csv(&service, ACCOUNTS, "/follow-ups?silent_for_minutes=5000").await;
    assert_eq!(exports(&service).await.len(), 3);
    csv(
        &service,
        VIEWER,
        &format!("{STALE_DEVICES}?provider=geotab"),
    )
    .await;
    assert_eq!(exports(&service).await[0]["details"]["rows"], 0);
}

#[tokio::test]
async fn json_head_and_refusals_take_nothing_away() {
    let service = service().await;
    let json = service.call(ACCOUNTS, &Method::GET, STALE_DEVICES);
    let json = json.header("accept", "image/png").send().await;
    assert_eq!(json.header("content-type"), Some("application/json"));
    let head = service.call(ACCOUNTS, &Method::HEAD, STALE_DEVICES);
    head.header("accept", "text/csv").send().await;
    for path in ["/follow-ups?nope=1", "/workspaces/depot-x/stale-devices"] {
        let refused = csv(&service, ACCOUNTS, path).await;
        assert_eq!(
            refused.header("content-type"),
            Some("application/problem+json")
        );
    }
    csv(&service, VIEWER, "/follow-ups")
        .await
        .problem(403, "forbidden");
    assert_eq!(exports(&service).await, [] as [Value; 0]);
}

/// Whoever hangs up has part of the list, and is on record with that part.
#[tokio::test]
async fn an_export_that_nobody_reads_to_its_end_is_recorded_as_such() {
    let service = Service::start().await;
    a_workspace(NORTH)
        .through(a_connection("sim-main"))
        .create(&service.fixture)
        .await;
    // More than the pieces and the sockets in between hold.
    sqlx::query(
        "INSERT INTO devices (workspace_id, device_id, vehicle_id, provider_id, external_id, active, configured_at,
             activated_at, activation_id, version)
         SELECT 'depot-north', 'bus-' || n, 'bus-' || n, 'sim-main', 'unit-' || n, true, $1, $1, gen_random_uuid(), 1
         FROM generate_series(1, 60000) n",
    )
    .bind(service.fixture.clock.now() - minutes(300))
    .execute(service.fixture.store().pool())
    .await
    .expect("a large workspace");
    let token = service.token(ACCOUNTS).expect("a token");
    let client = reqwest::Client::builder().timeout(Duration::from_mins(1));
    let mut answer = client
        .build()
        .expect("a client")
        .get(format!("http://{}{API}/follow-ups", service.address))
        .bearer_auth(token)
        .header("accept", "text/csv")
        .send()
        .await
        .expect("an answer");
    let piece = answer.chunk().await.expect("a piece").expect("a piece");
    assert!(piece.starts_with("\u{feff}workspace_id,".as_bytes()));
    drop(answer);
    eventually("the export is on record", async || {
        !exports(&service).await.is_empty()
    })
    .await;
    let recorded = exports(&service).await;
    assert_eq!(recorded[0]["details"]["complete"], false);
    let rows = recorded[0]["details"]["rows"].as_u64().expect("a number");
    assert!(rows < 60_000, "{rows}");
}
