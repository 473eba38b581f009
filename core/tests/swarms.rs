//! Seeded logs and damage, and the seed said aloud when a law breaks on one.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use rollfold_core::testing::{
    DamageKind, History, Prng, Record, Swarm, damage, damage_as, join_lines, rollout_bytes,
    rollout_records,
};
use rollfold_core::{
    Change, FoldState, Frontier, Index, Lines, Options, Position, RecordFilter, Routing, Span, Step,
};

/// Checks a law on `count` seeds. A failure names its seed; `ROLLFOLD_SEED=n` runs only that one.
pub(crate) fn for_seeds(count: u64, law: impl Fn(u64)) {
    let only = std::env::var("ROLLFOLD_SEED").ok().map(|text| Prng::seed_from_text(&text));
    let (first, count) = only.map_or((0, count), |seed| (seed, 1));
    for seed in (0..count).map(|place| first.wrapping_add(place)) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| law(seed))) {
            eprintln!("failed on seed {seed}; run again with ROLLFOLD_SEED={seed}");
            resume_unwind(panic);
        }
    }
}

/// A log of `len` records; on every other seed damaged.
pub(crate) fn log_of(seed: u64, len: usize) -> Vec<u8> {
    let bytes = rollout_bytes(&Swarm::new(seed, len));
    let mut rng = Prng::new(!seed);
    if seed.is_multiple_of(2) { bytes } else { damage(&mut rng, &bytes).0 }
}

/// A log damaged in this way, if it can be.
pub(crate) fn damaged_log(seed: u64, len: usize, kind: DamageKind) -> Vec<u8> {
    damage_as(&mut Prng::new(!seed), &rollout_bytes(&Swarm::new(seed, len)), kind).0
}

/// Options in turn, so that every law meets each choice.
pub(crate) fn options_of(seed: u64) -> Options {
    match seed % 5 {
        0 => Options::REFERENCE,
        1 => Options { routing: Routing::ByCallId, ..Options::default() },
        2 => Options { records: RecordFilter::PersistedOnly, ..Options::default() },
        _ => Options::default(),
    }
}

/// The physical lines, found without the code under test: where each is, and its bytes.
pub(crate) fn physical_lines(bytes: &[u8]) -> Vec<(Span, &[u8])> {
    let mut lines = Vec::new();
    let mut start = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'\n' {
            lines.push((Span::new(start as u64, (at - start) as u64), &bytes[start..at]));
            start = at + 1;
        }
    }
    lines
}

/// Offsets just behind each line end, 0 included: where a log may be cut between lines.
pub(crate) fn cuts_of(bytes: &[u8]) -> Vec<usize> {
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect()
}

/// A log folded line by line, with a step for every line, silent ones too.
#[derive(Default)]
pub(crate) struct Walk {
    pub(crate) steps: Vec<Step>,
    /// The place after each line.
    pub(crate) frontiers: Vec<Frontier>,
}

impl Walk {
    pub(crate) fn of(bytes: &[u8], options: Options) -> Self {
        let (mut state, mut past) = (FoldState::new(options), Index::default());
        let mut walk = Self::default();
        for line in Lines::new(bytes, Position::default()) {
            let done: Result<Step, Infallible> =
                state.fold_line(&mut past, line, &mut String::new());
            let Ok(step) = done;
            walk.steps.push(step);
            walk.frontiers.push(Frontier { state: state.clone(), past: past.clone() });
        }
        walk
    }

    /// The place before line `seq`.
    pub(crate) fn frontier_before(&self, seq: usize, options: Options) -> Frontier {
        match seq.checked_sub(1) {
            Some(before) => self.frontiers[before].clone(),
            None => Frontier { state: FoldState::new(options), past: Index::default() },
        }
    }

    /// The steps that a [`Folder`](rollfold_core::Folder) tells of.
    pub(crate) fn told(&self) -> Vec<Step> {
        self.steps.iter().filter(|step| !step.is_empty()).cloned().collect()
    }

    /// What each line does to turns and items; other parts of the read model tell positions.
    pub(crate) fn turn_steps(&self) -> Vec<Vec<Change>> {
        self.steps.iter().map(turn_changes).collect()
    }
}

/// What a line does to turns and items.
pub(crate) fn turn_changes(step: &Step) -> Vec<Change> {
    step.changes.iter().filter(|change| change.turn().is_some()).cloned().collect()
}

/// Records as the bytes of a file.
pub(crate) fn lines_of(records: &[Record]) -> Vec<u8> {
    join_lines(&records.iter().map(|record| record.line.clone()).collect::<Vec<_>>())
}

/// An event with this payload, as a line.
pub(crate) fn event(payload: &str) -> String {
    format!("{{\"timestamp\":\"x\",\"type\":\"event_msg\",\"payload\":{payload}}}\n")
}

/// A log of the older vocabulary.
pub(crate) fn legacy(seed: u64) -> Vec<Record> {
    rollout_records(&Swarm { history: History::Legacy, ..Swarm::new(seed, 60) })
}
