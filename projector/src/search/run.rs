//! A run of indexing: reads what is behind, gathers words, writes them, merges segments.

use std::ops::ControlFlow;

use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata};

use super::builder::Builder;
use super::index::{IndexDone, IndexOptions, IndexProgress};
use super::items::Items;
use super::merge;
use super::segment::Segment;
use super::threads::{Due, Indexed, add_orphans, forget, is_newest};
use crate::error::{CorruptProblem, StoreError};
use crate::rows::codec::RowAt;
use crate::schema::{self, Bytes};
use crate::store::Store;
use crate::view::View;

/// Threads of one look at the store, at most.
const THREADS_A_ROUND: usize = 4096;

/// Threads between two calls of `progress`.
const THREADS_A_CALL: u64 = 64;

/// A look at the store as it was at one time.
struct Look {
    view: View,
    due: ReadOnlyTable<u32, Bytes>,
    indexed: ReadOnlyTable<u32, Bytes>,
    threads: ReadOnlyTable<schema::ThreadKey, u32>,
}

impl Look {
    fn new(read: &ReadTransaction) -> Result<Self, StoreError> {
        Ok(Self {
            view: View::open(read, 0)?,
            due: read.open_table(schema::SEARCH_DUE)?,
            indexed: read.open_table(schema::SEARCH_THREADS)?,
            threads: read.open_table(schema::THREADS)?,
        })
    }
}

/// A thread whose words are gathered, but not written yet.
struct Gathered {
    thread: u32,
    /// Its row when it was read.
    before: Option<Vec<u8>>,
    /// Its row when its words are written; none if it is to be forgotten.
    after: Option<Indexed>,
}

pub(super) struct Run<'s, 'p> {
    store: &'s Store,
    memory_bytes: usize,
    purges: bool,
    progress: &'p mut dyn FnMut(IndexProgress) -> ControlFlow<()>,
    pub(super) builder: Builder,
    gathered: Vec<Gathered>,
    pub(super) done: IndexDone,
}

