//! Long rows: a row and parts behind it, so that writing an item takes no memory in proportion to
//! its length. redb keeps a row in one run of pages in memory.

use std::io;

use redb::{ReadableTable, Table};
use rollfold_core::model::ThreadItem;

use crate::error::StoreError;
use crate::rows::codec::{self, ENCODING, IN_PARTS, RowAt};
use crate::schema::{Bytes, ItemKey, ItemPartKey};

/// Bytes of a row and of each part. With its key a little less than 64 KiB: redb rounds rows up to
/// powers of two.
pub(crate) const PART_BYTES: usize = 65_000;

/// The table of parts, for writing.
#[derive(Debug)]
pub(crate) struct Parts<'t> {
    pub(crate) table: Table<'t, ItemPartKey, Bytes>,
    part: Vec<u8>,
}

impl<'t> Parts<'t> {
    pub(crate) fn new(table: Table<'t, ItemPartKey, Bytes>) -> Self {
        Self { table, part: Vec::new() }
    }

    /// Makes the row of an item; what it has no room for goes into parts. Gives their number.
    pub(crate) fn encode(
        &mut self,
        row: &mut Vec<u8>,
        key: ItemKey,
        value: &ThreadItem,
    ) -> Result<u32, StoreError> {
        row.clear();
        row.push(ENCODING);
        self.part.clear();
        let mut writer = Writer { row, parts: self, key, len: 0, failure: None };
        let written = serde_json::to_writer(&mut writer, value);
        if let Some(failure) = writer.failure.take() {
            return Err(failure);
        }
        written.map_err(|source| StoreError::Encode { table: "items", source })?;
        writer.put_part()?;
        let len = writer.len;
        if len > 0
            && let Some(encoding) = row.first_mut()
        {
            *encoding = IN_PARTS;
        }
        Ok(len)
    }

    /// Drops the parts of a version from one on.
    pub(crate) fn drop_from(&mut self, key: ItemKey, from: u32) -> Result<(), StoreError> {
        let (thread, turn, item, version) = key;
        let first = (thread, turn, item, version, from);
        self.table.retain_in(first..=*all(key).end(), |_, _| false)?;
        Ok(())
    }
}

/// Whether a row goes on in parts.
pub(crate) fn has_parts(row: &[u8]) -> bool {
    row.first() == Some(&IN_PARTS)
}

fn all(key: ItemKey) -> std::ops::RangeInclusive<ItemPartKey> {
    let (thread, turn, item, version) = key;
    (thread, turn, item, version, 0)..=(thread, turn, item, version, u32::MAX)
}

/// Reads an item from its row and the parts behind it, and tells how long it is; no item if the
/// row says that it is gone.
pub(crate) fn decode(
    row: &[u8],
    key: ItemKey,
    parts: &impl ReadableTable<ItemPartKey, Bytes>,
) -> Result<(Option<ThreadItem>, usize), StoreError> {
    let at = RowAt { table: "items", key };
    let Some(body) = row.strip_prefix(&[IN_PARTS]) else {
        return Ok((codec::decode_item(row, &at)?, row.len()));
    };
    let mut joined = vec![ENCODING];
    joined.extend_from_slice(body);
    for part in parts.range(all(key))? {
        joined.extend_from_slice(part?.1.value());
    }
    Ok((codec::decode_item(&joined, &at)?, joined.len()))
}

/// Fills the row, then part after part.
struct Writer<'w, 't> {
    row: &'w mut Vec<u8>,
    parts: &'w mut Parts<'t>,
    key: ItemKey,
    len: u32,
    failure: Option<StoreError>,
}

impl Writer<'_, '_> {
    fn put_part(&mut self) -> Result<(), StoreError> {
        let Parts { table, part } = &mut *self.parts;
        if !part.is_empty() {
            let (thread, turn, item, version) = self.key;
            table.insert((thread, turn, item, version, self.len), &**part)?;
            self.len = self.len.saturating_add(1);
            part.clear();
        }
        Ok(())
    }
}

impl io::Write for Writer<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.parts.part.len() >= PART_BYTES
            && let Err(failure) = self.put_part()
        {
            self.failure = Some(failure);
            return Err(io::ErrorKind::Other.into());
        }
        let is_first = self.row.len() < PART_BYTES;
        let to = if is_first { &mut *self.row } else { &mut self.parts.part };
        let len = bytes.len().min(PART_BYTES - to.len());
        to.extend_from_slice(bytes.get(..len).unwrap_or_default());
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
