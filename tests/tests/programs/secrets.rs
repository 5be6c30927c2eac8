//! A secret of each kind goes in wherever one can, and comes out nowhere, however much is logged. The
//! same lines of the log show that a request can be followed through it.

mod asker;
mod log;
mod settings;

use pgdev::{PrivateServer, Settings};

use crate::dev::Place;
use asker::Asker;

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

#[tokio::test]
async fn a_secret_comes_out_nowhere_however_much_is_logged() {
    let place = Place::new();
    let settings = [("LOG", "trace"), ("PROVIDER_CANARY", IN_VARIABLE)];
    let dev = place.dev_in(settings);
    std::fs::write(
        place.data().join("credentials/canary"),
        format!("{IN_FILE}\n"),
    )
    .expect("a credential");
    // A private server asks for no password, and takes one.
    let line = dev.serve_line().replace(
        "postgres://postgres@",
        &format!("postgres://postgres:{IN_DATABASE_URL}@"),
    );
    assert!(line.contains(IN_DATABASE_URL), "{line}");
    let (mut second, second_api) = dev.second_instance_by(&place, &line, &settings);
    let mut tokens = vec![dev.api.admin.clone(), dev.api.machine.clone()];
    let mut answers = Vec::new();
    for url in [dev.api.url.clone(), second_api.url] {
        let mut asker = Asker {
            url,
            answers: Vec::new(),
        };
        tokens.push(asker.mint_a_token().await);
        asker.is_refused(&dev.api).await;
        asker.poll_with_each_credential(&dev.api).await;
        answers.append(&mut asker.answers);
    }
    let tables = every_row(&place);
    assert!(
        tables.contains("env:PROVIDER_CANARY"),
        "the dump has the connections"
    );

    second.signal("TERM");
    assert!(second.wait_for_exit().success());
    let mut running = dev.running;
    running.signal("INT");
    assert!(running.wait_for_exit().success());
    let (lines, second_lines) = (running.stderr(), second.stderr());
    assert!(
        lines.len() > 1_000,
        "{} lines: it was to log everything",
        lines.len()
    );
    log::shows_each_request(&lines);
    log::shows_each_request(&second_lines);

    let signed: Vec<&str> = tokens
        .iter()
        .filter_map(|token| token.split_once('.').map(|(_, signed)| signed))
        .collect();
    let secrets = CANARIES.iter().copied().chain(signed);
    for secret in secrets {
        for place in [
            &lines,
            &second_lines,
            &second.stdout(),
            &answers,
            &vec![tables.clone()],
        ] {
            let found = place.iter().find(|line| line.contains(secret));
            assert_eq!(found, None, "{secret}");
        }
    }
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
