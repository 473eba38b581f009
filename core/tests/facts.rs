//! The laws, for everything but turns and items too, over generated and damaged logs.

use rollfold_core::testing::{Prng, Swarm, damage, rollout_bytes};
use rollfold_core::{Folder, Frontier, Options, Snapshot};

use crate::support::{apply, fold};

/// Any prefix goes on from its frontier, stored as text, to the same end; what was told on the way
/// adds up to the same snapshot; and what was told last is the state itself (laws 3, 4 and 6).
fn check(seed: u64, bytes: &[u8]) {
    let whole = fold(bytes, Options::default());
    let mut frontier = Frontier::default();
    let mut snapshot = Snapshot::default();
    for chunk in bytes.split_inclusive(|byte| *byte == b'\n') {
        let mut folder = Folder::resume(frontier);
        apply(&mut snapshot, &folder.push(chunk));
        let text = serde_json::to_string(folder.frontier()).unwrap();
        frontier = serde_json::from_str(&text).unwrap();
        let facts = frontier.state.facts();
        assert_eq!(snapshot.world(), facts.world().world(), "seed {seed}");
        assert_eq!(snapshot.inheritance(), facts.forks().inheritance(), "seed {seed}");
        assert_eq!(snapshot.windows().current(), facts.windows().current(), "seed {seed}");
        let short = facts.thread().short();
        assert_eq!(snapshot.thread().model, short.model, "seed {seed}");
        assert_eq!(snapshot.thread().cwd, short.cwd, "seed {seed}");
    }
    assert_eq!(snapshot, whole.snapshot, "seed {seed}");
    let records = whole.folder.frontier().state.counts.records;
    assert_eq!(whole.folder.frontier().state.health().records(), records, "seed {seed}");
}

#[test]
fn generated_logs() {
    for seed in 0..15 {
        check(seed, &rollout_bytes(&Swarm::new(seed, 80)));
    }
}

#[test]
fn damaged_logs() {
    for seed in 0..15 {
        let bytes = rollout_bytes(&Swarm::new(seed, 60));
        let (mut bytes, _) = damage(&mut Prng::new(seed), &bytes);
        // A torn tail is pending; here every line is complete.
        bytes.push(b'\n');
        check(seed, &bytes);
    }
}
