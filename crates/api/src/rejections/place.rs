//! A kept rejection's place in its list, as a cursor holds it.

use domain::acceptance::{RejectReason, RejectionKey};
use domain::ids::{DeviceId, ExternalId, ProviderId};

use crate::problem::{FieldError, Problem};

/// The members of a key, in the order that the list has.
type Place = (
    RejectReason,
    Option<ProviderId>,
    Option<ExternalId>,
    Option<DeviceId>,
    Option<String>,
);

pub(super) fn write(key: &RejectionKey) -> String {
    let RejectionKey {
        reason,
        provider_id,
        external_id,
        device_id,
        pointer,
    } = key;
    // Texts always have a JSON form.
    serde_json::to_string(&(reason, provider_id, external_id, device_id, pointer))
        .unwrap_or_default()
}

pub(super) fn read(text: &str) -> Result<RejectionKey, Problem> {
    // JSON could spell what the database would not take; no pointer of ours has it.
    let legible = |(.., pointer): &Place| {
        pointer
            .as_ref()
            .is_none_or(|text| !text.contains(char::is_control))
    };
    let place: Option<Place> = serde_json::from_str(text).ok().filter(legible);
    let (reason, provider_id, external_id, device_id, pointer) = place.ok_or_else(|| {
        let error = FieldError::parameter("cursor", "is not a cursor of this list");
        Problem::invalid(vec![error])
    })?;
    Ok(RejectionKey {
        reason,
        provider_id,
        external_id,
        device_id,
        pointer,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written_and_nothing_else_is() {
        let key = RejectionKey {
            reason: RejectReason::IdentityConflict,
            provider_id: ProviderId::try_new("geo:1").ok(),
            external_id: ExternalId::try_new("Bus \"7\" ü").ok(),
            device_id: None,
            pointer: Some("/signals".to_owned()),
        };
        assert_eq!(read(&write(&key)).expect("a place"), key);
        for text in [
            "",
            "bus-1",
            "[]",
            r#"["malformed",null,null,null]"#,
            r#"["because",null,null,null,null]"#,
            r#"["malformed","-p",null,null,null]"#,
            r#"["malformed",null,null,null,"\u0000"]"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
