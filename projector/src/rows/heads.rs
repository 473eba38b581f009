//! Versions of turns' heads. A long error is written once, with the version that brought it: later
//! versions say where it stands, or a log of short lines could make rows of any length.

use std::sync::Arc;

use redb::{ReadableTable, Table};
use rollfold_core::Json;
use rollfold_core::model::{TurnError, TurnHead};

use crate::error::{CorruptProblem, StoreError};
use crate::rows::codec::{self, ENCODING, ERROR_ELSEWHERE, GONE, RowAt};
use crate::schema::{Bytes, TurnKey};

/// Errors shorter than this are written with each version.
const ERROR_BYTES_MIN: usize = 512;

/// The table of turns, for writing.
#[derive(Debug)]
pub(crate) struct Heads<'t> {
    pub(crate) turns: Table<'t, TurnKey, Bytes>,
    /// The long error that was written or read last, and the version it stands in.
    error: Option<(TurnKey, Arc<TurnError>)>,
    row: Vec<u8>,
}

impl<'t> Heads<'t> {
    pub(crate) fn new(turns: Table<'t, TurnKey, Bytes>) -> Self {
        Self { turns, error: None, row: Vec::new() }
    }

    /// Writes a version of a turn, in place of the one that the same line made before.
    pub(crate) fn put(&mut self, key: TurnKey, head: &TurnHead) -> Result<(), StoreError> {
        let error = head.error.as_ref().filter(|error| is_long(error));
        if let Some(error) = error
            && let Some(place) = self.place_of(key, error)?
        {
            let rest = TurnHead { error: None, ..head.clone() };
            codec::encode_as(&mut self.row, ERROR_ELSEWHERE, "turns", &rest)?;
            self.row.extend_from_slice(&place.to_le_bytes());
        } else {
            codec::encode(&mut self.row, "turns", head)?;
            self.error = error.map(|error| (key, error.clone()));
        }
        self.turns.insert(key, &*self.row)?;
        Ok(())
    }

    /// Writes that a turn is gone.
    pub(crate) fn put_gone(&mut self, key: TurnKey) -> Result<(), StoreError> {
        self.turns.insert(key, GONE)?;
        Ok(())
    }

    /// The version before `key` in which this error stands.
    fn place_of(
        &mut self,
        key: TurnKey,
        error: &Arc<TurnError>,
    ) -> Result<Option<u64>, StoreError> {
        let (thread, turn, version) = key;
        if self.error.as_ref().is_none_or(|(place, _)| (place.0, place.1) != (thread, turn)) {
            self.error = None;
            let versions = (thread, turn, 0)..=(thread, turn, u64::MAX);
            if let Some((before, row)) = self.turns.range(versions)?.next().transpose()? {
                let read = read(row.value(), before.value(), &self.turns)?;
                self.error = read.and_then(|read| {
                    let error = read.head.error?;
                    Some(((thread, turn, read.error_version), error))
                });
            }
        }
        let known = self.error.as_ref().filter(|(place, known)| {
            place.2 > version && (Arc::ptr_eq(known, error) || known == error)
        });
        Ok(known.map(|(place, _)| place.2))
    }
}

fn is_long(error: &TurnError) -> bool {
    let info = error.codex_error_info.as_ref().map_or(0, |info: &Json| info.get().len());
    error.message.len().saturating_add(info) >= ERROR_BYTES_MIN
}

/// A turn's head, and the version in which its error stands.
pub(crate) struct Read {
    pub(crate) head: TurnHead,
    error_version: u64,
}

/// Reads a version of a turn; `None` if it says that the turn is gone.
pub(crate) fn read(
    row: &[u8],
    key: TurnKey,
    turns: &impl ReadableTable<TurnKey, Bytes>,
) -> Result<Option<Read>, StoreError> {
    let at = RowAt { table: "turns", key };
    if row.first() != Some(&ERROR_ELSEWHERE) {
        let head = codec::decode(row, &at)?;
        return Ok(head.map(|head| Read { head, error_version: key.2 }));
    }
    let missing = || at.corrupt(CorruptProblem::Missing);
    let (rest, place) = row.split_last_chunk().ok_or_else(missing)?;
    let error_version = u64::from_le_bytes(*place);
    let head: TurnHead = codec::decode_as(rest, ERROR_ELSEWHERE, &at)?;
    let at = RowAt { table: "turns", key: (key.0, key.1, error_version) };
    let whole = turns.get(at.key)?.ok_or_else(missing)?;
    let whole: TurnHead = codec::decode_as(whole.value(), ENCODING, &at)?;
    Ok(Some(Read { head: TurnHead { error: whole.error, ..head }, error_version }))
}

#[cfg(test)]
mod tests {
    use rollfold_core::model::TurnStatus;

    use super::*;
    use crate::schema::{self, newest_first};
    use crate::store::Store;

    fn head(number: i64, error: Option<&Arc<TurnError>>) -> TurnHead {
        TurnHead {
            id: "t".into(),
            status: TurnStatus::Failed,
            error: error.cloned(),
            started_at: Some(number),
            completed_at: None,
            duration_ms: None,
        }
    }

    fn error(message: &str) -> Arc<TurnError> {
        let (codex_error_info, additional_details) = (None, None);
        TurnError { message: message.into(), codex_error_info, additional_details }.into()
    }

    #[test]
    fn a_long_error_stands_once_and_every_version_comes_back() {
        let store = Store::in_memory().unwrap();
        let write = store.begin_write().unwrap();
        let (short, long) = (error("short"), error(&"long".repeat(1000)));
        let (same, other) = (error(&"long".repeat(1000)), error(&"other".repeat(1000)));
        let versions = [
            (0, head(0, None), ENCODING),
            (1, head(1, Some(&short)), ENCODING),
            (2, head(2, Some(&long)), ENCODING),
            (3, head(3, Some(&long)), ERROR_ELSEWHERE),
            (4, head(4, Some(&same)), ERROR_ELSEWHERE),
            // On one line, the later version replaces the one before.
            (5, head(5, Some(&other)), ENCODING),
            (5, head(6, Some(&other)), ENCODING),
            (6, head(7, Some(&other)), ERROR_ELSEWHERE),
            (6, head(8, Some(&long)), ENCODING),
            (7, head(9, None), ENCODING),
            (8, head(10, Some(&long)), ENCODING),
            (9, head(11, Some(&long)), ERROR_ELSEWHERE),
            (9, head(12, Some(&long)), ERROR_ELSEWHERE),
        ];
        for is_resumed in [false, true] {
            let mut heads = Heads::new(write.open_table(schema::TURNS).unwrap());
            let key = |seq| (1, u32::from(is_resumed), newest_first(seq));
            for (seq, head, encoding) in &versions {
                if is_resumed {
                    heads.error = None;
                }
                heads.put(key(*seq), head).unwrap();
                let row = heads.turns.get(key(*seq)).unwrap().unwrap();
                assert_eq!(row.value().first(), Some(encoding), "{}", head.started_at.unwrap());
            }
            let mut last = versions.to_vec();
            last.reverse();
            last.dedup_by_key(|(seq, ..)| *seq);
            for (seq, head, _) in last {
                let row = heads.turns.get(key(seq)).unwrap().unwrap();
                let read = read(row.value(), key(seq), &heads.turns).unwrap();
                assert!(read.unwrap().head == head, "{seq}");
            }
        }
    }
}
