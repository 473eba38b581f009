//! The token ledger: every count in the log, what it adds, and whose it is.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Ownership;
use crate::coll::{OrdMap, Vector};
use crate::pos::Span;

/// Tokens by kind. Writers count cached input in `input`, and reasoning in `output`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Sent to the model.
    pub input: i64,
    /// Of these, read from a cache.
    pub cached_input: i64,
    /// Of these, written to a cache.
    pub cache_write_input: i64,
    /// Made by the model.
    pub output: i64,
    /// Of these, thought.
    pub reasoning_output: i64,
    /// The writer's own sum.
    pub total: i64,
}

impl Tokens {
    fn zip(self, other: Self, with: impl Fn(i64, i64) -> i64) -> Self {
        Self {
            input: with(self.input, other.input),
            cached_input: with(self.cached_input, other.cached_input),
            cache_write_input: with(self.cache_write_input, other.cache_write_input),
            output: with(self.output, other.output),
            reasoning_output: with(self.reasoning_output, other.reasoning_output),
            total: with(self.total, other.total),
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.zip(other, i64::saturating_add)
    }

    /// What is left of these without the others; never less than none.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        self.zip(other, |one, other| one.saturating_sub(other).max(0))
    }

    /// Whether there are at least as many of each kind.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        other.minus(self) == Self::default()
    }
}

/// One count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageEntry {
    /// Its place in the ledger.
    pub number: u64,
    /// The seq of its record.
    pub seq: u64,
    /// The bytes of its record.
    pub span: Span,
    /// What kind of record it is.
    pub source: UsageSource,
    /// The turn it belongs to (R44); none before the first turn.
    pub turn_id: Option<Arc<str>>,
    /// The context window it belongs to.
    pub window: u64,
    /// The thread's running total; none in records of one response.
    pub total: Option<Tokens>,
    /// The newest response; none if it could not be read.
    pub last: Option<Tokens>,
    /// What this entry adds to the entries before it.
    pub delta: Tokens,
    /// Whose it is. Inherited entries add nothing to the thread's own use.
    pub ownership: Ownership,
    /// The run of the running total it belongs to; a reset begins the next one.
    pub segment: u32,
    /// Why a run begins with this entry.
    pub reset: Option<UsageReset>,
    /// The size of the model's context window.
    pub model_context_window: Option<i64>,
}

/// What kind of record tells a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageSource {
    /// `token_count`: a running total.
    TokenCount,
    /// `token_usage_record`: one response.
    UsageRecord,
}

/// Why a running total begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageReset {
    /// The total fell after a compaction.
    Compaction,
    /// The total fell inside a copied history: there, one of its ancestors' histories ends.
    Ancestor,
    /// The thread's own records begin, or go on from a history in another file.
    OwnRecords,
}

/// The token ledger of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    entries: Vector<Arc<UsageEntry>>,
    own: Tokens,
    inherited: Tokens,
    /// Own use by context window.
    by_window: OrdMap<u64, Tokens>,
}

impl Ledger {
    /// Takes in the next entry: the only way the ledger changes. False if it does not follow.
    #[must_use]
    pub fn apply(&mut self, entry: &Arc<UsageEntry>) -> bool {
        if entry.number != self.entries.len() as u64 {
            return false;
        }
        match entry.ownership {
            Ownership::Own => {
                self.own = self.own.plus(entry.delta);
                let window = self.in_window(entry.window).plus(entry.delta);
                self.by_window.insert(entry.window, window);
            }
            Ownership::Inherited => self.inherited = self.inherited.plus(entry.delta),
        }
        self.entries.push_back(entry.clone());
        true
    }

    /// The entries in order.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Arc<UsageEntry>> {
        self.entries.iter()
    }

    /// The count a resume or fork goes on from: the newest that a `token_count` tells, whatever was
    /// rolled back or compacted since, and whosever it is (R115).
    #[must_use]
    pub fn resumed(&self) -> Option<&Arc<UsageEntry>> {
        self.entries.iter().rev().find(|entry| entry.source == UsageSource::TokenCount)
    }

    /// What the thread used itself.
    #[must_use]
    pub fn own(&self) -> Tokens {
        self.own
    }

    /// What the entries copied from another thread tell.
    #[must_use]
    pub fn inherited(&self) -> Tokens {
        self.inherited
    }

    /// What the thread used itself in a context window.
    #[must_use]
    pub fn in_window(&self, number: u64) -> Tokens {
        self.by_window.get(&number).copied().unwrap_or_default()
    }
}
