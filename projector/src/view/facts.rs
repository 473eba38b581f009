//! Facts, inheritance, windows and the world as of one line.

use redb::{Key, ReadOnlyTable};
use rollfold_core::model::{Fact, Inheritance, Thread, Window, World};
use serde::de::DeserializeOwned;

use super::{View, prefix};
use crate::error::{CorruptProblem, StoreError};
use crate::rows::codec::{RowAt, decode};
use crate::rows::world;
use crate::schema::{Bytes, newest_first};

impl View {
    /// The facts of the thread.
    pub(crate) fn thread_facts(&self) -> Result<Thread, StoreError> {
        let mut thread = Thread::default();
        for number in 0..Fact::LEN {
            if let Some(fact) = self.fact(number)? {
                thread.apply(&fact);
            }
        }
        Ok(thread)
    }

    /// The fact with this number; `None` if nothing was ever said of it.
    pub(crate) fn fact(&self, number: u8) -> Result<Option<Fact>, StoreError> {
        let Some(newest) = self.newest else { return Ok(None) };
        let first = (self.thread, number, newest_first(newest));
        first_in(&self.tables.facts, "facts", first, (self.thread, number, u64::MAX))
    }

    /// What of the history is another thread's.
    pub(crate) fn inheritance(&self) -> Result<Inheritance, StoreError> {
        let Some(newest) = self.newest else { return Ok(Inheritance::default()) };
        let first = (self.thread, newest_first(newest));
        let found =
            first_in(&self.tables.inheritance, "inheritance", first, (self.thread, u64::MAX))?;
        Ok(found.unwrap_or_default())
    }

    /// The context window with this number; `None` if it has not come yet.
    pub(crate) fn window(&self, number: u64) -> Result<Option<Window>, StoreError> {
        let Some(newest) = self.newest else { return Ok(None) };
        let first = (self.thread, number, newest_first(newest));
        first_in(&self.tables.windows, "windows", first, (self.thread, number, u64::MAX))
    }

    /// How many windows have come.
    pub(crate) fn len_windows(&self) -> Result<u64, StoreError> {
        let ever = (self.thread, 0, 0)..=(self.thread, u64::MAX, u64::MAX);
        let last = self.tables.windows.range(ever)?.next_back().transpose()?;
        let len = last.map_or(0, |(key, _)| key.value().1.saturating_add(1));
        prefix(len, |number| Ok(self.window(number)?.is_some()))
    }

    /// The state of the world.
    pub(crate) fn world(&self) -> Result<World, StoreError> {
        let Some(newest) = self.newest else { return Ok(World::Unknown) };
        world::state(&self.tables.world, self.thread, newest)
    }
}

/// The first row of a range.
fn first_in<'k, K: Key + 'static, T: DeserializeOwned>(
    table: &ReadOnlyTable<K, Bytes>,
    name: &'static str,
    first: K::SelfType<'k>,
    last: K::SelfType<'k>,
) -> Result<Option<T>, StoreError>
where
    K::SelfType<'k>: std::borrow::Borrow<K::SelfType<'k>> + std::fmt::Debug,
{
    let at = format!("{first:?}");
    let Some((_, row)) = table.range::<K::SelfType<'k>>(first..=last)?.next().transpose()? else {
        return Ok(None);
    };
    let at = RowAt { table: name, key: at };
    let value = decode(row.value(), &at)?;
    value.ok_or_else(|| at.corrupt(CorruptProblem::Missing)).map(Some)
}
