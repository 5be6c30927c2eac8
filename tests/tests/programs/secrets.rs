//! Canaries: a secret of each kind goes in wherever one can, and comes out nowhere, however much is
//! logged. The same lines show that a request can be followed through the log.

use std::process::Command;
use std::time::Duration;

use pgdev::{PrivateServer, Settings};
use reqwest::Method;
use serde_json::{Value, json};

use crate::built::program;
use crate::dev::{Dev, Place, UNTIL_STOPPED};
use crate::running::Running;

const IN_DATABASE_URL: &str = "canary-of-the-database";
const IN_VARIABLE: &str = "canary-of-a-variable";
const IN_FILE: &str = "canary-of-a-file";
const IN_BASE_URL: &str = "canary-of-a-base-url";
const IN_QUERY: &str = "canary-of-a-query";
const IN_BAD_TOKEN: &str = "canary-of-a-bad-token";
const IN_BASIC: &str = "canary-of-basic";
const CANARIES: [&str; 7] = [
    IN_DATABASE_URL,
    IN_VARIABLE,
    IN_FILE,
    IN_BASE_URL,
    IN_QUERY,
    IN_BAD_TOKEN,
    IN_BASIC,
];

const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";
const REQUEST_ID: &str = "the-story's-own{\"level\":\"ERROR\"}";

/// Somebody who keeps every answer.
struct Asker {
    url: String,
    answers: Vec<String>,
}

impl Asker {
    async fn ask(
        &mut self,
        method: &Method,
        path: &str,
        authorization: &str,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(20))
            .build()
            .expect("a client");
        let mut request = client
            .request(method.clone(), format!("{}{path}", self.url))
            .header("authorization", authorization)
            .header("x-request-id", REQUEST_ID)
            .header("traceparent", format!("00-{TRACE_ID}-b7ad6b7169203331-01"));
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), format!("{:?}", answer.headers()));
        let text = answer.text().await.expect("a whole answer");
        let value = serde_json::from_str(&text).unwrap_or_default();
        // Its own question is no answer of the service's.
        let asked = path.split('?').next().unwrap_or_default();
        self.answers
            .push(format!("{method} {asked}: {headers} {text}"));
        (status, value)
    }
}

/// The second instance that the banner offers, with a password in the database's URL, which a private
/// server does not ask for.
fn second_instance(dev: &Dev, place: &Place, settings: &[(&str, &str)]) -> (Running, String) {
    let program = program("bf-manage-core");
    let pasted = dev
        .serve_line()
        .replace(
            "cargo run --release --",
            &format!("'{}'", program.display()),
        )
        .replace(
            "postgres://postgres@",
            &format!("postgres://postgres:{IN_DATABASE_URL}@"),
        );
    assert!(pasted.contains(IN_DATABASE_URL), "{pasted}");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("exec env {pasted}")])
        .current_dir(place.data());
    let mut running = Running::start_with(&mut shell, settings.iter().copied());
    let said = running.has_said("serves http://", Duration::from_secs(30));
    let address = said.iter().find_map(|line| line.split("serves ").nth(1));
    let url = format!("{}/api/telematics-mvp", address.expect("an address"));
    (running, url)
}

