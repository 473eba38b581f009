//! Law 6: at every n, every part of the read model is what a naive reading of the first n lines
//! says. Retries are folded like other lines here: what becomes of them is shown by their own tests.

mod compare;
mod words;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use rollfold_core::context::ContextMode;
use rollfold_core::model::HistoryMode;
use rollfold_core::testing::{Swarm, rollout_bytes};
use rollfold_core::{
    Change, Depth, DiagnosticKind, Lines, Options, Policy, PolicyBytes, Position, RecordIndex,
    Retries, Snapshot, Step, decode,
};

use self::compare::{At, Known};
use crate::dialogue::letters;
use crate::naive;
use crate::naive::lines::{Line, What, lines};
use crate::support::{apply, fixtures, golden_cases};
use crate::swarms::{Walk, for_seeds, log_of};

/// Fixtures with a line that holds two records, or one inside a broken one, or deeper nesting or
/// larger numbers than plain values have: this reading compares what stands before it.
const CUT_FIXTURES: [&str; 12] = [
    "golden/damage_deep_nesting/input.jsonl",
    "golden/damage_half_character_before_record/input.jsonl",
    "golden/damage_torn_record_with_record_inside/input.jsonl",
    "golden/damage_torn_then_retried_without_lf/input.jsonl",
    "golden/damage_two_objects_on_one_line/input.jsonl",
    "golden/thread_facts_nested_deep/input.jsonl",
    "golden/world_number_beyond_doubles/input.jsonl",
    "golden/world_state_of_more_than_100_levels/input.jsonl",
    "reference/damaged-00080.jsonl",
    "reference/damaged-00170.jsonl",
    "reference/damaged-00190.jsonl",
    "reference/damaged-00220.jsonl",
];

fn options() -> Options {
    Options { retries: Retries::Folded, ..Options::default() }
}

/// A log as both readings see it, up to the first line that only a ladder of repairs reads.
struct Log {
    name: String,
    bytes: Vec<u8>,
    lines: Vec<Line>,
    is_whole: bool,
}

impl Log {
    fn new(name: String, bytes: Vec<u8>) -> Self {
        let mut lines = lines(&bytes);
        let odd = lines.iter().position(|line| matches!(line.what, What::Odd));
        lines.truncate(odd.unwrap_or(lines.len()));
        Self { name, bytes, lines, is_whole: odd.is_none() }
    }
}

/// Policy and bytes are folds of their own, over a whole log.
fn check_policy(log: &Log) {
    use naive::policy::Policy as Read;
    let later = |mode| Policy::Later(mode);
    for (policy, read) in [
        (Policy::Seed, Read::Seed),
        (later(HistoryMode::Legacy), Read::LaterLegacy),
        (later(HistoryMode::Paginated), Read::LaterPaginated),
    ] {
        let mut bytes = PolicyBytes::default();
        let position = Position::default();
        for line in Lines::new(&log.bytes, position).take(log.lines.len()) {
            let mut scratch = String::new();
            let decoded = decode(line, &mut scratch, Depth::Needed);
            for record in decoded.records.as_slice() {
                bytes.apply(record, &policy);
            }
        }
        let labels = bytes.labels().map(|(label, it)| {
            (label.to_owned(), [it.records, it.bytes, it.kept_records, it.kept_bytes])
        });
        let expected = naive::policy::bytes_by_label(&log.lines, read);
        assert_eq!(labels.collect::<BTreeMap<_, _>>(), expected, "{}: {policy:?}", log.name);
        let total = bytes.total();
        let want =
            expected.values().fold([0; 4], |sum, one| std::array::from_fn(|it| sum[it] + one[it]));
        assert_eq!([total.records, total.bytes, total.kept_records, total.kept_bytes], want);
    }
}

fn count_odd_fields(step: &Step, records: &RecordIndex, counts: &mut BTreeMap<String, u64>) {
    let odd = step.diagnostics.iter().filter_map(|it| match &it.kind {
        DiagnosticKind::Field { kind, .. } => Some(kind.clone()),
        _ => None,
    });
    let kinds: BTreeSet<String> = odd.collect();
    // One record at most stands on a line that is read here.
    assert!(kinds.len() <= 1 && records.iter().filter(|it| it.seq == step.seq).count() <= 1);
    for kind in kinds.into_iter().filter(|kind| !kind.contains('(')) {
        *counts.entry(kind).or_default() += 1;
    }
}

/// How often what was compared was worth comparing.
#[derive(Debug, Default)]
struct Seen {
    lines: usize,
    /// Logs with a line that this reading leaves to the ladder of repairs.
    cut_logs: usize,
    known_worlds: usize,
    later_windows: usize,
    titles: usize,
    own_usage: usize,
    inherited_usage: usize,
    copies: usize,
    ended_copies: usize,
    fork_turns: usize,
    sound_differs: usize,
    references: usize,
    paginated_turns: usize,
}

impl Seen {
    /// Each count is at least so much, in the order of the fields.
    fn assert_worth(&self, least: &[usize; 11]) {
        let counts = [
            self.known_worlds,
            self.later_windows,
            self.titles,
            self.own_usage,
            self.inherited_usage,
            self.copies,
            self.ended_copies,
            self.fork_turns,
            self.sound_differs,
            self.references,
            self.paginated_turns,
        ];
        let is_enough = counts.iter().zip(least).all(|(count, least)| count >= least);
        assert!(is_enough, "{self:?}");
    }

