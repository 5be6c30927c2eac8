//! A new provider is one folder and one line in the registry: `fleet_cloud` is the folder, the line is below.

mod fleet_cloud;
mod server;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use application::Core;
use application::polling::{SharedSessions, run_cycle};
use domain::fleet::Connection;
use domain::polling::{ConnectionOutcome, ConnectionReport, CycleStatus, ErrorClass};
use providers::{
    AddressPolicy, Credentials, Interpretation, PollLimits, ProviderRegistry, Providers,
    SessionKey, Sessions,
};
use serde_json::json;
use serde_json::value::RawValue;
use tempfile::TempDir;
use testkit::{Fixture, Fleet, a_connection, a_device, a_workspace, minutes, start};

use self::fleet_cloud::{FleetCloud, TYPE};
use self::server::VendorServer;

/// 32 bytes in base64.
const SESSION_KEY: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

fn registry() -> ProviderRegistry {
    ProviderRegistry::new(vec![Arc::new(FleetCloud)])
}

/// A workspace with one bus at the new provider.
struct Stage {
    fixture: Fixture,
    vendor: VendorServer,
    credentials: TempDir,
    depot: Fleet,
    clients: Providers,
}

impl Stage {
    async fn set() -> Self {
        let fixture = Fixture::create().await;
        let vendor = VendorServer::start().await;
        let credentials = tempfile::tempdir().expect("a folder");
        let credential = r#"{"client_id":"core","client_secret":"s3cret-north"}"#;
        std::fs::write(credentials.path().join("north"), credential).expect("a credential");
        let connection = a_connection("cloud-main")
            .of_type(TYPE)
            .at(&vendor.address)
            .credential("file:north");
        let depot = a_workspace("north")
            .through(connection)
            .with(a_device("bus-1").through("cloud-main"))
            .create(&fixture)
            .await;
        let clients = clients(&depot.core, &credentials);
        Self {
            fixture,
            vendor,
            credentials,
            depot,
            clients,
        }
    }

    /// The bus has a new value, now.
    fn record(&self, feed: &str, signal: &str, value: u32) {
        let time = self.fixture.clock.now();
        let record =
            json!({"vehicle": "bus-1-unit", "signal": signal, "value": value, "time": time});
        self.vendor.record(feed, record);
    }

    async fn poll(&self) -> (CycleStatus, ConnectionReport) {
        self.poll_by(&self.clients).await
    }

    async fn poll_by(&self, clients: &Providers) -> (CycleStatus, ConnectionReport) {
        self.fixture.clock.advance(minutes(5));
        let cycle_id = self.depot.trigger(None).await.cycle_id;
        let cycle = self.depot.claim(cycle_id).await.expect("a claim");
        let status = run_cycle(&self.depot.core, clients, &cycle)
            .await
            .expect("the lease is held");
        (
            status,
            self.depot.cycle(cycle_id).await.polls.remove(0).report,
        )
    }

    async fn cursors(&self) -> Vec<(String, String)> {
        let store = &self.depot.core.store;
        let connection = self.connection().await;
        let held = store.held_cursors(&self.depot.id, &connection.id).await;
        let mut cursors: Vec<_> = held
            .expect("the store")
            .into_iter()
            .map(|(feed, held)| (feed, held.cursor.to_string()))
            .collect();
        cursors.sort();
        cursors
    }

    async fn connection(&self) -> Connection {
        let connections = self.depot.core.store.connections(&self.depot.id, None, 1);
        connections.await.expect("the store").remove(0)
    }
}

/// An instance's clients, with sessions that it shares with others.
fn clients(core: &Core, credentials: &TempDir) -> Providers {
    let addresses = AddressPolicy {
        allowed_hosts: Vec::new(),
        loopback_http: true,
    };
    let credentials = Credentials {
        folder: Some(credentials.path().to_owned()),
        ..Credentials::default()
    };
    let store = SharedSessions::new(core.store.clone(), core.clock.clone());
    let key = SessionKey::try_new(&SESSION_KEY.into()).expect("a key");
    let sessions = Sessions::shared(core.clock.clone(), Arc::new(store), key);
    let limits = PollLimits {
        backoff: Duration::from_millis(1),
        ..PollLimits::default()
    };
    Providers::try_new(registry(), addresses, credentials, sessions, limits).expect("a TLS backend")
}

fn cursors_of(movement: &str, energy: &str) -> Vec<(String, String)> {
    vec![
        ("energy".to_owned(), energy.to_owned()),
        ("movement".to_owned(), movement.to_owned()),
    ]
}

#[tokio::test]
async fn each_feed_is_read_from_its_own_cursor() {
    let stage = Stage::set().await;
    stage.record("movement", "speed_kmh", 31);
    stage.record("movement", "odometer_km", 88_000);
    stage.record("energy", "state_of_charge_percent", 71);
    let (status, report) = stage.poll().await;
    assert_eq!(status, CycleStatus::Completed);
    assert_eq!(
        (report.outcome, report.accepted),
        (ConnectionOutcome::Ok, 3)
    );
    assert_eq!(stage.cursors().await, cursors_of("2", "1"));

    stage.record("movement", "speed_kmh", 0);
    stage.vendor.asked();
    let (_, report) = stage.poll().await;
    assert_eq!((report.accepted, report.duplicate), (1, 0));
    let from = |feed: &str, cursor: &str| (feed.to_owned(), Some(cursor.to_owned()));
    assert_eq!(
        stage.vendor.asked(),
        [from("movement", "2"), from("energy", "1")]
    );
    let held = stage.depot.snapshot("bus-1").await.held;
    assert_eq!(held.readings.iter().count(), 3);
}