#[tokio::test]
async fn what_is_secret_comes_out_nowhere() {
    let place = Place::new();
    let settings = [("LOG", "trace"), ("PROVIDER_CANARY", IN_VARIABLE)];
    let dev = place.dev_in(settings);
    std::fs::write(
        place.data().join("credentials/canary"),
        format!("{IN_FILE}\n"),
    )
    .expect("a credential");
    let (mut second, second_url) = second_instance(&dev, &place, &settings);
    let mut tokens = vec![dev.api.admin.clone(), dev.api.machine.clone()];
    let mut answers = Vec::new();
    for url in [dev.api.url.clone(), second_url] {
        let mut asker = Asker {
            url,
            answers: Vec::new(),
        };
        tokens.push(mints(&mut asker).await);
        is_refused(&mut asker, &dev).await;
        polls_with_each_credential(&mut asker, &dev).await;
        answers.append(&mut asker.answers);
    }
    let tables = every_row(&place);
    assert!(
        tables.contains("env:PROVIDER_CANARY"),
        "the dump has the connections"
    );

    second.signal("TERM");
    assert!(second.ends_within(UNTIL_STOPPED).success());
    let mut running = dev.running;
    running.signal("INT");
    assert!(running.ends_within(UNTIL_STOPPED).success());
    let (lines, second_lines) = (running.complaints(), second.complaints());
    assert!(
        lines.len() > 1_000,
        "{} lines: it was to log everything",
        lines.len()
    );
    follows_a_request(&lines);
    follows_a_request(&second_lines);

    let signed: Vec<&str> = tokens
        .iter()
        .filter_map(|token| token.split_once('.').map(|(_, signed)| signed))
        .collect();
    let secrets = CANARIES.iter().copied().chain(signed);
    for secret in secrets {
        for place in [
            &lines,
            &second_lines,
            &second.words(),
            &answers,
            &vec![tables.clone()],
        ] {
            let found = place.iter().find(|line| line.contains(secret));
            assert_eq!(found, None, "{secret}");
        }
    }
}

/// A token to look for; its answer is the one place that has it.
async fn mints(asker: &mut Asker) -> String {
    let root = asker.url.replace("/api/telematics-mvp", "");
    let api = std::mem::replace(&mut asker.url, root);
    let body = json!({"kind": "machine", "scopes": ["telematics/ingest"], "subject": "story"});
    let (status, minted) = asker
        .ask(&Method::POST, "/dev/token", "", Some(&body))
        .await;
    assert_eq!(status, 200);
    asker.url = api;
    asker.answers.pop();
    minted["access_token"].as_str().expect("a token").to_owned()
}

async fn is_refused(asker: &mut Asker, dev: &Dev) {
    let path = "/workspaces/demo-north/health";
    let mut forged = dev.api.admin.clone();
    forged.truncate(forged.len() - 4);
    for authorization in [
        format!("Bearer {IN_BAD_TOKEN}"),
        format!("Bearer eyJhbGciOiJub25lIn0.{IN_BAD_TOKEN}."),
        format!("Basic {IN_BASIC}"),
        format!("Bearer {forged}AAAA"),
        String::new(),
    ] {
        let (status, _) = asker.ask(&Method::GET, path, &authorization, None).await;
        assert_eq!(status, 401);
    }
    let admin = format!("Bearer {}", dev.api.admin);
    for path in ["/workspaces/demo-north/health", "/nowhere"] {
        for authorization in ["", &admin] {
            let path = format!("{path}?access_token={IN_QUERY}");
            let (status, _) = asker.ask(&Method::GET, &path, authorization, None).await;
            assert!([400, 401, 404].contains(&status), "{path}: {status}");
        }
    }
    let machine = format!("Bearer {}", dev.api.machine);
    let path = "/workspaces/demo-north/ingest";
    let (status, _) = asker
        .ask(&Method::POST, path, &machine, Some(&json!({"updates": 1})))
        .await;
    assert_eq!(status, 400);
}

