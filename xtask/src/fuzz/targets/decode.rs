//! Decoding: any bytes are read, and what is well-formed is not called damaged.

use rollfold_core::{Body, Decoded, Depth, DiagnosticKind, Kind, Line, Lines, Position, decode};
use serde_json::Value;

use super::{Case, expect};

pub(crate) fn check(case: &Case) -> Result<(), String> {
    let log = case.bytes();
    for line in Lines::new(&log, Position::default()) {
        let (mut scratch, mut other) = (String::new(), String::new());
        let needed = decode(line, &mut scratch, Depth::Needed);
        let full = decode(line, &mut other, Depth::Full);
        let spans = [&needed, &full].into_iter().flat_map(|decoded| {
            let records = decoded.records.as_slice().iter().map(|record| record.span);
            records.chain(decoded.notes.iter().map(|(span, _)| *span))
        });
        for span in spans {
            let is_inside = span.offset_bytes >= line.span.offset_bytes
                && span.end_bytes() <= line.span.end_bytes();
            expect("spans lie in their line", is_inside)?;
        }
        // A payload that nobody needs is only looked over: a full reading may find more in it.
        let is_unread = needed.records.as_slice().iter().all(|it| matches!(it.body, Body::Unread));
        expect("how much is read changes no kind", is_unread || kinds(&needed) == kinds(&full))?;
        well_formed(line.bytes, &needed)?;
    }
    Ok(())
}

fn kinds(decoded: &Decoded<'_>) -> Vec<Kind> {
    decoded.records.as_slice().iter().map(|record| record.kind).collect()
}

/// Whether something is odd where nobody looks: in a payload that no reducer needs and that ends as
/// it should.
pub(super) fn is_overlooked(line: Line<'_>) -> bool {
    let (mut scratch, mut other) = (String::new(), String::new());
    let needed = decode(line, &mut scratch, Depth::Needed);
    let full = decode(line, &mut other, Depth::Full);
    let has_damage = |decoded: &Decoded<'_>| {
        decoded.notes.iter().any(|(_, note)| matches!(note, DiagnosticKind::Damaged { .. }))
    };
    kinds(&needed) != kinds(&full) || has_damage(&needed) != has_damage(&full)
}

/// A line that a plain reader takes for a record of a known kind is one here.
fn well_formed(bytes: &[u8], decoded: &Decoded<'_>) -> Result<(), String> {
    let Ok(Value::Object(record)) = serde_json::from_slice::<Value>(bytes) else { return Ok(()) };
    let tag = record.get("type").and_then(Value::as_str);
    let has_payload = record.get("payload").is_some_and(Value::is_object);
    let [found] = decoded.records.as_slice() else {
        return expect("a whole object is one record", tag.is_none() || !has_payload);
    };
    let is_known = matches!(tag, Some("session_meta" | "turn_context" | "compacted"));
    if is_known && has_payload {
        let is_right = match tag {
            Some("session_meta") => found.kind == Kind::SessionMeta,
            Some("turn_context") => found.kind == Kind::TurnContext,
            _ => found.kind == Kind::Compacted,
        };
        // With a key given twice either may count.
        let is_twice = bytes.windows(6).filter(|window| window == b"\"type\"").count() > 1;
        expect("a known kind is known", is_right || is_twice)?;
    }
    let is_damaged =
        decoded.notes.iter().any(|(_, note)| matches!(note, DiagnosticKind::Damaged { .. }));
    expect("what is well-formed is not damaged", !(is_damaged && is_known && has_payload))
}
