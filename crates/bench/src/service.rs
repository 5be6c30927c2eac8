//! The service under measurement: the program as it is shipped (profile `dist`), as a process of its own.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use auth::{DEV_CLIENT_ID, DevIssuer, MintRequest};
use bytes::Bytes;
use clock::Clock;
use hyper::{Method, StatusCode};
use serde::Deserialize;
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::database::BenchDatabase;
use crate::http::HttpConnection;

const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
const PACKAGE: &str = "bf-manage-core";

/// The issuer that this run's tokens name.
pub(crate) const ISSUER: &str = "http://bf-bench-issuer.localhost";

const START_WITHIN: Duration = Duration::from_secs(30);

/// A running service, with tokens that it accepts.
pub(crate) struct Service {
    address: SocketAddr,
    child: Child,
    issuer: DevIssuer,
    machine_token: String,
}

/// Builds the service with the profile `dist` and returns the path of its executable.
///
/// # Errors
/// When it does not build.
pub(crate) async fn build() -> anyhow::Result<PathBuf> {
    build_of(PACKAGE).await
}

/// Builds the program of this package with the profile `dist` and returns the path of its executable.
///
/// # Errors
/// When it does not build.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo says by its environment where it is"
)]
pub(crate) async fn build_of(package: &str) -> anyhow::Result<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        executable: Option<PathBuf>,
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    eprintln!("bench: building {package}");
    let built = Command::new(cargo)
        .args([
            "build",
            "--profile",
            "dist",
            "--package",
            package,
            "--quiet",
        ])
        .args(["--message-format=json-render-diagnostics"])
        .args(["--manifest-path", MANIFEST])
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .context("cargo does not run")?;
    ensure!(built.status.success(), "{package} does not build");
    let messages = String::from_utf8_lossy(&built.stdout);
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok()?.executable)
        .find(|program| program.file_stem().is_some_and(|name| name == package))
        .context("cargo built no program")
}

impl Service {
    /// Starts it on a free port of this machine, with an empty environment but for its settings; the
    /// log is as in production.
    ///
    /// # Errors
    /// When it does not become ready, with what it said.
    pub(crate) async fn start(
        program: &Path,
        directory: &Path,
        database: &BenchDatabase,
    ) -> anyhow::Result<Self> {
        Self::start_with(program, directory, database, &[]).await
    }

    /// The same, with further settings.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub(crate) async fn start_with(
        program: &Path,
        directory: &Path,
        database: &BenchDatabase,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let issuer = DevIssuer::load_or_create(directory, ISSUER)?;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let log = directory.join(format!("service-{}.log", address.port()));
        let child = Command::new(program)
            .args(["serve", "--listen", &address.to_string(), "--dev-data"])
            .arg(directory)
            .current_dir(directory)
            .env_clear()
            .env("PROFILE", "dev")
            .env("DATABASE_URL", &database.url)
            .env("AUTH_ISSUER", ISSUER)
            .env("AUTH_JWKS_URL", format!("http://{address}/dev/jwks.json"))
            .env("AUTH_CLIENT_IDS", DEV_CLIENT_ID)
            .env("SCHEDULER", "none")
            .env("LOG", "info")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot run {}", program.display()))?;
        let now = Clock::system().now();
        let machine = MintRequest::machine(["telematics/ingest", "telematics/read"]);
        let mut service = Self {
            address,
            child,
            machine_token: issuer.mint(&machine, now),
            issuer,
        };
        service.await_readiness(&log).await?;
        Ok(service)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whose tokens it accepts.
    pub(crate) fn issuer(&self) -> &DevIssuer {
        &self.issuer
    }

    /// A connection of an administrator of this name, who may configure and read: one person may not
    /// ask without limit.
    ///
    /// # Errors
    /// When nobody listens.
    pub(crate) async fn as_admin_named(&self, name: &str) -> anyhow::Result<HttpConnection> {
        let admin = MintRequest {
            subject: Some(name.to_owned()),
            ..MintRequest::user(["system-admin"])
        };
        let token = self.issuer.mint(&admin, Clock::system().now());
        HttpConnection::open(self.address, &token).await
    }

    /// A connection that may bring updates and read, as often as it likes.
    ///
    /// # Errors
    /// When nobody listens.
    pub(crate) async fn as_machine(&self) -> anyhow::Result<HttpConnection> {
        HttpConnection::open(self.address, &self.machine_token).await
    }

    /// Its process, while it lives.
    pub(crate) fn process(&self) -> Option<u32> {
        self.child.id()
    }

    /// Ends the process. It gets no grace: nothing that it holds outlives the run.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    async fn await_readiness(&mut self, log: &Path) -> anyhow::Result<()> {
        let since = Instant::now();
        while !self.is_ready().await {
            let said = || fs::read_to_string(log).unwrap_or_default();
            if let Some(status) = self.child.try_wait()? {
                bail!("the service ended, {status}: {}", said());
            }
            ensure!(
                since.elapsed() < START_WITHIN,
                "the service is not ready: {}",
                said()
            );
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    async fn is_ready(&self) -> bool {
        let Ok(mut connection) = self.as_machine().await else {
            return false;
        };
        let answer = connection.send(Method::GET, "/readyz", Bytes::new()).await;
        answer.is_ok_and(|(status, _)| status == StatusCode::OK)
    }
}
