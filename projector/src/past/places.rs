//! Where the items with one id stand, as far as that changed: nearly always in one place.

use std::collections::BTreeMap;
use std::ops::Bound;

use rollfold_core::{ItemNo, TurnNo};

use super::Since;

/// A place; the newest is the greatest.
pub(super) type At = (TurnNo, ItemNo);

type Now = Since<Option<bool>>;

/// Places and what is there now.
#[derive(Debug)]
pub(super) enum Places {
    One(At, Now),
    Many(BTreeMap<At, Now>),
}

impl Places {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::One(..) => 1,
            Self::Many(places) => places.len(),
        }
    }

    pub(super) fn has(&self, at: At) -> bool {
        match self {
            Self::One(one, _) => *one == at,
            Self::Many(places) => places.contains_key(&at),
        }
    }

    pub(super) fn insert(&mut self, at: At, now: Now) {
        match self {
            Self::One(one, known) if *one == at => *known = now,
            Self::One(one, known) => {
                let both = [(*one, known.clone()), (at, now)];
                *self = Self::Many(BTreeMap::from(both));
            }
            Self::Many(places) => {
                places.insert(at, now);
            }
        }
    }

    /// Takes out the newest, but never the only one.
    pub(super) fn remove_last(&mut self) {
        if let Self::Many(places) = self {
            places.pop_last();
        }
    }

    /// The newest place before this one, or of all.
    pub(super) fn last_before(&self, end: Option<At>) -> Option<(At, &Now)> {
        match self {
            Self::One(at, now) => end.is_none_or(|end| *at < end).then_some((*at, now)),
            Self::Many(places) => {
                let end = end.map_or(Bound::Unbounded, Bound::Excluded);
                let last = places.range((Bound::Unbounded, end)).next_back();
                last.map(|(at, now)| (*at, now))
            }
        }
    }

    /// The places in a turn, in order.
    pub(super) fn in_turn(&self, turn: TurnNo) -> impl Iterator<Item = (At, &Now)> {
        let (one, many) = match self {
            Self::One(at, now) => (Some((*at, now)).filter(|(at, _)| at.0 == turn), None),
            Self::Many(places) => {
                (None, Some(places.range((turn, ItemNo(0))..=(turn, ItemNo(u32::MAX)))))
            }
        };
        one.into_iter().chain(many.into_iter().flatten().map(|(at, now)| (*at, now)))
    }

    /// Forgets what was not changed since; false if nothing is left.
    pub(super) fn keep_since(&mut self, seq: u64) -> bool {
        match self {
            Self::One(_, now) => now.seq >= seq,
            Self::Many(places) => {
                places.retain(|_, now| now.seq >= seq);
                !places.is_empty()
            }
        }
    }
}
