//! The schemas of the domain's ids and words, defined here because the domain does not depend on OpenAPI.
//!
//! Each schema is a component of the document, under the name that `#[schema(value_type = schema::…)]` gives. The
//! schemas under `contract` are also used by the types of the crate `contract`.

use domain::acceptance;
use domain::envelopes;
use domain::events;
use domain::fleet;
use domain::follow_up;
use domain::health;
use domain::polling;
use domain::schedules;
use domain::signals;
use domain::sweeps;
use serde_json::{Map, Value, json};

macro_rules! schemas {
    (
        contract { $($shared:ident = $shared_definition:expr;)+ }
        api { $($name:ident = $definition:expr;)+ }
    ) => {
        pub(crate) use contract::component::*;
        contract::components! { $($name)+ }

        /// Returns every schema of this file by the name of its component.
        pub(super) fn definitions() -> Map<String, Value> {
            let definitions = [
                $((stringify!($shared), $shared_definition),)+
                $((stringify!($name), $definition),)+
            ];
            definitions.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
        }
    };
}

schemas! {
    contract {
        WorkspaceId = name("A customer fleet, named by the platform.", "._-", 48, "depot-north");
        DeviceId = name("A telematics unit configured in one workspace.", "._:-", 64, "bus-1401-obu");
        ProviderId = name("A provider connection within a workspace.", "._:-", 64, "geotab-main");
        ExternalId = external_id();
        CycleId = json!({
            "type": "string", "format": "uuid", "description": "One run, or refused run, of a workspace's poll cycle.",
            "example": "019ab0c4-6d2f-7c3e-9b1a-5f0e8d7c6b5a",
        });
        EnvelopeId = json!({
            "type": "string", "format": "uuid", "description": "One raw message of a provider, named by the transport that received it.",
            "example": "019ab0c4-6d2f-7c3e-9b1a-5f0e8d7c6b5c",
        });
        ProviderType = one_of("A provider's protocol.", fleet::ProviderType::ALL, "geotab");
        CycleStatus = open("The progress of a cycle.", polling::CycleStatus::ALL, "completed");
        CycleTrigger = open("What started a cycle.", polling::CycleTrigger::ALL, "scheduled");
        SkipReason = open("Why a trigger started no cycle, or why a cycle was ended from outside.", polling::SkipReason::ALL, "not_owner");
        PollOutcome = open("How the poll of one connection ended in a cycle.", polling::ConnectionOutcome::ALL, "ok");
        PollErrorClass = open("Why a connection failed or was skipped.", polling::ErrorClass::ALL, "rate_limited");
        UpdateOutcome = open("The outcome of an update.", acceptance::OutcomeWord::ALL, "accepted");
        RejectReason = open("Why an update was rejected.", acceptance::RejectReason::ALL, "unknown_device");
        EnvelopeOutcome = open("The outcome of an envelope.", envelopes::EnvelopeOutcome::ALL, "accepted");
        DropReason = open("Why a signal was dropped from an update.", signals::DropReason::ALL, "out_of_range");
        SignalName = open("A signal of the catalogue.", &signal_names(), "state_of_charge_percent");
        Signals = signals();
    }
    api {
        VehicleId = name("The vehicle that a device is fitted to.", "._:-", 64, "bus-1401");
        SweepId = json!({
            "type": "string", "format": "uuid", "description": "One reconciliation sweep.",
            "example": "019ab0c4-6d2f-7c3e-9b1a-5f0e8d7c6b5b",
        });
        WorkspaceName = json!({
            "type": "string", "minLength": 1, "maxLength": 200, "pattern": PRINTABLE_NOT_BLANK,
            "description": "The name of a workspace for people: printable and not blank.", "example": "Depot North",
        });
        Note = json!({
            "type": "string", "maxLength": follow_up::Note::MAX_CHARACTERS, "pattern": LINES_OF_TEXT,
            "description": "Text for colleagues; it may have several lines.", "example": "Spoke to the depot: the unit is being exchanged.",
        });
        Ignored = json!({"description": "A member of answers that requests may send back: accepted and ignored, whatever its value.", "example": null});
        PollIntervalMinutes = json!({
            "type": "integer", "enum": polling::PollInterval::ALLOWED, "description": "How often a workspace is polled.", "example": 5,
        });
        TokenKind = one_of("Who a development token is for.", &["machine", "user"], "machine");
        DeviceRegistrySource = one_of("Where devices are managed.", fleet::DeviceRegistrySource::ALL, "core");
        PollOwner = one_of("Who polls the providers.", fleet::PollOwner::ALL, "both_shadow");
        ReadOwner = one_of("Which service answers value reads.", fleet::ReadOwner::ALL, "legacy");
        ProviderMode = one_of("Which providers' updates are accepted.", fleet::ProviderMode::ALL, "mixed");
        HealthState = open("A configured device's health.", health::HealthState::ALL, "stale");
        Reason = open("The root cause of a silence, as far as the records show it.", health::Reason::ALL, "not_returned_by_provider");
        Responsibility = open("Who has to fix a cause.", health::Responsibility::ALL, "device");
        IssueCode = open("What an issue is about: a root cause, or a signal.", &health::IssueCode::all(), "provider_unavailable");
        Severity = open("How urgent an issue is.", health::Severity::ALL, "warning");
        SignalState = open("How old one signal is.", health::SignalFreshness::ALL, "fresh");
        SweepStatus = open("The progress of a sweep.", sweeps::SweepStatus::ALL, "completed");
        SweepStepOutcome = open("How one step of a sweep ended.", sweeps::StepOutcome::ALL, "completed");
        ScheduleState = open("Whether the scheduler has the schedule as configured.", schedules::ScheduleState::ALL, "applied");
        EventType = open("The type of an event.", events::EventType::ALL, "TelematicsUpdateAccepted");
        ChangeType = open("The type of a change that somebody made.", events::EventType::CHANGES, "DeviceConfigured");
        SignalValue = json!({
            "description": "A number in the signal's unit, a flag, a word or a position.",
            "oneOf": [{"type": ["number", "boolean", "string"]}, position()],
            "example": 71.5,
        });
    }
}

