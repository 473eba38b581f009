//! One row a log with what lists show of it, so that a list of thousands reads one row each; and
//! the order in which these rows changed, so that who holds them all reads only the new ones.

use std::sync::Arc;

use redb::{ReadableTable, Table, WriteTransaction};
use rollfold_core::model::{Fact, Inheritance, Thread, ThreadHead};
use serde::{Deserialize, Serialize};

use crate::error::{CorruptProblem, StoreError};
use crate::rows::codec::{RowAt, decode, encode};
use crate::schema::{self, Bytes};

/// Characters of a text that are kept here; all of it is among the facts.
pub(crate) const TEXT_CHARS_MAX: usize = 1_000;

/// What lists show of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Summary {
    /// The log's key.
    pub(crate) key: Arc<str>,
    pub(crate) generation: u32,
    /// Counts the changes of summaries; the row's key in `touched`.
    pub(crate) touched: u64,
    /// By number, without those that are absent.
    facts: Vec<Fact>,
    /// The thread whose log this one goes on from by reference.
    pub(crate) base_thread_id: Option<Arc<str>>,
}

impl Summary {
    /// The facts, long ones left out and texts cut.
    pub(crate) fn thread(&self) -> Thread {
        let mut thread = Thread::default();
        self.facts.iter().for_each(|fact| thread.apply(fact));
        thread
    }

    /// Whether it tells the same of the log, wherever in a store it is.
    pub(crate) fn tells_as(&self, other: &Self) -> bool {
        (&self.facts, &self.base_thread_id) == (&other.facts, &other.base_thread_id)
    }

    /// Takes in a fact; false if the summary is as before.
    fn put(&mut self, fact: &Fact) -> bool {
        let Some(fact) = shown(fact) else { return false };
        let place = self.facts.binary_search_by_key(&fact.number(), Fact::number);
        match (place, fact.is_absent()) {
            (Ok(at), false) if self.facts.get(at) == Some(&fact) => return false,
            (Ok(at), is_absent) => {
                self.facts.remove(at);
                if !is_absent {
                    self.facts.insert(at, fact);
                }
            }
            (Err(_), true) => return false,
            (Err(at), false) => self.facts.insert(at, fact),
        }
        true
    }
}

/// A fact as it is kept here; none if it is not.
fn shown(fact: &Fact) -> Option<Fact> {
    Some(match fact {
        Fact::Head(Some(head)) => {
            let capability_roots = Vec::new();
            Fact::Head(Some(Arc::new(ThreadHead { capability_roots, ..(**head).clone() })))
        }
        Fact::Preview(text) => Fact::Preview(text.as_ref().map(cut)),
        Fact::Title(text) => Fact::Title(text.as_ref().map(cut)),
        Fact::Head(None)
        | Fact::UnknownMode(_)
        | Fact::Source(_)
        | Fact::ThreadSource(_)
        | Fact::AgentPath(_)
        | Fact::AgentNickname(_)
        | Fact::AgentRole(_)
        | Fact::ModelProvider(_)
        | Fact::CliVersion(_)
        | Fact::Cwd(_)
        | Fact::Git(_)
        | Fact::Model(_)
        | Fact::Effort(_)
        | Fact::Name(_)
        | Fact::TokensUsed(_)
        | Fact::LastUserAt(_)
        | Fact::LastActivityAt(_)
        | Fact::RecencyAt(_) => fact.clone(),
        _ => return None,
    })
}

fn cut(text: &Arc<str>) -> Arc<str> {
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => text.get(..end).unwrap_or_default().into(),
        None => text.clone(),
    }
}

/// The summaries of one log after the other, for writing.
#[derive(Debug)]
pub(crate) struct SummaryWriter<'t> {
    summaries: Table<'t, u32, Bytes>,
    touched: Table<'t, u64, u32>,
    thread: u32,
    summary: Summary,
    is_changed: bool,
}

impl<'t> SummaryWriter<'t> {
    /// A writer that has not yet been told of which log.
    pub(crate) fn open(write: &'t WriteTransaction) -> Result<Self, StoreError> {
        Ok(Self {
            summaries: write.open_table(schema::SUMMARIES)?,
            touched: write.open_table(schema::TOUCHED)?,
            thread: 0,
            summary: Summary::default(),
            is_changed: false,
        })
    }

    /// Goes on with the summary of a log; a new one is of this key and generation. What changed of
    /// another must be finished.
    pub(crate) fn turn_to(
        &mut self,
        thread: u32,
        key: &str,
        generation: u32,
    ) -> Result<(), StoreError> {
        let known = of(&self.summaries, thread)?;
        self.thread = thread;
        self.is_changed = known.is_none();
        // No other summary has this number.
        let touched_never = u64::MAX;
        self.summary = known.unwrap_or_else(|| Summary {
            key: key.into(),
            generation,
            touched: touched_never,
            ..Summary::default()
        });
        Ok(())
    }

    pub(crate) fn put_fact(&mut self, fact: &Fact) {
        self.is_changed |= self.summary.put(fact);
    }

    pub(crate) fn put_inheritance(&mut self, inheritance: &Inheritance) {
        let base = inheritance.base.as_ref().map(|base| base.thread_id.clone());
        if self.summary.base_thread_id != base {
            self.summary.base_thread_id = base;
            self.is_changed = true;
        }
    }

    /// Takes over what another store says of the same log.
    pub(crate) fn repair(&mut self, of: Option<&Summary>) {
        let Summary { key, generation, touched, .. } = self.summary.clone();
        let of = of.cloned().unwrap_or_default();
        self.summary = Summary { key, generation, touched, ..of };
        self.is_changed = true;
    }

    /// Writes the row if it changed.
    pub(crate) fn finish(&mut self) -> Result<(), StoreError> {
        if !self.is_changed {
            return Ok(());
        }
        self.touched.remove(self.summary.touched)?;
        let newest = self.touched.last()?.map(|(count, _)| count.value());
        self.summary.touched = newest.map_or(0, |newest| newest.saturating_add(1));
        self.touched.insert(self.summary.touched, self.thread)?;
        let mut row = Vec::new();
        encode(&mut row, "summaries", &self.summary)?;
        self.summaries.insert(self.thread, &*row)?;
        self.is_changed = false;
        Ok(())
    }
}

/// Takes a log's summary out, so that no row of it stays.
pub(crate) fn remove(write: &WriteTransaction, thread: u32) -> Result<(), StoreError> {
    let mut summaries = write.open_table(schema::SUMMARIES)?;
    let summary = summaries.remove(thread)?.map(|row| read(thread, row.value())).transpose()?;
    if let Some(summary) = summary {
        write.open_table(schema::TOUCHED)?.remove(summary.touched)?;
    }
    Ok(())
}

/// The summary of a log.
pub(crate) fn of(
    summaries: &impl ReadableTable<u32, Bytes>,
    thread: u32,
) -> Result<Option<Summary>, StoreError> {
    summaries.get(thread)?.map(|row| read(thread, row.value())).transpose()
}

/// Reads a row.
pub(crate) fn read(thread: u32, row: &[u8]) -> Result<Summary, StoreError> {
    let at = RowAt { table: "summaries", key: thread };
    decode(row, &at)?.ok_or_else(|| at.corrupt(CorruptProblem::Missing))
}
