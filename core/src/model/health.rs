//! How much of a log was understood.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Ownership;
use crate::format::Kind;

/// Names of unknown kinds that are counted apart; a hostile log may have a new one on every line.
const NAMES_MAX: usize = 64;

/// What became of a log's records, by kind. Grows with the kinds there are, not with the log, and
/// moves with every record: so it is part of the frontier, and no change tells of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    kinds: BTreeMap<Kind, KindHealth>,
    unknown: Names,
    damaged: Names,
    own_records: u64,
    inherited_records: u64,
}

/// Records of a known kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindHealth {
    /// As the format says.
    pub understood: u64,
    /// With fields that are not; the rest of them was used.
    pub with_problems: u64,
}

impl KindHealth {
    /// Of a hundred records, how many are as the format says; none without records.
    #[must_use]
    pub fn percent(self) -> Option<f64> {
        let all = self.understood + self.with_problems;
        // Precise enough: counts are far below 2^53.
        (all > 0).then(|| 100.0 * self.understood as f64 / all as f64)
    }
}

/// Counts by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Names {
    by_name: BTreeMap<Arc<str>, u64>,
    /// Of names beyond the first [`NAMES_MAX`].
    others: u64,
}

/// What became of one piece of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// A record of a known kind.
    Record {
        /// Its kind.
        kind: Kind,
        /// Whether a field of it is not as the format says.
        has_problems: bool,
        /// Whose it is.
        ownership: Ownership,
    },
    /// Well-formed JSON of no known kind, with its `type` and its payload's.
    Unknown(&'a str, Option<&'a str>),
    /// No record; with the `type` its head names, where it has one.
    Damaged(Option<&'a str>),
}

/// How a log was recognised, as one word: a log nobody understands is not an empty one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recognition {
    /// There is nothing in it.
    Empty,
    /// There is something in it, but no record of a known kind.
    NothingUnderstood {
        /// Records of unknown kinds.
        unknown: u64,
        /// Pieces that are no record.
        damaged: u64,
    },
    /// There are known records, but they make no turn.
    NoTurns {
        /// Records of known kinds.
        records: u64,
    },
    /// There are turns.
    Turns {
        /// How many.
        turns: u64,
    },
}

impl Names {
    fn add(&mut self, name: &str) {
        let is_full = self.by_name.len() >= NAMES_MAX;
        match self.by_name.get_mut(name) {
            Some(count) => *count += 1,
            None if is_full => self.others += 1,
            None => {
                self.by_name.insert(name.into(), 1);
            }
        }
    }

    fn total(&self) -> u64 {
        self.by_name.values().sum::<u64>() + self.others
    }
}

impl Health {
    /// Takes in what became of one piece of the log: the only way counts change.
    pub fn apply(&mut self, outcome: Outcome<'_>) {
        match outcome {
            Outcome::Record { kind, has_problems, ownership } => {
                let health = self.kinds.entry(kind).or_default();
                health.understood += u64::from(!has_problems);
                health.with_problems += u64::from(has_problems);
                self.own_records += u64::from(ownership == Ownership::Own);
                self.inherited_records += u64::from(ownership == Ownership::Inherited);
            }
            Outcome::Unknown(tag, None) => self.unknown.add(tag),
            Outcome::Unknown(tag, Some(payload)) => self.unknown.add(&format!("{tag}/{payload}")),
            Outcome::Damaged(tag) => self.damaged.add(tag.unwrap_or("")),
        }
    }

    /// Records of known kinds, by kind.
    pub fn kinds(&self) -> impl Iterator<Item = (Kind, KindHealth)> {
        self.kinds.iter().map(|(kind, health)| (*kind, *health))
    }

    /// Records of unknown kinds by their tags; the last entry, without tags, is of all the rest.
    pub fn unknown(&self) -> impl Iterator<Item = (&str, u64)> {
        self.unknown
            .by_name
            .iter()
            .map(|(name, count)| (&**name, *count))
            .chain((self.unknown.others > 0).then_some(("", self.unknown.others)))
    }

    /// Pieces that are no record by the `type` their head names; those without one under no name.
    pub fn damaged(&self) -> impl Iterator<Item = (&str, u64)> {
        self.damaged.by_name.iter().map(|(name, count)| (&**name, *count))
    }

    /// Records of known kinds.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.own_records + self.inherited_records
    }

    /// Of these, the thread's own, so far as could be told when each was read.
    #[must_use]
    pub fn own_records(&self) -> u64 {
        self.own_records
    }

    /// How the log was recognised, with the turns that were made of it.
    #[must_use]
    pub fn recognition(&self, turns: u64) -> Recognition {
        let (unknown, damaged) = (self.unknown.total(), self.damaged.total());
        match (turns, self.records()) {
            (0, 0) if unknown + damaged == 0 => Recognition::Empty,
            (0, 0) => Recognition::NothingUnderstood { unknown, damaged },
            (0, records) => Recognition::NoTurns { records },
            (turns, _) => Recognition::Turns { turns },
        }
    }
}