/// The pattern of a text that is not blank and has no control character. It lists every space, because regular
/// expression engines differ in the meaning of `\s`.
const PRINTABLE_NOT_BLANK: &str = concat!(
    r"^[^\u0000-\u001f\u007f-\u009f]*",
    r"[^ \u0000-\u001f\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]",
    r"[^\u0000-\u001f\u007f-\u009f]*$"
);

/// The pattern of a text without control characters other than tabs and line breaks, and without characters that
/// change the direction of text.
const LINES_OF_TEXT: &str =
    r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]*$";

/// Builds the schema of an id. A test below holds it to the rule in `domain::ids`.
fn name(description: &str, punctuation: &str, max: usize, example: &str) -> Value {
    json!({
        "type": "string", "minLength": 1, "maxLength": max, "pattern": format!("^[A-Za-z0-9][A-Za-z0-9{punctuation}]*$"),
        "description": description, "example": example,
    })
}

/// Builds the schema of an external id: no control, format or separator characters, and a plain space only inside.
fn external_id() -> Value {
    let invisible = r"\u0000-\u001f\u007f-\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff0-\uffff";
    json!({
        "type": "string", "minLength": 1, "maxLength": 128,
        "pattern": format!("^[^ {invisible}]([^{invisible}]*[^ {invisible}])?$"),
        "description": "A device's name at its provider: printable, no space at either end.", "example": "b2C",
    })
}

/// Builds the schema of a closed vocabulary: any other word is refused.
fn one_of(description: &str, words: &[impl ToString], example: &str) -> Value {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    json!({"type": "string", "enum": words, "description": description, "example": example})
}

/// Builds the schema of an open vocabulary: later versions may answer with new words.
fn open(description: &str, words: &[impl ToString], example: &str) -> Value {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    let known = words.join("`, `");
    let description = format!("{description} So far: `{known}`; new words may be added.");
    json!({"type": "string", "description": description, "example": example})
}