#[tokio::test]
async fn a_feed_that_fails_leaves_what_came_before_it_accepted() {
    let stage = Stage::set().await;
    stage.record("movement", "speed_kmh", 31);
    stage.record("energy", "state_of_charge_percent", 71);
    stage.vendor.set_failing("energy", true);
    let (status, report) = stage.poll().await;
    assert_eq!(status, CycleStatus::Partial);
    assert_eq!(
        (report.outcome, report.accepted),
        (ConnectionOutcome::Partial, 1)
    );
    assert_eq!((report.returned, report.missing.len()), (1, 0));
    let error = report.error.expect("why the rest did not come");
    assert_eq!(error.class, ErrorClass::Unavailable);
    assert_eq!(
        stage.cursors().await,
        [("movement".to_owned(), "1".to_owned())]
    );

    stage.vendor.set_failing("energy", false);
    let (status, report) = stage.poll().await;
    assert_eq!((status, report.error), (CycleStatus::Completed, None));
    assert_eq!((report.accepted, report.duplicate), (1, 0));
    assert_eq!(stage.cursors().await, cursors_of("1", "1"));
}

#[tokio::test]
async fn instances_share_a_session_and_its_token_is_nowhere_in_clear() {
    let stage = Stage::set().await;
    let another = clients(&stage.fixture.another_instance(), &stage.credentials);
    for _ in 0..2 {
        stage.poll_by(&stage.clients).await;
        stage.poll_by(&another).await;
    }
    assert_eq!(stage.vendor.logins(), 1);
    let pool = stage.depot.core.store.pool();
    let rows: Vec<(Vec<u8>, Vec<u8>)> =
        sqlx::query_as("SELECT account, sealed FROM provider_sessions")
            .fetch_all(pool)
            .await
            .expect("the table");
    let [(account, sealed)] = &rows[..] else {
        panic!("one account, not {}", rows.len());
    };
    assert_eq!(account.len(), 32);
    assert!(!sealed.windows(5).any(|part| part == b"t0ken"));
    assert!(!format!("{:?}", stage.clients).contains("t0ken"));
}

#[tokio::test]
async fn a_session_that_the_provider_refuses_is_renewed_in_the_same_poll() {
    let stage = Stage::set().await;
    let another = clients(&stage.fixture.another_instance(), &stage.credentials);
    stage.poll_by(&stage.clients).await;
    stage.poll_by(&another).await;
    stage.vendor.revoke_tokens();
    for clients in [&stage.clients, &another] {
        let (_, report) = stage.poll_by(clients).await;
        assert_eq!(
            (report.outcome, report.error),
            (ConnectionOutcome::Ok, None)
        );
    }
    assert_eq!(stage.vendor.logins(), 2, "one login renews it for both");
}

#[tokio::test]
async fn a_login_that_is_refused_is_a_rejected_credential() {
    let stage = Stage::set().await;
    let credential = r#"{"client_id":"core","client_secret":"s3cret-south"}"#;
    std::fs::write(stage.credentials.path().join("north"), credential).expect("a credential");
    let (_, report) = stage.poll().await;
    assert_eq!(report.outcome, ConnectionOutcome::Failed);
    let error = report.error.expect("a failure");
    assert_eq!(error.class, ErrorClass::CredentialsRejected);
    assert!(!error.detail.contains("s3cret"), "{}", error.detail);
}

#[tokio::test]
async fn a_credential_of_another_kind_is_not_used_and_the_needed_one_is_named() {
    let stage = Stage::set().await;
    std::fs::write(stage.credentials.path().join("north"), "s3cret-key").expect("a credential");
    let (_, report) = stage.poll().await;
    let error = report.error.expect("a failure");
    assert_eq!(error.class, ErrorClass::CredentialsUnresolved);
    assert_eq!(
        error.detail,
        r#"the credential reference file:north leads to one key: the provider needs a client id and secret, as JSON {"client_id":…,"client_secret":…}"#
    );
    assert_eq!(stage.vendor.logins(), 0);
}

#[tokio::test]
async fn a_check_lists_what_the_account_knows() {
    let stage = Stage::set().await;
    let connection = stage.connection().await;
    let listed = stage.clients.check(&connection, &[]).await.expect("a list");
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].external_id.as_str(), "bus-1-unit");
    assert_eq!(listed[0].vin.as_deref(), Some("XLRTE00000G000001"));

    let elsewhere = Connection {
        base_url: "http://example.com".to_owned(),
        ..connection
    };
    let refused = stage
        .clients
        .check(&elsewhere, &[])
        .await
        .expect_err("an address");
    assert_eq!(refused.class, ErrorClass::AddressNotAllowed);
}

#[test]
fn the_registry_interprets_and_validates_by_the_provider() {
    let registry = registry();
    let record =
        json!({"vehicle": "bus-1-unit", "signal": "speed_kmh", "value": 31, "time": start()});
    let raw = RawValue::from_string(record.to_string()).expect("JSON");
    let Interpretation::Readings(readings) = registry.interpret(TYPE, &raw) else {
        panic!("{record} is not understood");
    };
    assert_eq!(readings[0].external_id.as_str(), "bus-1-unit");
    assert_eq!(registry.streamed_types(), [TYPE]);
    let settings = |region: &str| {
        let settings = HashMap::from([("region", region)]);
        let settings = serde_json::to_value(settings).expect("JSON");
        settings.as_object().expect("an object").clone()
    };
    assert_eq!(registry.check_settings(TYPE, &settings("eu")), Ok(()));
    let invalid = registry
        .check_settings(TYPE, &settings("mars"))
        .expect_err("a region");
    assert_eq!(
        (invalid.member, invalid.rule),
        ("region", "must be eu or us")
    );
}
