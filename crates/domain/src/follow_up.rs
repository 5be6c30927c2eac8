//! What people do about a silent device, and which silence that is about.

use chrono::{DateTime, Utc};
use serde::Serialize;

/// What somebody has done about a device, or means to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FollowUp {
    /// Whether its operator has been spoken to.
    pub contacted: bool,
    /// Until when nobody needs to look at it; one that has passed is a snooze that is over.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// For colleagues.
    pub note: Option<Note>,
}

/// A follow-up as it was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenFollowUp {
    /// Counts what was written about the device.
    pub version: i64,
    /// What.
    pub follow_up: FollowUp,
    /// The beginning of the silence that it is about.
    pub silent_since: DateTime<Utc>,
    /// When.
    pub updated_at: DateTime<Utc>,
    /// By whom.
    pub updated_by: String,
}

/// An active device's silence, and the latest that was written of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceFollowUp {
    /// The latest accepted update, or the activation where there was none since.
    pub silent_since: DateTime<Utc>,
    /// About this silence or an earlier one.
    pub latest: Option<WrittenFollowUp>,
}

impl DeviceFollowUp {
    /// The latest version, whatever silence it is about; 0 where nothing was ever written.
    pub fn version(&self) -> i64 {
        self.latest.as_ref().map_or(0, |written| written.version)
    }

    /// What counts now. A device that has reported since is another case when it falls silent again:
    /// nobody has been spoken to about that.
    pub fn current(&self) -> Option<&WrittenFollowUp> {
        self.latest
            .as_ref()
            .filter(|written| written.silent_since == self.silent_since)
    }
}

/// A note: 1..=1000 characters, in lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Note(String);

/// A text that is no note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be at most 1000 characters, none of them a control character but line breaks and tabs, nor one that turns the direction of text"
)]
pub struct InvalidNote;

impl Note {
    /// Characters, at most.
    pub const MAX_CHARACTERS: usize = 1000;

    /// A text that says nothing is no note, and nothing wrong either.
    ///
    /// # Errors
    /// [`InvalidNote`].
    pub fn read(text: &str) -> Result<Option<Self>, InvalidNote> {
        let unfit = |c: char| {
            c.is_control() && !matches!(c, '\n' | '\r' | '\t')
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        if text.chars().count() > Self::MAX_CHARACTERS || text.contains(unfit) {
            return Err(InvalidNote);
        }
        Ok((!text.trim().is_empty()).then(|| Self(text.to_owned())))
    }

    /// The text as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_note_is_lines_of_text_or_nothing() {
        let longest = "ä".repeat(1000);
        for text in ["=1+1", "two\r\nlines\tand a tab", " . ", &longest] {
            let note = Note::read(text)
                .expect("a note")
                .expect("it says something");
            assert_eq!(note.as_str(), text);
        }
        for text in ["", " \n\t"] {
            assert_eq!(Note::read(text), Ok(None), "{text:?}");
        }
        let too_long = "x".repeat(1001);
        for text in ["a\0b", "\u{7}", "a\u{85}b", "\u{202e}evil", &too_long] {
            assert_eq!(Note::read(text), Err(InvalidNote), "{text:?}");
        }
    }

    #[test]
    fn what_was_written_about_one_silence_does_not_count_for_the_next() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        let written = WrittenFollowUp {
            version: 3,
            follow_up: FollowUp::default(),
            silent_since: now,
            updated_at: now + TimeDelta::hours(1),
            updated_by: "person:anna".to_owned(),
        };
        let mut device = DeviceFollowUp {
            silent_since: now,
            latest: Some(written.clone()),
        };
        assert_eq!((device.version(), device.current()), (3, Some(&written)));
        device.silent_since = now + TimeDelta::hours(2);
        assert_eq!((device.version(), device.current()), (3, None));
        device.latest = None;
        assert_eq!((device.version(), device.current()), (0, None));
    }
}
