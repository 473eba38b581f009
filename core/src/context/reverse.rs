//! The reverse pass: which segments survive the rollbacks behind them (R80-R93).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::ContextMode;
use crate::records::{RecordClass, RecordEntry, RecordIndex, TurnSettings, Window};

/// What the pass finds. Records are named by their places in the index.
#[derive(Debug, Default)]
pub(super) struct Survivors {
    /// The compaction whose replacement history the replay starts with.
    pub(super) base: Option<usize>,
    /// The first record to replay.
    pub(super) replay_from: usize,
    /// Compactions with a replacement history whose segments were discarded.
    pub(super) rolled_back: BTreeSet<usize>,
    pub(super) settings: Option<TurnSettings>,
    pub(super) reference: Reference,
    /// World states and compactions, oldest first.
    pub(super) world: Vec<usize>,
    pub(super) window: Option<Window>,
}

/// The state of the reference context item.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Reference {
    #[default]
    NeverSet,
    Cleared,
    Latest(usize),
}

impl Reference {
    pub(super) fn latest(self) -> Option<usize> {
        match self {
            Self::Latest(place) => Some(place),
            Self::NeverSet | Self::Cleared => None,
        }
    }
}

/// One turn, about (R80).
#[derive(Debug, Default)]
struct Segment {
    id: SegmentId,
    counts_as_user: bool,
    settings: Option<TurnSettings>,
    reference: Reference,
    /// Newest first.
    world: Vec<usize>,
    /// The newest compaction with a replacement history.
    base: Option<usize>,
    /// All of them.
    checkpoints: Vec<usize>,
    window: Option<Window>,
}

/// The turn's id that a segment goes by, once a record of it tells one (R83).
#[derive(Debug, Default)]
pub(super) struct SegmentId(Option<Arc<str>>);

impl SegmentId {
    /// Whether a record with this id can be of the segment.
    pub(super) fn admits(&self, id: Option<&Arc<str>>) -> bool {
        match (&self.0, id) {
            (Some(known), Some(id)) => known == id,
            _ => true,
        }
    }

    /// Takes in the id that a record tells; read backwards, so the first one stays.
    pub(super) fn learn(&mut self, id: Option<&Arc<str>>) {
        self.0 = self.0.take().or_else(|| id.cloned());
    }
}

/// The pass so far.
struct Scan {
    mode: ContextMode,
    found: Survivors,
    active: Option<Segment>,
    pending_rollbacks: u64,
}

pub(super) fn scan(records: &RecordIndex, mode: ContextMode) -> Survivors {
    let found = Survivors::default();
    let mut scan = Scan { mode, found, active: None, pending_rollbacks: 0 };
    for (place, entry) in records.iter().enumerate().rev() {
        scan.see(place, entry);
        // R91.
        let Survivors { base, settings, reference, .. } = &scan.found;
        if base.is_some() && settings.is_some() && *reference != Reference::NeverSet {
            break;
        }
    }
    scan.finalize();
    scan.found.world.reverse();
    scan.found
}

impl Scan {
    fn segment(&mut self) -> &mut Segment {
        self.active.get_or_insert_default()
    }

    /// R82.
    fn see(&mut self, place: usize, entry: &RecordEntry) {
        match &entry.class {
            RecordClass::Compacted(facts) => {
                let segment = self.segment();
                segment.world.push(place);
                segment.window = segment.window.or(facts.window);
                if segment.reference == Reference::NeverSet {
                    segment.reference = Reference::Cleared;
                }
                if facts.replacement.is_some() {
                    segment.checkpoints.push(place);
                    let is_newest = segment.base.is_none();
                    segment.base = segment.base.or(Some(place));
                    if is_newest && self.mode == ContextMode::Reference {
                        self.found.replay_from = place + 1;
                    }
                }
            }
            RecordClass::Rollback { num_turns } => {
                self.pending_rollbacks = self.pending_rollbacks.saturating_add((*num_turns).into());
            }
            RecordClass::TurnEnd { turn_id } => self.segment().id.learn(turn_id.as_ref()),
            RecordClass::TurnAbort { turn_id } => {
                if self.active.is_some() || turn_id.is_some() {
                    self.segment().id.learn(turn_id.as_ref());
                }
            }
            RecordClass::UserMessage | RecordClass::Communication { .. } => {
                self.segment().counts_as_user = true;
            }
            RecordClass::TurnContext(facts) => {
                let segment = self.segment();
                segment.id.learn(facts.turn_id.as_ref());
                if segment.id.admits(facts.turn_id.as_ref()) {
                    segment.settings = Some(facts.settings.clone());
                    if segment.reference == Reference::NeverSet {
                        segment.reference = Reference::Latest(place);
                    }
                }
            }
            RecordClass::WorldState => self.segment().world.push(place),
            // The reference does not notice (R69).
            RecordClass::WorldLost => {
                if self.mode == ContextMode::Sound {
                    self.segment().world.push(place);
                }
            }
            RecordClass::TurnStart { turn_id } => {
                if self.active.as_ref().is_some_and(|active| active.id.admits(Some(turn_id))) {
                    self.finalize();
                }
            }
            RecordClass::Response(flags) if entry.kind.is_indexed() => {
                let is_boundary = flags.is_boundary();
                self.segment().counts_as_user |= is_boundary;
            }
            RecordClass::Response(_)
            | RecordClass::SessionMeta { .. }
            | RecordClass::CommunicationMetadata { .. }
            | RecordClass::Plain => {}
        }
    }

    /// R87, R88.
    fn finalize(&mut self) {
        let Some(segment) = self.active.take() else { return };
        let found = &mut self.found;
        if self.pending_rollbacks > 0 {
            self.pending_rollbacks -= u64::from(segment.counts_as_user);
            found.rolled_back.extend(segment.checkpoints);
            return;
        }
        if self.mode == ContextMode::Sound {
            found.replay_from = segment.base.map_or(found.replay_from, |place| place + 1);
        }
        found.world.extend(segment.world);
        found.base = found.base.or(segment.base);
        found.window = found.window.or(segment.window);
        if segment.counts_as_user && found.settings.is_none() {
            found.settings = segment.settings;
        }
        let may_set = segment.counts_as_user || segment.reference == Reference::Cleared;
        if found.reference == Reference::NeverSet && may_set {
            found.reference = segment.reference;
        }
    }
}
