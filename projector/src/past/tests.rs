//! The past ahead of its rows against the past in memory: every question a fold asks, and all
//! others, whatever of it is in rows.

use std::collections::BTreeSet;

use redb::WriteTransaction;
use rollfold_core::testing::{Prng, Swarm, damage, rollout_bytes};
use rollfold_core::{FoldState, Index, Lines, Options, Position, Routing, Step};

use super::*;
use crate::rows::thread::ThreadWriter;
use crate::store::Store;

const THREAD: u32 = 7;

/// Answers as the past ahead does, after comparing with the answer in memory.
struct Both {
    ahead: AheadPast,
    index: Index,
    turn_ids: BTreeSet<String>,
    item_ids: BTreeSet<String>,
    len_turns: u32,
    changes: usize,
    removals: usize,
}

macro_rules! both {
    ($self:ident.$question:ident($($argument:expr),*)) => {{
        let expected = $self.index.$question($($argument),*).unwrap();
        let answer = $self.ahead.$question($($argument),*)?;
        assert_eq!(answer, expected, stringify!($question($($argument),*)));
        Ok(answer)
    }};
}

impl Past for Both {
    type Error = StoreError;

    fn turn_named(&self, id: &str) -> Result<Option<TurnNo>, StoreError> {
        both!(self.turn_named(id))
    }

    fn turn(&self, turn: TurnNo) -> Result<Option<PastTurn>, StoreError> {
        both!(self.turn(turn))
    }

    fn turn_before(&self, turn: TurnNo) -> Result<Option<TurnNo>, StoreError> {
        both!(self.turn_before(turn))
    }

    fn item_named(&self, turn: TurnNo, id: &str) -> Result<Option<Place>, StoreError> {
        both!(self.item_named(turn, id))
    }

    fn item_open(&self, id: &str) -> Result<Option<Place>, StoreError> {
        both!(self.item_open(id))
    }

    fn apply(&mut self, at: At, change: &Change) -> Result<(), StoreError> {
        self.changes += 1;
        match change {
            Change::TurnPut { turn, head } => {
                self.turn_ids.insert(head.id.to_string());
                self.len_turns = self.len_turns.max(turn.0 + 1);
            }
            Change::ItemPut { value, .. } => {
                self.item_ids.insert(value.id().to_owned());
            }
            Change::TurnRemoved { .. } | Change::ItemRemoved { .. } => self.removals += 1,
            _ => {}
        }
        self.index.apply(at, change).unwrap();
        self.ahead.apply(at, change)
    }
}

impl Both {
    fn new() -> Self {
        Self {
            ahead: AheadPast::default(),
            index: Index::default(),
            turn_ids: BTreeSet::new(),
            item_ids: BTreeSet::new(),
            len_turns: 0,
            changes: 0,
            removals: 0,
        }
    }

    fn ask_everything(&self) {
        for id in &self.turn_ids {
            self.turn_named(id).unwrap();
        }
        for id in &self.item_ids {
            self.item_open(id).unwrap();
        }
        for turn in (0..=self.len_turns).map(TurnNo) {
            self.turn(turn).unwrap();
            self.turn_before(turn).unwrap();
            for id in &self.item_ids {
                self.item_named(turn, id).unwrap();
            }
        }
    }
}

/// A disk in memory is made with its tables once for all logs of a test; rows of the log before go.
fn cleared(store: &Store) -> WriteTransaction {
    let write = store.begin_write().unwrap();
    macro_rules! clear {
        ($($table:ident)*) => {
            $(write.open_table(crate::schema::$table).unwrap().retain(|_, _| false).unwrap();)*
        };
    }
    clear!(TURNS ITEMS ITEM_PARTS TURN_IDS LIVE_TURNS ITEM_PLACES FACTS INHERITANCE WINDOWS WORLD);
    clear!(USAGE LINES DIAGNOSTICS);
    write
}

/// Folds with both, and lets go of what is committed after every so many lines - or of less, as
/// when the writer was behind. Gives the changes and the removals among them.
fn compare(store: &Store, log: &[u8], options: Options, every: usize) -> (usize, usize) {
    cleared(store).commit().unwrap();
    let mut past = Both::new();
    let mut state = FoldState::new(options);
    let (mut scratch, mut waiting) = (String::new(), Vec::<Step>::new());
    for (line, place) in Lines::new(log, Position::default()).zip(1..) {
        waiting.push(state.fold_line(&mut past, line, &mut scratch).unwrap());
        if place % every == 0 {
            // What is committed may be behind the fold, and the rows ahead of what is let go of.
            let (len, told) = (waiting.len() * 3 / 4, waiting.len() / 2);
            let seq = waiting.get(told).map_or(state.position.seq, |step| step.seq);
            write(store, waiting.drain(..len));
            past.ahead.stand_on(RowsPast::open(&store.begin_read().unwrap(), THREAD).unwrap(), seq);
        }
        if place % 50 == 0 {
            past.ask_everything();
        }
    }
    past.ask_everything();
    write(store, waiting.drain(..));
    let rows = || RowsPast::open(&store.begin_read().unwrap(), THREAD).unwrap();
    past.ahead = AheadPast::new(Some(rows()));
    past.ask_everything();
    (past.changes, past.removals)
}

