//! The database that all others are cloned from: migrating a database takes much longer than copying one.

use anyhow::Context;
use persistence::Store;
use sqlx::PgConnection;

use crate::clones::{TEMPLATES, run};

/// Functions in the template, and so in every clone, that restore a used clone.
const PRISTINE: &str = include_str!("pristine.sql");

/// Creates the template unless it exists, and returns its name. If several processes want it at once, one creates it
/// and the others wait.
pub(crate) async fn ensure_template(
    admin: &mut PgConnection,
    url_of: impl Fn(&str) -> String,
) -> anyhow::Result<String> {
    let name = template_name();
    lock(admin, "SELECT pg_advisory_lock($1, 0)").await?;
    let created = match database_exists(admin, &name).await {
        Ok(false) => create_template(admin, &name, url_of)
            .await
            .context("no template database"),
        Ok(true) => Ok(()),
        Err(error) => Err(error),
    };
    lock(admin, "SELECT pg_advisory_unlock($1, 0)").await?;
    created.map(|()| name)
}

/// Returns the name of the template. It is a hash of the template's content, so that several sets of migrations can
/// have their templates on one server.
fn template_name() -> String {
    let migrations = sqlx::migrate!("../../migrations");
    let checksums = migrations
        .iter()
        .flat_map(|migration| migration.checksum.iter());
    // FNV-1a, because the standard library's hashes do not promise to be the same in every build.
    let hash = checksums
        .chain(PRISTINE.as_bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("template_{hash:016x}")
}

async fn lock(admin: &mut PgConnection, statement: &'static str) -> anyhow::Result<()> {
    sqlx::query(statement)
        .bind(TEMPLATES)
        .execute(admin)
        .await?;
    Ok(())
}

async fn database_exists(admin: &mut PgConnection, name: &str) -> anyhow::Result<bool> {
    let found = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
        .bind(name)
        .fetch_one(admin)
        .await?;
    Ok(found)
}

/// Creates the template under another name and renames it when it is complete.
async fn create_template(
    admin: &mut PgConnection,
    name: &str,
    url_of: impl Fn(&str) -> String,
) -> anyhow::Result<()> {
    let unfinished = format!("unfinished_{name}");
    run(
        admin,
        format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)"),
    )
    .await?;
    run(
        admin,
        format!("CREATE DATABASE {unfinished} TEMPLATE template0"),
    )
    .await?;
    let store = Store::open(&url_of(&unfinished), 1)?;
    store.migrate().await?;
    store.ensure_partitions(crate::start()).await?;
    sqlx::raw_sql(PRISTINE)
        .execute(store.pool())
        .await
        .context("pristine.sql")?;
    store.close().await;
    run(
        admin,
        format!("ALTER DATABASE {unfinished} RENAME TO {name}"),
    )
    .await
}
