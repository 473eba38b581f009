//! `NAME.policy.json`: what the reference's writer would do with each line.

use rollfold_core::{Depth, Kind, Line, Span, decode, is_persisted, label};
use serde_json::{Map, Value, json};

use super::case::Case;
use super::diff::differences;

pub(super) fn check(case: &Case) -> Result<Vec<String>, String> {
    let mut decisions = Map::new();
    for (place, bytes) in case.lines.iter().enumerate() {
        if case.rejected.contains(&(place + 1)) {
            continue;
        }
        let span = Span::new(0, bytes.len() as u64);
        let line = Line { seq: place as u64, span, bytes };
        let mut scratch = String::new();
        let decoded = decode(line, &mut scratch, Depth::Needed);
        // A line that the reference accepts holds one record at most.
        for record in decoded.records.as_slice().iter().filter(|record| is_item(record.kind)) {
            decisions.insert(
                (place + 1).to_string(),
                json!([is_persisted(record, None), label(record)]),
            );
        }
    }
    Ok(differences(&case.expected("policy")?, &Value::Object(decisions)))
}

/// Ghost snapshots are neither items nor rejected lines.
fn is_item(kind: Kind) -> bool {
    kind.is_indexed()
}
