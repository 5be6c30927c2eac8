//! The service's own statements, as its sources describe them.

use std::fs;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

/// A description of a checked statement.
#[derive(Deserialize)]
struct Description {
    query: String,
}

/// The statement of this name, which the comment at its head says.
///
/// # Errors
/// When no source has it.
pub(crate) fn find_statement(name: &str) -> anyhow::Result<String> {
    let head = format!("/* {name} */");
    let descriptions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.sqlx");
    for file in fs::read_dir(&descriptions).context("the statements are not described")? {
        let Description { query } = serde_json::from_slice(&fs::read(file?.path())?)?;
        if query.starts_with(&head) {
            return Ok(query);
        }
    }
    anyhow::bail!("there is no statement {name}")
}
