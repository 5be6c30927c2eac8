//! The reasons why a file cannot be replayed.

/// The reason why a file is not a recording. Lines are counted from 1, which is the header.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file cannot be read, or is not UTF-8.
    #[error("cannot read the file")]
    File(#[source] std::io::Error),
    /// The file is not a CSV table.
    #[error("not a CSV table")]
    Csv(#[from] csv::Error),
    /// The header has no column `time`.
    #[error("line 1: there is no column `time`")]
    NoTimeColumn,
    /// A row has more or fewer cells than the header.
    #[error("line {line}: {found} cells where the header has {expected}")]
    Ragged {
        /// The row's line.
        line: usize,
        /// The number of cells in the row.
        found: usize,
        /// The number of cells in the header.
        expected: usize,
    },
    /// A cell is neither empty nor of its column's form.
    #[error("line {line}, column `{column}`: `{cell}` is not {expected}")]
    Unreadable {
        /// The cell's line.
        line: usize,
        /// The header of the cell's column.
        column: &'static str,
        /// The cell's text as it stands in the file.
        cell: String,
        /// The form that the column's cells have.
        expected: &'static str,
    },
    /// A row's time is earlier than the time of a row above.
    #[error("line {line}, column `time`: the time is earlier than that of a line above")]
    OutOfOrder {
        /// The line of the earlier time.
        line: usize,
    },
    /// No row has a time.
    #[error("there is no line with a time")]
    Empty,
}
