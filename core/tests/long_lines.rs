//! Lines that are longer than lines may be: damage with a place and a reason, whatever held them.

use rollfold_core::testing::{Swarm, rollout_bytes};
use rollfold_core::{
    Damage, DiagnosticKind, FoldState, Folder, Index, LineLimit, Lines, LongLine, Options,
    Position, Snapshot,
};

use crate::support::{apply, fold, line};
use crate::swarms::{Walk, for_seeds};

fn limited(len_bytes: u64) -> Options {
    Options { line_limit: LineLimit { len_bytes }, ..Options::default() }
}

/// As a reader folds that holds no more of a long line than its head.
#[test]
fn torture_12_heads_and_digests_fold_as_whole_lines() {
    for_seeds(30, |seed| {
        let bytes = rollout_bytes(&Swarm::new(seed, 40));
        let options = limited(400);
        let walk = Walk::of(&bytes, options);
        let (mut state, mut past) = (FoldState::new(options), Index::default());
        for (line, step) in Lines::new(&bytes, Position::default()).zip(&walk.steps) {
            let done = match line.span.len_bytes > 400 {
                true => state.fold_long_line(&mut past, LongLine::of(line)),
                false => state.fold_line(&mut past, line, &mut String::new()),
            };
            let Ok(done) = done;
            assert_eq!(&done, step);
            let is_too_long = step.diagnostics.iter().any(|it| {
                it.span == line.span && it.kind == DiagnosticKind::Damaged(Damage::TooLong)
            });
            assert_eq!(is_too_long, line.span.len_bytes > 400);
        }
        assert_eq!(state, walk.frontiers.last().unwrap().state);
        let mut pieces = Folder::new(options);
        let steps: Vec<_> = bytes.chunks(97).flat_map(|piece| pieces.push(piece)).collect();
        assert_eq!(steps, walk.told());
        apply(&mut Snapshot::default(), &steps);
    });
}

#[test]
fn a_long_state_of_the_world_leaves_it_unknown() {
    let long = "x".repeat(500);
    let log = [
        line(0, "world_state", r#"{"full":true,"state":{"a":1}}"#),
        line(1, "world_state", &format!(r#"{{"full":false,"state":{{"b":"{long}"}}}}"#)),
    ]
    .concat();
    let world = |options| fold(log.as_bytes(), options).snapshot.world().value().cloned();
    assert!(world(Options::default()).is_some());
    assert!(world(limited(400)).is_none());
    assert_eq!(fold(log.as_bytes(), limited(400)).folder.frontier().state.counts.damaged, 1);
}