/// A provider that refuses, one that is not there, and a reference that leads nowhere.
async fn polls_with_each_credential(asker: &mut Asker, dev: &Dev) {
    let admin = format!("Bearer {}", dev.api.admin);
    let flags = json!({"device_registry_source": "core", "poll_owner": "core", "read_owner": "core", "provider_mode": "mixed"});
    let workspace = json!({"name": "Canary", "active": true, "cutover": flags});
    let (status, _) = asker
        .ask(&Method::PUT, "/workspaces/canary", &admin, Some(&workspace))
        .await;
    assert!([200, 201].contains(&status), "{status}");
    // An account of the simulator's, which has a key of its own.
    let path = "/workspaces/demo-north/provider-connections/depot-sim-main";
    let (_, main) = asker.ask(&Method::GET, path, &admin, None).await;
    let account = main["base_url"].as_str().expect("an address").to_owned();
    for (name, base_url, reference, expected) in [
        (
            "variable",
            account.as_str(),
            "env:PROVIDER_CANARY",
            [200, 201],
        ),
        ("file", &account, "file:canary", [200, 201]),
        ("nobody", "http://127.0.0.1:1/", "file:canary", [200, 201]),
        ("nowhere", &account, "file:nowhere", [200, 201]),
        (
            "userinfo",
            &format!("http://core:{IN_BASE_URL}@127.0.0.1:1/"),
            "file:canary",
            [400, 400],
        ),
        (
            "query",
            &format!("http://127.0.0.1:1/?key={IN_BASE_URL}"),
            "file:canary",
            [400, 400],
        ),
    ] {
        let path = format!("/workspaces/canary/provider-connections/{name}");
        let body = json!({"provider_type": "depot_sim", "base_url": base_url, "credential_ref": reference});
        let (status, answer) = asker.ask(&Method::PUT, &path, &admin, Some(&body)).await;
        assert!(expected.contains(&status), "{name}: {status} {answer}");
    }
    // ViriCiti has its key in another header, and is asked about devices only.
    let viriciti =
        json!({"provider_type": "viriciti", "base_url": account, "credential_ref": "file:canary"});
    let device =
        json!({"vehicle_id": "bus-1", "provider_id": "viriciti", "external_id": "vehicle-001"});
    for (path, body) in [
        ("/workspaces/canary/provider-connections/viriciti", viriciti),
        ("/workspaces/canary/devices/bus-1", device),
    ] {
        let (status, answer) = asker.ask(&Method::PUT, path, &admin, Some(&body)).await;
        assert!([200, 201].contains(&status), "{path}: {status} {answer}");
    }
    let machine = format!("Bearer {}", dev.api.machine);
    let trigger = json!({"workspace_id": "canary"});
    let (_, triggered) = asker
        .ask(&Method::POST, "/poll-cycles", &machine, Some(&trigger))
        .await;
    let cycle = triggered["cycle_id"].as_str().expect("a cycle").to_owned();
    let path = format!("/workspaces/canary/poll-cycles/{cycle}");
    let ended = testkit::eventually("the cycle's end", async || {
        let (_, cycle) = asker.ask(&Method::GET, &path, &admin, None).await;
        (!cycle["ended_at"].is_null()).then_some(cycle)
    })
    .await;
    let class_of = |name: &str| {
        let connections = ended["connections"].as_array().expect("connections");
        let found = connections.iter().find(|one| one["provider_id"] == name);
        found.map(|one| one["error"]["class"].clone())
    };
    let class = |text: &str| Some(json!(text));
    assert_eq!(
        class_of("variable"),
        class("credentials_rejected"),
        "{ended}"
    );
    for name in ["file", "viriciti"] {
        assert_eq!(class_of(name), class("credentials_rejected"), "{ended}");
    }
    assert_eq!(class_of("nobody"), class("unavailable"), "{ended}");
    assert_eq!(
        class_of("nowhere"),
        class("credentials_unresolved"),
        "{ended}"
    );
}

