//! `NAME.context.json`: the context of the whole log, in the reference's spelling.

use rollfold_core::context::{self, Context, ContextMode};
use rollfold_core::{Depth, Line, RecordRef, Window, WindowId, decode};
use serde_json::{Value, json};

use super::adapter::fold;
use super::case::Case;
use super::diff::differences;
use super::respell;

pub(super) fn check_context(case: &Case) -> Result<Vec<String>, String> {
    let log = case.accepted();
    let folded = fold(&log, None)?;
    let mode = ContextMode::Reference;
    let context = context::reconstruct(folded.snapshot.records(), &log[..], mode, None)
        .map_err(|error| error.to_string())?;
    let actual = spell(&log, &context)?;
    Ok(differences(&case.expected("context")?, &actual))
}

fn spell(log: &[u8], context: &Context) -> Result<Value, String> {
    let mut history = Vec::new();
    for item in context.items(log) {
        let item = item.map_err(|error| error.to_string())?;
        let item = serde_json::from_str(item.get()).map_err(|error| error.to_string())?;
        history.push(respell::response_item(&item));
    }
    let reference = context.reference_context_item;
    let reference = reference.map(|record| payload(log, record)).transpose()?;
    let world = context::world(context, log).map_err(|error| error.to_string())?;
    let Window { number, first_id, previous_id, id } = context.window;
    let text = |id: Option<WindowId>| id.map(|id| id.to_string());
    Ok(json!({
        "history": history,
        "previous_turn_settings": context.previous_turn_settings,
        "reference_context_item": reference.as_ref().map(respell::turn_context),
        "world_state": world,
        "window": {
            "number": number,
            "first_id": text(first_id),
            "previous_id": text(previous_id),
            "id": text(id),
        },
    }))
}

fn payload(log: &[u8], record: RecordRef) -> Result<Value, String> {
    let RecordRef { seq, span, .. } = record;
    let start = usize::try_from(span.offset_bytes).map_err(|error| error.to_string())?;
    let end = usize::try_from(span.end_bytes()).map_err(|error| error.to_string())?;
    let bytes = log.get(start..end).ok_or("a span outside of the log")?;
    let mut scratch = String::new();
    let decoded = decode(Line { seq, span, bytes }, &mut scratch, Depth::Full);
    let found = decoded.records.as_slice().get(usize::from(record.part));
    let payload = found.and_then(|record| record.payload()).ok_or("no record there")?;
    serde_json::from_str(payload.get()).map_err(|error| error.to_string())
}
