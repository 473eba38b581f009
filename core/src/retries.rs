//! Retries: a writer that is not sure its line arrived writes it again. Recognised by content.
//!
//! A record with an ordinal says itself that it is one record: the same bytes within the window
//! are the same record. Without an ordinal equal bytes say less: a log may tell the same thing
//! twice, and copies of another thread's history are stamped at the time of copying, so that their
//! timestamps tell nothing apart. Then only the next record is a retry, only among the thread's
//! own, and not of kinds that say something by being repeated or that nobody knows.

use serde::{Deserialize, Serialize};

use crate::decode::{Ordinal, Record};
use crate::digest::Digest;
use crate::format::{EventKind, Kind};
use crate::model::Ownership;

/// Lines that are remembered: more than a writer has in its hands at once.
const WINDOW_LINES: usize = 64;

/// The newest lines that hold records, oldest first, retries left out. What is searched at every
/// line stands apart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recent {
    digests: Vec<Digest>,
    seqs: Vec<u64>,
    /// Where the oldest is; the others follow round the end.
    oldest: usize,
}

impl Recent {
    /// Remembers a line, if it holds a record that can be recognised: what is of unknown kind and
    /// has no ordinal stands between lines as damage does.
    pub(crate) fn push(&mut self, digest: Digest, seq: u64, records: &[Record<'_>]) {
        if records.iter().all(|record| is_unknown(record.kind) && !has_ordinal(record)) {
            return;
        }
        if self.digests.len() < WINDOW_LINES {
            self.digests.push(digest);
            self.seqs.push(seq);
            return;
        }
        let oldest = self.digests.get_mut(self.oldest).zip(self.seqs.get_mut(self.oldest));
        if let Some((oldest_digest, oldest_seq)) = oldest {
            (*oldest_digest, *oldest_seq) = (digest, seq);
        }
        self.oldest = (self.oldest + 1) % WINDOW_LINES;
    }

    /// The seq of the line that these records are a retry of.
    pub(crate) fn retried(
        &self,
        digest: Digest,
        records: &[Record<'_>],
        ownership: Ownership,
    ) -> Option<u64> {
        // Without a branch for each: nearly always there is none.
        if !self.digests.iter().fold(false, |found, it| found | (*it == digest)) {
            return None;
        }
        if records.iter().all(has_ordinal) {
            let place = self.digests.iter().position(|it| *it == digest)?;
            return self.seqs.get(place).copied();
        }
        let is_retry = self.newest()? == digest
            && ownership == Ownership::Own
            && records.iter().all(|it| it.timestamp.is_some() && !adds_up(it.kind));
        self.seqs.get(self.newest_place()?).filter(|_| is_retry).copied()
    }

    fn newest(&self) -> Option<Digest> {
        self.digests.get(self.newest_place()?).copied()
    }

    fn newest_place(&self) -> Option<usize> {
        self.oldest.checked_sub(1).or_else(|| self.digests.len().checked_sub(1))
    }
}

fn has_ordinal(record: &Record<'_>) -> bool {
    matches!(record.ordinal, Ordinal::Value(_))
}

fn is_unknown(kind: Kind) -> bool {
    matches!(kind, Kind::Unknown | Kind::OtherResponse)
}

/// Whether saying it twice may mean something else than saying it once.
fn adds_up(kind: Kind) -> bool {
    use EventKind::{ContextCompacted, ThreadRolledBack, TokenCount};
    is_unknown(kind)
        || matches!(
            kind,
            Kind::Compacted
                | Kind::TokenUsageRecord
                | Kind::Event(ContextCompacted | ThreadRolledBack | TokenCount)
        )
}
