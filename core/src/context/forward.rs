//! The forward pass: replays the records after the base (R95-R109).

use super::bodies::{Bodies, ContextError};
use super::rebuild::rebuild;
use super::reverse::Survivors;
use super::{ContextMode, HistoryItem, HistoryRef};
use crate::records::{ItemFlags, RecordClass, RecordEntry, RecordIndex};

/// The history, and whether a compaction without one of its own was met (R106).
#[derive(Debug, Default)]
pub(super) struct Replay {
    pub(super) history: Vec<HistoryItem>,
    pub(super) saw_legacy: bool,
    held: Vec<Held>,
}

/// A checkpoint that a later rollback may reach: what stood before it.
#[derive(Debug)]
struct Held {
    before: Vec<HistoryItem>,
    /// Items of the history that the checkpoint brought.
    len_replacement: usize,
}

pub(super) fn replay<B: Bodies + ?Sized>(
    records: &RecordIndex,
    bodies: &B,
    survivors: &Survivors,
    mode: ContextMode,
) -> Result<Replay, ContextError<B::Error>> {
    let base = survivors.base.and_then(|place| replacement(records.get(place)?));
    let mut replay = Replay { history: base.unwrap_or_default(), ..Replay::default() };
    let replayed = records.from_place(survivors.replay_from);
    for (place, entry) in (survivors.replay_from..).zip(replayed.iter()) {
        let is_held = mode == ContextMode::Sound && survivors.rolled_back.contains(&place);
        match &entry.class {
            RecordClass::Response(flags) if !flags.is_unsent() => {
                let source = HistoryRef::Record(entry.reference());
                replay.history.push(HistoryItem { source, flags: *flags });
            }
            RecordClass::Communication { .. } => {
                let source = HistoryRef::Communication(entry.reference());
                replay.history.push(HistoryItem { source, flags: ItemFlags::BOUNDARY });
            }
            RecordClass::Rollback { num_turns } => replay.roll_back(*num_turns),
            RecordClass::Compacted(facts) => match replacement(entry) {
                Some(history) => replay.compact(history, is_held),
                None => {
                    replay.history = rebuild(&replay.history, entry.reference(), facts, bodies)?;
                    replay.saw_legacy = true;
                    replay.held.clear();
                }
            },
            _ => {}
        }
    }
    Ok(replay)
}

/// The replacement history of a compaction, verbatim (R95, R104) but for ghosts (FORMAT T6).
fn replacement(compacted: &RecordEntry) -> Option<Vec<HistoryItem>> {
    let RecordClass::Compacted(facts) = &compacted.class else { return None };
    let record = compacted.reference();
    let entries = facts.replacement.as_ref()?.iter().zip(0_u32..);
    let items = entries.filter(|(flags, _)| !flags.is_ghost()).map(|(flags, entry)| HistoryItem {
        source: HistoryRef::Entry { record, entry },
        flags: *flags,
    });
    Some(items.collect())
}

impl Replay {
    fn compact(&mut self, history: Vec<HistoryItem>, is_held: bool) {
        let len_replacement = history.len();
        let before = std::mem::replace(&mut self.history, history);
        if is_held {
            self.held.push(Held { before, len_replacement });
        } else {
            self.held.clear();
        }
    }

    /// Takes back user turns; first undoes the held checkpoints that stand inside them, so that
    /// these do not take along what came before (the one difference to R92).
    fn roll_back(&mut self, num_turns: u32) {
        while let Some(Held { before, len_replacement }) = self.held.pop() {
            let since = self.history.get(len_replacement..).unwrap_or_default();
            if boundaries(since) >= num_turns as usize {
                self.held.push(Held { before, len_replacement });
                break;
            }
            self.history = [before.as_slice(), since].concat();
        }
        trim(&mut self.history, num_turns);
    }
}

fn boundaries(history: &[HistoryItem]) -> usize {
    history.iter().filter(|item| item.flags.is_boundary()).count()
}

/// R108.
fn trim(history: &mut Vec<HistoryItem>, num_turns: u32) {
    let starts: Vec<usize> = history
        .iter()
        .enumerate()
        .filter(|(_, item)| item.flags.is_boundary())
        .map(|(place, _)| place)
        .collect();
    let Some(first) = starts.first().copied().filter(|_| num_turns > 0) else { return };
    let kept = starts.len().saturating_sub(num_turns as usize);
    let mut cut = starts.get(kept).copied().unwrap_or(first);
    let is_contextual =
        |place: usize| history.get(place).is_some_and(|item| item.flags.is_contextual());
    while cut > first && is_contextual(cut - 1) {
        cut -= 1;
    }
    history.truncate(cut);
}
