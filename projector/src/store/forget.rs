//! Forgetting logs: every row of them, of all generations, in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use redb::{ReadTransaction, ReadableTable, WriteTransaction};
use serde::{Deserialize, Serialize};

use super::Store;
use crate::error::{CorruptProblem, StoreError};
use crate::rows::codec::{RowAt, decode, encode};
use crate::rows::{files, summary};
use crate::schema::{self, Bytes};
use crate::search::{self, IndexOptions};
use crate::source::RolloutName;

/// How much was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Logs.
    pub logs: u64,
    /// Their generations.
    pub generations: u64,
}

/// A deletion of threads that has begun. It is kept until it has ended, so that it can be ended if
/// it did not, though its files may tell no longer what it was to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// The threads, in the order of their deletion; the last one was asked for.
    pub threads: Vec<String>,
}

impl Store {
    /// Deletes every row of these logs, of all their generations, in one transaction, and then what
    /// their words have left in the search index. While their files are there, the next sync brings
    /// them back.
    ///
    /// # Errors
    /// When the store cannot be written. The same again ends it.
    pub fn forget(&self, keys: &[&str]) -> Result<Forgotten, StoreError> {
        let write = self.begin_write()?;
        let forgotten = forget(&write, keys)?;
        write.commit()?;
        self.purge()?;
        Ok(forgotten)
    }

    /// Takes out of the search index what is of no log.
    fn purge(&self) -> Result<(), StoreError> {
        let options = IndexOptions { purges: true, ..IndexOptions::default() };
        // Of no log, so that nothing is added.
        self.index_thread("", &options).map(drop)
    }

    /// The keys of the logs that are of these threads, by the names of their files.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn keys_of_threads(&self, thread_ids: &[&str]) -> Result<Vec<String>, StoreError> {
        let read = self.begin_read()?;
        keys_of_threads(&read.open_table(schema::THREADS)?, thread_ids)
    }

    /// Deletions that have begun and not ended, by the thread that was asked for.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn deletions(&self) -> Result<BTreeMap<String, Deletion>, StoreError> {
        let read = self.begin_read()?;
        let mut deletions = BTreeMap::new();
        for row in read.open_table(schema::DELETIONS)?.iter()? {
            let (key, row) = row?;
            let key = String::from_utf8_lossy(key.value()).into_owned();
            let at = RowAt { table: "deletions", key: key.clone() };
            let deletion = decode(row.value(), &at)?;
            let deletion = deletion.ok_or_else(|| at.corrupt(CorruptProblem::Missing))?;
            deletions.insert(key, deletion);
        }
        Ok(deletions)
    }

    /// Notes that a deletion begins.
    pub(crate) fn begin_deletion(
        &self,
        thread_id: &str,
        deletion: &Deletion,
    ) -> Result<(), StoreError> {
        let write = self.begin_write()?;
        let mut row = Vec::new();
        encode(&mut row, "deletions", deletion)?;
        write.open_table(schema::DELETIONS)?.insert(thread_id.as_bytes(), &*row)?;
        Ok(write.commit()?)
    }

    /// Takes all rows of a deletion's threads, at once, and then what their words have left in the
    /// search index.
    pub(crate) fn forget_deleted(&self, deletion: &Deletion) -> Result<Forgotten, StoreError> {
        let write = self.begin_write()?;
        let threads: Vec<&str> = deletion.threads.iter().map(String::as_str).collect();
        let keys = keys_of_threads(&write.open_table(schema::THREADS)?, &threads)?;
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let forgotten = forget(&write, &keys)?;
        for thread in threads {
            write.open_table(schema::NAMES)?.remove(thread.as_bytes())?;
        }
        write.commit()?;
        self.purge()?;
        Ok(forgotten)
    }

    /// Notes that a deletion has ended.
    pub(crate) fn end_deletion(&self, thread_id: &str) -> Result<(), StoreError> {
        let write = self.begin_write()?;
        write.open_table(schema::DELETIONS)?.remove(thread_id.as_bytes())?;
        Ok(write.commit()?)
    }
}

/// How often logs were forgotten.
pub(crate) fn len_forgotten(read: &ReadTransaction) -> Result<u32, StoreError> {
    read_forgotten(&read.open_table(schema::META)?)
}

