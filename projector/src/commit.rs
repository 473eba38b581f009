//! One batch: lines are folded into the tables of one write transaction, which holds the rows,
//! the diagnostics and the cursor that speaks of them.

use redb::ReadableTable;
use rollfold_core::{Digest, FoldState};

use crate::cursor::Cursor;
use crate::error::{StoreError, SyncError};
use crate::lines::{LineReader, ReadError};
use crate::past::StorePast;
use crate::rows::codec::encode;
use crate::schema;
use crate::search;
use crate::source::{Identity, LogSource};
use crate::store::{Known, Store, encode_cursor, newest_generation};

/// Where the folding goes on, and what the store must still say of it.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) key: String,
    pub(crate) generation: u32,
    pub(crate) state: FoldState,
    /// What the source was known by before it was read.
    pub(crate) identity: Option<Identity>,
    /// The newest generation the store knew when this target was made.
    pub(crate) known: Option<Known>,
}

/// How much goes into one transaction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) bytes: u64,
    pub(crate) changes: u64,
}

/// What a batch did.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Done {
    pub(crate) lines: u64,
    pub(crate) changes: u64,
    pub(crate) diagnostics: u64,
}

/// Why a batch was not committed.
#[derive(Debug)]
pub(crate) enum BatchError {
    Read(ReadError),
    Raced,
    Store(StoreError),
}

impl<E: Into<StoreError>> From<E> for BatchError {
    fn from(error: E) -> Self {
        Self::Store(error.into())
    }
}

impl BatchError {
    pub(crate) fn of(self, key: &str) -> SyncError {
        let key = key.to_owned();
        match self {
            Self::Read(ReadError::Io { offset_bytes, source }) => {
                SyncError::Source { key, offset_bytes, source }
            }
            Self::Read(ReadError::LongLine { offset_bytes, len_bytes }) => {
                SyncError::LongLine { key, offset_bytes, len_bytes }
            }
            Self::Raced => SyncError::Raced { key },
            Self::Store(source) => SyncError::Store { key, source },
        }
    }
}

/// Folds lines until the batch is full or the source ends, and commits. Writes the cursor even if
/// there was no line. When it fails, nothing of it stays, and `target` is of no more use.
pub(crate) fn batch<S: LogSource + ?Sized>(
    store: &Store,
    target: &mut Target,
    reader: &mut LineReader<'_, S>,
    bounds: Bounds,
) -> Result<Done, BatchError> {
    let write = store.begin_write()?;
    let done = {
        let mut threads = write.open_table(schema::THREADS)?;
        let mut cursors = write.open_table(schema::CURSORS)?;
        if newest_generation(&threads, &cursors, &target.key)? != target.known {
            return Err(BatchError::Raced);
        }
        let known = target.known.as_ref().filter(|known| known.generation == target.generation);
        let thread = match known {
            Some(known) => known.thread,
            None => {
                let newest = cursors.last()?.map(|(thread, _)| thread.value());
                let thread = newest.map_or(Some(0), |newest| newest.checked_add(1));
                let thread = thread.ok_or(StoreError::Full)?;
                threads.insert((target.key.as_bytes(), target.generation), thread)?;
                thread
            }
        };
        let mut past = StorePast::open(&write, thread, &target.key, target.generation)?;
        let mut diagnostics = write.open_table(schema::DIAGNOSTICS)?;
        let mut row = Vec::new();
        let done = fold(&mut target.state, &mut past, reader, bounds, |seq, place, diagnostic| {
            encode(&mut row, "diagnostics", diagnostic)?;
            diagnostics.insert((thread, seq, place), &*row)?;
            Ok(())
        })?;
        let cursor = Cursor {
            key: target.key.clone(),
            generation: target.generation,
            state: target.state.clone(),
            tail: Digest::of(reader.tail()),
            samples: reader.samples().to_vec(),
            seen: reader.seen(target.identity),
        };
        past.finish()?;
        if done.lines > 0 {
            search::note(&write, thread, &target.key, target.state.position.seq)?;
        }
        encode_cursor(&mut row, thread, &cursor)?;
        cursors.insert(thread, &*row)?;
        target.known = Some(Known { thread, generation: target.generation, cursor: row });
        done
    };
    write.commit()?;
    Ok(done)
}

fn fold<S: LogSource + ?Sized>(
    state: &mut FoldState,
    past: &mut StorePast<'_>,
    reader: &mut LineReader<'_, S>,
    bounds: Bounds,
    mut keep: impl FnMut(u64, u32, &rollfold_core::Diagnostic) -> Result<(), StoreError>,
) -> Result<Done, BatchError> {
    let mut done = Done::default();
    let mut scratch = String::new();
    let start_bytes = state.position.offset_bytes;
    while reader.fill().map_err(BatchError::Read)? {
        loop {
            let long = reader.long_line(state.position.seq);
            let is_long = long.is_some();
            let step = match (long, reader.line(state.position)) {
                (Some(long), _) => state.fold_long_line(past, long)?,
                (None, Some(line)) => state.fold_line(past, line, &mut scratch)?,
                (None, None) => break,
            };
            for (place, diagnostic) in (0..).zip(&step.diagnostics) {
                keep(step.seq, place, diagnostic)?;
            }
            past.put_line(&step)?;
            match is_long {
                true => reader.pass_long().map_err(BatchError::Read)?,
                false => reader.pass(step.span.len_bytes),
            }
            done.lines += 1;
            done.changes += step.changes.len() as u64;
            done.diagnostics += step.diagnostics.len() as u64;
            let bytes = state.position.offset_bytes - start_bytes;
            if bytes >= bounds.bytes || done.changes >= bounds.changes {
                return Ok(done);
            }
        }
    }
    Ok(done)
}
