//! What the store knows of the sources: their generations, and how far each is folded.

use redb::{ReadTransaction, ReadableTable};
use rollfold_core::Position;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::Store;
use crate::cursor::Cursor;
use crate::error::{CorruptProblem, StoreError};
use crate::rows::codec::{RowAt, decode, encode};
use crate::rows::lines::LinesIn;
use crate::schema;

/// Bytes of the checksum behind a cursor. A cursor that was changed by hand sends every later sync
/// astray, so that one is told from those that were written here.
const SEAL_BYTES: usize = 8;

/// A generation of a source that the store knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) thread: u32,
    pub(crate) generation: u32,
    /// The cursor as its row spells it.
    pub(crate) cursor: Vec<u8>,
}

/// The newest generation of a source.
pub(crate) fn newest_generation(
    threads: &impl redb::ReadableTable<schema::ThreadKey, u32>,
    cursors: &impl redb::ReadableTable<u32, schema::Bytes>,
    key: &str,
) -> Result<Option<Known>, StoreError> {
    let key = key.as_bytes();
    match threads.range((key, 0)..=(key, u32::MAX))?.next_back() {
        None => Ok(None),
        Some(row) => {
            let (row_key, thread) = row?;
            known(cursors, row_key.value().1, thread.value()).map(Some)
        }
    }
}

/// The generation of a source with this number.
pub(crate) fn generation(
    threads: &impl redb::ReadableTable<schema::ThreadKey, u32>,
    cursors: &impl redb::ReadableTable<u32, schema::Bytes>,
    key: &str,
    generation: u32,
) -> Result<Option<Known>, StoreError> {
    let thread = threads.get((key.as_bytes(), generation))?;
    thread.map(|thread| known(cursors, generation, thread.value())).transpose()
}

fn known(
    cursors: &impl redb::ReadableTable<u32, schema::Bytes>,
    generation: u32,
    thread: u32,
) -> Result<Known, StoreError> {
    let missing = || cursor_at(thread).corrupt(CorruptProblem::Missing);
    let cursor = cursors.get(thread)?.ok_or_else(missing)?.value().to_vec();
    Ok(Known { thread, generation, cursor })
}

impl Known {
    pub(crate) fn cursor(&self) -> Result<Cursor, StoreError> {
        decode_cursor(self.thread, &self.cursor)
    }

    /// The cursor, if it ends where the rows end.
    pub(crate) fn checked_cursor(&self, read: &ReadTransaction) -> Result<Cursor, StoreError> {
        let cursor = self.cursor()?;
        let lines = read.open_table(schema::LINES)?;
        let Position { seq, offset_bytes, .. } = cursor.state.position;
        match end_of_lines(&lines, self.thread)? == (seq, offset_bytes) {
            true => Ok(cursor),
            false => Err(cursor_at(self.thread).corrupt(CorruptProblem::Contradiction)),
        }
    }
}

impl Store {
    /// Whether every cursor reads back and ends where its rows end, and every source has one.
    pub(super) fn check_cursors(&self) -> Result<(), StoreError> {
        let read = self.begin_read()?;
        let cursors = read.open_table(schema::CURSORS)?;
        for row in read.open_table(schema::THREADS)?.iter()? {
            let (row_key, thread) = row?;
            let (key, generation) = row_key.value();
            let known = known(&cursors, generation, thread.value())?;
            let cursor = known.checked_cursor(&read)?;
            if (cursor.key.as_bytes(), cursor.generation) != (key, generation) {
                return Err(cursor_at(known.thread).corrupt(CorruptProblem::Contradiction));
            }
        }
        Ok(())
    }
}

/// Writes a cursor as a row into `row`, which is cleared before.
pub(crate) fn encode_cursor(
    row: &mut Vec<u8>,
    thread: u32,
    cursor: &Cursor,
) -> Result<(), StoreError> {
    encode(row, "cursors", cursor)?;
    let seal = seal(thread, row);
    row.extend(seal);
    Ok(())
}

fn decode_cursor(thread: u32, row: &[u8]) -> Result<Cursor, StoreError> {
    let at = cursor_at(thread);
    let (body, found) =
        row.split_last_chunk::<SEAL_BYTES>().ok_or_else(|| at.corrupt(CorruptProblem::Empty))?;
    if *found != seal(thread, body) {
        return Err(at.corrupt(CorruptProblem::Seal));
    }
    decode(body, &at)?.ok_or_else(|| at.corrupt(CorruptProblem::Missing))
}

fn seal(thread: u32, body: &[u8]) -> [u8; SEAL_BYTES] {
    xxh3_64_with_seed(body, u64::from(thread)).to_le_bytes()
}

/// Lines there are rows of, and where the next one begins.
fn end_of_lines(
    lines: &impl ReadableTable<schema::BlockKey, schema::Bytes>,
    thread: u32,
) -> Result<(u64, u64), StoreError> {
    let Some(row) = lines.range((thread, 0)..=(thread, u64::MAX))?.next_back() else {
        return Ok((0, 0));
    };
    let (key, row) = row?;
    let mut lines = LinesIn::read(row.value(), key.value())?;
    lines.by_ref().try_for_each(|line| line.map(drop))?;
    Ok((lines.before.seq, lines.before.offset_bytes))
}

fn cursor_at(thread: u32) -> RowAt<u32> {
    RowAt { table: "cursors", key: thread }
}