fn read_forgotten(meta: &impl ReadableTable<&'static str, Bytes>) -> Result<u32, StoreError> {
    let row = meta.get(schema::META_FORGOTTEN)?;
    let bytes = row.and_then(|row| <[u8; 4]>::try_from(row.value()).ok());
    Ok(bytes.map_or(0, u32::from_le_bytes))
}

fn keys_of_threads(
    threads: &impl ReadableTable<schema::ThreadKey, u32>,
    thread_ids: &[&str],
) -> Result<Vec<String>, StoreError> {
    let wanted: BTreeSet<String> = thread_ids.iter().map(|id| id.to_ascii_lowercase()).collect();
    let mut keys = Vec::new();
    for row in threads.iter()? {
        let (row_key, _) = row?;
        let (key, _) = row_key.value();
        let Ok(key) = std::str::from_utf8(key) else { continue };
        let name = RolloutName::parse(&format!("{key}.jsonl"));
        let is_wanted =
            |name: &RolloutName| wanted.contains(&name.thread_id().to_ascii_lowercase());
        // Generations of one log stand together.
        if name.as_ref().is_some_and(is_wanted) && keys.last().is_none_or(|last| last != key) {
            keys.push(key.to_owned());
        }
    }
    Ok(keys)
}

fn forget(write: &WriteTransaction, keys: &[&str]) -> Result<Forgotten, StoreError> {
    let mut forgotten = Forgotten::default();
    let mut threads = write.open_table(schema::THREADS)?;
    let mut thread_ids = BTreeSet::new();
    for key in keys {
        let name = RolloutName::parse(&format!("{key}.jsonl"));
        thread_ids.extend(name.map(|name| name.thread_id().to_ascii_lowercase()));
        let key = key.as_bytes();
        let mut numbers = Vec::new();
        for row in threads.extract_from_if((key, 0)..=(key, u32::MAX), |_, _| true)? {
            numbers.push(row?.1.value());
        }
        for thread in &numbers {
            forget_thread(write, *thread)?;
        }
        write.open_table(schema::OVERLAYS)?.remove(key)?;
        forgotten.logs += u64::from(!numbers.is_empty());
        forgotten.generations += numbers.len() as u64;
    }
    for thread_id in &thread_ids {
        if keys_of_threads(&threads, &[thread_id])?.is_empty() {
            write.open_table(schema::NAMES)?.remove(thread_id.as_bytes())?;
        }
    }
    files::forget(write, keys)?;
    let mut meta = write.open_table(schema::META)?;
    let count = read_forgotten(&meta)?.wrapping_add(1);
    meta.insert(schema::META_FORGOTTEN, count.to_le_bytes().as_slice())?;
    Ok(forgotten)
}

/// Removes from a table all rows whose keys begin with a thread's number.
macro_rules! remove_rows {
    ($write:expr, $thread:expr, $table:expr, $($rest:expr),+) => {{
        let mut table = $write.open_table($table)?;
        match $thread.checked_add(1) {
            Some(next) => table.retain_in(($thread, $($rest),+)..(next, $($rest),+), |_, _| false)?,
            None => table.retain_in(($thread, $($rest),+).., |_, _| false)?,
        }
    }};
}

/// A table that is missing here would keep rows of threads that are gone.
fn forget_thread(write: &WriteTransaction, thread: u32) -> Result<(), StoreError> {
    const FIRST: &[u8] = &[];
    write.open_table(schema::CURSORS)?.remove(thread)?;
    remove_rows!(write, thread, schema::TURNS, 0, 0);
    remove_rows!(write, thread, schema::ITEMS, 0, 0, 0);
    remove_rows!(write, thread, schema::ITEM_PARTS, 0, 0, 0, 0);
    remove_rows!(write, thread, schema::TURN_IDS, FIRST, 0);
    remove_rows!(write, thread, schema::LIVE_TURNS, 0);
    remove_rows!(write, thread, schema::ITEM_PLACES, FIRST, 0, 0);
    remove_rows!(write, thread, schema::FACTS, 0, 0);
    remove_rows!(write, thread, schema::INHERITANCE, 0);
    remove_rows!(write, thread, schema::WINDOWS, 0, 0);
    remove_rows!(write, thread, schema::WORLD, 0);
    remove_rows!(write, thread, schema::USAGE, 0);
    remove_rows!(write, thread, schema::LINES, 0);
    remove_rows!(write, thread, schema::DIAGNOSTICS, 0, 0);
    search::forget(write, thread)?;
    summary::remove(write, thread)
}
