//! Asking a connection's provider, where nothing speaks against it.

use chrono::SecondsFormat;
use domain::polling::{Circuit, ErrorClass, PollError};
use persistence::StorageError;

use super::feed_start::FeedStart;
use super::poll_connection::{Asked, ConnectionPoll};

/// Asks the connection as its circuit allows. One cycle of the workspace runs at a time, and each leaves
/// its record, so there is one probe whatever the number of instances.
pub(super) async fn ask(
    poll: &ConnectionPoll<'_>,
    start: &FeedStart,
) -> Result<Asked, StorageError> {
    if let Some(reason) = reason_to_skip(poll) {
        return Ok(Asked::Skipped(reason));
    }
    let ConnectionPoll {
        core,
        providers,
        connection,
        ..
    } = *poll;
    let devices: Vec<_> = poll
        .expected
        .iter()
        .map(|device| device.spec.external_id.clone())
        .collect();
    let cursors = start.cursors();
    let breaker = core.rules.breaker;
    let latest = core
        .store
        .latest_asked(&poll.cycle.workspace_id, &connection.id, breaker.failures)
        .await?;
    Ok(match breaker.judge(&latest, core.clock.now()) {
        Circuit::Closed => Asked::Ended(providers.poll(connection, &devices, &cursors).await),
        Circuit::Probing => Asked::Ended(providers.probe(connection, &devices, &cursors).await),
        Circuit::Open { until } => Asked::Skipped(PollError {
            class: ErrorClass::CircuitOpen,
            detail: format!(
                "the last {} polls failed; it is asked again at {}",
                breaker.failures,
                until.to_rfc3339_opts(SecondsFormat::Secs, true)
            ),
        }),
    })
}

fn reason_to_skip(poll: &ConnectionPoll<'_>) -> Option<PollError> {
    let connection = poll.connection;
    let provider_type = connection.provider_type;
    let mode = poll.workspace.workspace.cutover.provider_mode;
    let skip = |class, detail: String| Some(PollError { class, detail });
    if !connection.enabled {
        skip(ErrorClass::Disabled, "the connection is disabled".into())
    } else if !mode.allows(provider_type) {
        skip(
            ErrorClass::ProviderNotAllowed,
            format!("provider mode {mode} does not admit {provider_type}"),
        )
    } else if !poll.providers.registry().polls(provider_type) {
        skip(
            ErrorClass::NotSupported,
            format!("{provider_type} is not polled"),
        )
    } else {
        None
    }
}
