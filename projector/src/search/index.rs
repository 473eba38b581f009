//! Bringing the index up to date with what was synced.

use std::ops::ControlFlow;
use std::sync::PoisonError;

use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata};
use rollfold_core::model::TurnHead;

use super::builder::{Builder, Place};
use super::merge;
use super::segment::Segment;
use super::threads::{Due, Indexed, add_orphans, forget, is_newest};
use crate::error::{CorruptProblem, StoreError};
use crate::rows::codec::RowAt;
use crate::rows::lines::Changed;
use crate::schema::{self, Bytes};
use crate::store::Store;
use crate::view::View;

/// Threads of one look at the store, at most.
const THREADS_A_ROUND: usize = 4096;

/// Threads between two calls of `progress`.
const THREADS_A_CALL: u64 = 64;

/// How the search index is brought up to date. None of it shows in what is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexOptions {
    /// Bytes of memory that words may take before they are written.
    pub memory_bytes: usize,
    /// Whether no word of threads that were deleted or rewritten may stay in the store's file,
    /// though none is found any more: else they go once they are many.
    pub purges: bool,
}

impl Default for IndexOptions {
    fn default() -> Self {
        Self { memory_bytes: 32 * 1024 * 1024, purges: false }
    }
}

/// How far the index has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexProgress {
    /// Threads that are up to date now and were not before.
    pub threads: u64,
    /// Threads that are behind still, those among them whose words are not written yet.
    pub threads_behind: u64,
    /// Bytes of text that were read.
    pub text_bytes: u64,
}

/// What bringing the index up to date did.
#[derive(Debug, Default)]
pub struct IndexDone {
    /// Threads that are up to date now and were not before.
    pub threads: u64,
    /// Items that were read.
    pub items: u64,
    /// Bytes of their text.
    pub text_bytes: u64,
    /// Threads whose rows do not read back; they stay behind.
    pub failed: Vec<(String, StoreError)>,
    /// Whether the caller stopped it before the end.
    pub is_stopped: bool,
}

/// The size of the search index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IndexSize {
    /// Segments a question has to ask.
    pub segments: u64,
    /// Documents: runs of items.
    pub docs: u64,
    /// Words, those that several segments have counted several times.
    pub words: u64,
    /// Bytes of rows.
    pub bytes: u64,
}

impl Store {
    /// Brings the search index up to date with every thread that was synced. What it takes is in
    /// proportion to what is new.
    ///
    /// # Errors
    /// When the store cannot be read or written. What was committed before stays; the next call
    /// goes on from there.
    pub fn index(&self, options: &IndexOptions) -> Result<IndexDone, StoreError> {
        self.index_with(options, |_| ControlFlow::Continue(()))
    }

    /// As [`Store::index`], and calls `progress` now and then; `Break` ends it soon, and keeps what
    /// was done.
    ///
    /// # Errors
    /// As [`Store::index`].
    pub fn index_with(
        &self,
        options: &IndexOptions,
        mut progress: impl FnMut(IndexProgress) -> ControlFlow<()>,
    ) -> Result<IndexDone, StoreError> {
        let _one_at_a_time = self.indexing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut run = Run::new(self, options, &mut progress);
        let mut after = None;
        while let Some(last) = run.round(after)? {
            after = Some(last);
        }
        run.merge()?;
        Ok(run.done)
    }

    /// Brings the search index up to date with one log; nothing if the store does not know it.
    ///
    /// # Errors
    /// As [`Store::index`].
    pub fn index_thread(&self, key: &str, options: &IndexOptions) -> Result<IndexDone, StoreError> {
        let _one_at_a_time = self.indexing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut progress = |_| ControlFlow::Continue(());
        let mut run = Run::new(self, options, &mut progress);
        run.thread_of(key)?;
        run.merge()?;
        Ok(run.done)
    }

