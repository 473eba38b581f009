//! When things are written, and what new things are called: told by the caller where it matters,
//! else by the system.

use std::fmt;
use std::hash::{BuildHasher, RandomState};

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use uuid::Builder;

/// A point in time, and what the clock on the wall shows then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since 1970.
    pub unix_ms: i64,
    /// What local time is ahead of UTC, in seconds.
    pub utc_offset_s: i32,
}

impl Moment {
    /// As writers stamp records: `YYYY-MM-DDTHH:MM:SS.mmmZ` (FORMAT 1).
    #[must_use]
    pub fn stamp(self) -> String {
        self.utc().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }

    /// As a rollout's name has it, by local time: `YYYY-MM-DDTHH-MM-SS` (R235).
    #[must_use]
    pub fn file_stamp(self) -> String {
        let offset = Offset::from_seconds(self.utc_offset_s).unwrap_or(Offset::UTC);
        offset.to_datetime(self.utc()).strftime("%Y-%m-%dT%H-%M-%S").to_string()
    }

    fn utc(self) -> Timestamp {
        // Times that no calendar has: the first one it has, or the last.
        let nearest = if self.unix_ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
        Timestamp::from_millisecond(self.unix_ms).unwrap_or(nearest)
    }
}

/// Tells the time.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time now.
    fn now(&self) -> Moment;
}

/// Makes ids of threads, windows and items.
pub trait Ids: fmt::Debug + Send + Sync {
    /// A UUID of version 7, hyphenated lower case, that was never given before.
    fn next_id(&self, at: Moment) -> String;
}

/// The system's clock, in its time zone.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        let now = Timestamp::now();
        let offset = TimeZone::system().to_offset(now);
        Moment { unix_ms: now.as_millisecond(), utc_offset_s: offset.seconds() }
    }
}

/// Random ids, by the randomness with which the system seeds hash tables.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn next_id(&self, at: Moment) -> String {
        // Seeded anew for each: the hash of nothing is as random as the seed.
        let words = [0, 1].map(|_| RandomState::new().hash_one(at.unix_ms).to_le_bytes());
        let mut random = [0; 10];
        for (to, from) in random.iter_mut().zip(words.iter().flatten()) {
            *to = *from;
        }
        let unix_ms = u64::try_from(at.unix_ms).unwrap_or(0);
        Builder::from_unix_timestamp_millis(unix_ms, &random).into_uuid().to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn moments_are_spelled_as_writers_spell_them() {
        let at = |unix_ms, utc_offset_s| Moment { unix_ms, utc_offset_s };
        let moment = at(1_772_359_200_007, -4 * 3600 - 1800);
        assert_eq!(moment.stamp(), "2026-03-01T10:00:00.007Z");
        assert_eq!(moment.file_stamp(), "2026-03-01T05-30-00");
        // Local time is in another year.
        let moment = at(1_767_225_599_999, 3600);
        assert_eq!(moment.stamp(), "2025-12-31T23:59:59.999Z");
        assert_eq!(moment.file_stamp(), "2026-01-01T00-59-59");
        assert_eq!(at(0, 0).stamp(), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(-1, 0).stamp(), "1969-12-31T23:59:59.999Z");
        assert!(at(i64::MAX, i32::MAX).stamp().starts_with("9999-12-"));
    }

    #[test]
    fn random_ids_are_version_7_and_differ() {
        let at = Moment { unix_ms: 0x019b_b0c0_0000, utc_offset_s: 0 };
        let ids: BTreeSet<String> = (0..1000).map(|_| RandomIds.next_id(at)).collect();
        assert_eq!(ids.len(), 1000);
        for id in ids {
            assert!(id.starts_with("019bb0c0-0000-7"), "{id}");
            assert_eq!(uuid::Uuid::try_parse(&id).unwrap().get_version_num(), 7);
        }
        assert!(SystemClock.now().unix_ms > 1_700_000_000_000);
    }
}