fn signal_names() -> Vec<&'static str> {
    signals::Signal::all().map(signals::Signal::name).collect()
}

/// Builds the schema of a position. It is one signal, so that latitude and longitude always belong together.
fn position() -> Value {
    json!({
        "type": "object", "description": "WGS 84; exactly 0,0 is no position.",
        "properties": {
            "latitude_deg": {"type": "number", "minimum": -90, "maximum": 90},
            "longitude_deg": {"type": "number", "minimum": -180, "maximum": 180},
        },
        "required": ["latitude_deg", "longitude_deg"],
        "example": {"latitude_deg": 52.0934, "longitude_deg": 5.1173},
    })
}

/// Builds the schema of the signals of an update from the catalogue.
fn signals() -> Value {
    let properties: Map<String, Value> = signals::CATALOGUE
        .iter()
        .map(|spec| (spec.name.to_owned(), signal(spec)))
        .collect();
    json!({
        "type": "object",
        "description": "Values by the signal's name in the catalogue. `null` means that the signal is absent. A signal that is unknown, of a wrong type or out of range is dropped and reported; the other signals are kept.",
        "properties": properties,
        "example": {"state_of_charge_percent": 71.5, "odometer_km": 88526.4, "position": {"latitude_deg": 52.0934, "longitude_deg": 5.1173}},
    })
}

fn signal(spec: &signals::SignalSpec) -> Value {
    let unit = match spec.unit {
        "" => String::new(),
        unit => format!(" In {unit}."),
    };
    let description = format!("COVESA VSS: `{}`.{unit}", spec.vss_path);
    match spec.kind {
        signals::SignalKind::Number { min, max } => {
            json!({"type": ["number", "null"], "minimum": min, "maximum": max, "description": description})
        }
        signals::SignalKind::Flag => {
            json!({"type": ["boolean", "null"], "description": description})
        }
        signals::SignalKind::Word(words) => {
            let words: Vec<Option<&str>> = words.iter().copied().map(Some).chain([None]).collect();
            json!({"type": ["string", "null"], "enum": words, "description": description})
        }
        signals::SignalKind::Position => {
            json!({"oneOf": [{"type": "null"}, position()], "description": description})
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::ids;

    use super::*;

    type Judge = fn(&str) -> bool;

    /// Compares the documented rule with the rule in the code on the same texts.
    #[test]
    fn a_documented_id_rule_accepts_the_same_texts_as_the_code() {
        let definitions = definitions();
        let long = "x".repeat(49);
        let longer = "x".repeat(65);
        let longest = "x".repeat(129);
        let longest_note = "x".repeat(1000);
        let longer_note = "x".repeat(1001);
        let texts = [
            "",
            "a",
            "A-1.b_c",
            "a:b",
            "-a",
            "_a",
            "a b",
            "a\n",
            "ä",
            " a",
            "a ",
            "a\u{ad}b",
            "a\u{2009}b",
            "\u{feff}",
            "\0",
            "a\u{e000}",
            &long,
            &longer,
            &longest,
            &longest_note,
            &longer_note,
            "two\r\n\tlines",
            "\u{202e}turned",
        ];
        let judges: [(&str, Judge); 7] = [
            ("WorkspaceId", |text| {
                ids::WorkspaceId::try_new(text).is_ok()
            }),
            ("DeviceId", |text| ids::DeviceId::try_new(text).is_ok()),
            ("VehicleId", |text| ids::VehicleId::try_new(text).is_ok()),
            ("ProviderId", |text| ids::ProviderId::try_new(text).is_ok()),
            ("ExternalId", |text| ids::ExternalId::try_new(text).is_ok()),
            ("WorkspaceName", |text| {
                fleet::WorkspaceName::try_new(text).is_ok()
            }),
            ("Note", |text| follow_up::Note::parse(text).is_ok()),
        ];
        for (name, judge) in judges {
            let documented = jsonschema::validator_for(&definitions[name]).expect("a schema");
            for text in texts {
                assert_eq!(
                    documented.is_valid(&json!(text)),
                    judge(text),
                    "{name} {text:?}"
                );
            }
        }
    }
}
