//! The process of the simulated provider.

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

/// The reference to the one credential that all accounts share.
pub(super) const CREDENTIAL: &str = "file:key";
const KEY: &str = "s3cret";
const START_WITHIN: Duration = Duration::from_secs(30);

/// The running process of the simulated provider.
pub(super) struct SimulatorProcess {
    address: SocketAddr,
    credentials: PathBuf,
    /// The process, which is killed when the value is dropped.
    _child: Child,
}

impl SimulatorProcess {
    /// Starts the program on a free port of this machine.
    ///
    /// # Errors
    /// If the program does not listen within 30 seconds.
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
            .with_context(|| format!("the simulator does not listen on {address}"))?;
        Ok(Self {
            address,
            credentials,
            _child: child,
        })
    }

    /// Returns the folder with the file of [`CREDENTIAL`].
    ///
    /// # Errors
    /// If the folder's path is not UTF-8.
    pub(super) fn credentials(&self) -> anyhow::Result<&str> {
        self.credentials
            .to_str()
            .context("the path of the credentials is not UTF-8")
    }

    /// Adds an account with these vehicles; returns its base URL.
    ///
    /// # Errors
    /// If the simulator refuses the request.
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

    /// Makes the simulator accept an account's requests without answering them.
    ///
    /// # Errors
    /// If the simulator refuses the request.
    pub(super) async fn hang(&self, name: &str) -> anyhow::Result<()> {
        let hang = json!({"kind": "hang"});
        self.control(Method::PUT, &format!("/{name}/fault"), &hang)
            .await?;
        Ok(())
    }

    /// Makes the simulator answer an account's new requests again. Requests that hang go on hanging.
    ///
    /// # Errors
    /// If the simulator refuses the request.
    pub(super) async fn stop_hanging(&self, name: &str) -> anyhow::Result<()> {
        self.control(Method::DELETE, &format!("/{name}/fault"), &Value::Null)
            .await?;
        Ok(())
    }

    /// Returns the number of requests to all accounts that have no answer yet.
    ///
    /// # Errors
    /// If the simulator refuses the request.
    pub(super) async fn in_flight(&self) -> anyhow::Result<u64> {
        let listed = self.control(Method::GET, "", &Value::Null).await?;
        let accounts = listed["accounts"]
            .as_array()
            .context("the simulator's answer lists no accounts")?;
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
