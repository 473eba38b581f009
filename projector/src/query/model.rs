//! Questions about everything but turns and items: facts, world, windows, ledger, records.

use std::sync::Arc;

use rollfold_core::context::{Bodies, Context, ContextError, ContextMode, Truncation, reconstruct};
use rollfold_core::model::{Inheritance, Thread, Tokens, UsageEntry, Window, World};
use rollfold_core::{RecordEntry, RecordIndex, Span};

use super::ThreadView;
use crate::error::{ContextQueryError, CorruptProblem, QueryError, StoreError};
use crate::page::{Order, Page, Paging};
use crate::rows::codec::RowAt;
use crate::rows::ledger::UsageTotals;

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineAt {
    /// Lines before it.
    pub seq: u64,
    /// Its bytes, without the line end.
    pub span: Span,
    /// The records on it: nearly always one; none on blank and damaged lines.
    pub records: Vec<RecordEntry>,
}

/// A context window and what the thread itself used in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowRow {
    /// The window.
    pub value: Arc<Window>,
    /// Tokens by the thread's own entries of the ledger.
    pub own: Tokens,
}

impl ThreadView {
    /// The line before which the view ends: lines that are seen.
    #[must_use]
    pub fn len_lines(&self) -> u64 {
        self.view.end_seq().min(self.cursor.state.position.seq)
    }

    /// The facts of the thread.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn thread(&self) -> Result<Thread, QueryError> {
        Ok(self.view.thread_facts()?)
    }

    /// What of the history is another thread's.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn inheritance(&self) -> Result<Inheritance, QueryError> {
        Ok(self.view.inheritance()?)
    }

    /// The state of the world.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn world(&self) -> Result<World, QueryError> {
        Ok(self.view.world()?)
    }

    /// The context windows in order, with what the thread used in each.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn windows(&self) -> Result<Vec<WindowRow>, QueryError> {
        let mut rows: Vec<WindowRow> = Vec::new();
        for number in 0..self.view.len_windows()? {
            let at = RowAt { table: "windows", key: number };
            let window = self.view.window(number)?;
            let value = Arc::new(window.ok_or_else(|| at.corrupt(CorruptProblem::Missing))?);
            rows.push(WindowRow { value, own: Tokens::default() });
        }
        self.view.each_entry(0, self.view.len_usage()?, |entry, _| {
            use rollfold_core::model::Ownership::Own;
            let place = usize::try_from(entry.window).ok();
            if entry.ownership == Own
                && let Some(row) = place.and_then(|place| rows.get_mut(place))
            {
                row.own = row.own.plus(entry.delta);
            }
            Ok::<(), QueryError>(())
        })?;
        Ok(rows)
    }

    /// The sums of the token ledger.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn usage_totals(&self) -> Result<UsageTotals, QueryError> {
        Ok(self.view.usage_totals(self.view.len_usage()?)?)
    }

    /// A page of the token ledger; places are numbers of entries.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn usage_page(&self, paging: &Paging<u64>) -> Result<Page<UsageEntry, u64>, QueryError> {
        let len = self.view.len_usage()?;
        let limit = paging.limit.max(1) as u64;
        let (start, end) = match (paging.order, paging.after) {
            (Order::OldestFirst, None) => (0, limit.min(len)),
            (Order::OldestFirst, Some(after)) => {
                let start = after.saturating_add(1).min(len);
                (start, start.saturating_add(limit).min(len))
            }
            (Order::NewestFirst, after) => {
                let end = after.unwrap_or(len).min(len);
                (end.saturating_sub(limit), end)
            }
        };
        let mut rows = Vec::new();
        self.view.each_entry(start, end, |entry, _| {
            rows.push(entry);
            Ok::<(), QueryError>(())
        })?;
        let is_more = match paging.order {
            Order::OldestFirst => end < len,
            Order::NewestFirst => {
                rows.reverse();
                start > 0
            }
        };
        let next = rows.last().map(|entry| entry.number).filter(|_| is_more);
        Ok(Page { rows, next })
    }

    /// The lines from `start` to before `end`: where they are and what records are on them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn lines(&self, start: u64, end: u64) -> Result<Vec<LineAt>, QueryError> {
        let mut lines = Vec::new();
        self.view.each_line(start, end, |line| {
            lines.push(LineAt { seq: line.seq, span: line.span, records: line.records });
            Ok::<(), QueryError>(())
        })?;
        Ok(lines)
    }

    /// The record index: an entry for every record that is seen.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn records(&self) -> Result<RecordIndex, QueryError> {
        let mut records = Vec::new();
        self.view.each_line(0, u64::MAX, |line| {
            records.extend(line.records);
            Ok::<(), QueryError>(())
        })?;
        Ok(records.into_iter().collect())
    }

    /// What the model would be sent after the last line that is seen; bodies are read from the log
    /// ([`SourceBodies`](crate::SourceBodies)) where a compaction left no history of its own.
    ///
    /// # Errors
    /// When the store or the log cannot be read.
    pub fn context<B: Bodies + ?Sized>(
        &self,
        bodies: &B,
        mode: ContextMode,
        truncation: Option<Truncation>,
    ) -> Result<Context, ContextQueryError<B::Error>> {
        let records = self.records().map_err(ContextQueryError::Query)?;
        let context: Result<Context, ContextError<B::Error>> =
            reconstruct(&records, bodies, mode, truncation);
        context.map_err(ContextQueryError::Context)
    }

    pub(super) fn corrupt_line(seq: u64) -> StoreError {
        RowAt { table: "lines", key: seq }.corrupt(CorruptProblem::Missing)
    }
}
