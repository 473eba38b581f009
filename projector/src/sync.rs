//! Sync: looks where the last one ended, whether the source is still the same, and folds the rest.

use std::ops::ControlFlow;

use rollfold_core::{Counts, Options, Position};

use crate::commit::{BatchError, Bounds, batch};
use crate::cursor::Cursor;
use crate::error::SyncError;
use crate::resume::{Begin, Plan};
use crate::schema;
use crate::source::{LogSource, SourceNote};
use crate::store::{Known, Store, newest_generation};

/// How a sync works. None of it but `fold` shows in the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncOptions {
    /// By which choices the log is folded; a log keeps those of its first sync.
    pub fold: Options,
    /// Bytes of log in one transaction, at most one line more.
    pub batch_bytes: u64,
    /// Changes in one transaction, at most one line's more.
    pub batch_changes: u64,
    /// Bytes read at once.
    pub buffer_bytes: usize,
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
        let key = source.key();
        let failed = |error: BatchError| error.of(key);
        let unreadable =
            |source| SyncError::Source { key: key.to_owned(), offset_bytes: 0, source };
        // Before its length: what is written in between is then seen the next time.
        let identity = source.identity().map_err(unreadable)?;
        let known = self.known(key).map_err(failed)?;
        if let Some((_, cursor)) = &known {
            let (stored, asked) = (cursor.state.options, options.fold);
            if stored != asked {
                return Err(SyncError::Options { key: key.to_owned(), stored, asked });
            }
            let seen = cursor.seen.as_ref().filter(|_| options.check == Check::ByIdentity);
            if let Some((seen, now)) = seen.zip(identity)
                && let Some(end_bytes) = seen.end_bytes
                && seen.identity.vouches_for(&now)
            {
                return Ok(Synced::unchanged(cursor, end_bytes, seen.notes.clone()));
            }
        }
        let total_bytes = source.len_bytes().map_err(unreadable)?;
        let begin = Begin { source, identity, len_bytes: total_bytes, options };
        let before = known.as_ref().map(|(_, cursor)| cursor.clone());
        let plan = begin.plan(known)?;
        let Some(Plan { mut outcome, mut target, mut reader, mut is_due, bytes_read }) = plan
        else {
            let before = before.ok_or_else(|| SyncError::Raced { key: key.to_owned() })?;
            let end_bytes = before.state.position.offset_bytes;
            return Ok(Synced::unchanged(&before, end_bytes, source.notes()));
        };
        let bounds = Bounds { bytes: options.batch_bytes, changes: options.batch_changes };
        let (mut lines, mut changes, mut diagnostics) = (0, 0, 0);
        let mut is_stopped = false;
        loop {
            let is_more = reader.fill().map_err(|error| failed(BatchError::Read(error)))?;
            if !is_more && !is_due {
                break;
            }
            let done = batch(self, &mut target, &mut reader, bounds).map_err(failed)?;
            if outcome == Outcome::Unchanged && done.lines > 0 {
                outcome = Outcome::Appended;
            }
            is_due = false;
            lines += done.lines;
            changes += done.changes;
            diagnostics += done.diagnostics;
            let Position { offset_bytes, seq, .. } = target.state.position;
            let now = Progress { bytes: offset_bytes, lines: seq, total_bytes };
            if progress(now).is_break() {
                is_stopped = true;
                break;
            }
        }
        let pending_bytes = reader.pending_bytes();
        Ok(Synced {
            outcome,
            generation: target.generation,
            position: target.state.position,
            counts: target.state.counts,
            lines,
            changes,
            diagnostics,
            bytes_read: bytes_read + reader.bytes_read(),
            pending_bytes,
            notes: with_long_tail(source.notes(), pending_bytes),
            is_stopped,
        })
    }

    fn known(&self, key: &str) -> Result<Option<(Known, Cursor)>, BatchError> {
        let read = self.begin_read()?;
        let threads = read.open_table(schema::THREADS)?;
        let cursors = read.open_table(schema::CURSORS)?;
        let known = newest_generation(&threads, &cursors, key)?;
        let Some(known) = known else { return Ok(None) };
        let cursor = known.checked_cursor(&read)?;
        Ok(Some((known, cursor)))
    }
}
