//! The SQL statements of the service, read from the descriptions of its checked statements (`.sqlx`).

use std::fs;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

/// The description of a checked statement.
#[derive(Deserialize)]
struct StatementDescription {
    query: String,
}

/// Finds the statement whose leading comment is this name.
///
/// # Errors
/// If no statement has the name.
pub(crate) fn find_statement(name: &str) -> anyhow::Result<String> {
    let head = format!("/* {name} */");
    let descriptions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.sqlx");
    for file in fs::read_dir(&descriptions)
        .with_context(|| format!("cannot read {}", descriptions.display()))?
    {
        let StatementDescription { query } = serde_json::from_slice(&fs::read(file?.path())?)?;
        if query.starts_with(&head) {
            return Ok(query);
        }
    }
    anyhow::bail!("no statement is named `{name}`: its comment may have been renamed")
}
