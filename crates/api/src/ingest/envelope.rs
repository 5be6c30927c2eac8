//! Parsing of one envelope of a batch. An error inside the envelope becomes the outcome of that item.

use chrono::{DateTime, Datelike, Utc};
use contract::provider_ingest::ProviderEnvelopeBody;
use domain::envelopes::{EnvelopeItem, EnvelopeTrace, ProviderEnvelope};
use domain::fleet::ProviderType;
use domain::ids::{EnvelopeId, ProviderId};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::item::{explain_error, parse_time};
use crate::request::parse_traceparent;

/// An envelope as a transport sends it, with the provider's message not yet parsed.
type RawEnvelope<'a> = ProviderEnvelopeBody<'a, &'a RawValue>;

/// Parses an item. An item that is not an envelope becomes [`EnvelopeItem::Malformed`], with a pointer to the
/// member that is wrong.
pub(super) fn parse_envelope(json: &RawValue) -> EnvelopeItem<'_> {
    if !json.get().starts_with('{') {
        return malformed(None, String::new(), "must be a JSON object");
    }
    // Parsing that tracks the path is slow, so only a malformed item is parsed again with it.
    let Ok(body) = serde_json::from_str::<RawEnvelope<'_>>(json.get()) else {
        let (pointer, detail) = explain_error::<RawEnvelope<'_>>(json);
        return malformed(None, pointer, &detail);
    };
    let id = parse_envelope_id(&body.envelope_id);
    match convert_envelope(&body, id) {
        Ok(envelope) => EnvelopeItem::Envelope(envelope),
        Err((pointer, detail)) => malformed(id, pointer.to_owned(), detail),
    }
}

fn convert_envelope<'a>(
    body: &RawEnvelope<'a>,
    id: Option<EnvelopeId>,
) -> Result<ProviderEnvelope<'a>, (&'static str, &'static str)> {
    Ok(ProviderEnvelope {
        id: id.ok_or((
            "/envelope_id",
            "must be a UUID with hyphens, and not the nil one",
        ))?,
        provider_type: ProviderType::parse(&body.provider_type)
            .ok_or(("/provider_type", "must be a provider type"))?,
        provider_id: ProviderId::try_new(&body.provider_id)
            .map_err(|_| ("/provider_id", ProviderId::RULE))?,
        received_at: parse_received_at(&body.received_at)
            .ok_or(("/received_at", "must be an RFC 3339 time with an offset"))?,
        trace: body.traceparent.as_deref().and_then(parse_trace),
        raw_message: body.raw_message,
    })
}

/// Parses a UUID of any version, because each transport chooses the version of the ids that it mints.
fn parse_envelope_id(text: &str) -> Option<EnvelopeId> {
    let id = Uuid::try_parse(text).ok()?;
    (text.len() == 36 && !id.is_nil()).then_some(EnvelopeId(id))
}

/// Parses a time whose year in UTC is within the range of RFC 3339, 1 to 9999.
fn parse_received_at(text: &str) -> Option<DateTime<Utc>> {
    parse_time(text).filter(|time| (1..=9999).contains(&time.year()))
}

fn parse_trace(traceparent: &str) -> Option<EnvelopeTrace> {
    let (trace_id, parent_id) = parse_traceparent(traceparent)?;
    Some(EnvelopeTrace {
        trace_id: trace_id.to_owned(),
        parent_id: Some(parent_id.to_owned()),
    })
}

