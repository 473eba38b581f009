//! Our fold against a second, deliberately simple reading of the papers, behind every line.

#[allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test of the core: what differs panics, and that is caught"
)]
#[path = "../../../../core/tests/law6/compare.rs"]
mod compare;

use std::collections::{BTreeMap, BTreeSet};

use rollfold_core::context::ContextMode;
use rollfold_core::{
    Change, DiagnosticKind, FoldState, Index, Lines, Options, Position, Retries, Snapshot,
};

use self::compare::{At, Known};
use super::Case;
use crate::naive::lines::{Line, What, lines};

/// A log as both readings see it, up to the first line that only a ladder of repairs reads.
struct Log {
    name: String,
    bytes: Vec<u8>,
    lines: Vec<Line>,
}

/// A difference panics; the caller catches that.
pub(crate) fn check(case: &Case) -> Result<(), String> {
    let bytes = case.bytes();
    let mut lines = lines(&bytes);
    let odd = lines.iter().position(|line| matches!(line.what, What::Odd));
    let overlooked = Lines::new(&bytes, Position::default()).position(super::decode::is_overlooked);
    lines.truncate(odd.into_iter().chain(overlooked).min().unwrap_or(lines.len()));
    let log = Log { name: format!("seed {}", case.seed), bytes, lines };
    let options = Options { retries: Retries::Folded, ..Options::default() };
    let mut state = FoldState::new(options);
    let mut index = Index::default();
    let mut snapshot = Snapshot::default();
    let (mut turn_ids, mut turns, mut turns_before) = (Vec::new(), BTreeSet::new(), Vec::new());
    let mut odd_fields = BTreeMap::new();
    let (mut reference, mut sound) = (Known::default(), Known::default());
    let mut scratch = String::new();
    for (place, line) in
        Lines::new(&log.bytes, Position::default()).take(log.lines.len()).enumerate()
    {
        let step =
            state.fold_line(&mut index, line, &mut scratch).map_err(|error| error.to_string())?;
        turn_ids.push(snapshot.heads().next_back().map(|(_, head)| head.id.to_string()));
        turns_before.push(turns.len());
        snapshot.apply_step(&step).map_err(|error| error.to_string())?;
        turns.extend(step.changes.iter().filter_map(|change| match change {
            Change::TurnPut { turn, .. } => Some(turn.0),
            _ => None,
        }));
        let odd: BTreeSet<String> = step
            .diagnostics
            .iter()
            .filter_map(|it| match &it.kind {
                DiagnosticKind::Field { kind, .. } if !kind.contains('(') => Some(kind.clone()),
                _ => None,
            })
            .collect();
        for kind in odd {
            *odd_fields.entry(kind).or_default() += 1;
        }
        let at = At {
            log: &log,
            lines: log.lines.get(..=place).unwrap_or_default(),
            snapshot: &snapshot,
            state: &state,
            turn_ids: &turn_ids,
            turns_before: &turns_before,
        };
        at.paginated();
        at.world();
        at.windows();
        at.thread();
        at.usage();
        at.inheritance();
        at.forks();
        at.context(ContextMode::Reference, &mut reference);
        at.context(ContextMode::Sound, &mut sound);
        at.health(&odd_fields);
        if place + 1 == log.lines.len() {
            at.truncation();
        }
    }
    Ok(())
}