    fn look(&mut self, at: &At<'_>, differs: bool, has_reference: bool) {
        let snapshot = at.snapshot;
        self.lines += 1;
        self.known_worlds += usize::from(snapshot.world().value().is_some());
        self.later_windows += usize::from(snapshot.windows().iter().count() > 1);
        self.titles += usize::from(snapshot.thread().title.is_some());
        self.own_usage += usize::from(snapshot.ledger().own().total > 0);
        self.inherited_usage += usize::from(snapshot.ledger().inherited().total > 0);
        let prefix = &snapshot.inheritance().prefix;
        self.copies += usize::from(prefix.is_some());
        self.ended_copies += usize::from(prefix.as_ref().is_some_and(|it| it.end.is_some()));
        let starts = rollfold_core::forks::fork_turn_positions(snapshot.records());
        self.fork_turns += usize::from(!starts.is_empty());
        self.sound_differs += usize::from(differs);
        self.references += usize::from(has_reference);
        let is_paginated = snapshot.thread().history_mode() == Some(&HistoryMode::Paginated);
        self.paginated_turns += usize::from(is_paginated && snapshot.len_items() > 0);
    }
}

/// Compares at every n.
fn check(log: &Log, seen: &mut Seen) {
    let walk = Walk::of(&log.bytes, options());
    let mut snapshot = Snapshot::default();
    let (mut turn_ids, mut turns, mut turns_before) = (Vec::new(), BTreeSet::new(), Vec::new());
    let mut odd_fields = BTreeMap::new();
    let (mut reference, mut sound) = (Known::default(), Known::default());
    for (place, step) in walk.steps.iter().enumerate().take(log.lines.len()) {
        turn_ids.push(snapshot.heads().next_back().map(|(_, head)| head.id.to_string()));
        turns_before.push(turns.len());
        apply(&mut snapshot, std::slice::from_ref(step));
        turns.extend(step.changes.iter().filter_map(|change| match change {
            Change::TurnPut { turn, .. } => Some(turn.0),
            _ => None,
        }));
        count_odd_fields(step, snapshot.records(), &mut odd_fields);
        let at = At {
            log,
            lines: &log.lines[..=place],
            snapshot: &snapshot,
            state: &walk.frontiers[place].state,
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
        let has_reference = at.context(ContextMode::Reference, &mut reference);
        at.context(ContextMode::Sound, &mut sound);
        at.health(&odd_fields);
        if place + 1 == log.lines.len() {
            at.truncation();
        }
        seen.look(&at, reference != sound, has_reference);
    }
    check_policy(log);
    seen.cut_logs += usize::from(!log.is_whole);
}

/// Checks one log for each of 50 seeds; nothing to look at if only one seed is asked for.
fn check_seeds(bytes: impl Fn(u64) -> Vec<u8>) -> Option<Seen> {
    let seen = RefCell::new(Seen::default());
    for_seeds(50, |seed| {
        let log = Log::new(format!("seed {seed}"), bytes(seed));
        check(&log, &mut seen.borrow_mut());
    });
    std::env::var("ROLLFOLD_SEED").is_err().then(|| seen.into_inner())
}

#[test]
fn generated_logs() {
    let Some(seen) = check_seeds(|seed| rollout_bytes(&Swarm::new(seed, 60))) else { return };
    assert_eq!((seen.lines, seen.cut_logs), (3_005, 0), "{seen:?}");
    seen.assert_worth(&[400, 250, 800, 500, 25, 350, 330, 600, 7, 600, 380]);
}

#[test]
fn damaged_logs() {
    let Some(seen) = check_seeds(|seed| log_of(seed * 2 + 1, 40)) else { return };
    assert_eq!(seen.cut_logs, 13, "{seen:?}");
    seen.assert_worth(&[140, 90, 400, 340, 17, 140, 120, 220, 5, 270, 150]);
}

#[test]
fn fixture_logs() {
    let entries = std::fs::read_dir(fixtures().join("reference")).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.extend(golden_cases().into_iter().map(|case| case.join("input.jsonl")));
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    paths.sort();
    let (mut seen, mut cut) = (Seen::default(), Vec::new());
    for path in paths {
        let name = path.strip_prefix(fixtures()).unwrap().display().to_string();
        let log = Log::new(name, std::fs::read(&path).unwrap());
        check(&log, &mut seen);
        cut.extend((!log.is_whole).then_some(log.name));
    }
    assert_eq!(cut, CUT_FIXTURES);
    seen.assert_worth(&[140, 300, 1_300, 80, 25, 150, 100, 1_100, 25, 700, 100]);
}

/// Every talk of three records out of those in which ids and turns meet in every way.
#[test]
fn short_talks() {
    let letters = letters();
    let mut seen = Seen::default();
    for first in &letters {
        for second in &letters {
            for third in &letters {
                let talk = [&**first, second, third].concat();
                check(&Log::new(talk.clone(), talk.into_bytes()), &mut seen);
            }
        }
    }
    assert_eq!((seen.lines, seen.cut_logs), (3 * 12 * 12 * 12, 0));
}
