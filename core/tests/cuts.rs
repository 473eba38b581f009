//! A log may be cut anywhere: into pieces, into runs, off at any byte.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use rollfold_core::model::{ItemsView, ThreadItem, Turn, TurnStatus};
use rollfold_core::testing::{History, Prng, Swarm, join_lines, rollout, rollout_records};
use rollfold_core::{
    At, Change, FoldState, Folder, Frontier, Index, Line, Lines, Options, Past, PastTurn, Place,
    Position, Rules, Step, TurnNo, slice,
};

use crate::support::{fixtures, fold, golden_cases};
use crate::swarms::{Walk, cuts_of, for_seeds, lines_of, log_of, options_of};

// Law 4: chunking is invisible.

fn check_pieces<'a>(
    bytes: &[u8],
    options: Options,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> usize {
    let mut whole = Folder::new(options);
    let expected = whole.push(bytes);
    let mut folder = Folder::new(options);
    let mut steps = Vec::new();
    let mut count = 0;
    for piece in pieces {
        steps.extend(folder.push(piece));
        count += 1;
    }
    assert_eq!(steps, expected);
    assert_eq!(folder.frontier(), whole.frontier());
    assert_eq!(folder.pending(), whole.pending());
    assert_eq!(folder.end(), whole.end());
    assert_eq!(folder.frontier(), whole.frontier());
    count
}

#[test]
fn pieces_of_any_size_fold_alike() {
    for_seeds(120, |seed| {
        let bytes = log_of(seed, 30);
        let mut rng = Prng::new(seed);
        for most in [3, 40, 400, 9_000] {
            let mut rest = &bytes[..];
            let pieces = std::iter::from_fn(|| {
                let len = rng.between(0, most).min(rest.len() as u64) as usize;
                let (piece, after) = rest.split_at(len);
                let is_over = rest.is_empty();
                rest = after;
                (!is_over).then_some(piece)
            });
            check_pieces(&bytes, options_of(seed), pieces);
        }
    });
}

#[test]
fn single_bytes_fold_alike() {
    for_seeds(25, |seed| {
        let bytes = log_of(seed, 12);
        let count = check_pieces(&bytes, options_of(seed), bytes.chunks(1));
        assert_eq!(count, bytes.len());
    });
    for case in golden_cases() {
        let bytes = std::fs::read(case.join("input.jsonl")).unwrap();
        check_pieces(&bytes, Options::default(), bytes.chunks(1));
    }
}

// The frontier is all that the rest of a log depends on.

/// At every cut: what was before, sent through JSON, and the rest give the whole.
fn check_frontiers(bytes: &[u8], options: Options) -> usize {
    let whole = Walk::of(bytes, options);
    let told = whole.told();
    let last = whole.frontier_before(whole.steps.len(), options);
    let cuts = cuts_of(bytes);
    for (seq, cut) in cuts.iter().enumerate() {
        let before = fold(&bytes[..*cut], options);
        let json = serde_json::to_string(before.folder.frontier()).unwrap();
        let frontier: Frontier = serde_json::from_str(&json).unwrap();
        assert_eq!(&frontier, before.folder.frontier());
        let run = slice::from_frontier(&frontier, &bytes[*cut..]);
        let first = told.partition_point(|step| step.seq < seq as u64);
        assert_eq!(run.steps, told[first..], "cut before line {seq}");
        assert_eq!(run.frontier, last, "cut before line {seq}");
    }
    cuts.len()
}

#[test]
fn frontiers_of_golden_fixtures_go_on() {
    for case in golden_cases() {
        let bytes = std::fs::read(case.join("input.jsonl")).unwrap();
        for options in [Options::default(), Options::REFERENCE] {
            check_frontiers(&bytes, options);
        }
    }
}

