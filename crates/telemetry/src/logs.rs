//! Log lines: JSON on standard error, one object a line.

use anyhow::Context;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::json_line::JsonLine;
use crate::traces::{SpanExport, layer};

/// Quotes what it does not know of a database's URL, where a mistyped password may be.
const NEVER: &str = "sqlx_postgres::options::parse";

/// Starts logging by a filter such as `info` or `info,application=debug`, and turning spans into those of
/// an exporter.
///
/// The filter knows targets only: one that knows spans as well is asked at each step into and out of
/// one, and a query steps in and out for every row.
///
/// # Errors
/// A filter that cannot be read.
pub fn start(filter: &str, export: Option<&SpanExport>) -> anyhow::Result<()> {
    let filter: Targets = filter
        .parse()
        .with_context(|| format!("LOG is not a filter: {filter}"))?;
    let lines = tracing_subscriber::fmt::layer()
        .fmt_fields(JsonFields::new())
        .event_format(JsonLine)
        .with_writer(std::io::stderr);
    tracing_subscriber::registry()
        .with(export.map(layer))
        .with(lines)
        .with(filter.with_target(NEVER, LevelFilter::OFF))
        .init();
    Ok(())
}