/// All that the database holds of ours.
fn every_row(place: &Place) -> String {
    let settings = Settings {
        data_dir: Some(place.data().join("postgres")),
        ..Settings::durable("dev")
    };
    let server = PrivateServer::start(&settings).expect("the server of dev");
    let everything = "SELECT query_to_xml(format('SELECT * FROM %I', tablename), true, false, '') FROM pg_tables WHERE schemaname = 'public'";
    let output = server
        .psql("telematics")
        .args(["-c", everything])
        .output()
        .expect("psql");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Every line is one object; those of a request say whose they are and how it ended.
fn follows_a_request(lines: &[String]) {
    let lines: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no object: {line}")))
        .collect();
    let of_the_story: Vec<&Value> = lines
        .iter()
        .filter(|line| line["request_id"] == REQUEST_ID)
        .collect();
    assert!(of_the_story.iter().all(|line| line["trace_id"] == TRACE_ID));
    // What others say within the request is found by the same names.
    for target in ["sqlx::query", "api::access::guard"] {
        let found = of_the_story.iter().any(|line| line["target"] == target);
        assert!(found, "no line of {target}");
    }
    let answered = |status: u16, method: &str, route: Option<&str>| {
        let found = of_the_story.iter().find(|line| {
            line["message"] == "answered"
                && line["http.response.status_code"] == status
                && line["http.request.method"] == method
                && line.get("http.route").and_then(Value::as_str) == route
        });
        *found.unwrap_or_else(|| panic!("no line of {status} {method} {route:?}"))
    };
    let route = |rest: &str| format!("/api/telematics-mvp{rest}");
    let health = route("/workspaces/{workspace_id}/health");
    let refused = answered(401, "GET", Some(&health));
    assert_eq!(refused["level"], "DEBUG");
    assert_eq!(refused["error.type"], "unauthorized");
    assert_eq!(refused["url.path"], route("/workspaces/demo-north/health"));
    let unknown = answered(404, "GET", None);
    assert_eq!(unknown.get("url.path"), None);
    let connection = route("/workspaces/{workspace_id}/provider-connections/{provider_id}");
    assert_eq!(
        answered(400, "PUT", Some(&connection))["error.type"],
        "validation"
    );
    // A cycle goes on with its trigger's trace, on whichever instance.
    let cycle_lines = lines
        .iter()
        .filter(|line| line["message"] == "poll cycle ended");
    for line in cycle_lines {
        for name in ["workspace_id", "cycle_id", "trace_id", "outcome"] {
            assert!(line[name].is_string(), "{name} in {line}");
        }
    }
    let triggered = answered(202, "POST", Some(&route("/poll-cycles")));
    assert_eq!(triggered["level"], "INFO");
    assert_eq!(triggered.get("error.type"), None);
}

/// What cannot be read as settings or a database is told without quoting it.
#[test]
fn a_database_that_cannot_be_had_is_told_without_its_password() {
    for url in [
        format!("postgres://core:{IN_DATABASE_URL}@127.0.0.1:1/telematics"),
        format!("postgres://core:{IN_DATABASE_URL}@127.0.0.1:port/telematics"),
        format!("postgres://core:{IN_DATABASE_URL}@[::1/telematics"),
        format!("mysql://core:{IN_DATABASE_URL}@127.0.0.1/telematics"),
        format!("postgres://core@127.0.0.1:1/telematics?password={IN_DATABASE_URL}"),
        format!("postgres://core@127.0.0.1:1/telematics?sslmode={IN_DATABASE_URL}"),
        format!("postgres://core@127.0.0.1:1/telematics?{IN_DATABASE_URL}=1"),
        format!("core:{IN_DATABASE_URL}"),
        format!("[{IN_DATABASE_URL}]"),
        format!("{{password={IN_DATABASE_URL}}}"),
        format!("\"{IN_DATABASE_URL}"),
    ] {
        for command in ["serve", "migrate"] {
            let place = Place::new();
            let mut core = Command::new(program("bf-manage-core"));
            core.current_dir(place.file("")).arg(command);
            let mut refused = Running::start_with(
                &mut core,
                [
                    ("PROFILE", "dev"),
                    ("LISTEN", "127.0.0.1:0"),
                    ("LOG", "trace"),
                    ("DATABASE_URL", url.as_str()),
                ],
            );
            assert!(!refused.ends_within(Duration::from_secs(30)).success());
            for line in refused.complaints().iter().chain(&refused.words()) {
                assert!(!line.contains(IN_DATABASE_URL), "{command} {url}: {line}");
            }
            let last = refused.complaints().pop().unwrap_or_default();
            assert!(last.starts_with("bf-manage-core: "), "{url}: {last}");
        }
    }
}
