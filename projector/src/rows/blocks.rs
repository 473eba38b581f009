//! Packed lists: entries of one thread in order, many to a row. The last row grows until it is
//! full, so an append rewrites at most one row.

use redb::{ReadableTable, Table};

use crate::error::StoreError;
use crate::rows::codec::ENCODING;
use crate::schema::{BlockKey, Bytes};

/// Bytes of a full row: with its key, one page of the database.
const BLOCK_BYTES: usize = 3_900;

/// Writes the list of one thread after the other.
#[derive(Debug)]
pub(crate) struct BlockWriter<'t> {
    table: Table<'t, BlockKey, Bytes>,
    thread: u32,
    tail: Option<Tail>,
}

/// The row that still grows.
#[derive(Debug)]
struct Tail {
    /// The number of its first entry.
    first: u64,
    row: Vec<u8>,
    is_written: bool,
}

impl<'t> BlockWriter<'t> {
    /// A writer that has not yet been told of which thread.
    pub(crate) fn new(table: Table<'t, BlockKey, Bytes>) -> Self {
        Self { table, thread: 0, tail: None }
    }

    /// Goes on with the list of a thread. What was held back of another must be finished.
    pub(crate) fn turn_to(&mut self, thread: u32) -> Result<(), StoreError> {
        let last = self.table.range((thread, 0)..=(thread, u64::MAX))?.next_back().transpose()?;
        self.thread = thread;
        self.tail = last.map(|(key, row)| Tail {
            first: key.value().1,
            row: row.value().to_vec(),
            is_written: true,
        });
        Ok(())
    }

    /// The row that still grows, with the number of its first entry.
    pub(crate) fn tail(&self) -> Option<(u64, &[u8])> {
        self.tail.as_ref().map(|tail| (tail.first, &*tail.row))
    }

    /// Whether an entry of this length goes into the row that grows.
    pub(crate) fn has_room(&self, len_bytes: usize) -> bool {
        let tail = self.tail.as_ref();
        tail.is_some_and(|tail| tail.row.len().saturating_add(len_bytes) <= BLOCK_BYTES)
    }

    /// Begins a row, with the number of its first entry; gives the row for what stands in front.
    pub(crate) fn begin(&mut self, first: u64) -> Result<&mut Vec<u8>, StoreError> {
        self.finish()?;
        let tail = Tail { first, row: vec![ENCODING], is_written: false };
        Ok(&mut self.tail.insert(tail).row)
    }

    /// Adds an entry to the row that grows.
    pub(crate) fn append(&mut self, entry: &[u8]) {
        if let Some(tail) = &mut self.tail {
            tail.row.extend_from_slice(entry);
            tail.is_written = false;
        }
    }

    /// Writes what is held back.
    pub(crate) fn finish(&mut self) -> Result<(), StoreError> {
        if let Some(tail) = self.tail.as_mut().filter(|tail| !tail.is_written) {
            self.table.insert((self.thread, tail.first), &*tail.row)?;
            tail.is_written = true;
        }
        Ok(())
    }
}
