//! Log lines: JSON on standard error, one object per line.

use anyhow::Context;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::json_line::JsonLine;
use crate::traces::{SpanExport, layer};

/// The target that is never logged. It quotes the parts of a database URL that it cannot read, which may be a
/// password.
const SILENCED_TARGET: &str = "sqlx_postgres::options::parse";

/// Starts logging with a filter such as `info` or `info,application=debug`, and exporting spans if there is an
/// exporter.
///
/// The filter matches targets only. A filter that also matches spans would run each time a span is entered or
/// left, which a query does for every row.
///
/// # Errors
/// When the filter cannot be parsed.
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
        .with(filter.with_target(SILENCED_TARGET, LevelFilter::OFF))
        .init();
    Ok(())
}
