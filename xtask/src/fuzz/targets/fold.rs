//! Folding: logs, whole and damaged, folded in ways that must all agree.

use rollfold_core::context::{self, ContextMode};
use rollfold_core::model::ItemsView;
use rollfold_core::testing::Prng;
use rollfold_core::{Folder, Frontier, Options, Snapshot, Step, slice};

use super::{Case, expect};

pub(crate) fn check(case: &Case) -> Result<(), String> {
    check_log(case.seed, &case.bytes())
}

/// Folds the log in every way that must not matter.
fn check_log(seed: u64, log: &[u8]) -> Result<(), String> {
    let mut rng = Prng::new(seed).fork(1);
    let mut folder = Folder::new(Options::default());
    let whole = folder.push(log);
    let snapshot = apply(Snapshot::default(), &whole)?;

    let lines = log.iter().filter(|byte| **byte == b'\n').count() as u64;
    let position = folder.frontier().state.position;
    let complete = (log.len() - folder.pending().len()) as u64;
    expect("positions are physical", (position.seq, position.offset_bytes) == (lines, complete))?;
    for diagnostic in whole.iter().flat_map(|step| &step.diagnostics) {
        expect("diagnostics lie in the log", diagnostic.span.end_bytes() <= complete)?;
    }

    let mut pieces = Folder::new(Options::default());
    let mut steps = Vec::new();
    let mut rest = log;
    while !rest.is_empty() {
        let len = 1 + rng.index(rest.len().min(4096));
        let (piece, after) = rest.split_at_checked(len).unwrap_or((rest, &[]));
        steps.extend(pieces.push(piece));
        rest = after;
    }
    expect("chunking is invisible", steps == whole && pieces.frontier() == folder.frontier())?;
    expect("the tail is the same", pieces.pending() == folder.pending())?;

    let cut = rng.index(log.len() + 1);
    let (head, tail) = log.split_at_checked(cut).unwrap_or((log, &[]));
    let mut first = Folder::new(Options::default());
    let mut steps = first.push(head);
    let middle = apply(Snapshot::default(), &steps)?;
    let kept = serde_json::to_vec(first.frontier()).map_err(|error| error.to_string())?;
    let frontier: Frontier = serde_json::from_slice(&kept).map_err(|error| error.to_string())?;
    expect("a frontier survives storage", frontier == *first.frontier())?;
    let run = slice::from_frontier(&frontier, &[first.pending(), tail].concat());
    expect("a frontier is all that is needed", run.frontier == *folder.frontier())?;
    let end = apply(middle, &run.steps)?;
    same("snapshot[a] + changes(a..b) = snapshot[b]", &end, &snapshot)?;
    steps.extend(run.steps);
    expect("both halves are the whole", steps == whole)?;
    as_of(&mut rng, log, &whole, &snapshot)?;
    line_by_line(log, &folder, &snapshot)
}

/// At some line, the state is that of a log which ends there, and its part of the record index is
/// the index of that log.
fn as_of(rng: &mut Prng, log: &[u8], whole: &[Step], snapshot: &Snapshot) -> Result<(), String> {
    let ends: Vec<usize> =
        log.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    let lines = rng.index(ends.len() + 1);
    let end = lines.checked_sub(1).and_then(|last| ends.get(last)).copied().unwrap_or(0);
    let mut folder = Folder::new(Options::default());
    let prefix = apply(Snapshot::default(), &folder.push(log.get(..end).unwrap_or(log)))?;
    let before = whole.iter().filter(|step| step.seq < lines as u64);
    let before: Vec<Step> = before.cloned().collect();
    same("the state as of a line", &apply(Snapshot::default(), &before)?, &prefix)?;
    let index = snapshot.records().before(lines as u64);
    expect("the index as of a line", index == *prefix.records())?;
    for mode in [ContextMode::Sound, ContextMode::Reference] {
        let context = |records, log| context::reconstruct(records, log, mode, None);
        let (one, other) = (context(&index, log), context(prefix.records(), log));
        expect("the context as of a line", one.is_ok() && one == other)?;
    }
    Ok(())
}

/// A fold that is stored and taken up again behind every line, a change and a record at a time.
fn line_by_line(log: &[u8], folder: &Folder, snapshot: &Snapshot) -> Result<(), String> {
    let mut frontier = Frontier::default();
    let mut by_parts = Snapshot::default();
    for line in log.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
        let mut next = Folder::resume(frontier);
        for step in next.push(line) {
            for record in &step.records {
                by_parts.apply_record(record).map_err(|error| error.to_string())?;
            }
            for change in &step.changes {
                by_parts.apply(change).map_err(|error| error.to_string())?;
            }
        }
        let kept = serde_json::to_vec(next.frontier()).map_err(|error| error.to_string())?;
        frontier = serde_json::from_slice(&kept).map_err(|error| error.to_string())?;
    }
    expect("a frontier behind every line", frontier == *folder.frontier())?;
    same("records and changes one by one", &by_parts, snapshot)?;
    let facts = frontier.state.facts();
    expect("the world is what was told", facts.world().world() == snapshot.world())?;
    expect("so are the windows", facts.windows().current() == snapshot.windows().current())?;
    let inheritance = facts.forks().inheritance();
    expect("so is what is inherited", inheritance == snapshot.inheritance())?;
    let mode = frontier.state.history().mode();
    let refused = mode.and_then(|mode| frontier.state.options.folded_as(mode).err());
    expect("so is whether turns are folded", refused == snapshot.readable().err())
}

/// Compares snapshots by their parts, to name the first that differs.
fn same(law: &str, one: &Snapshot, other: &Snapshot) -> Result<(), String> {
    let turns = |snapshot: &Snapshot| snapshot.turns(ItemsView::Full).collect::<Vec<_>>();
    let parts = [
        ("record index", one.records() == other.records()),
        ("turns", turns(one) == turns(other)),
        ("thread", one.thread() == other.thread()),
        ("inheritance", one.inheritance() == other.inheritance()),
        ("world", one.world() == other.world()),
        ("windows", one.windows() == other.windows()),
        ("ledger", one.ledger() == other.ledger()),
        ("places of turns and items", one == other),
    ];
    match parts.iter().find(|(_, is_same)| !is_same) {
        None => Ok(()),
        Some((part, _)) => Err(format!("broken: {law}: {part}")),
    }
}

fn apply(mut snapshot: Snapshot, steps: &[Step]) -> Result<Snapshot, String> {
    for step in steps {
        snapshot.apply_step(step).map_err(|error| error.to_string())?;
    }
    Ok(snapshot)
}
