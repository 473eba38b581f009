//! The beginning of a sync of one log: what the store knows of it, and where its fold goes on.

use redb::ReadTransaction;

use crate::commit::{Done, Reached, Target};
use crate::cursor::Cursor;
use crate::error::{StoreError, SyncError};
use crate::past::{AheadPast, RowsPast};
use crate::resume::{Begin, Plan};
use crate::schema;
use crate::source::LogSource;
use crate::store::{Known, Store, newest_generation};
use crate::sync::folding::{FoldError, Folding};
use crate::sync::{Check, Outcome, SyncOptions, Synced, with_long_tail};

/// A sync that has begun.
pub(crate) enum Begun<'s, S: ?Sized> {
    /// There is nothing to do.
    Unchanged(Box<Synced>, Known),
    Under(Box<Under<'s, S>>),
}

/// A sync of one log that is under way.
pub(crate) struct Under<'s, S: ?Sized> {
    source: &'s S,
    pub(crate) folding: Folding<'s, S>,
    /// To be handed over with the first batch.
    pub(crate) target: Option<Box<Target>>,
    outcome: Outcome,
    generation: u32,
    /// Bytes read apart from those that the fold read.
    bytes_read: u64,
    /// Bytes of log that are to be folded, if that is known.
    pub(crate) ahead_bytes: Option<u64>,
}

/// What a fold knows when it ends, by itself or because it was stopped.
#[derive(Debug)]
pub(crate) struct Folded {
    key: String,
    outcome: Outcome,
    generation: u32,
    bytes_read: u64,
    end_bytes: u64,
    notes: Vec<crate::source::SourceNote>,
}

impl Folded {
    /// That nobody knows what was committed: what only a writer that failed leaves behind.
    pub(crate) fn lost(self) -> SyncError {
        SyncError::Raced { key: self.key }
    }

    /// What the sync did, as far as it was committed.
    pub(crate) fn synced(self, target: &Target, is_stopped: bool) -> Result<Synced, SyncError> {
        if target.is_raced {
            return Err(SyncError::Raced { key: target.key.clone() });
        }
        let is_appended = self.outcome == Outcome::Unchanged && target.done.lines > 0;
        let pending_bytes = self.end_bytes.saturating_sub(target.position.offset_bytes);
        Ok(Synced {
            outcome: if is_appended { Outcome::Appended } else { self.outcome },
            generation: self.generation,
            position: target.position,
            counts: target.counts,
            lines: target.done.lines,
            changes: target.done.changes,
            diagnostics: target.done.diagnostics,
            bytes_read: self.bytes_read,
            pending_bytes,
            notes: with_long_tail(self.notes, pending_bytes),
            is_stopped,
        })
    }
}

impl<'s, S: LogSource + ?Sized> Under<'s, S> {
    pub(crate) fn folded(&self) -> Folded {
        Folded {
            key: self.source.key().to_owned(),
            outcome: self.outcome,
            generation: self.generation,
            bytes_read: self.bytes_read + self.folding.reader.bytes_read(),
            end_bytes: self.folding.state.position.offset_bytes
                + self.folding.reader.pending_bytes(),
            notes: self.source.notes(),
        }
    }

    /// The source.
    pub(crate) fn source(&self) -> &'s S {
        self.source
    }

    pub(crate) fn failed(&self, error: FoldError) -> SyncError {
        let key = self.source.key();
        match error {
            FoldError::Read(error) => error.of(key),
            FoldError::Store(source) => SyncError::Store { key: key.to_owned(), source },
        }
    }
}

/// What the store knows of a log, by one read.
struct KnownLog {
    read: ReadTransaction,
    known: Known,
    cursor: Cursor,
}

impl Store {
    fn known(&self, key: &str) -> Result<Option<KnownLog>, StoreError> {
        let read = self.begin_read()?;
        let threads = read.open_table(schema::THREADS)?;
        let cursors = read.open_table(schema::CURSORS)?;
        let known = newest_generation(&threads, &cursors, key)?;
        let Some(known) = known else { return Ok(None) };
        let cursor = known.checked_cursor(&read)?;
        Ok(Some(KnownLog { read, known, cursor }))
    }

    /// Looks where a log's fold goes on. `is_new` says that the store is known not to know it.
    pub(crate) fn begin_sync<'s, S: LogSource + ?Sized>(
        &'s self,
        source: &'s S,
        options: &'s SyncOptions,
        is_new: bool,
    ) -> Result<Begun<'s, S>, SyncError> {
        let key = source.key();
        let unreadable =
            |source| SyncError::Source { key: key.to_owned(), offset_bytes: 0, source };
        let in_store = |source| SyncError::Store { key: key.to_owned(), source };
        // Before its length: what is written in between is then seen the next time.
        let identity = source.identity().map_err(unreadable)?;
        let found = if is_new { None } else { self.known(key).map_err(in_store)? };
        if let Some(KnownLog { known, cursor, .. }) = &found {
            let (stored, asked) = (cursor.state.options, options.fold);
            if stored != asked {
                return Err(SyncError::Options { key: key.to_owned(), stored, asked });
            }
            let seen = cursor.seen.as_ref().filter(|_| options.check == Check::ByIdentity);
            if let Some((seen, now)) = seen.zip(identity)
                && let Some(end_bytes) = seen.end_bytes
                && seen.identity.vouches_for(&now)
            {
                let synced = Synced::unchanged(cursor, end_bytes, seen.notes.clone());
                return Ok(Begun::Unchanged(Box::new(synced), known.clone()));
            }
        }
        let len_bytes = source.len_bytes().map_err(unreadable)?;
        let begin = Begin { source, identity, len_bytes, options };
        let known = found.as_ref().map(|it| (it.known.clone(), it.cursor.clone()));
        let Some(plan) = begin.plan(known.clone())? else {
            let Some((known, cursor)) = known else {
                return Err(SyncError::Raced { key: key.to_owned() });
            };
            let end_bytes = cursor.state.position.offset_bytes;
            let synced = Synced::unchanged(&cursor, end_bytes, source.notes());
            return Ok(Begun::Unchanged(Box::new(synced), known));
        };
        let Plan { outcome, generation, state, reader, known, is_due, bytes_read } = plan;
        let target = Target {
            key: key.to_owned(),
            generation,
            known,
            position: state.position,
            counts: state.counts,
            done: Done::default(),
            reached: Reached::default(),
            is_raced: false,
        };
        // A generation that begins has no rows.
        let rows = match (&found, target.thread()) {
            (Some(found), Some(thread)) => Some(RowsPast::open(&found.read, thread)),
            _ => None,
        };
        let past = AheadPast::new(rows.transpose().map_err(in_store)?);
        let ahead_bytes = len_bytes.map(|len| len.saturating_sub(state.position.offset_bytes));
        let bounds = options.bounds();
        let mut folding = Folding::new(self, state, reader, past, identity, bounds);
        folding.is_due = is_due;
        folding.reached = target.reached.clone();
        let target = Some(Box::new(target));
        let under = Under { source, folding, target, outcome, generation, bytes_read, ahead_bytes };
        Ok(Begun::Under(Box::new(under)))
    }
}
