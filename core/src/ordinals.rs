//! Ordinals: numbers that newer writers put into records. Claims, checked, never trusted.

use serde::{Deserialize, Serialize};

use crate::decode::{Body, Ordinal, Record};
use crate::diag::OrdinalAnomaly;

/// What was seen of ordinals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ordinals {
    last: Option<u64>,
    /// Broken pieces since: each may have had an ordinal.
    damaged_since: u64,
    is_missing: bool,
    /// The highest one.
    highest: Option<u64>,
}

impl Ordinals {
    /// A broken piece came: it may have had an ordinal.
    pub(crate) fn skip_damaged(&mut self) {
        self.damaged_since += 1;
    }

    /// The one after all that were seen; `None` if there is none.
    pub(crate) fn next(&self) -> Option<u64> {
        self.highest.map_or(Some(0), |highest| highest.checked_add(1))
    }

    /// Compares a record's ordinal with the one that should follow.
    pub(crate) fn check(&mut self, record: &Record<'_>) -> Option<OrdinalAnomaly> {
        let expected = match (self.last, &record.body) {
            (Some(last), _) => last.saturating_add(1),
            (None, Body::SessionMeta(meta)) => meta
                .history_base
                .get()
                .and_then(|base| base.end_ordinal_exclusive.get())
                .unwrap_or(0),
            (None, _) => 0,
        };
        match record.ordinal {
            Ordinal::Absent => {
                self.last?;
                self.last = Some(expected);
                let is_first = !std::mem::replace(&mut self.is_missing, true);
                is_first.then_some(OrdinalAnomaly::Missing)
            }
            Ordinal::Unreadable => {
                self.last = self.last.map(|_| expected);
                Some(OrdinalAnomaly::Unreadable)
            }
            Ordinal::Value(found) => {
                self.highest = self.highest.max(Some(found));
                let explained = std::mem::take(&mut self.damaged_since);
                self.is_missing = false;
                let before = self.last.replace(found);
                match found.checked_sub(expected) {
                    _ if before == Some(found) => Some(OrdinalAnomaly::Repeated { ordinal: found }),
                    Some(gap) if gap <= explained => None,
                    Some(_) => Some(OrdinalAnomaly::Gap { expected, found }),
                    None => Some(OrdinalAnomaly::Decreased { expected, found }),
                }
            }
        }
    }
}
