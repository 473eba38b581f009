//! What several test modules need.

use std::path::{Path, PathBuf};

use rollfold_core::{Folder, Options, Snapshot, Step};

/// The `fixtures` folder of the workspace.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

/// The golden cases, sorted.
pub(crate) fn golden_cases() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(fixtures().join("golden")).unwrap();
    let mut cases: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    cases.retain(|path| path.is_dir());
    cases.sort();
    assert!(cases.len() >= 40, "golden cases are missing");
    cases
}

/// A log folded as a whole.
pub(crate) struct Folded {
    pub(crate) folder: Folder,
    pub(crate) steps: Vec<Step>,
    pub(crate) snapshot: Snapshot,
}

pub(crate) fn fold(bytes: &[u8], options: Options) -> Folded {
    let mut folder = Folder::new(options);
    let steps = folder.push(bytes);
    let mut snapshot = Snapshot::default();
    apply(&mut snapshot, &steps);
    Folded { folder, steps, snapshot }
}

pub(crate) fn apply(snapshot: &mut Snapshot, steps: &[Step]) {
    for step in steps {
        snapshot.apply_step(step).unwrap();
    }
}
