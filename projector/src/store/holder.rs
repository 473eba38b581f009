//! Who has a store open for writing.

use std::fmt;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::head::Block;
use super::layout::BLOCK_BYTES;

/// Bytes for the length before, and for the checksum behind what is written.
const FRAME_BYTES: usize = 8;

/// A process that has a store open for writing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The program, by the name it gave itself.
    pub program: String,
    /// Its process number.
    pub pid: u32,
    /// The machine's name, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Since when, in seconds of Unix time.
    pub since_unix_s: u64,
}

impl Holder {
    /// As a block of the store's file; `None` if its names are too long for one.
    pub(crate) fn encode(&self) -> Option<Box<Block>> {
        let json = serde_json::to_vec(self).ok()?;
        let mut block = Box::new([0; BLOCK_BYTES]);
        let len = u64::try_from(json.len()).ok()?;
        block.first_chunk_mut::<FRAME_BYTES>()?.copy_from_slice(&len.to_le_bytes());
        block.get_mut(FRAME_BYTES..FRAME_BYTES + json.len())?.copy_from_slice(&json);
        let end = FRAME_BYTES + json.len();
        block.get_mut(end..end + FRAME_BYTES)?.copy_from_slice(&xxh3_64(&json).to_le_bytes());
        Some(block)
    }

    /// From a block of the store's file; `None` if nobody wrote there, or is just writing.
    pub(crate) fn decode(block: &Block) -> Option<Self> {
        let (len, rest) = block.split_first_chunk::<FRAME_BYTES>()?;
        let len = usize::try_from(u64::from_le_bytes(*len)).ok()?;
        let json = rest.get(..len)?;
        let checksum = rest.get(len..)?.first_chunk::<FRAME_BYTES>()?;
        let is_whole = u64::from_le_bytes(*checksum) == xxh3_64(json);
        is_whole.then(|| serde_json::from_slice(json).ok())?
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {}", self.program.escape_debug(), self.pid)?;
        if let Some(host) = &self.host {
            write!(f, " on {}", host.escape_debug())?;
        }
        let time = Utc::of(self.since_unix_s);
        write!(f, ", since {} {:02}:{:02} UTC)", time.date('-'), time.hour, time.minute)
    }
}

/// A time as people write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Utc {
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
}

impl Utc {
    pub(crate) fn of(unix_s: u64) -> Self {
        let (days, seconds) = (unix_s / 86_400, unix_s % 86_400);
        // The era of 400 years begins in a March, so that leap days come last in a year.
        let days = days + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        Self {
            year: era * 400 + year_of_era + u64::from(month <= 2),
            month,
            day: day_of_year - (153 * shifted + 2) / 5 + 1,
            hour: seconds / 3_600,
            minute: seconds / 60 % 60,
        }
    }

    /// The date, its parts apart by `separator`.
    pub(crate) fn date(self, separator: char) -> String {
        let Self { year, month, day, .. } = self;
        format!("{year:04}{separator}{month:02}{separator}{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder() -> Holder {
        Holder {
            program: "tool".into(),
            pid: 42,
            host: Some("here".into()),
            since_unix_s: 1_795_212_755,
        }
    }

    #[test]
    fn a_holder_reads_back_from_its_block_and_from_no_other() {
        let block = holder().encode().unwrap();
        assert_eq!(Holder::decode(&block), Some(holder()));
        assert_eq!(Holder::decode(&[0; BLOCK_BYTES]), None);
        assert_eq!(Holder::decode(&[0xff; BLOCK_BYTES]), None);
        let written = block.iter().rposition(|byte| *byte != 0).unwrap();
        for at in 0..=written {
            let mut damaged = block.clone();
            damaged[at] ^= 1;
            assert_eq!(Holder::decode(&damaged), None, "byte {at}");
        }
    }

    #[test]
    fn names_that_do_not_fit_are_not_written() {
        assert_eq!(Holder { program: "x".repeat(BLOCK_BYTES), ..holder() }.encode(), None);
    }

    #[test]
    fn a_holder_is_one_readable_line() {
        let expected = "tool (process 42 on here, since 2026-11-20 22:12 UTC)";
        assert_eq!(holder().to_string(), expected);
        let odd = Holder { program: "a\nb".into(), host: None, ..holder() };
        assert_eq!(odd.to_string(), "a\\nb (process 42, since 2026-11-20 22:12 UTC)");
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        let date = |unix_s| Utc::of(unix_s).date('-');
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(951_782_400), "2000-02-29");
        assert_eq!(date(951_868_800), "2000-03-01");
        assert_eq!(date(1_709_164_800), "2024-02-29");
        assert_eq!(date(4_102_444_799), "2099-12-31");
        assert_eq!(date(4_107_542_400), "2100-03-01");
    }
}
