//! The parser of a recording's CSV table: it finds the columns and turns cells into values.

use chrono::{DateTime, Utc};
use csv::{ReaderBuilder, StringRecord, Trim};

use super::error::RecordingError;
use crate::protocol::{GeoPoint, NativeValue, SignalName};

const TIME_COLUMN: &str = "time";

/// The headers of the columns that hold a signal.
pub(super) const SIGNAL_COLUMNS: [(&str, SignalName); 5] = [
    ("soc", SignalName::StateOfChargePercent),
    ("energy", SignalName::EnergyUsedKwh),
    ("odo", SignalName::OdometerKm),
    ("speed", SignalName::SpeedKmh),
    ("gps", SignalName::Position),
];

/// The parsed cells of one row.
pub(super) struct RecordedRow {
    pub(super) line: usize,
    pub(super) time: Option<DateTime<Utc>>,
    /// The values in the order of [`SIGNAL_COLUMNS`]; `None` for an empty cell.
    pub(super) cells: [Option<NativeValue>; SIGNAL_COLUMNS.len()],
}

/// Parses all rows below the header, in the order of the file.
pub(super) fn parse_rows(table: &str) -> Result<Vec<RecordedRow>, RecordingError> {
    let mut reader = ReaderBuilder::new()
        .trim(Trim::All)
        .flexible(true)
        .from_reader(table.as_bytes());
    let columns = CsvColumns::find(reader.headers()?)?;
    let mut lines = LineCounter {
        table,
        passed: 0,
        number: 1,
    };
    reader
        .records()
        .map(|record| {
            let record = record?;
            columns.row(&record, lines.number_of(&record))
        })
        .collect()
}

/// A counter of lines that counts as an editor does. The CSV reader's own count is off after blank lines
/// and after CR LF.
struct LineCounter<'a> {
    table: &'a str,
    passed: usize,
    number: usize,
}

impl LineCounter<'_> {
    fn number_of(&mut self, record: &StringRecord) -> usize {
        let begin = record
            .position()
            .and_then(|position| usize::try_from(position.byte()).ok());
        let begin = begin.unwrap_or(self.passed);
        let rest = &self.table[begin..];
        let blank = rest.len() - rest.trim_start_matches(['\r', '\n']).len();
        self.number += self.table[self.passed..begin + blank].matches('\n').count();
        self.passed = begin + blank;
        self.number
    }
}

/// The index of each known column in a row.
struct CsvColumns {
    count: usize,
    time: usize,
    signals: [Option<usize>; SIGNAL_COLUMNS.len()],
}

impl CsvColumns {
    fn find(headers: &StringRecord) -> Result<Self, RecordingError> {
        let position = |name: &str| headers.iter().position(|header| header == name);
        Ok(Self {
            count: headers.len(),
            time: position(TIME_COLUMN).ok_or(RecordingError::NoTimeColumn)?,
            signals: SIGNAL_COLUMNS.map(|(column, _)| position(column)),
        })
    }

    fn row(&self, record: &StringRecord, line: usize) -> Result<RecordedRow, RecordingError> {
        if record.len() != self.count {
            return Err(RecordingError::Ragged {
                line,
                found: record.len(),
                expected: self.count,
            });
        }
        let cell = |index: Option<usize>, column| {
            let text = index.map_or("", |index| &record[index]);
            Cell { line, column, text }
        };
        let time = cell(Some(self.time), TIME_COLUMN)
            .parse_with("milliseconds since the epoch", parse_time)?;
        let mut cells = [None; SIGNAL_COLUMNS.len()];
        for ((value, index), (column, signal)) in
            cells.iter_mut().zip(self.signals).zip(SIGNAL_COLUMNS)
        {
            let cell = cell(index, column);
            *value = match signal {
                SignalName::Position => cell.parse_with("`latitude|longitude`", parse_position)?,
                _ => cell.parse_with("a number", parse_number)?,
            };
        }
        Ok(RecordedRow { line, time, cells })
    }
}

/// One cell's text, with its line and column for error messages.
struct Cell<'a> {
    line: usize,
    column: &'static str,
    text: &'a str,
}

impl Cell<'_> {
    /// Parses the cell: `None` if it is empty, an error if `parse` does not accept its text.
    fn parse_with<T>(
        &self,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, RecordingError> {
        if self.text.is_empty() {
            return Ok(None);
        }
        let Self { line, column, text } = *self;
        let unreadable = || RecordingError::Unreadable {
            line,
            column,
            cell: text.to_owned(),
            expected,
        };
        parse(text).map(Some).ok_or_else(unreadable)
    }
}

fn parse_time(cell: &str) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(cell.parse().ok()?)
}

fn parse_number(cell: &str) -> Option<NativeValue> {
    parse_finite(cell).map(NativeValue::Number)
}

fn parse_position(cell: &str) -> Option<NativeValue> {
    let (latitude, longitude) = cell.split_once('|')?;
    let latitude_deg = parse_finite(latitude.trim())?;
    let longitude_deg = parse_finite(longitude.trim())?;
    Some(NativeValue::Position(GeoPoint {
        latitude_deg,
        longitude_deg,
    }))
}

/// Parses a finite number. JSON cannot express infinity and NaN.
fn parse_finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}
