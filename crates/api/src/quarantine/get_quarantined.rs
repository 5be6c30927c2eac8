//! `GET /workspaces/{workspace_id}/quarantined`

use application::queries::list_quarantined_envelopes;
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::fleet::ProviderType;
use domain::ids::{EnvelopeId, ProviderId, WorkspaceId};
use domain::quarantine::QuarantinedEnvelope;
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::schema;
use crate::problem::Problem;
use crate::request::{ListName, PageParameters, Paged, Path1, Query};
use crate::state::SharedState;

/// A page of quarantined envelopes, in order of id.
#[derive(Serialize, ToSchema)]
pub(crate) struct QuarantinedList {
    quarantined: Vec<QuarantinedView>,
    #[schema(required, example = json!(null))]
    next_cursor: Option<String>,
}

/// A quarantined envelope: its message could not be interpreted.
#[derive(Serialize, ToSchema)]
pub(crate) struct QuarantinedView {
    #[schema(value_type = schema::EnvelopeId)]
    envelope_id: EnvelopeId,
    #[schema(value_type = schema::ProviderType)]
    provider_type: ProviderType,
    #[schema(value_type = schema::ProviderId)]
    provider_id: ProviderId,
    /// When the transport received the message.
    received_at: DateTime<Utc>,
    /// When this service recorded the envelope. The retention of raw messages counts from here.
    recorded_at: DateTime<Utc>,
    /// The W3C trace id of the message, or of the request that brought it.
    #[schema(required, example = "0af7651916cd43dd8448eb211c80319c")]
    trace_id: Option<String>,
    /// Why the message could not be interpreted. New words may be added.
    #[schema(required, example = "unknown_shape")]
    reason: Option<String>,
    /// The reason in words for people.
    #[schema(required, example = "the message has none of the protocol's shapes")]
    detail: Option<String>,
    /// When the envelope was last replayed without success.
    #[schema(required)]
    replayed_at: Option<DateTime<Utc>>,
    /// The first 2,000 characters of the JSON text that the provider sent.
    #[schema(example = "{\"type\":\"weather\",\"payload\":{}}")]
    raw_message: String,
    /// The size of the whole text in bytes.
    #[schema(example = 31)]
    raw_message_bytes: i32,
}

/// Lists the quarantined envelopes of a workspace.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/quarantined", tag = "quarantine",
    params(PageParameters),
    responses((status = 200, body = QuarantinedList)),
)]
pub(crate) async fn list_quarantined(
    State(state): SharedState,
    Path1(workspace_id): Path1<WorkspaceId>,
    list: ListName,
    Query(page): Query<PageParameters>,
) -> Result<Json<QuarantinedList>, Problem> {
    let paged = Paged::try_new(list, page, state.core.clock.now())?;
    let page = list_quarantined_envelopes(&state.core, &workspace_id, paged.request()).await?;
    let (quarantined, next_cursor) = paged.render(page, render_quarantined);
    Ok(Json(QuarantinedList {
        quarantined,
        next_cursor,
    }))
}

fn render_quarantined(envelope: QuarantinedEnvelope) -> QuarantinedView {
    QuarantinedView {
        envelope_id: envelope.envelope_id,
        provider_type: envelope.provider_type,
        provider_id: envelope.provider_id,
        received_at: envelope.received_at,
        recorded_at: envelope.recorded_at,
        trace_id: envelope.trace_id,
        reason: envelope.reason,
        detail: envelope.detail,
        replayed_at: envelope.replayed_at,
        raw_message: envelope.raw_message,
        raw_message_bytes: envelope.raw_message_bytes,
    }
}
