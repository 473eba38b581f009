//! Versions of the world: what each record did to it, and every so often the whole of it, so that
//! no question reads more than a few dozen patches.

use redb::{ReadableTable, Table};
use rollfold_core::model::{World, WorldChange};
use serde::{Deserialize, Serialize};

use crate::error::{CorruptProblem, StoreError};
use crate::rows::codec::{RowAt, decode, encode};
use crate::schema::{Bytes, VersionKey, newest_first};

/// Patches between two whole states, at most.
const PATCHES_MAX: u8 = 63;

/// One version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct WorldRow {
    /// What the line did.
    change: WorldChange,
    /// Patches since the last whole state.
    patches: u8,
    /// The whole state after it, where a patch gets one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    whole: Option<World>,
}

impl WorldRow {
    /// The state after it, if it tells that by itself.
    fn whole(&self) -> Option<World> {
        match (&self.whole, &self.change) {
            (Some(world), _) => Some(world.clone()),
            (None, WorldChange::Set(value)) => Some(World::Known(value.clone())),
            (None, WorldChange::Lost(_)) => Some(World::Unknown),
            (None, WorldChange::Patch(_)) => None,
        }
    }
}

/// The table of the world, for writing.
#[derive(Debug)]
pub(crate) struct WorldRows<'t> {
    table: Table<'t, VersionKey, Bytes>,
    row: Vec<u8>,
}

impl<'t> WorldRows<'t> {
    pub(crate) fn new(table: Table<'t, VersionKey, Bytes>) -> Self {
        Self { table, row: Vec::new() }
    }

    /// Writes a version. Behind another change by the same line it takes that one's place, with
    /// the whole state.
    pub(crate) fn put(
        &mut self,
        thread: u32,
        seq: u64,
        change: &WorldChange,
    ) -> Result<(), StoreError> {
        let key = (thread, newest_first(seq));
        let newest = newest(&self.table, thread, seq)?;
        let is_again = newest.as_ref().is_some_and(|(at, _)| *at == seq);
        let patches = match change {
            WorldChange::Patch(_) => newest.map_or(0, |(_, row)| row.patches.saturating_add(1)),
            WorldChange::Set(_) | WorldChange::Lost(_) => 0,
        };
        let is_due = patches > PATCHES_MAX || (is_again && patches > 0);
        let mut row = WorldRow { change: change.clone(), patches, whole: None };
        if is_due {
            let mut world = state(&self.table, thread, seq)?;
            world.apply(change);
            (row.whole, row.patches) = (Some(world), 0);
        }
        encode(&mut self.row, "world", &row)?;
        self.table.insert(key, &*self.row)?;
        Ok(())
    }
}

type Version = (u64, WorldRow);

fn read(key: VersionKey, row: &[u8]) -> Result<Version, StoreError> {
    let at = RowAt { table: "world", key };
    let row = decode(row, &at)?.ok_or_else(|| at.corrupt(CorruptProblem::Missing))?;
    Ok((newest_first(key.1), row))
}

/// The newest version as of a line.
fn newest(
    table: &impl ReadableTable<VersionKey, Bytes>,
    thread: u32,
    seq: u64,
) -> Result<Option<Version>, StoreError> {
    let versions = (thread, newest_first(seq))..=(thread, u64::MAX);
    let newest = table.range(versions)?.next().transpose()?;
    newest.map(|(key, row)| read(key.value(), row.value())).transpose()
}

/// The world as of a line.
pub(crate) fn state(
    table: &impl ReadableTable<VersionKey, Bytes>,
    thread: u32,
    seq: u64,
) -> Result<World, StoreError> {
    let versions = (thread, newest_first(seq))..=(thread, u64::MAX);
    let mut patches = Vec::new();
    let mut world = World::Unknown;
    for row in table.range(versions)? {
        let (key, row) = row?;
        let (_, row) = read(key.value(), row.value())?;
        if let Some(whole) = row.whole() {
            world = whole;
            break;
        }
        patches.push(row.change);
    }
    patches.iter().rev().for_each(|change| world.apply(change));
    Ok(world)
}

/// What a line did to the world; the last of what it did.
pub(crate) fn change(
    table: &impl ReadableTable<VersionKey, Bytes>,
    thread: u32,
    seq: u64,
) -> Result<WorldChange, StoreError> {
    let key = (thread, newest_first(seq));
    let at = RowAt { table: "world", key };
    let row = table.get(key)?.ok_or_else(|| at.corrupt(CorruptProblem::Missing))?;
    Ok(read(key, row.value())?.1.change)
}
