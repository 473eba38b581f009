//! Versions of items: each a row of its own, and parts behind it when it is long. Of reasoning
//! that texts join, mostly only these are written: a run of reasoning makes a version with every
//! text, and must not take room in proportion to its square.

use std::sync::Arc;

use redb::{ReadableTable, Table};
use rollfold_core::model::{ReasoningItem, ThreadItem};

use crate::error::{CorruptProblem, StoreError};
use crate::rows::codec::{self, GONE, JOINED, RowAt};
use crate::rows::joined::{Joined, join};
use crate::rows::parts::{self, PART_BYTES, Parts, has_parts};
use crate::schema::{Bytes, ItemKey, ItemPartKey};

/// Bytes that may join before anything is written as a whole again.
const JOINED_BYTES_MIN: usize = 1024;

/// The tables of items, for writing.
#[derive(Debug)]
pub(crate) struct Bodies<'t> {
    pub(crate) items: Table<'t, ItemKey, Bytes>,
    pub(crate) parts: Parts<'t>,
    /// The reasoning that was written last: nearly always the one that grows.
    growing: Option<Growing>,
    row: Vec<u8>,
}

/// Reasoning and how it is written.
#[derive(Debug)]
struct Growing {
    key: ItemKey,
    value: Arc<ThreadItem>,
    /// Bytes of the version that is written as a whole.
    whole_bytes: usize,
    /// Bytes of what joined since.
    joined_bytes: usize,
}

impl Growing {
    fn is_at(&self, key: ItemKey) -> bool {
        (self.key.0, self.key.1, self.key.2) == (key.0, key.1, key.2)
    }

    /// The reasoning to which `key` is another version; `None` if `key` replaces this one.
    fn before(&self, key: ItemKey) -> Option<&ReasoningItem> {
        match &*self.value {
            ThreadItem::Reasoning(item) if self.key != key => Some(item),
            _ => None,
        }
    }

    /// Whether as much joined as there was: then a whole costs no more than all that did.
    fn is_due(&self) -> bool {
        self.joined_bytes > self.whole_bytes.max(JOINED_BYTES_MIN)
    }
}

impl<'t> Bodies<'t> {
    pub(crate) fn new(
        items: Table<'t, ItemKey, Bytes>,
        parts: Table<'t, ItemPartKey, Bytes>,
    ) -> Self {
        Self { items, parts: Parts::new(parts), growing: None, row: Vec::new() }
    }

    /// Writes a version of an item, in place of the one that the same line made before.
    pub(crate) fn put(&mut self, key: ItemKey, value: &Arc<ThreadItem>) -> Result<(), StoreError> {
        let ThreadItem::Reasoning(item) = &**value else {
            self.growing.take_if(|growing| growing.is_at(key));
            self.put_whole(key, value)?;
            return Ok(());
        };
        if let Some(mut growing) = self.take_growing(key)?
            && let Some(joined) = growing.before(key).and_then(|before| Joined::of(before, item))
        {
            codec::encode_as(&mut self.row, JOINED, "items", &joined)?;
            growing.joined_bytes += self.row.len();
            if !growing.is_due() && self.row.len() <= PART_BYTES {
                self.items.insert(key, &*self.row)?;
                self.growing = Some(Growing { key, value: value.clone(), ..growing });
                return Ok(());
            }
        }
        let whole_bytes = self.put_whole(key, value)?;
        self.growing = Some(Growing { key, value: value.clone(), whole_bytes, joined_bytes: 0 });
        Ok(())
    }

    /// Writes that an item is gone.
    pub(crate) fn put_gone(&mut self, key: ItemKey) -> Result<(), StoreError> {
        self.growing = None;
        let replaced = self.items.insert(key, GONE)?;
        if replaced.is_some_and(|row| has_parts(row.value())) {
            self.parts.drop_from(key, 0)?;
        }
        Ok(())
    }

    /// Writes a version as a whole; gives its length, more or less.
    fn put_whole(&mut self, key: ItemKey, value: &ThreadItem) -> Result<usize, StoreError> {
        let len_parts = self.parts.encode(&mut self.row, key, value)?;
        let replaced = self.items.insert(key, &*self.row)?;
        if replaced.is_some_and(|row| has_parts(row.value())) {
            self.parts.drop_from(key, len_parts)?;
        }
        Ok(self.row.len().saturating_add(PART_BYTES.saturating_mul(len_parts as usize)))
    }

    /// The item that stands at the place of `key`, and how it is written.
    fn take_growing(&mut self, key: ItemKey) -> Result<Option<Growing>, StoreError> {
        if let Some(growing) = self.growing.take().filter(|growing| growing.is_at(key)) {
            return Ok(Some(growing));
        }
        let (thread, turn, item, _) = key;
        let versions = (thread, turn, item, 0)..=(thread, turn, item, u64::MAX);
        let Some((key, row)) = self.items.range(versions)?.next().transpose()? else {
            return Ok(None);
        };
        let read = read(row.value(), key.value(), &self.items, &self.parts.table)?;
        Ok(read.map(|Read { value, whole_bytes, joined_bytes }| Growing {
            key: key.value(),
            value: value.into(),
            whole_bytes,
            joined_bytes,
        }))
    }
}

/// An item and how it is written.
pub(crate) struct Read {
    pub(crate) value: ThreadItem,
    whole_bytes: usize,
    joined_bytes: usize,
}

/// Reads a version of an item; `None` if it says that the item is gone.
pub(crate) fn read(
    row: &[u8],
    key: ItemKey,
    items: &impl ReadableTable<ItemKey, Bytes>,
    parts: &impl ReadableTable<ItemPartKey, Bytes>,
) -> Result<Option<Read>, StoreError> {
    if row.first() != Some(&JOINED) {
        let (value, whole_bytes) = parts::decode(row, key, parts)?;
        return Ok(value.map(|value| Read { value, whole_bytes, joined_bytes: 0 }));
    }
    let at = |key| RowAt { table: "items", key };
    let (thread, turn, item, version) = key;
    let mut joined: Vec<Joined<String>> = Vec::new();
    let mut joined_bytes = 0;
    // From this version on, the rows are this one and those that it joined, newest first.
    for older in items.range((thread, turn, item, version)..=(thread, turn, item, u64::MAX))? {
        let (key, row) = older?;
        let (key, row) = (key.value(), row.value());
        if row.first() == Some(&JOINED) {
            joined.push(codec::decode_as(row, JOINED, &at(key))?);
            joined_bytes += row.len();
            continue;
        }
        let (Some(ThreadItem::Reasoning(whole)), whole_bytes) = parts::decode(row, key, parts)?
        else {
            break;
        };
        let value = ThreadItem::Reasoning(join(&whole, joined.into_iter().rev()));
        return Ok(Some(Read { value, whole_bytes, joined_bytes }));
    }
    Err(at(key).corrupt(CorruptProblem::Missing))
}

#[cfg(test)]
mod tests;
