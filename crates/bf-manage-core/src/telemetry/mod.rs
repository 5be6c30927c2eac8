//! Log lines: JSON on standard error, one object a line.

mod json_line;

use anyhow::Context;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::JsonFields;

use json_line::JsonLine;

/// Quotes what it does not know of a database's URL, where a mistyped password may be.
const NEVER: &str = "sqlx_postgres::options::parse=off";

/// Starts logging by a filter such as `info` or `info,application=debug`.
///
/// # Errors
/// A filter that cannot be read.
pub fn start(filter: &str) -> anyhow::Result<()> {
    let filter =
        EnvFilter::try_new(filter).with_context(|| format!("LOG is not a filter: {filter}"))?;
    let filter = filter.add_directive(NEVER.parse()?);
    tracing_subscriber::fmt()
        .fmt_fields(JsonFields::new())
        .event_format(JsonLine)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    Ok(())
}
