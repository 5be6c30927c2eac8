//! A gate between a store and its database, which holds back the answer to a statement.

use std::io;
use std::sync::Arc;

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use testkit::TestDatabase;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

/// A TCP port that forwards to the database of a test.
pub struct AnswerGate {
    url: String,
    state: Arc<watch::Sender<State>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// The statement with this text has not come yet.
    Expecting(&'static str),
    /// The statement was sent on to the server; no answer passes.
    Closed,
    /// The server has answered, and its answer waits at the gate.
    Holding,
}

/// A connection to the server, of either kind.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl AnswerGate {
    /// An open gate before the database.
    pub async fn before(database: &TestDatabase) -> Self {
        let options: PgConnectOptions = database.url().parse().expect("a URL");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let url = url_through(port, &options);
        let state = Arc::new(watch::Sender::new(State::Open));
        let of_task = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (options, state) = (options.clone(), Arc::clone(&of_task));
                tokio::spawn(async move { Box::pin(forward(client, &options, &state)).await });
            }
        });
        Self { url, state }
    }

    /// Where a store connects to the database through the gate.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Closes the gate as soon as a statement with this text has passed it.
    pub fn hold_answer_to(&self, statement: &'static str) {
        self.state.send_replace(State::Expecting(statement));
    }

    /// Waits until the server has answered the statement.
    pub async fn answered(&self) {
        let mut state = self.state.subscribe();
        let holding = state.wait_for(|state| *state == State::Holding).await;
        holding.expect("the gate is there");
    }

    /// Lets the answer pass, and all that come after it.
    pub fn open(&self) {
        self.state.send_replace(State::Open);
    }
}

/// Forwards a client's connection in both directions until either side ends it.
async fn forward(
    client: TcpStream,
    options: &PgConnectOptions,
    state: &watch::Sender<State>,
) -> io::Result<()> {
    let server = connect(options).await?;
    let (mut from_client, mut to_client) = split(client);
    let (mut from_server, mut to_server) = split(server);
    let statements = async {
        let mut bytes = [0; 8192];
        loop {
            let count = from_client.read(&mut bytes).await?;
            if count == 0 {
                return to_server.shutdown().await;
            }
            let text = String::from_utf8_lossy(&bytes[..count]);
            state.send_if_modified(|state| match *state {
                State::Expecting(statement) if text.contains(statement) => {
                    *state = State::Closed;
                    true
                }
                _ => false,
            });
            to_server.write_all(&bytes[..count]).await?;
        }
    };
    let answers = async {
        let mut bytes = [0; 8192];
        loop {
            let count = from_server.read(&mut bytes).await?;
            if count == 0 {
                return to_client.shutdown().await;
            }
            state.send_if_modified(|state| {
                let is_closed = *state == State::Closed;
                if is_closed {
                    *state = State::Holding;
                }
                is_closed
            });
            let is_passable = |state: &State| matches!(state, State::Open | State::Expecting(_));
            let mut changes = state.subscribe();
            changes
                .wait_for(is_passable)
                .await
                .map_err(io::Error::other)?;
            to_client.write_all(&bytes[..count]).await?;
        }
    };
    tokio::try_join!(statements, answers).map(drop)
}

/// The URL of the same database by way of a port of this machine.
fn url_through(port: u16, options: &PgConnectOptions) -> String {
    if options.get_socket().is_none() {
        let through = options.clone().host("127.0.0.1").port(port);
        let url = through.ssl_mode(PgSslMode::Disable).to_url_lossy();
        return url.to_string();
    }
    let user = options.get_username();
    let name = options.get_database().expect("a database");
    format!("postgres://{user}@127.0.0.1:{port}/{name}?sslmode=disable")
}

/// Connects to the server itself.
async fn connect(options: &PgConnectOptions) -> io::Result<Box<dyn Stream>> {
    let port = options.get_port();
    match options.get_socket() {
        Some(folder) => {
            let socket = folder.join(format!(".s.PGSQL.{port}"));
            Ok(Box::new(UnixStream::connect(socket).await?))
        }
        None => Ok(Box::new(
            TcpStream::connect((options.get_host(), port)).await?,
        )),
    }
}
