//! Follow-ups: what people do about a silent device, and the silence that it is about.

use chrono::{DateTime, Utc};
use serde::Serialize;

/// The things that somebody has done about a silent device, or means to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FollowUp {
    /// Whether somebody has spoken to the device's operator.
    pub contacted: bool,
    /// The instant until which nobody needs to look at the device. A snooze whose instant has passed is over.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// The note for colleagues.
    pub note: Option<Note>,
}

/// A follow-up with the record of its writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenFollowUp {
    /// The number of follow-ups that were written about the device.
    pub version: i64,
    /// The follow-up.
    pub follow_up: FollowUp,
    /// The beginning of the silence that the follow-up is about.
    pub silent_since: DateTime<Utc>,
    /// The instant of the writing.
    pub updated_at: DateTime<Utc>,
    /// The author.
    pub updated_by: String,
}

/// The silence of an active device, with the latest follow-up that was written of the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceFollowUp {
    /// The beginning of the silence: the latest accepted update, or the activation if there was none since.
    pub silent_since: DateTime<Utc>,
    /// The latest follow-up, about this silence or an earlier one.
    pub latest: Option<WrittenFollowUp>,
}

impl DeviceFollowUp {
    /// Returns the latest version, whatever silence it is about; 0 if nothing was ever written.
    pub fn version(&self) -> i64 {
        self.latest.as_ref().map_or(0, |written| written.version)
    }

    /// Returns the follow-up that counts now. A device that has reported since is another case when it falls
    /// silent again: nobody has been spoken to about that.
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
/// A text that cannot be a note.
#[error(
    "must be at most 1000 characters, none of them a control character but line breaks and tabs, nor one that turns the direction of text"
)]
pub struct InvalidNote;

impl Note {
    /// The number of characters that a note may have.
    pub const MAX_CHARACTERS: usize = 1000;

    /// Reads a note. A text that says nothing is no note, and nothing wrong either.
    ///
    /// # Errors
    /// [`InvalidNote`].
    pub fn parse(text: &str) -> Result<Option<Self>, InvalidNote> {
        let unfit = |c: char| {
            c.is_control() && !matches!(c, '\n' | '\r' | '\t')
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        if text.chars().count() > Self::MAX_CHARACTERS || text.contains(unfit) {
            return Err(InvalidNote);
        }
        Ok((!text.trim().is_empty()).then(|| Self(text.to_owned())))
    }

    /// Returns the text as it was given.
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
            let note = Note::parse(text)
                .expect("a note")
                .expect("it says something");
            assert_eq!(note.as_str(), text);
        }
        for text in ["", " \n\t"] {
            assert_eq!(Note::parse(text), Ok(None), "{text:?}");
        }
        let too_long = "x".repeat(1001);
        for text in ["a\0b", "\u{7}", "a\u{85}b", "\u{202e}evil", &too_long] {
            assert_eq!(Note::parse(text), Err(InvalidNote), "{text:?}");
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
