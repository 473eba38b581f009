//! A fold with a planted fault: whatever else the fuzzer does, this it must find.

use rollfold_core::{Folder, Options};

use super::{Case, expect};

/// Takes the end of a line for the end of a piece, so that a log that comes in pieces loses lines.
pub(crate) fn check(case: &Case) -> Result<(), String> {
    let log = case.bytes();
    let mut whole = Folder::new(Options::default());
    let steps = whole.push(&log);
    let mut pieces = Folder::new(Options::default());
    let mut found = Vec::new();
    for piece in log.chunks(4_096) {
        let end = piece.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        found.extend(pieces.push(piece.get(..end).unwrap_or_default()));
    }
    expect("chunking is invisible", steps == found)
}
