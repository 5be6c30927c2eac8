//! The simulator on the network.

use bf_depot_sim::{Account, Fault};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::stage::Stage;

#[tokio::test]
async fn shutdown_ends_a_server_with_a_hanging_request() {
    let stage = Stage::with(Account::fleet("depot", 1).with_fault(Fault::Hang));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let shutdown = CancellationToken::new();
    let served = tokio::spawn({
        let (simulator, shutdown) = (stage.simulator.clone(), shutdown.clone());
        async move { simulator.serve(listener, shutdown).await }
    });

    let mut caller = TcpStream::connect(address).await.expect("a connection");
    let request = format!("GET /accounts/depot/vehicles HTTP/1.1\r\nhost: {address}\r\n\r\n");
    caller.write_all(request.as_bytes()).await.expect("sent");
    while stage
        .simulator
        .requests("depot")
        .expect("the account")
        .in_flight
        == 0
    {
        tokio::task::yield_now().await;
    }
    shutdown.cancel();
    served.await.expect("no panic").expect("served");
    let mut answer = String::new();
    caller.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
}
