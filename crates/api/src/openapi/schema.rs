//! Schemas of the domain's ids and words. The domain knows nothing of documents.
//!
//! Each schema is a component of the document, under the name that `#[schema(value_type = schema::…)]` gives. The
//! first ones are also components of the contract's own types.

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
        CycleStatus = open("How far a cycle has come.", polling::CycleStatus::ALL, "completed");
        CycleTrigger = open("What set a cycle off.", polling::CycleTrigger::ALL, "scheduled");
        SkipReason = open("Why a trigger ran nothing, or a cycle did not end by itself.", polling::SkipReason::ALL, "not_owner");
        PollOutcome = open("How one connection fared in a cycle.", polling::ConnectionOutcome::ALL, "ok");
        PollErrorClass = open("Why a connection failed or was skipped.", polling::ErrorClass::ALL, "rate_limited");
        UpdateOutcome = open("What became of an update.", acceptance::OutcomeWord::ALL, "accepted");
        RejectReason = open("Why an update was rejected.", acceptance::RejectReason::ALL, "unknown_device");
        EnvelopeOutcome = open("What became of an envelope.", envelopes::EnvelopeOutcome::ALL, "accepted");
        DropReason = open("Why a signal was left out.", signals::DropReason::ALL, "out_of_range");
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
            "description": "What people call a workspace: printable and not blank.", "example": "Depot North",
        });
        Note = json!({
            "type": "string", "maxLength": follow_up::Note::MAX_CHARACTERS, "pattern": LINES_OF_TEXT,
            "description": "What colleagues should know, in lines.", "example": "Spoke to the depot: the unit is being exchanged.",
        });
        Ignored = json!({"description": "A member of the answer's form: accepted, and ignored whatever it holds.", "example": null});
        PollIntervalMinutes = json!({
            "type": "integer", "enum": polling::PollInterval::ALLOWED, "description": "How often a workspace is polled.", "example": 5,
        });
        TokenKind = one_of("Whose a development token is.", &["machine", "user"], "machine");
        DeviceRegistrySource = one_of("Where devices are managed.", fleet::DeviceRegistrySource::ALL, "core");
        PollOwner = one_of("Who polls the providers.", fleet::PollOwner::ALL, "both_shadow");
        ReadOwner = one_of("Whose values readers see.", fleet::ReadOwner::ALL, "legacy");
        ProviderMode = one_of("Which providers' updates are accepted.", fleet::ProviderMode::ALL, "mixed");
        HealthState = open("A configured device's health.", health::HealthState::ALL, "stale");
        Reason = open("The root cause, as far as the records tell.", health::Reason::ALL, "not_returned_by_provider");
        Responsibility = open("Whose a cause is to mend.", health::Responsibility::ALL, "device");
        IssueCode = open("What an issue is about: a root cause, or a signal.", &health::IssueCode::all(), "provider_unavailable");
        Severity = open("How much it asks of people.", health::Severity::ALL, "warning");
        SignalState = open("How old one signal is.", health::SignalFreshness::ALL, "fresh");
        SweepStatus = open("How far a sweep has come.", sweeps::SweepStatus::ALL, "completed");
        SweepStepOutcome = open("How one step of a sweep ended.", sweeps::StepOutcome::ALL, "completed");
        ScheduleState = open("How a schedule stands with the scheduler.", schedules::ScheduleState::ALL, "applied");
        EventType = open("What an event says.", events::EventType::ALL, "TelematicsUpdateAccepted");
        ChangeType = open("What somebody did.", events::EventType::CHANGES, "DeviceConfigured");
        SignalValue = json!({
            "description": "A number in the signal's unit, a flag, a word or a position.",
            "oneOf": [{"type": ["number", "boolean", "string"]}, position()],
            "example": 71.5,
        });
    }
}

/// Neither blank nor with a control character. Spaces are spelled out: engines differ in what `\s` is.
const PRINTABLE_NOT_BLANK: &str = concat!(
    r"^[^\u0000-\u001f\u007f-\u009f]*",
    r"[^ \u0000-\u001f\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]",
    r"[^\u0000-\u001f\u007f-\u009f]*$"
);

/// No control character but tabs and line breaks, and none that turns the direction of text.
const LINES_OF_TEXT: &str =
    r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]*$";

/// The rule of `domain::ids`, where a test holds the two together.
fn name(description: &str, punctuation: &str, max: usize, example: &str) -> Value {
    json!({
        "type": "string", "minLength": 1, "maxLength": max, "pattern": format!("^[A-Za-z0-9][A-Za-z0-9{punctuation}]*$"),
        "description": description, "example": example,
    })
}

/// Without control, format and separator characters; a plain space inside only.
fn external_id() -> Value {
    let invisible = r"\u0000-\u001f\u007f-\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff0-\uffff";
    json!({
        "type": "string", "minLength": 1, "maxLength": 128,
        "pattern": format!("^[^ {invisible}]([^{invisible}]*[^ {invisible}])?$"),
        "description": "A device's name at its provider: printable, no space at either end.", "example": "b2C",
    })
}

/// A vocabulary that is closed: another word is refused.
fn one_of(description: &str, words: &[impl ToString], example: &str) -> Value {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    json!({"type": "string", "enum": words, "description": description, "example": example})
}

/// A vocabulary that answers may add to.
fn open(description: &str, words: &[impl ToString], example: &str) -> Value {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    let known = words.join("`, `");
    let description = format!("{description} So far: `{known}`; new words may be added.");
    json!({"type": "string", "description": description, "example": example})
}

fn signal_names() -> Vec<&'static str> {
    signals::Signal::all().map(signals::Signal::name).collect()
}

/// One signal, so that a pair never mixes.
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

/// The catalogue, as an update's signals.
fn signals() -> Value {
    let properties: Map<String, Value> = signals::CATALOGUE
        .iter()
        .map(|spec| (spec.name.to_owned(), signal(spec)))
        .collect();
    json!({
        "type": "object",
        "description": "By name of the catalogue; `null` is absent. What is unknown, of a wrong type or out of range is dropped and reported; the other signals live.",
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

    /// The documented rule and the one that is kept, by what they say of the same texts.
    #[test]
    fn ids_are_documented_as_they_are_read() {
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