    /// The size of the search index.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn index_size(&self) -> Result<IndexSize, StoreError> {
        let read = self.begin_read()?;
        let segments = super::segment::all(&read.open_table(schema::SEARCH_SEGMENTS)?)?;
        let mut size = IndexSize::default();
        for segment in segments {
            size.segments += 1;
            size.docs += segment.len_docs;
            size.words += segment.len_terms;
            size.bytes += segment.len_bytes;
        }
        Ok(size)
    }
}

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

struct Run<'s, 'p> {
    store: &'s Store,
    memory_bytes: usize,
    purges: bool,
    progress: &'p mut dyn FnMut(IndexProgress) -> ControlFlow<()>,
    builder: Builder,
    gathered: Vec<Gathered>,
    done: IndexDone,
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
    fn new(
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
    fn round(&mut self, after: Option<u32>) -> Result<Option<u32>, StoreError> {
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

    fn thread_of(&mut self, key: &str) -> Result<(), StoreError> {
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
        let mut items = Items { run: self, view: &view, thread, row: &row, turn: None };
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

    fn is_full(&self) -> bool {
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
    fn merge(&mut self) -> Result<(), StoreError> {
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

/// When a turn began, as the index sorts it.
pub(super) fn time_of(head: &TurnHead, indexed: &Indexed) -> i64 {
    head.started_at.unwrap_or(indexed.base_time)
}

/// Gathers items of one thread.
struct Items<'r, 's, 'p> {
    run: &'r mut Run<'s, 'p>,
    view: &'r View,
    thread: u32,
    row: &'r Indexed,
    /// The turn asked for last, and when it began, if it is there.
    turn: Option<(u32, Option<i64>)>,
}

impl Items<'_, '_, '_> {
    fn changed(&mut self, seq: u64, changed: &Changed) -> Result<(), StoreError> {
        match changed {
            Changed::ItemPut(turn, item) => {
                let Some(time) = self.time_of(turn.0)? else { return Ok(()) };
                self.item(time, turn.0, item.0, |version| version == seq)
            }
            Changed::TurnPut(turn) if self.row.len_lines > 0 => self.turn_put(turn.0),
            _ => Ok(()),
        }
    }

    /// When a turn began that was in the index before begins at another time now, its items move.
    fn turn_put(&mut self, turn: u32) -> Result<(), StoreError> {
        let before = self.view.looking_at(self.row.len_lines).turn_now(turn)?;
        let before = before.map(|head| time_of(&head, self.row));
        let (Some(before), Some(now)) = (before, self.time_of(turn)?) else { return Ok(()) };
        if before == now {
            return Ok(());
        }
        let mut after = None;
        while let Some((item, _)) = self.view.item_after(turn, after)? {
            after = Some(item);
            self.item(now, turn, item, |version| version < self.row.len_lines)?;
        }
        Ok(())
    }

    fn time_of(&mut self, turn: u32) -> Result<Option<i64>, StoreError> {
        if let Some((known, time)) = self.turn
            && known == turn
        {
            return Ok(time);
        }
        let head = self.view.turn_now(turn)?;
        let time = head.map(|head| time_of(&head, self.row));
        self.turn = Some((turn, time));
        Ok(time)
    }

    /// Takes in an item as it is now, if it is there and the line that made it is wanted.
    fn item(
        &mut self,
        time: i64,
        turn: u32,
        item: u32,
        is_wanted: impl Fn(u64) -> bool,
    ) -> Result<(), StoreError> {
        let Some(version) = self.view.item(turn, item)? else { return Ok(()) };
        if !is_wanted(version.seq) {
            return Ok(());
        }
        let Some(value) = self.view.body(turn, item, &version)? else { return Ok(()) };
        let place = Place { time, thread: self.thread, turn, item };
        let run = &mut *self.run;
        let before = run.builder.text_bytes;
        run.builder.push(place, &value);
        run.done.items += 1;
        run.done.text_bytes += run.builder.text_bytes.saturating_sub(before);
        Ok(())
    }
}
