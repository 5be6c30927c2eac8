//! Classifying AWS's errors by their kind. The HTTP status and the error code are not enough: emulators send other
//! statuses, and errors without a body have no code.

use aws_sdk_scheduler::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use scheduling::SchedulerError;

/// Classifies a failure for the applier of schedules. `throttled` and `transient` match the operation's own kinds of
/// errors.
pub(crate) fn classify<E, R>(
    error: SdkError<E, R>,
    throttled: impl Fn(&E) -> bool,
    transient: impl Fn(&E) -> bool,
) -> SchedulerError
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    match &error {
        SdkError::ServiceError(context) if throttled(context.err()) => {
            SchedulerError::Throttled(error.into())
        }
        SdkError::ServiceError(context)
            // An error without a kind is not AWS's own answer: a proxy's, a page, or a bare 5xx.
            if transient(context.err()) || context.err().code().is_none() =>
        {
            SchedulerError::Unavailable(error.into())
        }
        SdkError::ServiceError(context) => {
            let meta = context.err().meta();
            let kind = meta.code().unwrap_or("an error without a kind");
            let detail = match meta.message() {
                Some(message) => format!("{kind}: {message}"),
                None => kind.to_owned(),
            };
            SchedulerError::Refused {
                detail,
                source: error.into(),
            }
        }
        SdkError::ConstructionFailure(_) => SchedulerError::Refused {
            detail: DisplayErrorContext(&error).to_string(),
            source: error.into(),
        },
        _ => SchedulerError::Unavailable(error.into()),
    }
}