fn write(store: &Store, steps: impl Iterator<Item = Step>) {
    let write = store.begin_write().unwrap();
    let mut writer = ThreadWriter::open(&write).unwrap();
    for (step, place) in steps.zip(0..) {
        // Between lines of another, which must not show.
        if place % 5 == 4 {
            writer.turn_to(THREAD + 1, "other", 0).unwrap();
        }
        writer.turn_to(THREAD, "log", 0).unwrap();
        writer.put(&step).unwrap();
    }
    writer.finish().unwrap();
    writer.assert_no_dead_rows();
    drop(writer);
    write.commit().unwrap();
}

fn compare_in_all_ways(store: &Store, log: &[u8]) -> (usize, usize) {
    compare(store, log, Options { routing: Routing::ByCallId, ..Options::default() }, 7);
    compare(store, log, Options::REFERENCE, 40);
    compare(store, log, Options::default(), usize::MAX)
}

fn event(payload: &str) -> String {
    format!(
        "{{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"type\":\"event_msg\",\"payload\":{payload}}}\n"
    )
}

fn exec(word: &str, call: &str, turn: &str) -> String {
    event(&format!(
        r#"{{"type":"exec_command_{word}","call_id":"{call}","turn_id":"{turn}","command":["ls"],"cwd":"/","parsed_cmd":[]}}"#
    ))
}

fn search(word: &str, call: &str) -> String {
    event(&format!(r#"{{"type":"web_search_{word}","call_id":"{call}","query":"q"}}"#))
}

fn start(turn: &str) -> String {
    event(&format!(r#"{{"type":"task_started","turn_id":"{turn}"}}"#))
}

fn roll_back(count: u32) -> String {
    event(&format!(r#"{{"type":"thread_rolled_back","num_turns":{count}}}"#))
}

#[test]
fn one_call_id_in_many_turns_and_rollbacks() {
    let mut log = String::new();
    for round in 0..4 {
        for turn in 0..6 {
            log += &start(&format!("t{turn}"));
            log += &search("begin", "same");
            log += &exec("begin", "call", &format!("t{turn}"));
            // Into an older turn: there it is the newest that began, though the turn is not.
            log += &exec("begin", "call", "t1");
            log += &exec("begin", "late", &format!("t{}", turn / 2));
            if turn % 2 == 0 {
                log += &exec("end", "call", &format!("t{turn}"));
                log += &search("end", "same");
            }
            // A late begin opens it again.
            log += &exec("begin", "call", &format!("t{turn}"));
        }
        log += &roll_back(round + 1);
        log += &search("end", "same");
        log += &event(r#"{"type":"token_count"}"#);
    }
    log += &roll_back(100);
    log += &search("end", "same");
    let (changes, removals) = compare_in_all_ways(&Store::in_memory().unwrap(), log.as_bytes());
    assert!(changes > 100 && removals > 10, "{changes} {removals}");
}

#[test]
fn items_that_stood_in_are_removed() {
    let said = |id: &str, role: &str, part: &str| {
        format!(
            "{{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"type\":\"response_item\",\"payload\":{{\"type\":\"message\",\"id\":\"{id}\",\"role\":\"{role}\",\"content\":[{{\"type\":\"{part}\",\"text\":\"hi\"}}]}}}}\n"
        )
    };
    let log = [
        start("t1"),
        said("m1", "user", "input_text"),
        said("m2", "assistant", "output_text"),
        said("m3", "assistant", "output_text"),
        event(r#"{"type":"user_message","message":"hi"}"#),
        event(r#"{"type":"agent_message","message":"ho"}"#),
    ];
    let (_, removals) = compare_in_all_ways(&Store::in_memory().unwrap(), log.concat().as_bytes());
    assert_eq!(removals, 3);
}

#[test]
fn goldens() {
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/golden");
    let store = Store::in_memory().unwrap();
    let mut cases = 0;
    for case in std::fs::read_dir(golden).unwrap() {
        let input = case.unwrap().path().join("input.jsonl");
        compare_in_all_ways(&store, &std::fs::read(input).unwrap());
        cases += 1;
    }
    assert!(cases > 200);
}

#[test]
fn generated_logs_whole_and_damaged() {
    let store = Store::in_memory().unwrap();
    let (mut changes, mut removals) = (0, 0);
    for seed in 0..40 {
        let log = rollout_bytes(&Swarm::new(seed, 150));
        let (damaged, _) = damage(&mut Prng::new(seed), &log);
        for log in [&log, &damaged] {
            let done = compare_in_all_ways(&store, log);
            changes += done.0;
            removals += done.1;
        }
    }
    assert!(changes > 1000 && removals > 50, "{changes} {removals}");
}
