//! The service's checked statements, and how PostgreSQL plans them.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use sqlx::{AssertSqlSafe, Executor, PgPool};

/// What the macros of sqlx wrote down of a checked statement.
#[derive(Deserialize)]
struct Description {
    query: String,
}

/// The text of every checked statement.
pub fn statements() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.sqlx");
    let files = fs::read_dir(folder).expect("the descriptions");
    files
        .map(|file| fs::read(file.expect("a file").path()).expect("a description"))
        .map(|json| serde_json::from_slice::<Description>(&json).expect("a description"))
        .map(|description| description.query)
        .collect()
}

/// The text of the statement with this name in the comment at its head.
pub fn statement(name: &str) -> String {
    let head = format!("/* {name} */");
    statements()
        .into_iter()
        .find(|statement| statement.starts_with(&head))
        .unwrap_or_else(|| panic!("no statement is called {name}"))
}

/// The plan of a statement, found by its name, with these arguments as SQL: planned for any parameters, as the
/// service's pool asks for it.
pub async fn plan_of(pool: &PgPool, name: &str, arguments: &str) -> String {
    explain(pool, &statement(name), arguments, "EXPLAIN").await
}

/// The plan of a statement, with these arguments as SQL, as this kind of EXPLAIN shows it.
pub async fn explain(pool: &PgPool, statement: &str, arguments: &str, explain: &str) -> String {
    let mut connection = pool.acquire().await.expect("a connection");
    let prepare = format!("PREPARE asked AS {statement}");
    connection
        .execute("SET plan_cache_mode = force_generic_plan; DEALLOCATE ALL")
        .await
        .expect("a setting");
    sqlx::raw_sql(AssertSqlSafe(prepare))
        .execute(&mut *connection)
        .await
        .expect("a statement");
    let explain = format!("{explain} EXECUTE asked ({arguments})");
    // Not kept by the driver: what it keeps is deallocated by the next call.
    let plan: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain))
        .persistent(false)
        .fetch_all(&mut *connection)
        .await
        .expect("a plan");
    plan.join("\n")
}
