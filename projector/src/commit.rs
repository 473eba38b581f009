//! One write transaction: what lines of any number of logs did, and with it the cursor of each log
//! that speaks of how far it is folded.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use redb::{ReadableTable, Table, WriteTransaction};
use rollfold_core::{Counts, Digest, FoldState, Position, Step};

use crate::cursor::{Cursor, Seen};
use crate::error::StoreError;
use crate::rows::files::{FileEntry, FileWriter};
use crate::rows::thread::ThreadWriter;
use crate::schema::{self, Bytes, ThreadKey};
use crate::search;
use crate::store::{Known, encode_cursor, newest_generation};

/// Logs in one transaction, since each writes its cursor.
const LOGS_MAX: usize = 1024;

/// How much goes into one transaction, or one batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) bytes: u64,
    pub(crate) changes: u64,
}

/// How much something did.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Done {
    pub(crate) lines: u64,
    pub(crate) changes: u64,
    pub(crate) diagnostics: u64,
}

impl Done {
    pub(crate) fn add(&mut self, more: Self) {
        self.lines += more.lines;
        self.changes += more.changes;
        self.diagnostics += more.diagnostics;
    }
}

/// Where a fold stands: what the cursor says beside the log's name.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    pub(crate) state: FoldState,
    pub(crate) tail: Digest,
    pub(crate) samples: Vec<Digest>,
    pub(crate) seen: Option<Seen>,
}

/// What lines did that stand in a row, and where the fold stands behind them.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) steps: Vec<Step>,
    pub(crate) mark: Mark,
    pub(crate) done: Done,
    /// Bytes of log.
    pub(crate) bytes: u64,
    /// What it takes in memory, more or less.
    pub(crate) held_bytes: usize,
}

/// A log that is folded, and what the store must still say of it.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) key: String,
    pub(crate) generation: u32,
    /// The newest generation the store knew when this target was made or last committed.
    pub(crate) known: Option<Known>,
    /// The place of the next line, as far as it is committed.
    pub(crate) position: Position,
    /// What the fold had counted there.
    pub(crate) counts: Counts,
    /// What was committed of it.
    pub(crate) done: Done,
    /// Tells its fold how far it is committed.
    pub(crate) reached: Reached,
    /// Whether somebody else synced it meanwhile. Then nothing more of it is written.
    pub(crate) is_raced: bool,
}

impl Target {
    /// The thread whose rows are the log's, if it has any.
    pub(crate) fn thread(&self) -> Option<u32> {
        let known = self.known.as_ref().filter(|known| known.generation == self.generation);
        known.map(|known| known.thread)
    }
}

/// A thread and the line before which all of it is committed: shared by the fold of a log and the
/// writer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reached(Arc<Mutex<Option<(u32, u64)>>>);

impl Reached {
    pub(crate) fn get(&self) -> Option<(u32, u64)> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, thread: u32, seq: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((thread, seq));
    }
}

impl Target {
    /// Tells the fold how far it is committed.
    pub(crate) fn is_committed(&self) {
        if let Some(thread) = self.thread() {
            self.reached.set(thread, self.position.seq);
        }
    }
}

/// Logs by the numbers that a sync gives them.
pub(crate) type Targets = BTreeMap<usize, Target>;

/// What one transaction takes in.
pub(crate) struct Group<'t> {
    writer: ThreadWriter<'t>,
    threads: Table<'t, ThreadKey, u32>,
    cursors: Table<'t, u32, Bytes>,
    files: FileWriter<'t>,
    search_due: Table<'t, u32, Bytes>,
    /// The number that the next new thread gets; `None` if there is none left.
    next_thread: Option<u32>,
    /// The logs it is about.
    logs: BTreeMap<usize, Pending>,
    bytes: u64,
    changes: u64,
}

/// What is to be said of a log at the end.
struct Pending {
    thread: u32,
    mark: Mark,
    done: Done,
}

