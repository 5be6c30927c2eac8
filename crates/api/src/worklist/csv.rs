//! The worklist as CSV (RFC 4180) for spreadsheets: UTF-8 with a byte order mark, lines end in CRLF, and the
//! columns are those of the JSON answer. Cells that a spreadsheet would run as a formula are made harmless.

use std::borrow::Cow;

use ::csv::{Terminator, Writer, WriterBuilder};
use bytes::Bytes;
use domain::TimeText;
use domain::fleet::ProviderType;
use domain::follow_up::Note;
use domain::health::{Reason, Responsibility};

use super::view::SilentDeviceView;
use crate::follow_up::FollowUpView;

/// The byte order mark, by which spreadsheets recognise UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The names of the columns, in the order of [`render_cells`].
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

/// Renders the byte order mark and the line with the names of the columns.
///
/// # Errors
/// Never in practice: the writer writes to memory.
pub(super) fn render_header() -> Result<Bytes, ::csv::Error> {
    let mut writer = write_to(BYTE_ORDER_MARK.to_vec());
    writer.write_record(COLUMNS)?;
    finish(writer)
}

/// Renders one line for each device.
///
/// # Errors
/// Never in practice, as in [`render_header`].
pub(super) fn render_lines(
    devices: impl IntoIterator<Item = SilentDeviceView>,
) -> Result<Bytes, ::csv::Error> {
    let mut writer = write_to(Vec::new());
    for device in devices {
        for cell in render_cells(&device) {
            writer.write_field(escape_formula(&cell).as_bytes())?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    finish(writer)
}

fn write_to(buffer: Vec<u8>) -> Writer<Vec<u8>> {
    WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(buffer)
}

fn finish(writer: Writer<Vec<u8>>) -> Result<Bytes, ::csv::Error> {
    let written = writer.into_inner();
    Ok(written.map_err(::csv::IntoInnerError::into_error)?.into())
}

/// Renders the cells of one device in the order of [`COLUMNS`]. An unknown value is an empty cell.
fn render_cells(device: &SilentDeviceView) -> [Cow<'_, str>; COLUMNS.len()] {
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

/// Puts an apostrophe before a cell that a spreadsheet would run as a formula, so that it is shown as text.
/// The dangerous characters are those that OWASP lists under "CSV Injection", including the full-width ones of
/// East Asian keyboards. Spaces before a dangerous character do not protect.
fn escape_formula(cell: &str) -> Cow<'_, str> {
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
            assert_eq!(escape_formula(cell), expected);
        }
    }

    #[test]
    fn the_header_starts_with_the_byte_order_mark_and_ends_with_crlf() {
        let header = render_header().expect("memory");
        let text = str::from_utf8(&header).expect("UTF-8");
        assert!(
            text.starts_with("\u{feff}workspace_id,workspace_name,"),
            "{text}"
        );
        assert!(text.ends_with(",follow_up_updated_by\r\n"), "{text}");
    }
}
