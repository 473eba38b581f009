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

/// A line: seconds after 2026-03-01T10:00:00Z, the record's type, its payload.
pub(crate) fn line(second: u32, kind: &str, payload: &str) -> String {
    let (minute, second) = (second / 60, second % 60);
    format!(
        "{{\"timestamp\":\"2026-03-01T10:{minute:02}:{second:02}.000Z\",\"type\":\"{kind}\",\"payload\":{payload}}}\n"
    )
}

/// An event's line; `fields` are those beside its type, with a leading comma.
pub(crate) fn event(second: u32, kind: &str, fields: &str) -> String {
    line(second, "event_msg", &format!("{{\"type\":\"{kind}\"{fields}}}"))
}

/// The default fold of a whole log, checked to be the same for any cutting and from any frontier.
pub(crate) fn folded(lines: &[String]) -> Folded {
    let bytes = lines.concat().into_bytes();
    let whole = fold(&bytes, Options::default());
    let mut pieces = Folder::new(Options::default());
    let mut snapshot = Snapshot::default();
    for chunk in bytes.chunks(61) {
        let steps = pieces.push(chunk);
        apply(&mut snapshot, &steps);
        let frontier = serde_json::to_string(pieces.frontier()).unwrap();
        assert_eq!(
            &serde_json::from_str::<rollfold_core::Frontier>(&frontier).unwrap(),
            pieces.frontier()
        );
    }
    assert_eq!(pieces.frontier(), whole.folder.frontier());
    assert_eq!(snapshot, whole.snapshot);
    whole
}

/// What was odd, as text.
pub(crate) fn notes(folded: &Folded) -> Vec<String> {
    let diagnostics = folded.steps.iter().flat_map(|step| &step.diagnostics);
    diagnostics.map(|it| format!("{} {}", it.seq, it.kind)).collect()
}
