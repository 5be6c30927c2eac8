//! What `dev` prints: what runs, and lines to paste.

use std::net::SocketAddr;
use std::path::Path;

use auth::{DEV_CLIENT_ID, DevIssuer, MintRequest};
use chrono::{DateTime, Utc};

use super::ISSUER;

/// What there is to say.
pub struct Facts<'a> {
    pub address: SocketAddr,
    pub metrics: Option<SocketAddr>,
    pub sim_url: &'a str,
    pub database_url: &'a str,
    pub data_dir: &'a Path,
    pub credentials: &'a Path,
    pub issuer: &'a DevIssuer,
    pub now: DateTime<Utc>,
    pub replay: bool,
    pub stops_database: bool,
    pub trigger_precision_seconds: u32,
}

/// Prints it.
pub fn print(facts: &Facts<'_>) {
    let token = |mut request: MintRequest| {
        request.expires_in_seconds = 24 * 3600;
        facts.issuer.mint(&request, facts.now)
    };
    let api = format!("http://{}/api/telematics-mvp", facts.address);
    let admin = token(MintRequest::user(["system-admin"]));
    let machine = token(MintRequest::machine([
        "telematics/ingest",
        "telematics/provider-ingest",
        "telematics/poll",
        "telematics/read",
    ]));
    println!("bf-manage-core dev is ready\n");
    println!("  API        {api}");
    println!("  OpenAPI    http://{}/openapi.json", facts.address);
    if let Some(metrics) = facts.metrics {
        println!("  metrics    http://{metrics}/metrics");
    }
    println!("  simulator  {}/control/accounts", facts.sim_url);
    println!("  database   {}", facts.database_url);
    println!("  data       {}\n", facts.data_dir.display());
    println!(
        "Tokens, good for a day (more: POST http://{}/dev/token):\n",
        facts.address
    );
    println!("export ADMIN={admin}");
    println!("export MACHINE={machine}\n");
    println!("Try:\n");
    println!("curl -s -H \"Authorization: Bearer $ADMIN\" '{api}/workspaces/demo-north/health'");
    println!(
        "curl -s -H \"Authorization: Bearer $ADMIN\" '{api}/workspaces/demo-north/health?state=stale'"
    );
    println!(
        "curl -s -H \"Authorization: Bearer $ADMIN\" '{api}/workspaces/demo-north/snapshots?limit=1'"
    );
    println!(
        "curl -s -H \"Authorization: Bearer $ADMIN\" '{api}/workspaces/demo-north/poll-cycles?limit=1'"
    );
    if facts.replay {
        println!(
            "curl -s -H \"Authorization: Bearer $ADMIN\" '{api}/workspaces/demo-replay/snapshots/replay-1'"
        );
    }
    println!(
        "curl -s -H \"Authorization: Bearer $MACHINE\" -H 'Content-Type: application/json' -d '{{\"updates\":[{{\"device_id\":\"north-bus-02-obu\",\"observed_at\":\"{}\",\"signals\":{{\"state_of_charge_percent\":71.5}}}}]}}' '{api}/workspaces/demo-north/ingest'",
        facts.now.format("%Y-%m-%dT%H:%M:%SZ")
    );
    println!(
        "curl -s -H \"Authorization: Bearer $MACHINE\" -H 'Content-Type: application/json' -d '{{\"workspace_id\":\"demo-north\"}}' '{api}/poll-cycles'\n"
    );
    let listen = second_address(facts.address);
    // Instances must agree on when a slot is due.
    let precision = match facts.trigger_precision_seconds {
        0 => String::new(),
        seconds => format!("TRIGGER_PRECISION_SECONDS={seconds} "),
    };
    println!("A second instance on the same database:\n");
    println!(
        "PROFILE=dev {precision}DATABASE_URL={} AUTH_ISSUER={ISSUER} AUTH_JWKS_URL=http://{listen}/dev/jwks.json AUTH_CLIENT_IDS={DEV_CLIENT_ID} PROVIDER_CREDENTIALS_DIR='{}' cargo run --release -- serve --listen {listen} --dev-data '{}'\n",
        facts.database_url,
        facts.credentials.display(),
        facts.data_dir.display(),
    );
    let database = if facts.stops_database {
        "the database included"
    } else {
        "but for the database of DATABASE_URL"
    };
    println!("Ctrl-C stops everything, {database}.");
}

/// The next free port after the API's, for the second instance.
fn second_address(first: SocketAddr) -> SocketAddr {
    let is_free = |address: &SocketAddr| std::net::TcpListener::bind(address).is_ok();
    let later = (1..=100)
        .filter_map(|step| Some(SocketAddr::new(first.ip(), first.port().checked_add(step)?)));
    later
        .into_iter()
        .find(is_free)
        .unwrap_or_else(|| SocketAddr::new(first.ip(), 0))
}
