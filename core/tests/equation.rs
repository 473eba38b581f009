//! The one equation: what was before and what changed give what is after. In the core's own
//! terms, and in those of a client that sees nothing but change sets.

use std::collections::BTreeSet;
use std::sync::Arc;

use rollfold_core::model::{ItemsView, ThreadItem, Turn};
use rollfold_core::testing::{DamageKind, Prng};
use rollfold_core::{Change, ChangeSet, ChangedTurn, Coalescer, ItemNo, Options, Snapshot, slice};

use crate::support::{apply, fold};
use crate::swarms::{Walk, cuts_of, damaged_log, event, for_seeds, log_of, options_of};

/// Two places between lines, the first not behind the second.
fn two_cuts(rng: &mut Prng, len_cuts: usize) -> (usize, usize) {
    let (one, other) = (rng.index(len_cuts), rng.index(len_cuts));
    (one.min(other), one.max(other))
}

#[test]
fn before_and_changes_give_after() {
    for_seeds(150, |seed| {
        let (bytes, options) = (log_of(seed, 40), options_of(seed));
        let cuts = cuts_of(&bytes);
        let mut rng = Prng::new(seed);
        for _ in 0..4 {
            let (a, b) = two_cuts(&mut rng, cuts.len());
            let before = fold(&bytes[..cuts[a]], options);
            let after = fold(&bytes[..cuts[b]], options);
            let run = slice::from_frontier(before.folder.frontier(), &bytes[cuts[a]..cuts[b]]);
            let mut snapshot = before.snapshot.clone();
            apply(&mut snapshot, &run.steps);
            assert_eq!(snapshot, after.snapshot, "{a}..{b}");
            assert_eq!(&run.frontier, after.folder.frontier(), "{a}..{b}");
        }
    });
}

/// A client as naive as clients are: a list of turns, found by id, changed by change sets only.
#[derive(Default)]
struct Client {
    turns: Vec<Turn>,
}

impl Client {
    fn of(snapshot: &Snapshot) -> Self {
        Self { turns: snapshot.turns(ItemsView::Full).collect() }
    }

    fn turn(&mut self, id: &str) -> Option<&mut Turn> {
        self.turns.iter_mut().find(|turn| &*turn.id == id)
    }

    /// R39: removals first.
    fn take_in(&mut self, set: &ChangeSet) {
        self.turns.retain(|turn| !set.removed_turn_ids.contains(&turn.id));
        for removed in &set.removed_items {
            if let Some(turn) = self.turn(&removed.turn_id) {
                turn.items.retain(|item| item.id() != &*removed.item_id);
            }
        }
        for changed in &set.changed_turns {
            self.put_turn(changed);
        }
        for changed in &set.changed_items {
            let turn = self.turn(&changed.turn_id).expect("items come with their turn");
            match turn.items.iter_mut().find(|item| item.id() == changed.item.id()) {
                Some(item) => *item = changed.item.clone(),
                None => turn.items.push(changed.item.clone()),
            }
        }
    }

    fn put_turn(&mut self, changed: &ChangedTurn) {
        let items = match self.turn(&changed.turn_id) {
            Some(turn) => std::mem::take(&mut turn.items),
            None => Vec::new(),
        };
        let turn = Turn {
            id: changed.turn_id.clone(),
            items,
            items_view: ItemsView::Full,
            status: changed.status.clone(),
            error: changed.error.clone(),
            started_at: changed.started_at,
            completed_at: changed.completed_at,
            duration_ms: changed.duration_ms,
        };
        match self.turns.iter_mut().find(|known| known.id == turn.id) {
            Some(known) => *known = turn,
            None => self.turns.push(turn),
        }
    }
}

/// Whether ids tell all turns, and all items of a turn, apart.
fn is_told_apart(turns: &[Turn]) -> bool {
    let mut turn_ids = BTreeSet::new();
    turns.iter().all(|turn| {
        let mut item_ids = BTreeSet::new();
        turn_ids.insert(&*turn.id) && turn.items.iter().all(|item| item_ids.insert(item.id()))
    })
}

/// Follows a log with a client that gets one change set for each of the runs between `marks`.
/// Ids that repeat end it: no client could follow. Gives how many runs it followed.
fn follow(bytes: &[u8], options: Options, marks: &[usize]) -> usize {
    let walk = Walk::of(bytes, options);
    let mut snapshot = Snapshot::default();
    let mut client = Client::default();
    let mut batch = Coalescer::default();
    let mut followed = 0;
    for (place, step) in walk.steps.iter().enumerate() {
        apply(&mut snapshot, std::slice::from_ref(step));
        batch.push(&step.changes);
        let turns = Client::of(&snapshot).turns;
        if !is_told_apart(&turns) {
            break;
        }
        if marks.contains(&place) {
            client.take_in(&std::mem::take(&mut batch).finish());
            assert_eq!(client.turns, turns, "after line {place}");
            followed += 1;
        }
    }
    followed
}

#[test]
fn a_client_of_change_sets_sees_what_the_snapshot_holds() {
    let followed = std::cell::Cell::new(0);
    for_seeds(240, |seed| {
        let mut rng = Prng::new(seed);
        let often = rng.pick(&[5, 20, 100]);
        let marks: Vec<usize> = (0..60).filter(|_| rng.chance(often)).collect();
        followed.set(followed.get() + follow(&log_of(seed, 60), options_of(seed), &marks));
    });
    let is_replay = std::env::var("ROLLFOLD_SEED").is_ok();
    assert!(is_replay || followed.get() > 2_000, "only {} runs", followed.get());
}

