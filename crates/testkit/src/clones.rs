//! The databases that tests get. They are clones of the template, and are reused by one test after another and by one
//! process after another: there are never more databases than tests that ran at once.
//!
//! A database has a number in its name. A process has the database for as long as its session holds the advisory lock
//! on that number, so the databases of a process that was killed are free. A database gets a new name when it is
//! returned, so that tasks which a test left running cannot connect to it again.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::Context;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};

use crate::server::{Content, LentDatabase};
use crate::template;

/// The advisory locks of databases have this first key; their second key is the database's number.
const DATABASES: i32 = 0x7465_7374;
/// The advisory lock of the template has this first key.
pub(crate) const TEMPLATES: i32 = DATABASES + 1;

/// How often a session that was told to end is looked at before dropping its database forces it to.
const LOOKS: u32 = 100;
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

pub(crate) struct Clones {
    url: String,
    admin: PgConnection,
    template: String,
    /// Numbers of the databases that this process has lent. They are needed because a session that holds an advisory
    /// lock gets the same lock again.
    lent: HashSet<i32>,
}

impl Clones {
    pub(crate) async fn open(url: String) -> anyhow::Result<Self> {
        let mut admin = connect(&url).await?;
        let template = template::ensure_template(&mut admin, |name| url_of(&url, name)).await?;
        Ok(Self {
            url,
            admin,
            template,
            lent: HashSet::new(),
        })
    }

    pub(crate) async fn lend(&mut self, content: Content) -> anyhow::Result<LentDatabase> {
        let name = match content {
            Content::Empty => self.create("test_empty_", "template0").await?,
            Content::Migrated => match self.reuse().await? {
                Some(name) => name,
                None => self.create(&self.prefix(), &self.template.clone()).await?,
            },
        };
        Ok(LentDatabase {
            url: url_of(&self.url, &name),
            name,
        })
    }

    /// Ends the sessions that a test left open, and makes its database free for the next test. A database that was
    /// lent empty is dropped: no other test could use it.
    pub(crate) async fn take_back(&mut self, name: &str) -> anyhow::Result<()> {
        self.end_sessions(name).await?;
        if name.starts_with(&self.prefix()) {
            let free = format!("{}{}", self.prefix(), self.any_number().await?);
            run(
                &mut self.admin,
                format!("ALTER DATABASE {name} RENAME TO {free}"),
            )
            .await?;
        } else {
            self.drop_database(name).await?;
        }
        let number = number_of(name).context("a name without a number")?;
        self.lent.remove(&number);
        self.unlock(number).await
    }

    async fn create(&mut self, prefix: &str, template: &str) -> anyhow::Result<String> {
        let number = self.any_number().await?;
        anyhow::ensure!(self.try_lock(number).await?, "a number that nobody has");
        self.lent.insert(number);
        let name = format!("{prefix}{number}");
        run(
            &mut self.admin,
            format!("CREATE DATABASE {name} TEMPLATE {template}"),
        )
        .await?;
        Ok(name)
    }

    /// Returns a free clone, restored to the content of the template; `None` if no clone is free.
    async fn reuse(&mut self) -> anyhow::Result<Option<String>> {
        for name in self.list_clones().await? {
            let Some(number) = number_of(&name).filter(|number| !self.lent.contains(number)) else {
                continue;
            };
            if !self.try_lock(number).await? {
                continue;
            }
            // Another process may have used and renamed it since the list was read.
            if self.list_clones().await?.contains(&name) {
                self.end_sessions(&name).await?;
                if self.restore(&name).await? {
                    self.lent.insert(number);
                    return Ok(Some(name));
                }
                self.drop_database(&name).await?;
            }
            self.unlock(number).await?;
        }
        Ok(None)
    }

    /// Lists the names of all clones of our template, oldest first.
    async fn list_clones(&mut self) -> anyhow::Result<Vec<String>> {
        let names = sqlx::query_scalar(
            "SELECT datname::text FROM pg_database WHERE starts_with(datname, $1) ORDER BY oid",
        )
        .bind(self.prefix())
        .fetch_all(&mut self.admin)
        .await?;
        Ok(names)
    }

    async fn restore(&self, name: &str) -> anyhow::Result<bool> {
        let mut connection = connect(&url_of(&self.url, name)).await?;
        let restored = sqlx::query_scalar("SELECT testkit.restore()")
            .fetch_one(&mut connection)
            .await
            .context("a used database could not be restored")?;
        connection.close().await?;
        Ok(restored)
    }

    /// Ends all sessions of a database and waits until they have ended. Renaming and dropping a database would wait too,
    /// but look only every tenth of a second.
    async fn end_sessions(&mut self, name: &str) -> anyhow::Result<()> {
        for _ in 0..LOOKS {
            let ended: i64 = sqlx::query_scalar(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1",
            )
            .bind(name)
            .fetch_one(&mut self.admin)
            .await?;
            if ended == 0 {
                break;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        Ok(())
    }

    async fn drop_database(&mut self, name: &str) -> anyhow::Result<()> {
        run(
            &mut self.admin,
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        )
        .await
    }

    async fn any_number(&mut self) -> anyhow::Result<i32> {
        Ok(
            sqlx::query_scalar("SELECT (random() * 2147483646)::integer")
                .fetch_one(&mut self.admin)
                .await?,
        )
    }

    async fn try_lock(&mut self, number: i32) -> anyhow::Result<bool> {
        Ok(sqlx::query_scalar("SELECT pg_try_advisory_lock($1, $2)")
            .bind(DATABASES)
            .bind(number)
            .fetch_one(&mut self.admin)
            .await?)
    }

    async fn unlock(&mut self, number: i32) -> anyhow::Result<()> {
        sqlx::query("SELECT pg_advisory_unlock($1, $2)")
            .bind(DATABASES)
            .bind(number)
            .execute(&mut self.admin)
            .await?;
        Ok(())
    }

    /// The beginning of the names of our template's clones.
    fn prefix(&self) -> String {
        self.template.replace("template_", "test_") + "_"
    }
}

async fn connect(url: &str) -> anyhow::Result<PgConnection> {
    let options: PgConnectOptions = url.parse()?;
    options
        .application_name("testkit")
        .connect()
        .await
        .context("no connection to the server for the tests")
}

/// Runs a statement about a database, which takes no parameters. The names in it are made here, of letters, digits and
/// underscores.
pub(crate) async fn run(connection: &mut PgConnection, statement: String) -> anyhow::Result<()> {
    let context = statement.clone();
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(connection)
        .await
        .context(context)?;
    Ok(())
}

fn number_of(name: &str) -> Option<i32> {
    name.rsplit('_').next()?.parse().ok()
}

/// Returns `url` with another database in it.
fn url_of(url: &str, database: &str) -> String {
    let (address, options) = url.split_at(url.find('?').unwrap_or(url.len()));
    let authority = address.find("://").map_or(0, |at| at + 3);
    let end = address[authority..]
        .find('/')
        .map_or(address.len(), |at| authority + at);
    format!("{}/{database}{options}", &address[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_leads_to_another_database_of_the_same_server() {
        for (url, expected) in [
            (
                "postgres://postgres@localhost/postgres?host=/run/x",
                "postgres://postgres@localhost/other?host=/run/x",
            ),
            ("postgres://u:p@db:5432/app", "postgres://u:p@db:5432/other"),
            ("postgres://db", "postgres://db/other"),
        ] {
            assert_eq!(url_of(url, "other"), expected);
        }
    }
}
