//! How far each thread is in the index, and which are behind.
//!
//! A sync says that a thread has more lines, in the transaction that adds them; the index says how
//! many of them it has, in the transaction that adds their words. So what is behind is known
//! without looking at the threads.

use redb::{ReadableTable, Table, WriteTransaction};

use crate::error::{CorruptProblem, StoreError};
use crate::rows::codec::{self, RowAt};
use crate::rows::varint::{Reader, put_bytes, put_number, put_signed};
use crate::schema::{self, Bytes};

/// How far a thread is in the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Indexed {
    /// Lines whose items are in it.
    pub(super) len_lines: u64,
    /// When turns of the thread began that do not say when, in Unix seconds. Kept, so that it
    /// stays what documents were sorted by.
    pub(super) base_time: i64,
    /// Documents written for it.
    pub(super) len_docs: u64,
    pub(super) generation: u32,
    pub(super) key: String,
}

impl Indexed {
    pub(super) fn row(&self) -> Vec<u8> {
        let mut row = vec![codec::ENCODING];
        put_number(&mut row, self.len_lines);
        put_signed(&mut row, self.base_time);
        put_number(&mut row, self.len_docs);
        put_number(&mut row, self.generation.into());
        put_bytes(&mut row, self.key.as_bytes());
        row
    }

    pub(super) fn read(thread: u32, row: &[u8]) -> Result<Self, StoreError> {
        let at = RowAt { table: "search_threads", key: thread };
        let mut from = Reader::new(codec::body(row, codec::ENCODING, &at)?);
        let mut read = || {
            Some(Self {
                len_lines: from.number()?,
                base_time: from.signed()?,
                len_docs: from.number()?,
                generation: from.small()?,
                key: from.text()?.to_owned(),
            })
        };
        read().ok_or_else(|| at.corrupt(CorruptProblem::Packing))
    }
}

/// A thread that has more lines than the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) len_lines: u64,
    pub(super) key: String,
}

impl Due {
    pub(super) fn read(thread: u32, row: &[u8]) -> Result<Self, StoreError> {
        let at = RowAt { table: "search_due", key: thread };
        let mut from = Reader::new(codec::body(row, codec::ENCODING, &at)?);
        let mut read = || {
            let len_lines = from.number()?;
            Some(Self { len_lines, key: from.text()?.to_owned() })
        };
        read().ok_or_else(|| at.corrupt(CorruptProblem::Packing))
    }
}

/// Says that a thread has this many lines now.
pub(crate) fn note(
    due: &mut Table<'_, u32, Bytes>,
    thread: u32,
    key: &str,
    len_lines: u64,
) -> Result<(), StoreError> {
    let mut row = vec![codec::ENCODING];
    put_number(&mut row, len_lines);
    put_bytes(&mut row, key.as_bytes());
    due.insert(thread, &*row)?;
    Ok(())
}

/// Takes a thread out of the index: for when its rows are deleted or written anew. No row with its
/// number stays, no hit in it is given any more; the words go when segments are merged.
///
/// # Errors
/// When the store cannot be written.
pub(crate) fn forget(write: &WriteTransaction, thread: u32) -> Result<(), StoreError> {
    write.open_table(schema::SEARCH_DUE)?.remove(thread)?;
    let mut threads = write.open_table(schema::SEARCH_THREADS)?;
    let forgotten = threads.remove(thread)?.map(|row| Indexed::read(thread, row.value()));
    if let Some(indexed) = forgotten.transpose()? {
        add_orphans(write, i128::from(indexed.len_docs))?;
    }
    Ok(())
}

/// Whether a thread is the newest generation of its log.
pub(super) fn is_newest(
    threads: &impl ReadableTable<schema::ThreadKey, u32>,
    key: &str,
    thread: u32,
) -> Result<bool, StoreError> {
    let key = key.as_bytes();
    let newest = threads.range((key, 0)..=(key, u32::MAX))?.next_back().transpose()?;
    Ok(newest.is_some_and(|(_, newest)| newest.value() == thread))
}

/// Documents in segments whose threads were forgotten, more or less.
pub(super) fn len_orphans(
    meta: &impl ReadableTable<&'static str, Bytes>,
) -> Result<u64, StoreError> {
    let row = meta.get(schema::META_SEARCH_ORPHANS)?;
    let bytes = row.and_then(|row| row.value().try_into().ok());
    Ok(bytes.map_or(0, u64::from_le_bytes))
}

/// Counts documents that became orphans, or with a negative number, that are gone.
pub(super) fn add_orphans(write: &WriteTransaction, added: i128) -> Result<(), StoreError> {
    let mut meta = write.open_table(schema::META)?;
    let orphans = i128::from(len_orphans(&meta)?).saturating_add(added).max(0);
    let orphans = u64::try_from(orphans).unwrap_or(u64::MAX);
    meta.insert(schema::META_SEARCH_ORPHANS, orphans.to_le_bytes().as_slice())?;
    Ok(())
}
