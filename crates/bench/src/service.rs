//! The process of the measured service: the program as it is shipped (profile `dist`).

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

/// The issuer in the tokens of a run.
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
/// If the build fails.
pub(crate) async fn build() -> anyhow::Result<PathBuf> {
    build_of(PACKAGE).await
}

/// Builds the program of this package with the profile `dist` and returns the path of its executable.
///
/// # Errors
/// If the build fails.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo sets CARGO to the path of its own executable"
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
        .context("cannot run cargo")?;
    ensure!(built.status.success(), "{package} does not build");
    let messages = String::from_utf8_lossy(&built.stdout);
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok()?.executable)
        .find(|program| program.file_stem().is_some_and(|name| name == package))
        .with_context(|| format!("cargo built no program named {package}"))
}

impl Service {
    /// Starts the service on a free port of this machine. Its environment holds only its settings, and its log
    /// is as in production.
    ///
    /// # Errors
    /// If the service does not become ready; the error holds the service's log.
    pub(crate) async fn start(
        program: &Path,
        directory: &Path,
        database: &BenchDatabase,
    ) -> anyhow::Result<Self> {
        Self::start_with(program, directory, database, &[]).await
    }

    /// Starts the service as [`Self::start`] does, with further settings.
    ///
    /// # Errors
    /// If the service does not become ready; the error holds the service's log.
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

    /// Returns the address on which the service listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the issuer whose tokens the service accepts.
    pub(crate) fn issuer(&self) -> &DevIssuer {
        &self.issuer
    }

    /// Opens a connection of an administrator of this name, who may configure and read. Callers use several
    /// names, because the service limits the requests of one person.
    ///
    /// # Errors
    /// If the service does not listen.
    pub(crate) async fn as_admin_named(&self, name: &str) -> anyhow::Result<HttpConnection> {
        let admin = MintRequest {
            subject: Some(name.to_owned()),
            ..MintRequest::user(["system-admin"])
        };
        let token = self.issuer.mint(&admin, Clock::system().now());
        HttpConnection::open(self.address, &token).await
    }

    /// Opens a connection of a machine, which may send updates and read without a limit of requests.
    ///
    /// # Errors
    /// If the service does not listen.
    pub(crate) async fn as_machine(&self) -> anyhow::Result<HttpConnection> {
        HttpConnection::open(self.address, &self.machine_token).await
    }

    /// Returns the id of the process while it runs.
    pub(crate) fn process(&self) -> Option<u32> {
        self.child.id()
    }

    /// Kills the process at once: its data is removed after the run anyway.
    ///
    /// # Errors
    /// If the process cannot be killed.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    async fn await_readiness(&mut self, log: &Path) -> anyhow::Result<()> {
        let since = Instant::now();
        while !self.is_ready().await {
            let read_log = || fs::read_to_string(log).unwrap_or_default();
            if let Some(status) = self.child.try_wait()? {
                bail!("the service ended with {status}: {}", read_log());
            }
            ensure!(
                since.elapsed() < START_WITHIN,
                "the service is not ready after {} s: {}",
                START_WITHIN.as_secs(),
                read_log()
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