/// Why the lines of a thread were not read to their end.
enum Stop {
    /// There are enough words for a segment; these lines are read.
    Full(u64),
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<'s, 'p> Run<'s, 'p> {
    pub(super) fn new(
        store: &'s Store,
        options: &IndexOptions,
        progress: &'p mut dyn FnMut(IndexProgress) -> ControlFlow<()>,
    ) -> Self {
        Self {
            store,
            memory_bytes: options.memory_bytes,
            purges: options.purges,
            progress,
            builder: Builder::default(),
            gathered: Vec::new(),
            done: IndexDone::default(),
        }
    }

    /// Goes through threads that are due behind this one; gives the last of them.
    pub(super) fn round(&mut self, after: Option<u32>) -> Result<Option<u32>, StoreError> {
        let look = Look::new(&self.store.begin_read()?)?;
        let Some(first) = after.map_or(Some(0), |after: u32| after.checked_add(1)) else {
            return Ok(None);
        };
        let mut last = None;
        for row in look.due.range(first..)?.take(THREADS_A_ROUND) {
            if self.done.is_stopped {
                break;
            }
            let (thread, row) = row?;
            let thread = thread.value();
            let due = Due::read(thread, row.value())?;
            self.thread(&look, thread, due)?;
            last = Some(thread);
            if self.done.threads.is_multiple_of(THREADS_A_CALL) {
                self.call_progress()?;
            }
        }
        self.flush()?;
        Ok(last.filter(|_| !self.done.is_stopped))
    }

    pub(super) fn thread_of(&mut self, key: &str) -> Result<(), StoreError> {
        let look = Look::new(&self.store.begin_read()?)?;
        let bytes = key.as_bytes();
        let newest = look.threads.range((bytes, 0)..=(bytes, u32::MAX))?.next_back().transpose()?;
        let Some(thread) = newest.map(|(_, thread)| thread.value()) else { return Ok(()) };
        if let Some(row) = look.due.get(thread)? {
            self.thread(&look, thread, Due::read(thread, row.value())?)?;
        }
        self.flush()
    }

    /// Gathers the words of a thread; writes them whenever there are enough.
    fn thread(&mut self, look: &Look, thread: u32, due: Due) -> Result<(), StoreError> {
        let mut before = look.indexed.get(thread)?.map(|row| row.value().to_vec());
        if !is_newest(&look.threads, &due.key, thread)? {
            self.gathered.push(Gathered { thread, before, after: None });
            return Ok(());
        }
        let key = due.key.clone();
        loop {
            match self.lines(look, thread, &due, before.take()) {
                Ok(Some(row)) => {
                    self.flush()?;
                    self.call_progress()?;
                    if self.done.is_stopped {
                        return Ok(());
                    }
                    before = Some(row);
                }
                Ok(None) => {
                    self.done.threads += 1;
                    return Ok(());
                }
                Err(error @ StoreError::Corrupt(_)) => {
                    self.done.failed.push((key, error));
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Gathers the words of lines of a thread; its row, if they were too many.
    fn lines(
        &mut self,
        look: &Look,
        thread: u32,
        due: &Due,
        before: Option<Vec<u8>>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let view = look.view.of_thread(thread);
        let row = match &before {
            Some(row) => Indexed::read(thread, row)?,
            None => first_row(look, &view, thread, &due.key)?,
        };
        let len_docs = self.builder.len_docs();
        let mut items = Items::new(self, &view, thread, &row);
        let gathered = view.each_line(row.len_lines, due.len_lines, |line| {
            for changed in &line.changes {
                items.changed(line.seq, changed)?;
            }
            match items.run.is_full() {
                true => Err(Stop::Full(line.seq + 1)),
                false => Ok(()),
            }
        });
        let (len_lines, is_all) = match gathered {
            Ok(()) => (due.len_lines, true),
            Err(Stop::Full(len_lines)) => (len_lines, len_lines >= due.len_lines),
            Err(Stop::Store(error)) => return Err(error),
        };
        let len_docs = row.len_docs + self.builder.len_docs().saturating_sub(len_docs);
        let after = Indexed { len_lines, len_docs, ..row };
        let next = (!is_all).then(|| after.row());
        self.gathered.push(Gathered { thread, before, after: Some(after) });
        if is_all && self.is_full() {
            self.flush()?;
        }
        Ok(next)
    }

    pub(super) fn is_full(&self) -> bool {
        self.builder.len_bytes() >= self.memory_bytes
    }

    fn call_progress(&mut self) -> Result<(), StoreError> {
        let due = self.store.begin_read()?.open_table(schema::SEARCH_DUE)?;
        let now = IndexProgress {
            threads: self.done.threads,
            threads_behind: due.len()?,
            text_bytes: self.done.text_bytes,
        };
        self.done.is_stopped |= (self.progress)(now).is_break();
        Ok(())
    }

    /// Writes the words that were gathered, and how far their threads are, in one transaction.
    fn flush(&mut self) -> Result<(), StoreError> {
        let gathered = std::mem::take(&mut self.gathered);
        if gathered.is_empty() && self.builder.is_empty() {
            return Ok(());
        }
        let write = self.store.begin_write()?;
        for Gathered { thread, before, after } in gathered {
            let is_same = {
                let indexed = write.open_table(schema::SEARCH_THREADS)?;
                let now = indexed.get(thread)?.map(|row| row.value().to_vec());
                now == before && write.open_table(schema::CURSORS)?.get(thread)?.is_some()
            };
            match after {
                Some(after) if is_same => put(&write, thread, &after)?,
                // It was deleted or repaired meanwhile: what was gathered belongs to nobody.
                Some(after) => add_orphans(&write, i128::from(after.len_docs))?,
                None => forget(&write, thread)?,
            }
        }
        if !self.builder.is_empty() {
            self.builder.write(&write)?;
        }
        Ok(write.commit()?)
    }

    /// Merges segments until there are few.
    pub(super) fn merge(&mut self) -> Result<(), StoreError> {
        loop {
            let due = merge::due(&self.store.begin_read()?, self.purges)?;
            for group in &due.groups {
                if self.done.is_stopped {
                    return Ok(());
                }
                self.merge_group(group)?;
            }
            if due.is_purge && !self.done.is_stopped {
                let write = self.store.begin_write()?;
                add_orphans(&write, i128::MIN)?;
                write.commit()?;
            }
            if due.groups.is_empty() || due.is_purge || self.done.is_stopped {
                return Ok(());
            }
        }
    }

    fn merge_group(&mut self, group: &[Segment]) -> Result<(), StoreError> {
        let read = self.store.begin_read()?;
        let now = IndexProgress {
            threads: self.done.threads,
            threads_behind: read.open_table(schema::SEARCH_DUE)?.len()?,
            text_bytes: self.done.text_bytes,
        };
        let write = self.store.begin_write()?;
        if merge::merge(&read, &write, group, || (self.progress)(now))? {
            write.commit()?;
        } else {
            write.abort()?;
            self.done.is_stopped = true;
        }
        Ok(())
    }
}

/// Writes how far a thread is; older generations of its log are forgotten.
fn put(write: &redb::WriteTransaction, thread: u32, after: &Indexed) -> Result<(), StoreError> {
    write.open_table(schema::SEARCH_THREADS)?.insert(thread, &*after.row())?;
    let mut due = write.open_table(schema::SEARCH_DUE)?;
    let row = due.get(thread)?.map(|row| Due::read(thread, row.value())).transpose()?;
    if row.is_some_and(|row| row.len_lines <= after.len_lines) {
        due.remove(thread)?;
    }
    drop(due);
    if after.generation > 0 {
        let key = after.key.as_bytes();
        let threads = write.open_table(schema::THREADS)?;
        for older in threads.range((key, 0)..(key, after.generation))? {
            forget(write, older?.1.value())?;
        }
    }
    Ok(())
}

/// The row of a thread of which nothing is in the index.
fn first_row(look: &Look, view: &View, thread: u32, key: &str) -> Result<Indexed, StoreError> {
    let bytes = key.as_bytes();
    let mut generation = None;
    for row in look.threads.range((bytes, 0)..=(bytes, u32::MAX))?.rev() {
        let (row_key, number) = row?;
        if number.value() == thread {
            generation = Some(row_key.value().1);
            break;
        }
    }
    let at = RowAt { table: "threads", key };
    let generation = generation.ok_or_else(|| at.corrupt(CorruptProblem::Missing))?;
    let created = view.thread_facts()?.created_at();
    let base_time = created.map_or(0, |millis| millis.div_euclid(1000));
    Ok(Indexed { len_lines: 0, base_time, len_docs: 0, generation, key: key.to_owned() })
}
