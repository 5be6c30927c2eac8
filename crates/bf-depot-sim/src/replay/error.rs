//! Why a file is not a recording.

/// What is wrong with a recording, and where. Lines are counted from 1, the header's.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file cannot be read, or is not UTF-8.
    #[error("cannot read the file")]
    File(#[source] std::io::Error),
    /// Not a table at all.
    #[error("not a CSV table")]
    Csv(#[from] csv::Error),
    /// Nothing tells when anything was read.
    #[error("line 1: there is no column `time`")]
    NoTimeColumn,
    /// A row with more or fewer cells than the header.
    #[error("line {line}: {found} cells where the header has {expected}")]
    Ragged {
        /// Of the row.
        line: usize,
        /// Cells in it.
        found: usize,
        /// Cells in the header.
        expected: usize,
    },
    /// A cell that is neither empty nor what its column holds.
    #[error("line {line}, column `{column}`: `{cell}` is not {expected}")]
    Unreadable {
        /// Of the cell.
        line: usize,
        /// Its header.
        column: &'static str,
        /// As it stands in the file.
        cell: String,
        /// What the column holds.
        expected: &'static str,
    },
    /// A recording goes forward.
    #[error("line {line}, column `time`: earlier than a line above")]
    OutOfOrder {
        /// Of the earlier time.
        line: usize,
    },
    /// No row has a time.
    #[error("no line with a time")]
    Empty,
}