impl<'t> Group<'t> {
    pub(crate) fn open(write: &'t WriteTransaction) -> Result<Self, StoreError> {
        let cursors = write.open_table(schema::CURSORS)?;
        let newest = cursors.last()?.map(|(thread, _)| thread.value());
        let next_thread = newest.map_or(Some(0), |newest| newest.checked_add(1));
        Ok(Self {
            writer: ThreadWriter::open(write)?,
            threads: write.open_table(schema::THREADS)?,
            files: FileWriter::open(write)?,
            search_due: write.open_table(schema::SEARCH_DUE)?,
            cursors,
            next_thread,
            logs: BTreeMap::new(),
            bytes: 0,
            changes: 0,
        })
    }

    /// Whether it has taken in as much as one transaction should.
    pub(crate) fn is_full(&self, bounds: Bounds) -> bool {
        let is_full = self.bytes >= bounds.bytes || self.changes >= bounds.changes;
        is_full || self.logs.len() >= LOGS_MAX
    }

    /// Whether it is not more than one transaction should have, with this batch.
    pub(crate) fn has_room(&self, batch: &Batch, bounds: Bounds) -> bool {
        self.logs.is_empty()
            || (self.bytes.saturating_add(batch.bytes) <= bounds.bytes
                && self.changes.saturating_add(batch.done.changes) <= bounds.changes)
    }

    /// Writes what lines of a log did. If somebody else synced it meanwhile, says so in `target`.
    pub(crate) fn put(
        &mut self,
        log: usize,
        target: &mut Target,
        batch: Batch,
    ) -> Result<(), StoreError> {
        if target.is_raced {
            return Ok(());
        }
        let thread = match self.logs.get(&log) {
            Some(pending) => pending.thread,
            None if newest_generation(&self.threads, &self.cursors, &target.key)?
                != target.known =>
            {
                target.is_raced = true;
                return Ok(());
            }
            None => self.thread_of(target)?,
        };
        self.writer.turn_to(thread, &target.key, target.generation)?;
        for step in &batch.steps {
            self.writer.put(step)?;
        }
        self.bytes = self.bytes.saturating_add(batch.bytes);
        self.changes = self.changes.saturating_add(batch.done.changes);
        let Batch { mark, mut done, .. } = batch;
        if let Some(pending) = self.logs.get(&log) {
            done.add(pending.done);
        }
        self.logs.insert(log, Pending { thread, mark, done });
        Ok(())
    }

    fn thread_of(&mut self, target: &Target) -> Result<u32, StoreError> {
        if let Some(thread) = target.thread() {
            return Ok(thread);
        }
        let thread = self.next_thread.ok_or(StoreError::Full)?;
        self.threads.insert((target.key.as_bytes(), target.generation), thread)?;
        self.next_thread = thread.checked_add(1);
        Ok(thread)
    }

    /// Writes what is known of a file.
    pub(crate) fn put_file(
        &mut self,
        log: usize,
        target: Option<&Target>,
        mut file: FileEntry,
    ) -> Result<(), StoreError> {
        let written = self.logs.get(&log).map(|pending| pending.thread);
        file.row.thread = written.or_else(|| target?.thread()).or(file.row.thread);
        self.files.put(&file)
    }

    /// Writes what is held back, and the cursors; gives the logs that it is about.
    pub(crate) fn finish(mut self, targets: &mut Targets) -> Result<Vec<usize>, StoreError> {
        self.writer.finish()?;
        let logs = self.logs.keys().copied().collect();
        for (log, Pending { thread, mark, done }) in self.logs {
            let Some(target) = targets.get_mut(&log) else { continue };
            let Mark { state, tail, samples, seen } = mark;
            (target.position, target.counts) = (state.position, state.counts);
            if done.lines > 0 {
                search::note(&mut self.search_due, thread, &target.key, state.position.seq)?;
            }
            target.done.add(done);
            let (key, generation) = (target.key.clone(), target.generation);
            let mut row = Vec::new();
            encode_cursor(
                &mut row,
                thread,
                &Cursor { key, generation, state, tail, samples, seen },
            )?;
            self.cursors.insert(thread, &*row)?;
            target.known = Some(Known { thread, generation, cursor: row });
        }
        Ok(logs)
    }
}