fn malformed(
    envelope_id: Option<EnvelopeId>,
    pointer: String,
    detail: &str,
) -> EnvelopeItem<'static> {
    EnvelopeItem::Malformed {
        envelope_id,
        pointer,
        detail: detail.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ID: &str = "019ab0c4-6d2f-7c3e-9b1a-5f0e8d7c6b5a";

    fn sound() -> Value {
        json!({
            "envelope_id": ID, "provider_type": "viriciti", "provider_id": "viriciti-main",
            "received_at": "2026-11-23T08:00:01.250Z", "raw_message": {"type": "vehicles"},
        })
    }

    fn with(member: &str, value: Value) -> Value {
        let mut envelope = sound();
        envelope[member] = value;
        envelope
    }

    fn without(member: &str) -> Value {
        let mut envelope = sound();
        envelope.as_object_mut().expect("an object").remove(member);
        envelope
    }

    /// Returns the pointer that a malformed envelope is given, `None` for one that is not malformed.
    fn pointer(json: &str) -> Option<String> {
        let json: Box<RawValue> = serde_json::from_str(json).expect("the case is JSON");
        match parse_envelope(&json) {
            EnvelopeItem::Envelope(_) => None,
            EnvelopeItem::Malformed {
                pointer, detail, ..
            } => {
                assert!(!detail.is_empty());
                Some(pointer)
            }
        }
    }

    #[test]
    fn a_malformed_envelope_is_given_a_pointer() {
        assert_eq!(pointer(&sound().to_string()), None);
        for (case, expected) in [
            (json!(7), ""),
            (json!(null), ""),
            (json!([sound()]), ""),
            (json!({}), "/envelope_id"),
            (without("provider_type"), "/provider_type"),
            (without("received_at"), "/received_at"),
            (without("raw_message"), "/raw_message"),
            (with("envelope_id", json!(7)), "/envelope_id"),
            (with("envelope_id", json!("")), "/envelope_id"),
            (
                with("envelope_id", json!(ID.replace('-', ""))),
                "/envelope_id",
            ),
            (
                with("envelope_id", json!(format!("{{{ID}}}"))),
                "/envelope_id",
            ),
            (
                with("envelope_id", json!("00000000-0000-0000-0000-000000000000")),
                "/envelope_id",
            ),
            (with("provider_type", json!("tesla")), "/provider_type"),
            (with("provider_type", json!(null)), "/provider_type"),
            (with("provider_id", json!("a\u{0}b")), "/provider_id"),
            (with("received_at", json!(1_795_420_500)), "/received_at"),
            (
                with("received_at", json!("2026-11-23T08:00:00")),
                "/received_at",
            ),
            (
                with("received_at", json!("0000-01-01T00:00:00Z")),
                "/received_at",
            ),
            (
                with("received_at", json!("9999-12-31T23:59:59-01:00")),
                "/received_at",
            ),
            (with("traceparent", json!(7)), "/traceparent"),
            (with("seq", json!(1)), "/seq"),
        ] {
            assert_eq!(
                pointer(&case.to_string()).as_deref(),
                Some(expected),
                "{case}"
            );
        }
        let twice = sound()
            .to_string()
            .replacen('{', r#"{"provider_id":"p","#, 1);
        assert_eq!(pointer(&twice).as_deref(), Some("/provider_id"));
    }

    #[test]
    fn any_json_is_a_message_and_is_kept_as_it_came() {
        for message in [
            "null",
            "7",
            r#""\ud800""#,
            "[ ]",
            r#"{"a":1,"a":2}"#,
            "1e999",
            r#""a\u0000""#,
        ] {
            let json = sound()
                .to_string()
                .replace(r#"{"type":"vehicles"}"#, message);
            let json: Box<RawValue> = serde_json::from_str(&json).expect("JSON");
            let EnvelopeItem::Envelope(envelope) = parse_envelope(&json) else {
                panic!("{message}")
            };
            assert_eq!(envelope.raw_message.get(), message);
        }
    }

    #[test]
    fn an_envelope_with_a_traceparent_that_is_not_well_formed_has_no_trace() {
        let trace = |value: Value| {
            let json = with("traceparent", value).to_string();
            let json: Box<RawValue> = serde_json::from_str(&json).expect("JSON");
            match parse_envelope(&json) {
                EnvelopeItem::Envelope(envelope) => envelope.trace.map(|trace| trace.trace_id),
                EnvelopeItem::Malformed { detail, .. } => panic!("{detail}"),
            }
        };
        let trace_id = "0af7651916cd43dd8448eb211c80319c";
        let sound = format!("00-{trace_id}-b7ad6b7169203331-01");
        assert_eq!(trace(json!(sound)).as_deref(), Some(trace_id));
        assert_eq!(trace(json!("garbage")), None);
        assert_eq!(trace(json!(null)), None);
    }
}
