//! Sync: looks where the last one ended, whether the source is still the same, and folds the rest.

mod ahead;
pub(crate) mod all;
mod begin;
pub(crate) mod folding;
mod link;
pub(crate) mod writer;

use std::ops::ControlFlow;

use rollfold_core::{Counts, Options, Position};

use crate::cursor::Cursor;
use crate::error::SyncError;
use crate::source::{LogSource, SourceNote};
use crate::store::Store;

pub use all::{AllProgress, SyncedAll};

/// How a sync works. None of it but `fold` shows in the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncOptions {
    /// By which choices the log is folded; a log keeps those of its first sync.
    pub fold: Options,
    /// Bytes of log in one transaction, of whatever logs, at most one line more.
    pub batch_bytes: u64,
    /// Changes in one transaction, at most one line's more.
    pub batch_changes: u64,
    /// Bytes read at once.
    pub buffer_bytes: usize,
    /// Threads that fold; one more writes. With 0 both together are as many as the machine runs at
    /// once, and what is small is not worth one. With 1, one log is done by the thread that calls.
    pub threads: usize,
    /// How closely it looks whether a log still begins with what was folded.
    pub check: Check,
}

/// How closely a sync looks whether a log still begins with what was folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Check {
    /// A file that the system says is as it was is not read. One that only grew is compared in its
    /// first 64 KiB, or if more was folded, in a few blocks and before the place reached. Any
    /// other is compared line by line.
    #[default]
    ByIdentity,
    /// All that was folded, line by line, every time.
    Whole,
}

impl Default for SyncOptions {
    fn default() -> Self {
        Self {
            fold: Options::default(),
            batch_bytes: 32 * 1024 * 1024,
            batch_changes: 20_000,
            buffer_bytes: 256 * 1024,
            threads: 0,
            check: Check::default(),
        }
    }
}

/// How far a sync has come, after each transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the log that are folded and kept.
    pub bytes: u64,
    /// Lines of the log that are folded and kept.
    pub lines: u64,
    /// Bytes the log had when the sync began; `None` if only reading all of it would tell.
    pub total_bytes: Option<u64>,
}

/// What a sync did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Synced {
    /// What it found.
    pub outcome: Outcome,
    /// The generation that the log's rows are in now.
    pub generation: u32,
    /// The place of the next line.
    pub position: Position,
    /// What the whole fold counted.
    pub counts: Counts,
    /// Lines this sync folded.
    pub lines: u64,
    /// Changes it made.
    pub changes: u64,
    /// Oddities it found.
    pub diagnostics: u64,
    /// Bytes it read of the source.
    pub bytes_read: u64,
    /// Bytes at the end of the log that wait for their line end.
    pub pending_bytes: u64,
    /// What was odd about the source itself.
    pub notes: Vec<SourceNote>,
    /// Whether the caller stopped it before the end.
    pub is_stopped: bool,
}

/// What a sync found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The store did not know the log.
    New,
    /// No complete line that was not folded before. Nothing was written.
    Unchanged,
    /// The log has grown.
    Appended,
    /// What was folded is no longer what the log begins with. It is folded anew; what was folded
    /// stays readable as generation `kept`.
    Rewritten {
        /// How that was seen.
        sign: RewriteSign,
        /// The generation before.
        kept: u32,
    },
}

/// How a rewrite was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RewriteSign {
    /// The log is shorter than what was folded.
    Shorter,
    /// Where the folded part ended, other bytes stand.
    OtherBytes,
}

impl Synced {
    fn unchanged(cursor: &Cursor, end_bytes: u64, notes: Vec<SourceNote>) -> Self {
        let position = cursor.state.position;
        let pending_bytes = end_bytes.saturating_sub(position.offset_bytes);
        Self {
            outcome: Outcome::Unchanged,
            generation: cursor.generation,
            position,
            counts: cursor.state.counts,
            lines: 0,
            changes: 0,
            diagnostics: 0,
            bytes_read: 0,
            pending_bytes,
            notes: with_long_tail(notes, pending_bytes),
            is_stopped: false,
        }
    }
}

/// No line that was ever seen is half as long.
const LONG_TAIL_BYTES: u64 = 128 * 1024 * 1024;

fn with_long_tail(mut notes: Vec<SourceNote>, pending_bytes: u64) -> Vec<SourceNote> {
    if pending_bytes >= LONG_TAIL_BYTES {
        notes.push(SourceNote::LongTail { pending_bytes });
    }
    notes
}

impl Store {
    /// Folds what a log has got since the last sync. The last bytes of a log are left alone until
    /// their line end comes.
    ///
    /// # Errors
    /// When the log cannot be read or the store cannot be written. What was committed before
    /// stays; the next sync goes on from there.
    pub fn sync<S: LogSource + ?Sized>(
        &self,
        source: &S,
        options: &SyncOptions,
    ) -> Result<Synced, SyncError> {
        self.sync_with(source, options, |_| ControlFlow::Continue(()))
    }

    /// As [`Store::sync`], and calls `progress` after each transaction; `Break` ends the sync
    /// there.
    ///
    /// # Errors
    /// As [`Store::sync`].
    pub fn sync_with<S: LogSource + ?Sized>(
        &self,
        source: &S,
        options: &SyncOptions,
        mut progress: impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Synced, SyncError> {
        self.sync_one(source, options, &mut progress)
    }
}
