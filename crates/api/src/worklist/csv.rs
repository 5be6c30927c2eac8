//! Silent devices as a spreadsheet takes them (RFC 4180): UTF-8 with a byte order mark, CRLF, the columns of
//! the JSON answer, what a formula would begin with made harmless.

use std::borrow::Cow;

use ::csv::{Terminator, Writer, WriterBuilder};
use bytes::Bytes;
use domain::TimeText;
use domain::fleet::ProviderType;
use domain::follow_up::Note;
use domain::health::{Reason, Responsibility};

use super::view::SilentDeviceView;
use crate::follow_up::FollowUpView;

/// Tells spreadsheets that this is UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

const COLUMNS: [&str; 20] = [
    "workspace_id",
    "workspace_name",
    "device_id",
    "vehicle_id",
    "provider_id",
    "provider_type",
    "state",
    "reason",
    "responsibility",
    "last_update_received_at",
    "silent_minutes",
    "last_returned_at",
    "configured_at",
    "grace_exceeded_at",
    "next_step",
    "follow_up_contacted",
    "follow_up_snoozed_until",
    "follow_up_note",
    "follow_up_updated_at",
    "follow_up_updated_by",
];

/// The mark and the names of the columns.
///
/// # Errors
/// Never, as long as memory can be written to.
pub(super) fn head() -> Result<Bytes, ::csv::Error> {
    let mut writer = writer(BYTE_ORDER_MARK.to_vec());
    writer.write_record(COLUMNS)?;
    finish(writer)
}

/// A line for each device.
///
/// # Errors
/// As [`head`].
pub(super) fn lines(
    devices: impl IntoIterator<Item = SilentDeviceView>,
) -> Result<Bytes, ::csv::Error> {
    let mut writer = writer(Vec::new());
    for device in devices {
        for cell in cells(&device) {
            writer.write_field(harmless(&cell).as_bytes())?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    finish(writer)
}

fn writer(onto: Vec<u8>) -> Writer<Vec<u8>> {
    WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(onto)
}

fn finish(writer: Writer<Vec<u8>>) -> Result<Bytes, ::csv::Error> {
    let written = writer.into_inner();
    Ok(written.map_err(::csv::IntoInnerError::into_error)?.into())
}

/// In the order of [`COLUMNS`]; what is unknown is empty.
fn cells(device: &SilentDeviceView) -> [Cow<'_, str>; COLUMNS.len()] {
    fn word(word: Option<&str>) -> Cow<'_, str> {
        word.unwrap_or_default().into()
    }
    fn time<'a>(time: Option<TimeText>) -> Cow<'a, str> {
        time.map(|time| time.to_string()).unwrap_or_default().into()
    }
    let FollowUpView {
        contacted,
        snoozed_until,
        note,
        updated_at,
        updated_by,
    } = &device.follow_up;
    [
        device.workspace_id.as_str().into(),
        device.workspace_name.as_str().into(),
        device.device_id.as_str().into(),
        device.vehicle_id.as_str().into(),
        device.provider_id.as_str().into(),
        word(device.provider_type.map(ProviderType::as_str)),
        device.state.as_str().into(),
        word(device.reason.map(Reason::as_str)),
        word(device.responsibility.map(Responsibility::as_str)),
        time(device.last_update_received_at),
        device.silent_minutes.to_string().into(),
        time(device.last_returned_at),
        time(Some(device.configured_at)),
        time(device.grace_exceeded_at),
        word(device.next_step),
        contacted.to_string().into(),
        time(*snoozed_until),
        word(note.as_ref().map(Note::as_str)),
        time(*updated_at),
        word(updated_by.as_deref()),
    ]
}

/// What a spreadsheet would take for a formula starts with an apostrophe instead, which it takes for text.
/// The characters are those that OWASP names under "CSV Injection", the wide ones of East Asian keyboards
/// among them; spaces before one are looked past.
fn harmless(cell: &str) -> Cow<'_, str> {
    const DANGEROUS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    if cell.trim_start_matches(' ').starts_with(DANGEROUS) {
        format!("'{cell}").into()
    } else {
        cell.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        for (cell, expected) in [
            ("=1+1", "'=1+1"),
            ("+49 30 1234", "'+49 30 1234"),
            ("-2", "'-2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r\n=1", "'\r\n=1"),
            ("\n=1", "'\n=1"),
            ("  =1", "'  =1"),
            ("＝1", "'＝1"),
            ("plain = text", "plain = text"),
            ("", ""),
            ("a\n=1", "a\n=1"),
        ] {
            assert_eq!(harmless(cell), expected);
        }
    }

    #[test]
    fn the_head_is_marked_and_ends_as_rfc_4180_says() {
        let head = head().expect("memory");
        let text = str::from_utf8(&head).expect("UTF-8");
        assert!(
            text.starts_with("\u{feff}workspace_id,workspace_name,"),
            "{text}"
        );
        assert!(text.ends_with(",follow_up_updated_by\r\n"), "{text}");
    }
}
