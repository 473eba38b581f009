//! Rows to bytes and back: a version byte, then JSON; nothing after it means "gone".
//!
//! Reading is total: whatever the bytes are, they give a value or a [`Corrupt`].

use std::fmt::Debug;

use rollfold_core::model::ThreadItem;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Corrupt, CorruptProblem, StoreError};

/// The encoding this build writes; the only one it reads.
pub(crate) const ENCODING: u8 = 1;

/// The same, of an item that goes on in parts.
pub(crate) const IN_PARTS: u8 = 2;

/// A version that says that the thing is gone.
pub(crate) const GONE: &[u8] = &[ENCODING];

/// Where a row is, for errors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowAt<K> {
    pub(crate) table: &'static str,
    pub(crate) key: K,
}

impl<K: Debug> RowAt<K> {
    pub(crate) fn corrupt(&self, problem: CorruptProblem) -> StoreError {
        Corrupt { table: self.table, key: format!("{:?}", self.key), problem }.into()
    }
}

/// Writes a value as a row into `row`, which is cleared before.
pub(crate) fn encode(
    row: &mut Vec<u8>,
    table: &'static str,
    value: &impl Serialize,
) -> Result<(), StoreError> {
    row.clear();
    row.push(ENCODING);
    serde_json::to_writer(row, value).map_err(|source| StoreError::Encode { table, source })
}

/// Reads a row; `None` if it says that the thing is gone.
pub(crate) fn decode<T: DeserializeOwned, K: Debug>(
    row: &[u8],
    at: &RowAt<K>,
) -> Result<Option<T>, StoreError> {
    let Some(body) = body(row, at)? else { return Ok(None) };
    let value = serde_json::from_slice(body);
    value.map(Some).map_err(|error| at.corrupt(CorruptProblem::Body(error)))
}

/// Reads an item's row; `None` if it says that the item is gone.
pub(crate) fn decode_item<K: Debug>(
    row: &[u8],
    at: &RowAt<K>,
) -> Result<Option<ThreadItem>, StoreError> {
    let Some(body) = body(row, at)? else { return Ok(None) };
    let corrupt = |error| at.corrupt(CorruptProblem::Body(error));
    let text = std::str::from_utf8(body);
    let text = text.map_err(|error| corrupt(serde::de::Error::custom(error)))?;
    ThreadItem::from_json(text).map(Some).map_err(corrupt)
}

/// Whether an item's row may be a message: all that a summary of a turn shows. Every item's JSON
/// begins with its type.
pub(crate) fn may_be_message(row: &[u8]) -> bool {
    let rest = row.get(1..).and_then(|body| body.strip_prefix(br#"{"type":""#));
    rest.is_none_or(|rest| {
        rest.starts_with(b"userMessage\"") || rest.starts_with(b"agentMessage\"")
    })
}

fn body<'r, K: Debug>(row: &'r [u8], at: &RowAt<K>) -> Result<Option<&'r [u8]>, StoreError> {
    match row.split_first() {
        None => Err(at.corrupt(CorruptProblem::Empty)),
        Some((&ENCODING, [])) => Ok(None),
        Some((&ENCODING, body)) => Ok(Some(body)),
        Some((&found, _)) => Err(at.corrupt(CorruptProblem::Encoding { found })),
    }
}
