//! A recorded drive, replayed from a CSV file.
//!
//! The columns are found by their header: `time` (milliseconds since the epoch; required), `energy`
//! (kWh consumed, a counter), `gps` (`latitude|longitude` in degrees), `odo` (km), `speed` (km/h) and
//! `soc` (%). Other columns are ignored; any cell may be empty. A row without a time has the time of the
//! row above; rows before the first time have the first time. So no reading is lost.

mod error;
mod table;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

pub use self::error::RecordingError;
use self::table::{RecordedRow, SIGNAL_COLUMNS};
use crate::protocol::{NativeValue, SignalName, SimulatedReading};
use crate::world::Timeline;

/// The readings of one recorded vehicle. A clone is cheap. The JSON form holds only the recording's size:
/// `{"rows":999,"duration_seconds":1310}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    tracks: Arc<[Track]>,
    rows: usize,
    duration: TimeDelta,
}

/// The non-empty cells of one column, each with its time since the first row.
#[derive(Clone, Debug, PartialEq)]
struct Track {
    signal: SignalName,
    points: Vec<(TimeDelta, NativeValue)>,
}

impl Recording {
    /// Reads a CSV file.
    pub fn load(path: &Path) -> Result<Self, RecordingError> {
        let table = fs::read_to_string(path).map_err(RecordingError::File)?;
        Self::parse(&table)
    }

    /// Parses a CSV table.
    pub fn parse(table: &str) -> Result<Self, RecordingError> {
        let rows = table::parse_rows(table)?;
        let first = rows
            .iter()
            .find_map(|row| row.time)
            .ok_or(RecordingError::Empty)?;
        let mut latest = first;
        let mut tracks = SIGNAL_COLUMNS.map(|(_, signal)| Track {
            signal,
            points: Vec::new(),
        });
        for RecordedRow { line, time, cells } in &rows {
            let time = time.unwrap_or(latest);
            if time < latest {
                return Err(RecordingError::OutOfOrder { line: *line });
            }
            latest = time;
            for (track, cell) in tracks.iter_mut().zip(cells) {
                track.points.extend(cell.map(|value| (time - first, value)));
            }
        }
        Ok(Self {
            tracks: Arc::new(tracks),
            rows: rows.len(),
            duration: latest - first,
        })
    }

    /// Returns the last reading of each column at or before `at`, with the wall clock of its emission. The
    /// first row is emitted at the start of `timeline`. After the last row neither values nor times change.
    pub(crate) fn readings_at(
        &self,
        at: DateTime<Utc>,
        timeline: &Timeline,
    ) -> Vec<SimulatedReading> {
        self.tracks
            .iter()
            .filter_map(|track| track.reading_at(at, timeline))
            .collect()
    }
}

impl Track {
    fn reading_at(&self, at: DateTime<Utc>, timeline: &Timeline) -> Option<SimulatedReading> {
        let emitted = self
            .points
            .partition_point(|(offset, _)| timeline.wall_after(*offset) <= at);
        let (offset, value) = self.points[..emitted].last()?;
        Some(SimulatedReading {
            name: self.signal,
            value: *value,
            time: timeline.wall_after(*offset),
        })
    }
}

impl Serialize for Recording {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut summary = serializer.serialize_struct("Recording", 2)?;
        summary.serialize_field("rows", &self.rows)?;
        summary.serialize_field("duration_seconds", &self.duration.num_seconds())?;
        summary.end()
    }
}
