//! EventBridge is away for a while.

use serde_json::json;
use testkit::eventually;

use super::{Console, NORTH, is_applied, put, schedule_of, serve};
use crate::cognito::emulator;

#[tokio::test]
#[ignore = "needs the emulator that .ci/install-issuers installs"]
async fn schedules_made_while_eventbridge_is_away_reach_it_later() {
    let aws = emulator("0");
    let endpoint = {
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        port.local_addr().expect("its address").port().to_string()
    };
    let (serve, admin) = serve(&aws, &format!("http://127.0.0.1:{endpoint}")).await;
    let created = put(
        &serve,
        &admin,
        "/workspaces/depot-south",
        json!({"name": "South", "active": true}),
    )
    .await;
    assert_eq!(created["active"], true);
    eventually("the state says so", async || {
        schedule_of(&serve, &admin, "depot-south").await["state"] == "error"
    })
    .await;

    let later = emulator(&endpoint);
    let console = Console(&later);
    console.create_group().await;
    is_applied(&serve, &admin, "depot-south").await;
    is_applied(&serve, &admin, NORTH).await;
    assert!(console.schedule("depot-south").await.is_some());
}
