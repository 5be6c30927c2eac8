//! `bf-manage-core serve`: one instance of production, or a second instance beside `dev`.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use auth::{DevIssuer, Verifier, VerifierSettings};
use clock::Clock;
use eventbridge::EventBridge;
use persistence::Store;
use scheduling::Scheduler;
use secrecy::ExposeSecret;
use tokio::net::TcpListener;

use crate::config::{self, Settings};
use crate::instance::{Instance, shutdown_signal};
use crate::metrics::Metrics;
use crate::production::refuse_dev_settings;

/// Serves until the process is asked to stop. `dev_data` is the data directory of a `dev` whose tokens are accepted.
///
/// # Errors
/// A setting that is missing or that production refuses, a busy port, a database that cannot be migrated.
pub async fn serve(settings: Settings, dev_data: Option<&Path>) -> anyhow::Result<()> {
    refuse_dev_settings(&settings, dev_data)?;
    let scheduler = connect_scheduler(&settings).await?;
    let listener = TcpListener::bind(&settings.listen)
        .await
        .with_context(|| format!("cannot listen on {}", settings.listen))?;
    let metrics = Metrics::bind(&settings.metrics_listen).await?;
    let clock = Clock::system();
    let store = open(&settings)?;
    prepare(&store, &clock).await?;
    let (verifier, dev_issuer) = make_verifier(&settings, dev_data, &clock)?;
    if let Some(metrics) = &metrics {
        println!(
            "bf-manage-core has metrics at http://{}/metrics",
            metrics.address()?
        );
    }
    let instance = Instance::try_new(
        &settings, store, clock, verifier, dev_issuer, metrics, scheduler,
    )?;
    println!("bf-manage-core serves http://{}", listener.local_addr()?);
    instance.run(listener, shutdown_signal()?).await;
    Ok(())
}

/// Makes the verifier of access tokens, and the issuer of `dev` if its data directory is given.
fn make_verifier(
    settings: &Settings,
    dev_data: Option<&Path>,
    clock: &Clock,
) -> anyhow::Result<(Verifier, Option<Arc<DevIssuer>>)> {
    let issuer = settings
        .auth_issuer
        .as_deref()
        .context("AUTH_ISSUER is not set")?;
    let jwks_url = settings
        .auth_jwks_url
        .as_deref()
        .context("AUTH_JWKS_URL is not set")?;
    let dev_issuer = dev_data
        .map(|dir| DevIssuer::load_or_create(dir, issuer))
        .transpose()?
        .map(Arc::new);
    let verifier = VerifierSettings::try_new(
        issuer,
        jwks_url,
        settings.auth_client_ids.0.clone(),
        settings.auth_audience.as_deref(),
    )?;
    Ok((Verifier::try_new(verifier, clock.clone())?, dev_issuer))
}

/// Brings the schema and the partitions of a store up to date.
///
/// # Errors
/// When the database cannot be migrated.
pub async fn prepare(store: &Store, clock: &Clock) -> anyhow::Result<()> {
    store.migrate().await.context("the database is not ready")?;
    store.ensure_partitions(clock.now()).await?;
    Ok(())
}

/// `bf-manage-core migrate`: brings the schema up to date and ends.
///
/// # Errors
/// A missing setting, or a database that cannot be migrated.
pub async fn migrate(settings: Settings) -> anyhow::Result<()> {
    prepare(&open(&settings)?, &Clock::system()).await?;
    println!("the schema is up to date");
    Ok(())
}

/// Connects the scheduler that the instances of this deployment keep up to date, if there is one.
///
/// # Errors
/// A setting that EventBridge needs and that is missing or wrong.
pub async fn connect_scheduler(settings: &Settings) -> anyhow::Result<Option<Arc<dyn Scheduler>>> {
    match settings.scheduler {
        config::Scheduler::Eventbridge => {
            let eventbridge = EventBridge::connect(settings.eventbridge()?).await;
            Ok(Some(Arc::new(eventbridge)))
        }
        // `dev` makes its own scheduler, and a second instance beside `dev` does not reach it.
        config::Scheduler::InProcess | config::Scheduler::None => Ok(None),
    }
}

/// Opens the database that the settings name.
///
/// # Errors
/// When the settings name no database, or its URL cannot be read.
pub fn open(settings: &Settings) -> anyhow::Result<Store> {
    let url = settings
        .database_url
        .as_ref()
        .context("DATABASE_URL is not set")?;
    open_at(url.expose_secret(), settings)
}

/// Opens the database of a URL. The error does not say why a URL cannot be read, because the reason may quote the
/// URL, which may contain a password.
///
/// # Errors
/// When the URL cannot be read.
pub fn open_at(url: &str, settings: &Settings) -> anyhow::Result<Store> {
    let store = Store::open(url, settings.database_max_connections).map_err(|_| {
        anyhow!(
            "DATABASE_URL cannot be read: it must be as postgres://user:password@host:5432/database"
        )
    })?;
    Ok(store.caching_at_most(settings.memory_devices))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_store_shows_no_password() {
        let settings = Settings::load(crate::config::Profile::Dev).expect("the defaults");
        let url = "postgres://core:s3cret@db.internal/telematics";
        let store = open_at(url, &settings).expect("a store");
        assert!(!format!("{store:?}").contains("s3cret"));
    }
}
