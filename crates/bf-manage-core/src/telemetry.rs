//! Log lines: JSON on standard error, one object a line.

use anyhow::Context;
use tracing_subscriber::EnvFilter;

/// Starts logging by a filter such as `info` or `info,application=debug`.
///
/// # Errors
/// A filter that cannot be read.
pub fn start(filter: &str) -> anyhow::Result<()> {
    let filter =
        EnvFilter::try_new(filter).with_context(|| format!("LOG is not a filter: {filter}"))?;
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    Ok(())
}
