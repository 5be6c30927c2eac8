//! The banner that `dev` prints: what runs, and lines to paste.

use std::net::SocketAddr;

use auth::{DEV_CLIENT_ID, MintRequest};

use super::ISSUER;
use super::place::Place;

/// Prints what runs and where, with tokens and requests to try.
pub fn print(place: &Place, replay: bool) {
    let now = place.clock.now();
    let address = place.addresses.api;
    let database_url = place.database.displayed_url();
    let token = |mut request: MintRequest| {
        request.expires_in_seconds = 24 * 3600;
        place.issuer.mint(&request, now)
    };
    let api = format!("http://{address}/api/telematics-mvp");
    let admin = token(MintRequest::user(["system-admin"]));
    let machine = token(MintRequest::machine([
        "telematics/ingest",
        "telematics/provider-ingest",
        "telematics/poll",
        "telematics/read",
    ]));
    println!("bf-manage-core dev is ready\n");
    println!("  API        {api}");
    println!("  OpenAPI    http://{address}/openapi.json");
    if let Some(metrics) = place.addresses.metrics {
        println!("  metrics    http://{metrics}/metrics");
    }
    println!("  simulator  {}/control/accounts", place.sim_url());
    println!("  database   {database_url}");
    println!("  data       {}\n", place.data_dir.path().display());
    println!("Tokens, good for a day (more: POST http://{address}/dev/token):\n");
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
    if replay {
        println!(
            "curl -s -H \"Authorization: Bearer $ADMIN\" '{api}/workspaces/demo-replay/snapshots/replay-1'"
        );
    }
    println!(
        "curl -s -H \"Authorization: Bearer $MACHINE\" -H 'Content-Type: application/json' -d '{{\"updates\":[{{\"device_id\":\"north-bus-02-obu\",\"observed_at\":\"{}\",\"signals\":{{\"state_of_charge_percent\":71.5}}}}]}}' '{api}/workspaces/demo-north/ingest'",
        now.format("%Y-%m-%dT%H:%M:%SZ")
    );
    println!(
        "curl -s -H \"Authorization: Bearer $MACHINE\" -H 'Content-Type: application/json' -d '{{\"workspace_id\":\"demo-north\"}}' '{api}/poll-cycles'\n"
    );
    let listen = find_second_address(address);
    // All instances must agree on when a slot is due.
    let precision = match place.settings.trigger_precision_seconds {
        0 => String::new(),
        seconds => format!("TRIGGER_PRECISION_SECONDS={seconds} "),
    };
    println!("A second instance on the same database:\n");
    println!(
        "PROFILE=dev {precision}DATABASE_URL={} AUTH_ISSUER={ISSUER} AUTH_JWKS_URL=http://{listen}/dev/jwks.json AUTH_CLIENT_IDS={DEV_CLIENT_ID} PROVIDER_CREDENTIALS_DIR='{}' cargo run --release -- serve --listen {listen} --dev-data '{}'\n",
        database_url,
        place.data_dir.credentials().display(),
        place.data_dir.path().display(),
    );
    let database = if place.database.is_private() {
        "the database included"
    } else {
        "but for the database of DATABASE_URL"
    };
    println!("Ctrl-C stops everything, {database}.");
}

/// Finds the next free port after the API's, for the second instance.
fn find_second_address(first: SocketAddr) -> SocketAddr {
    let is_free = |address: &SocketAddr| std::net::TcpListener::bind(address).is_ok();
    let later = (1..=100)
        .filter_map(|step| Some(SocketAddr::new(first.ip(), first.port().checked_add(step)?)));
    later
        .into_iter()
        .find(is_free)
        .unwrap_or_else(|| SocketAddr::new(first.ip(), 0))
}