#[test]
fn frontiers_of_reference_fixtures_go_on() {
    let entries = std::fs::read_dir(fixtures().join("reference")).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    assert!(paths.len() >= 60, "reference inputs are missing");
    let mut cuts = 0;
    for path in paths {
        cuts += check_frontiers(&std::fs::read(&path).unwrap(), Options::default());
    }
    assert!(cuts > 2_700, "{cuts}");
}

#[test]
fn frontiers_of_swarms_go_on() {
    for_seeds(50, |seed| {
        check_frontiers(&log_of(seed, 40), options_of(seed));
    });
}

#[test]
fn every_prefix_folds_to_its_last_complete_line() {
    for case in [
        "damage_torn_tail_between_cr_and_lf",
        "damage_utf8_torn_character_with_lf",
        "dialogue_in_all_vocabularies_at_once",
    ] {
        let path = fixtures().join("golden").join(case).join("input.jsonl");
        let bytes = std::fs::read(path).unwrap();
        let walk = Walk::of(&bytes, Options::default());
        let cuts = cuts_of(&bytes);
        for len in 0..=bytes.len() {
            let lines = cuts.partition_point(|cut| *cut <= len) - 1;
            let mut folded = fold(&bytes[..len], Options::default());
            let frontier = walk.frontier_before(lines, Options::default());
            assert_eq!(folded.folder.frontier(), &frontier, "{case}: {len} bytes");
            assert_eq!(folded.folder.pending(), &bytes[cuts[lines]..len]);
            folded.folder.end();
            assert!(folded.folder.pending().is_empty());
        }
    }
}

// Canonical runs need no frontier.

/// The latest value of every item put, by turn and item id.
fn items_put(steps: &[Step]) -> BTreeMap<(Arc<str>, String), Arc<ThreadItem>> {
    let mut items = BTreeMap::new();
    for change in steps.iter().flat_map(|step| &step.changes) {
        if let Change::ItemPut { turn_id, value, .. } = change {
            items.insert((turn_id.clone(), value.id().to_owned()), value.clone());
        }
    }
    items
}

#[test]
fn canonical_runs_fold_from_nothing() {
    let (len_items, len_heads) = (Cell::new(0), Cell::new(0));
    for_seeds(100, |seed| {
        let swarm = Swarm { history: History::Paginated, ..Swarm::new(seed, 60) };
        let mut lines = rollout(&swarm);
        lines.retain(|line| names_its_turn(line));
        let bytes = join_lines(&lines);
        let options = Options { rules: Rules::Paginated, ..Options::default() };
        let walk = Walk::of(&bytes, options);
        let cuts = cuts_of(&bytes);
        let mut rng = Prng::new(seed);
        for _ in 0..6 {
            let a = rng.index(cuts.len());
            let b = a + rng.index(cuts.len() - a);
            let (snapshot, _) = slice::canonical(&bytes[cuts[a]..cuts[b]]);
            let turns: Vec<Turn> = snapshot.turns(ItemsView::Full).collect();
            let mut found = BTreeMap::new();
            for turn in &turns {
                for item in &turn.items {
                    let key = (turn.id.clone(), item.id().to_owned());
                    assert!(found.insert(key, item.clone()).is_none(), "twice in one turn");
                }
            }
            assert_eq!(found, items_put(&walk.steps[a..b]), "{a}..{b}");
            len_items.set(len_items.get() + found.len());
            // Of turns that begin in the run, the run knows everything.
            let whole = fold(&bytes[..cuts[b]], options).snapshot;
            let older = fold(&bytes[..cuts[a]], options).snapshot;
            for new in whole.turns(ItemsView::Full) {
                if older.turn(&new.id, ItemsView::NotLoaded).is_none() {
                    let in_run = turns.iter().find(|turn| turn.id == new.id);
                    assert_eq!(in_run, Some(&new), "{a}..{b}");
                    len_heads.set(len_heads.get() + 1);
                }
            }
        }
    });
    let is_replay = std::env::var("ROLLFOLD_SEED").is_ok();
    assert!(is_replay || len_items.get() > 1_000, "only {} items", len_items.get());
    assert!(is_replay || len_heads.get() > 200, "only {} new turns", len_heads.get());
}

