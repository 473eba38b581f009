//! Items as rows: one row, and parts behind it when the item is long, so that writing it never
//! takes memory in proportion to it. redb keeps a row in one run of pages in memory.

use std::io;

use redb::{ReadableTable, Table};
use rollfold_core::model::ThreadItem;

use crate::codec::{self, ENCODING, GONE, IN_PARTS, RowAt};
use crate::error::StoreError;
use crate::schema::{Bytes, ItemKey, ItemPartKey};

/// Bytes of a row and of each part. With its key a little less than 64 KiB: redb rounds rows up to
/// powers of two.
const PART_BYTES: usize = 65_000;

/// The tables of items, for writing.
#[derive(Debug)]
pub(crate) struct Bodies<'t> {
    pub(crate) items: Table<'t, ItemKey, Bytes>,
    pub(crate) parts: Table<'t, ItemPartKey, Bytes>,
    row: Vec<u8>,
    part: Vec<u8>,
}

impl<'t> Bodies<'t> {
    pub(crate) fn new(
        items: Table<'t, ItemKey, Bytes>,
        parts: Table<'t, ItemPartKey, Bytes>,
    ) -> Self {
        Self { items, parts, row: Vec::new(), part: Vec::new() }
    }

    /// Writes a version of an item; the one that the same line made before is gone.
    pub(crate) fn put(&mut self, key: ItemKey, value: &ThreadItem) -> Result<(), StoreError> {
        self.row.clear();
        self.row.push(ENCODING);
        self.part.clear();
        let Self { items, parts, row, part } = self;
        drop_parts(items, parts, key)?;
        let mut writer = Writer { row, part, parts, key, len_parts: 0, failure: None };
        let written = serde_json::to_writer(&mut writer, value);
        if let Some(failure) = writer.failure.take() {
            return Err(failure);
        }
        written.map_err(|source| StoreError::Encode { table: "items", source })?;
        writer.put_part()?;
        if writer.len_parts > 0
            && let Some(encoding) = row.first_mut()
        {
            *encoding = IN_PARTS;
        }
        items.insert(key, &**row)?;
        Ok(())
    }

    /// Writes that an item is gone.
    pub(crate) fn put_gone(&mut self, key: ItemKey) -> Result<(), StoreError> {
        drop_parts(&self.items, &mut self.parts, key)?;
        self.items.insert(key, GONE)?;
        Ok(())
    }
}

/// Drops the parts of a version that is about to be replaced.
fn drop_parts(
    items: &Table<'_, ItemKey, Bytes>,
    parts: &mut Table<'_, ItemPartKey, Bytes>,
    key: ItemKey,
) -> Result<(), StoreError> {
    if items.get(key)?.is_some_and(|row| row.value().first() == Some(&IN_PARTS)) {
        parts.retain_in(all_parts(key), |_, _| false)?;
    }
    Ok(())
}

fn all_parts(key: ItemKey) -> std::ops::RangeInclusive<ItemPartKey> {
    let (thread, turn, item, version) = key;
    (thread, turn, item, version, 0)..=(thread, turn, item, version, u32::MAX)
}

/// Reads a version of an item; `None` if it says that the item is gone.
pub(crate) fn read(
    row: &[u8],
    key: ItemKey,
    parts: &impl ReadableTable<ItemPartKey, Bytes>,
) -> Result<Option<ThreadItem>, StoreError> {
    let at = RowAt { table: "items", key };
    let Some(body) = row.strip_prefix(&[IN_PARTS]) else { return codec::decode_item(row, &at) };
    let mut joined = vec![ENCODING];
    joined.extend_from_slice(body);
    for part in parts.range(all_parts(key))? {
        joined.extend_from_slice(part?.1.value());
    }
    codec::decode_item(&joined, &at)
}

/// Fills the row, then part after part.
struct Writer<'w, 't> {
    row: &'w mut Vec<u8>,
    part: &'w mut Vec<u8>,
    parts: &'w mut Table<'t, ItemPartKey, Bytes>,
    key: ItemKey,
    len_parts: u32,
    failure: Option<StoreError>,
}

impl Writer<'_, '_> {
    fn put_part(&mut self) -> Result<(), StoreError> {
        if self.part.is_empty() {
            return Ok(());
        }
        let (thread, turn, item, version) = self.key;
        self.parts.insert((thread, turn, item, version, self.len_parts), &**self.part)?;
        self.len_parts = self.len_parts.saturating_add(1);
        self.part.clear();
        Ok(())
    }
}

impl io::Write for Writer<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.part.len() >= PART_BYTES
            && let Err(failure) = self.put_part()
        {
            self.failure = Some(failure);
            return Err(io::ErrorKind::Other.into());
        }
        let to = if self.row.len() < PART_BYTES { &mut *self.row } else { &mut *self.part };
        let len = bytes.len().min(PART_BYTES - to.len());
        to.extend_from_slice(bytes.get(..len).unwrap_or_default());
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
