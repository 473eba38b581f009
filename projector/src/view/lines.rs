//! The index of lines and the ledger as of one line.

use redb::{AccessGuard, ReadOnlyTable};
use rollfold_core::model::UsageEntry;

use super::View;
use crate::error::{CorruptProblem, StoreError};
use crate::rows::codec::RowAt;
use crate::rows::ledger::{EntriesIn, UsageTotals};
use crate::rows::lines::{LineRow, LinesIn};
use crate::schema::{BlockKey, Bytes};

type Row = (AccessGuard<'static, BlockKey>, AccessGuard<'static, Bytes>);

impl View {
    /// The line before which the view ends, were the log long enough.
    pub(crate) fn end_seq(&self) -> u64 {
        self.newest.map_or(0, |newest| newest.saturating_add(1))
    }

    /// The line with this seq.
    pub(crate) fn line(&self, seq: u64) -> Result<Option<LineRow>, StoreError> {
        let mut found = None;
        self.each_line(seq, seq.saturating_add(1), |line| {
            found = Some(line);
            Ok::<(), StoreError>(())
        })?;
        Ok(found)
    }

    /// The lines from `start` to before `end`, as far as they are seen, in order.
    pub(crate) fn each_line<E: From<StoreError>>(
        &self,
        start: u64,
        end: u64,
        mut each: impl FnMut(LineRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let end = end.min(self.end_seq());
        for row in rows_of(&self.tables.lines, self.thread, start, end)? {
            let (key, row) = row.map_err(StoreError::from)?;
            for line in LinesIn::read(row.value(), key.value())? {
                let line = line?;
                if line.seq >= start && line.seq < end {
                    each(line)?;
                }
            }
        }
        Ok(())
    }

    /// Entries of the ledger that are seen.
    pub(crate) fn len_usage(&self) -> Result<u64, StoreError> {
        let Some(newest) = self.newest else { return Ok(0) };
        let Some((key, row)) = row_of(&self.tables.lines, self.thread, newest)? else {
            return Ok(0);
        };
        let mut lines = LinesIn::read(row.value(), key.value())?;
        while lines.before.seq <= newest {
            match lines.next() {
                Some(line) => line?,
                None => break,
            };
        }
        Ok(lines.before.len_usage)
    }

    /// The entries of the ledger from `start` to before `end`, in order, with the sums before each.
    pub(crate) fn each_entry<E: From<StoreError>>(
        &self,
        start: u64,
        end: u64,
        mut each: impl FnMut(UsageEntry, UsageTotals) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut next = start;
        for row in rows_of(&self.tables.usage, self.thread, start, end)? {
            let (key, row) = row.map_err(StoreError::from)?;
            let mut entries = EntriesIn::read(row.value(), key.value())?;
            let mut before = entries.before;
            while let Some(entry) = entries.next() {
                let entry = entry?;
                if entry.number >= start && entry.number < end {
                    next = entry.number + 1;
                    each(entry, before)?;
                }
                before = entries.before;
            }
        }
        if next < end {
            return Err(RowAt { table: "usage", key: next }
                .corrupt(CorruptProblem::Missing)
                .into());
        }
        Ok(())
    }

    /// The sums of the first `len` entries of the ledger.
    pub(crate) fn usage_totals(&self, len: u64) -> Result<UsageTotals, StoreError> {
        let mut totals = UsageTotals::default();
        if let Some(last) = len.checked_sub(1) {
            self.each_entry(last, len, |entry, before| {
                totals = before;
                totals.pass(&entry);
                Ok::<(), StoreError>(())
            })?;
        }
        Ok(totals)
    }
}

/// The packed row that holds an entry.
fn row_of(
    table: &ReadOnlyTable<BlockKey, Bytes>,
    thread: u32,
    number: u64,
) -> Result<Option<Row>, StoreError> {
    Ok(table.range((thread, 0)..=(thread, number))?.next_back().transpose()?)
}

/// The packed rows that hold the entries from `start` to before `end`.
fn rows_of(
    table: &ReadOnlyTable<BlockKey, Bytes>,
    thread: u32,
    start: u64,
    end: u64,
) -> Result<redb::Range<'static, BlockKey, Bytes>, StoreError> {
    let first = row_of(table, thread, start)?.map_or(start, |(key, _)| key.value().1);
    Ok(table.range((thread, first.min(end))..(thread, end))?)
}