#[test]
fn turns_of_items_alone_are_in_progress() {
    for_seeds(30, |seed| {
        let swarm = Swarm { history: History::Paginated, ..Swarm::new(seed, 60) };
        let mut records = rollout_records(&swarm);
        records.retain(|record| record.kind == "event_msg/item_completed");
        let (snapshot, _) = slice::canonical(&lines_of(&records));
        assert_eq!(snapshot.len_turns() == 0, records.is_empty());
        for turn in snapshot.turns(ItemsView::Full) {
            assert_eq!(turn.status, TurnStatus::InProgress);
            let times = [turn.started_at, turn.completed_at, turn.duration_ms];
            assert_eq!((times, turn.error), ([None; 3], None));
        }
    });
}

/// What makes a turn's own records canonical; retired shapes of them leave the turn out.
fn names_its_turn(line: &[u8]) -> bool {
    let Ok(record) = serde_json::from_slice::<serde_json::Value>(line) else { return true };
    let payload = &record["payload"];
    let is_of_turn = ["task_started", "task_complete", "turn_started", "turn_complete"]
        .iter()
        .any(|tag| payload["type"] == *tag);
    !is_of_turn || payload["turn_id"].is_string()
}

// A fold over a past that fails.

/// A past that answers `left` more times.
struct Failing {
    index: Index,
    left: Cell<u32>,
}

impl Failing {
    fn ask<T>(&self, answer: Result<T, std::convert::Infallible>) -> Result<T, &'static str> {
        self.left.set(self.left.get().checked_sub(1).ok_or("no more answers")?);
        let Ok(answer) = answer;
        Ok(answer)
    }
}

impl Past for Failing {
    type Error = &'static str;

    fn turn_named(&self, id: &str) -> Result<Option<TurnNo>, Self::Error> {
        self.ask(self.index.turn_named(id))
    }

    fn turn(&self, turn: TurnNo) -> Result<Option<PastTurn>, Self::Error> {
        self.ask(self.index.turn(turn))
    }

    fn turn_before(&self, turn: TurnNo) -> Result<Option<TurnNo>, Self::Error> {
        self.ask(self.index.turn_before(turn))
    }

    fn item_named(&self, turn: TurnNo, id: &str) -> Result<Option<Place>, Self::Error> {
        self.ask(self.index.item_named(turn, id))
    }

    fn item_open(&self, id: &str) -> Result<Option<Place>, Self::Error> {
        self.ask(self.index.item_open(id))
    }

    fn apply(&mut self, at: At, change: &Change) -> Result<(), Self::Error> {
        let done = self.index.apply(at, change);
        self.ask(done)
    }
}

#[test]
fn a_past_that_fails_leaves_the_state_before_the_line() {
    for_seeds(60, |seed| {
        let (bytes, options) = (log_of(seed, 30), options_of(seed));
        let walk = Walk::of(&bytes, options);
        for (seq, line) in Lines::new(&bytes, Position::default()).enumerate() {
            let before = walk.frontier_before(seq, options);
            for left in 0.. {
                let mut state = before.state.clone();
                let mut past = Failing { index: before.past.clone(), left: Cell::new(left) };
                match fold_line(&mut state, &mut past, line) {
                    Err(_) => assert_eq!(state, before.state),
                    Ok(step) => {
                        assert_eq!(step, walk.steps[seq]);
                        assert_eq!(state, walk.frontiers[seq].state);
                        assert_eq!(past.index, walk.frontiers[seq].past);
                        break;
                    }
                }
            }
        }
    });
}

fn fold_line(
    state: &mut FoldState,
    past: &mut Failing,
    line: Line<'_>,
) -> Result<Step, &'static str> {
    state.fold_line(past, line, &mut String::new())
}
