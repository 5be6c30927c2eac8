//! The CSV table: its columns, and its cells as values.

use chrono::{DateTime, Utc};
use csv::{ReaderBuilder, StringRecord, Trim};

use super::error::RecordingError;
use crate::protocol::{Position, SignalName, SignalValue};

const TIME_COLUMN: &str = "time";

/// The headers of the columns that hold a signal.
pub(super) const SIGNAL_COLUMNS: [(&str, SignalName); 5] = [
    ("soc", SignalName::StateOfChargePercent),
    ("energy", SignalName::EnergyUsedKwh),
    ("odo", SignalName::OdometerKm),
    ("speed", SignalName::SpeedKmh),
    ("gps", SignalName::Position),
];

/// A row's non-empty cells.
pub(super) struct Row {
    pub(super) line: usize,
    pub(super) time: Option<DateTime<Utc>>,
    /// In the order of [`SIGNAL_COLUMNS`].
    pub(super) cells: [Option<SignalValue>; SIGNAL_COLUMNS.len()],
}

/// All rows below the header, in the order of the file.
pub(super) fn rows(table: &str) -> Result<Vec<Row>, RecordingError> {
    let mut reader = ReaderBuilder::new()
        .trim(Trim::All)
        .flexible(true)
        .from_reader(table.as_bytes());
    let columns = Columns::find(reader.headers()?)?;
    let mut lines = Lines {
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

/// Counts lines as an editor does. The reader's own count is off after blank lines and after CR LF.
struct Lines<'a> {
    table: &'a str,
    passed: usize,
    number: usize,
}

impl Lines<'_> {
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

/// Where in a row each column stands.
struct Columns {
    count: usize,
    time: usize,
    signals: [Option<usize>; SIGNAL_COLUMNS.len()],
}

impl Columns {
    fn find(headers: &StringRecord) -> Result<Self, RecordingError> {
        let position = |name: &str| headers.iter().position(|header| header == name);
        Ok(Self {
            count: headers.len(),
            time: position(TIME_COLUMN).ok_or(RecordingError::NoTimeColumn)?,
            signals: SIGNAL_COLUMNS.map(|(column, _)| position(column)),
        })
    }

    fn row(&self, record: &StringRecord, line: usize) -> Result<Row, RecordingError> {
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
        let time = cell(Some(self.time), TIME_COLUMN).read("milliseconds since the epoch", time)?;
        let mut cells = [None; SIGNAL_COLUMNS.len()];
        for ((value, index), (column, signal)) in
            cells.iter_mut().zip(self.signals).zip(SIGNAL_COLUMNS)
        {
            let cell = cell(index, column);
            *value = match signal {
                SignalName::Position => cell.read("`latitude|longitude`", position)?,
                _ => cell.read("a number", number)?,
            };
        }
        Ok(Row { line, time, cells })
    }
}

/// One cell and where it stands.
struct Cell<'a> {
    line: usize,
    column: &'static str,
    text: &'a str,
}

impl Cell<'_> {
    /// None for an empty cell, an error for one that `parse` does not know.
    fn read<T>(
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

fn time(cell: &str) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(cell.parse().ok()?)
}

fn number(cell: &str) -> Option<SignalValue> {
    finite(cell).map(SignalValue::Number)
}

fn position(cell: &str) -> Option<SignalValue> {
    let (latitude, longitude) = cell.split_once('|')?;
    let (latitude_deg, longitude_deg) = (finite(latitude.trim())?, finite(longitude.trim())?);
    Some(SignalValue::Position(Position {
        latitude_deg,
        longitude_deg,
    }))
}

/// JSON has no word for the other numbers.
fn finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}