#[test]
fn a_client_follows_lines_of_several_records() {
    for kind in [DamageKind::JoinedLines, DamageKind::TornIntoNext, DamageKind::TornIntoRetry] {
        for_seeds(60, |seed| {
            let marks: Vec<usize> = (0..60).collect();
            follow(&damaged_log(seed, 40, kind), options_of(seed), &marks);
        });
    }
    // A turn that comes and goes on one line.
    let records = [
        r#"{"timestamp":"x","type":"event_msg","payload":{"type":"task_started","turn_id":"a"}}"#,
        r#"{"timestamp":"x","type":"event_msg","payload":{"type":"thread_rolled_back","num_turns":1}}"#,
    ];
    assert_eq!(follow((records.concat() + "\n").as_bytes(), Options::default(), &[0]), 1);
}

/// Items are taken back in a set of their own, and in one that puts other items before.
#[test]
fn a_client_follows_items_that_are_taken_back() {
    let message = |id: &str, role: &str| {
        format!(
            "{{\"timestamp\":\"x\",\"type\":\"response_item\",\"payload\":{{\"type\":\"message\",\"id\":\"{id}\",\"role\":\"{role}\",\"content\":[{{\"type\":\"input_text\",\"text\":\"{id}\"}}]}}}}\n"
        )
    };
    let mut log = event(r#"{"type":"task_started","turn_id":"a"}"#);
    log += &message("asked", "user");
    log += &message("answered", "assistant");
    for call in 0..12 {
        log += &event(&format!("{{\"type\":\"web_search_begin\",\"call_id\":\"{call}\"}}"));
    }
    log += &event(r#"{"type":"user_message","message":"asked"}"#);
    let last = log.lines().count() - 1;
    for middle in 0..last {
        assert_eq!(follow(log.as_bytes(), Options::default(), &[middle, last]), 2);
    }
    let folded = fold(log.as_bytes(), Options::default());
    assert_eq!(folded.snapshot.len_items(), 13, "both messages are taken back");
}

#[test]
fn a_batch_is_its_records_in_one() {
    for_seeds(100, |seed| {
        let (bytes, options) = (log_of(seed, 60), options_of(seed));
        let walk = Walk::of(&bytes, options);
        let mut rng = Prng::new(seed);
        let (a, b) = two_cuts(&mut rng, walk.steps.len() + 1);
        let mut whole = Coalescer::default();
        for step in &walk.steps[a..b] {
            whole.push(&step.changes);
        }
        let whole = whole.finish();
        // Each id once, with its latest value; nothing but what some record put.
        let mut seen = BTreeSet::new();
        for item in &whole.changed_items {
            assert!(seen.insert((item.turn_id.clone(), item.item.id().to_owned())));
            let latest = latest_put(&walk, a..b, &item.turn_id, item.item.id());
            assert_eq!(latest.as_ref(), Some(&item.item));
        }
        let unique: BTreeSet<_> = whole.removed_turn_ids.iter().collect();
        assert_eq!(unique.len(), whole.removed_turn_ids.len());
        let unique: BTreeSet<_> = whole.changed_turns.iter().map(|turn| &turn.turn_id).collect();
        assert_eq!(unique.len(), whole.changed_turns.len());
    });
}

fn latest_put(
    walk: &Walk,
    run: std::ops::Range<usize>,
    turn: &str,
    id: &str,
) -> Option<Arc<ThreadItem>> {
    let changes = walk.steps[run].iter().rev().flat_map(|step| step.changes.iter().rev());
    changes.into_iter().find_map(|change| match change {
        Change::ItemPut { turn_id, value, .. } if &**turn_id == turn && value.id() == id => {
            Some(value.clone())
        }
        _ => None,
    })
}

#[test]
fn changes_for_another_snapshot_are_refused_and_leave_it_alone() {
    for_seeds(60, |seed| {
        let (bytes, options) = (log_of(seed, 40), options_of(seed));
        let walk = Walk::of(&bytes, options);
        let mut snapshot = Snapshot::default();
        for step in &walk.steps {
            for change in &step.changes {
                let before = snapshot.clone();
                snapshot.apply(change).unwrap();
                let after = snapshot.clone();
                let is_removal =
                    matches!(change, Change::TurnRemoved { .. } | Change::ItemRemoved { .. });
                if is_removal {
                    assert!(snapshot.apply(change).is_err(), "gone twice: {change:?}");
                    assert_eq!(snapshot, after);
                    assert_ne!(before, after);
                }
                if change.turn().is_some() && !matches!(change, Change::TurnPut { .. }) {
                    let mut empty = Snapshot::default();
                    assert!(empty.apply(change).is_err());
                    assert_eq!(empty, Snapshot::default());
                }
                if let Change::ItemPut { turn, item: ItemNo(1..), .. } = change {
                    let mut bare = Snapshot::default();
                    let (_, head) = snapshot.heads().find(|(no, _)| no == turn).unwrap();
                    bare.apply(&Change::TurnPut { turn: *turn, head: head.clone() }).unwrap();
                    let before = bare.clone();
                    assert!(bare.apply(change).is_err(), "items before it are missing");
                    assert_eq!(bare, before);
                }
            }
        }
    });
}
