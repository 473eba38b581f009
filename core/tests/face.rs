//! The public face: what may cross threads, and what a clone costs.

use std::sync::Arc;

use rollfold_core::model::{ItemsView, ThreadItem, Turn, TurnHead};
use rollfold_core::testing::{Swarm, rollout_bytes};
use rollfold_core::{
    ApplyError, At, Body, Change, ChangeSet, Coalescer, Counts, Decoded, Diagnostic, Entry, Field,
    FoldState, Folder, Frontier, HistoryState, Index, ItemNo, Json, Kind, Line, Lines, Options,
    Past, PastTurn, Place, Position, Raw, Record, Records, Snapshot, Span, Step, TurnNo,
    UsageOwner, slice, view,
};

use crate::support::{apply, fold};
use crate::swarms::{for_seeds, options_of};

/// What embedders keep in their own structs and send to their own threads.
const fn kept<T: Send + Sync + 'static>() {}

/// What borrows from a line may go to another thread as long as the line lives.
const fn borrowed<T: Send + Sync>() {}

const _: () = {
    kept::<Snapshot>();
    kept::<Folder>();
    kept::<FoldState>();
    kept::<Frontier>();
    kept::<Index>();
    kept::<HistoryState>();
    kept::<UsageOwner>();
    kept::<PastTurn>();
    kept::<Place>();
    kept::<Options>();
    kept::<Counts>();
    kept::<Step>();
    kept::<slice::Run>();
    kept::<Change>();
    kept::<ChangeSet>();
    kept::<Coalescer>();
    kept::<Diagnostic>();
    kept::<Turn>();
    kept::<TurnHead>();
    kept::<ThreadItem>();
    kept::<Json>();
    kept::<Kind>();
    kept::<(TurnNo, ItemNo, Position, Span, At)>();
    kept::<ApplyError>();
    kept::<view::CursorError>();
    kept::<view::TurnPage>();
};

const _: () = {
    borrowed::<Line<'static>>();
    borrowed::<Lines<'static>>();
    borrowed::<Decoded<'static>>();
    borrowed::<Records<'static>>();
    borrowed::<Record<'static>>();
    borrowed::<Body<'static>>();
    borrowed::<Raw<'static>>();
    borrowed::<Field<'static, Raw<'static>>>();
    borrowed::<Entry<'static, Raw<'static>>>();
};

/// `Past` stays usable behind a pointer.
const _: fn(&dyn Past<Error = std::convert::Infallible>) = |_| {};

#[test]
fn a_clone_and_its_original_go_separate_ways() {
    for_seeds(60, |seed| {
        let bytes = rollout_bytes(&Swarm::new(seed, 50));
        let steps = fold(&bytes, options_of(seed)).steps;
        let mut snapshot = Snapshot::default();
        let mut clones = Vec::new();
        for step in &steps {
            let shown = format!("{:?}", snapshot.turns(ItemsView::Full).collect::<Vec<_>>());
            clones.push((snapshot.clone(), shown));
            apply(&mut snapshot, std::slice::from_ref(step));
        }
        for (clone, shown) in clones {
            assert_eq!(format!("{:?}", clone.turns(ItemsView::Full).collect::<Vec<_>>()), shown);
        }
    });
}

const TURNS: usize = 3_000;

/// A long thread, and no step that would hold its items too.
fn long_thread() -> Snapshot {
    let mut snapshot = Snapshot::default();
    let mut folder = Folder::default();
    for turn in 0..TURNS {
        let log = format!(
            "{{\"timestamp\":\"x\",\"type\":\"event_msg\",\"payload\":{{\"type\":\"task_started\",\"turn_id\":\"t{turn}\"}}}}\n\
             {{\"timestamp\":\"x\",\"type\":\"event_msg\",\"payload\":{{\"type\":\"user_message\",\"message\":\"hi\"}}}}\n"
        );
        apply(&mut snapshot, &folder.push(log.as_bytes()));
    }
    snapshot
}

/// Items that more than one place holds: those that a clone had to copy its way to.
fn copied(snapshot: &Snapshot) -> usize {
    let turns = snapshot.heads().map(|(turn, _)| turn);
    let items = turns.flat_map(|turn| snapshot.items(turn));
    items.filter(|(_, item)| Arc::strong_count(item) > 1).count()
}

#[test]
fn clones_share_and_changes_copy_only_their_way() {
    let snapshot = long_thread();
    assert_eq!((snapshot.len_turns(), snapshot.len_items()), (TURNS, TURNS));
    assert_eq!(copied(&snapshot), 0);
    let mut clone = snapshot.clone();
    assert_eq!(copied(&snapshot), 0, "a clone shares everything");
    let (turn, head) = snapshot.heads().nth(TURNS / 2).unwrap();
    let change = Change::TurnPut { turn, head: TurnHead { started_at: Some(1), ..head.clone() } };
    clone.apply(&change).unwrap();
    assert_ne!(clone, snapshot);
    assert!(copied(&snapshot) < 200, "{} of {TURNS} items copied", copied(&snapshot));
}
