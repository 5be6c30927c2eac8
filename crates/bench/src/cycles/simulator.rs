//! The simulated provider, as a process of its own.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use hyper::Method;
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::http::{HttpConnection, excerpt};

/// The one credential of all accounts.
pub(super) const CREDENTIAL: &str = "file:key";
const KEY: &str = "s3cret";
const START_WITHIN: Duration = Duration::from_secs(30);

pub(super) struct Simulator {
    address: SocketAddr,
    credentials: PathBuf,
    /// Ends when this is dropped.
    _child: Child,
}

impl Simulator {
    /// Starts it on a free port of this machine.
    ///
    /// # Errors
    /// When it does not come up.
    pub(super) async fn start(program: &Path, directory: &Path) -> anyhow::Result<Self> {
        let credentials = directory.join("credentials");
        fs::create_dir(&credentials)?;
        fs::write(credentials.join("key"), KEY)?;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let child = Command::new(program)
            .args(["--listen", &address.to_string(), "--vehicles", "1"])
            .current_dir(directory)
            .env_clear()
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(directory.join("simulator.log"))?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot run {}", program.display()))?;
        let listens = async {
            while HttpConnection::open(address, KEY).await.is_err() {
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(START_WITHIN, listens)
            .await
            .context("the simulator does not listen")?;
        Ok(Self {
            address,
            credentials,
            _child: child,
        })
    }

    /// The folder that [`CREDENTIAL`] is in.
    ///
    /// # Errors
    /// When its name is no text.
    pub(super) fn credentials(&self) -> anyhow::Result<&str> {
        self.credentials.to_str().context("a path that is no text")
    }

    /// An account with these vehicles; answers its base URL.
    ///
    /// # Errors
    /// When it refuses.
    pub(super) async fn put_account(
        &self,
        name: &str,
        vehicles: &[String],
    ) -> anyhow::Result<String> {
        let vehicles: Vec<Value> = vehicles.iter().map(|id| json!({"id": id})).collect();
        let account = json!({"key": KEY, "vehicles": vehicles});
        self.control(Method::PUT, &format!("/{name}"), &account)
            .await?;
        Ok(format!("http://{}/accounts/{name}", self.address))
    }

    /// Accepts an account's requests from now on and does not answer them.
    ///
    /// # Errors
    /// When it refuses.
    pub(super) async fn hang(&self, name: &str) -> anyhow::Result<()> {
        let hang = json!({"kind": "hang"});
        self.control(Method::PUT, &format!("/{name}/fault"), &hang)
            .await?;
        Ok(())
    }

    /// Answers them again; those that hang go on hanging.
    ///
    /// # Errors
    /// When it refuses.
    pub(super) async fn answer(&self, name: &str) -> anyhow::Result<()> {
        self.control(Method::DELETE, &format!("/{name}/fault"), &Value::Null)
            .await?;
        Ok(())
    }

    /// Requests that it is answering now, of all accounts.
    ///
    /// # Errors
    /// When it does not say.
    pub(super) async fn in_flight(&self) -> anyhow::Result<u64> {
        let listed = self.control(Method::GET, "", &Value::Null).await?;
        let accounts = listed["accounts"].as_array().context("no accounts")?;
        let in_flight = accounts
            .iter()
            .filter_map(|account| account["requests"]["in_flight"].as_u64());
        Ok(in_flight.sum())
    }

    async fn control(&self, method: Method, path: &str, body: &Value) -> anyhow::Result<Value> {
        let mut connection = HttpConnection::open(self.address, KEY).await?;
        let path = format!("/control/accounts{path}");
        let (status, answer) = connection
            .send(method, &path, body.to_string().into())
            .await?;
        ensure!(status.is_success(), "{path}: {status} {}", excerpt(&answer));
        Ok(serde_json::from_slice(&answer).unwrap_or_default())
    }
}
