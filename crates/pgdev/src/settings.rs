//! The settings of a private server, and the Postgres options that follow from them.

use std::path::PathBuf;
use std::time::Duration;

/// The settings of a server. Two processes with the same `name` and `data_dir` share one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The name of the server: 1 to 32 of `a-z`, `0-9`, `-` and `_`. Its directory is called `<name>-pg<major>`.
    pub name: String,
    /// The directory in which the server's own directory is created. The default is `/var/tmp/bf-telematics-root` for
    /// root, else `$XDG_STATE_HOME/bf-telematics` or `~/.local/state/bf-telematics`.
    pub data_dir: Option<PathBuf>,
    /// Whether the data outlives the server. Attaching does not change the durability of a running server; a throwaway
    /// server does not start on durable data.
    pub durability: Durability,
    /// How long the server stays up while no client is connected, in whole seconds (rounded up). The value of the
    /// process that started the server counts; the values of processes that attach do not.
    pub linger: Duration,
}

/// What happens to the data when the server has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The data is kept across starts and crashes, as Postgres does by default. At most 200 connections are accepted.
    Durable,
    /// The data is for tests: fast to write, lost in a crash, and wiped by the next start that finds no server running.
    /// At most 300 connections are accepted.
    Throwaway,
}

impl Settings {
    /// The settings of a server whose data is kept, and which lingers for 10 s.
    pub fn durable(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            data_dir: None,
            durability: Durability::Durable,
            linger: Duration::from_secs(10),
        }
    }

    /// The settings of a server for tests, whose data goes with it. It lingers for 30 s, so that the next test run finds
    /// it running.
    pub fn throwaway(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            data_dir: None,
            durability: Durability::Throwaway,
            linger: Duration::from_secs(30),
        }
    }

    pub(crate) fn has_plain_name(&self) -> bool {
        let plain = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
        };
        (1..=32).contains(&self.name.len()) && self.name.bytes().all(plain)
    }

    pub(crate) fn linger_seconds(&self) -> u64 {
        self.linger.as_secs() + u64::from(self.linger.subsec_nanos() > 0)
    }
}

impl Durability {
    pub(crate) fn initdb_options(self) -> &'static [&'static str] {
        match self {
            Self::Durable => &[],
            Self::Throwaway => &["--no-sync"],
        }
    }

    /// Options for `postgres -c`, which override the files in the data directory.
    pub(crate) fn server_options(self) -> &'static [&'static str] {
        match self {
            Self::Durable => &["max_connections=200"],
            Self::Throwaway => &[
                "max_connections=300",
                "fsync=off",
                "full_page_writes=off",
                "synchronous_commit=off",
                "autovacuum=off",
                "wal_level=minimal",
                "max_wal_senders=0",
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_must_be_plain() {
        for name in ["dev", "test-2", "a_b"] {
            assert!(Settings::durable(name).has_plain_name(), "{name}");
        }
        for name in ["", "..", "a/b", "Dev", "a b", &"x".repeat(33)] {
            assert!(!Settings::durable(name).has_plain_name(), "{name}");
        }
    }

    #[test]
    fn linger_is_rounded_up_to_seconds() {
        let lingering = |linger| Settings {
            linger,
            ..Settings::throwaway("test")
        };
        assert_eq!(lingering(Duration::from_millis(1)).linger_seconds(), 1);
        assert_eq!(lingering(Duration::from_secs(2)).linger_seconds(), 2);
    }
}
