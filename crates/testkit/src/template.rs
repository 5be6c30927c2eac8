//! The database that all others are cloned from: migrating once is much slower than copying often.

use anyhow::Context;
use persistence::Store;
use sqlx::PgConnection;

use crate::clones::{TEMPLATES, run};

/// What takes a used clone back to this.
const PRISTINE: &str = include_str!("pristine.sql");

/// Makes the template unless it is there; of several processes that want it at once, one does.
/// Answers its name.
pub(crate) async fn ensure(
    admin: &mut PgConnection,
    url_of: impl Fn(&str) -> String,
) -> anyhow::Result<String> {
    let name = name();
    lock(admin, "SELECT pg_advisory_lock($1, 0)").await?;
    let made = match exists(admin, &name).await {
        Ok(false) => make(admin, &name, url_of)
            .await
            .context("no template database"),
        Ok(true) => Ok(()),
        Err(error) => Err(error),
    };
    lock(admin, "SELECT pg_advisory_unlock($1, 0)").await?;
    made.map(|()| name)
}

/// Named by what is in it: another set of migrations is another template, and all can be there at
/// once.
fn name() -> String {
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

async fn exists(admin: &mut PgConnection, name: &str) -> anyhow::Result<bool> {
    let found = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
        .bind(name)
        .fetch_one(admin)
        .await?;
    Ok(found)
}

/// Under another name until it is complete: whoever finds the template finds a whole one.
async fn make(
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
