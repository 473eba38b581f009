//! Records from one log into another.

use rollfold_core::context::{Bodies, ContextError};
use rollfold_core::forks::Kept;
use rollfold_core::{Depth, Kind, Line, Raw, Record, RecordRef, decode, format::ResponseKind};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::options::policy_of;
use super::super::{Ids, Moment, NewRecord, Offered, RecordTag, Recorder, RecorderOptions};
use super::Taken;
use super::parent::Parent;
use crate::error::RecordError;

/// Copies wait for one another no longer than this.
const FLUSH_BYTES: usize = 4 * 1024 * 1024;

/// What stands beside a payload.
#[derive(Deserialize)]
struct Beside<'b> {
    #[serde(borrow)]
    metadata: Option<&'b RawValue>,
}

/// Copies records behind what a recorder has.
pub(super) fn copy(
    recorder: &mut Recorder,
    parent: &Parent<'_>,
    kept: &[Kept],
    assign_ids: bool,
) -> Result<Taken, RecordError> {
    let mut taken = Taken { damaged: parent.damaged, ..Taken::default() };
    let (ids, clock) = (recorder.options.ids.clone(), recorder.options.clock.clone());
    for kept in kept {
        let ids = assign_ids.then(|| (&*ids, clock.now()));
        let record = read(parent, kept.record, |record, bytes| of(record, bytes, kept, ids))?;
        match record.map(|record| recorder.append(record)).transpose()? {
            Some(Offered::Kept { .. }) => taken.records += 1,
            Some(Offered::LeftOut) | None => taken.left_out += 1,
        }
        if recorder.pending_bytes() >= FLUSH_BYTES {
            recorder.persist()?;
        }
    }
    Ok(taken)
}

/// What copying them would take over.
pub(super) fn count(
    parent: &Parent<'_>,
    kept: &[Kept],
    options: &RecorderOptions,
) -> Result<Taken, RecordError> {
    let policy = policy_of(options, parent.mode);
    let mut taken = Taken { damaged: parent.damaged, ..Taken::default() };
    for kept in kept {
        let is_written = read(parent, kept.record, |record, _| {
            RecordTag::of(&record.tag).is_some() && policy.persists(record)
        })?;
        taken.records += u64::from(is_written);
        taken.left_out += u64::from(!is_written);
    }
    Ok(taken)
}

/// Reads a record and what `look` wants of it and of its bytes.
fn read<T>(
    parent: &Parent<'_>,
    reference: RecordRef,
    look: impl FnOnce(&Record<'_>, &[u8]) -> T,
) -> Result<T, RecordError> {
    let RecordRef { seq, span, part, kind } = reference;
    let key = || parent.source.key().to_owned();
    let bodies = parent.bodies();
    let bytes = bodies.bytes(span).map_err(|source| RecordError::Body {
        key: key(),
        source: ContextError::Unreadable { record: reference, source },
    })?;
    let mut scratch = String::new();
    let decoded = decode(Line { seq, span, bytes: &bytes }, &mut scratch, Depth::Full);
    match decoded.records.as_slice().get(usize::from(part)) {
        Some(found) if found.kind == kind => Ok(look(found, &bytes)),
        _ => {
            let source = ContextError::Gone { record: reference };
            Err(RecordError::Body { key: key(), source })
        }
    }
}

/// The copy of a record; none if it is of no kind that writers write.
fn of(
    record: &Record<'_>,
    bytes: &[u8],
    kept: &Kept,
    ids: Option<(&dyn Ids, Moment)>,
) -> Option<NewRecord> {
    let tag = RecordTag::of(&record.tag)?;
    let payload = record.payload()?;
    let text = match kept.left_out_entries.as_slice() {
        [] => payload.get().to_owned(),
        left_out => without_entries(payload, left_out)?,
    };
    let mut copy = NewRecord::of_text(tag, &text);
    if tag == RecordTag::ResponseItem {
        if let Ok(Beside { metadata: Some(metadata) }) = serde_json::from_slice(bytes) {
            copy = copy.with_metadata(metadata);
        }
        if let (Some((ids, now)), Kind::Response(kind)) = (ids, record.kind) {
            copy = with_id(copy, kind, payload, ids, now);
        }
    }
    Some(copy)
}

/// A `compacted` without some entries of its replacement history, nor what is told beside them
/// (FORMAT A.4).
fn without_entries(payload: Raw<'_>, left_out: &[u32]) -> Option<String> {
    let mut text = String::from("{");
    for (name, value) in payload.entries()? {
        let separator = if text.len() > 1 { "," } else { "" };
        let name_json = serde_json::to_string(&name).ok()?;
        let is_list = matches!(&*name, "replacement_history" | "replacement_history_metadata");
        let value = match value.elements().filter(|_| is_list) {
            None => value.get().to_owned(),
            Some(elements) => {
                let places = (0..).zip(elements).filter(|(place, _)| !left_out.contains(place));
                let rest: Vec<&str> = places.map(|(_, element)| element.get()).collect();
                format!("[{}]", rest.join(","))
            }
        };
        text += &format!("{separator}{name_json}:{value}");
    }
    Some(text + "}")
}

/// A response item with an id, if it has none and its kind has ids (FORMAT A.2).
fn with_id(
    copy: NewRecord,
    kind: ResponseKind,
    payload: Raw<'_>,
    ids: &dyn Ids,
    now: Moment,
) -> NewRecord {
    let Some(prefix) = prefix_of(kind) else { return copy };
    let Some(entries) = payload.entries() else { return copy };
    let is_id = |raw: &Raw<'_>| raw.get().starts_with('"') && raw.get() != "\"\"";
    let has_id = entries.iter().rev().find(|(name, _)| name == "id").map(|(_, raw)| is_id(raw));
    if has_id == Some(true) {
        return copy;
    }
    // The type stays first, as writers have it.
    let id = format!("\"{prefix}_{}\"", ids.next_id(now));
    let others = entries.iter().filter(|(name, _)| name != "id" && name != "type");
    let kind = entries.iter().rev().find(|(name, _)| name == "type");
    let mut text = format!("{{\"type\":{},\"id\":{id}", kind.map_or("null", |(_, raw)| raw.get()));
    for (name, value) in others {
        let Ok(name) = serde_json::to_string(name) else { return copy };
        text += &format!(",{name}:{}", value.get());
    }
    text.push('}');
    copy.with_payload(&text)
}

fn prefix_of(kind: ResponseKind) -> Option<&'static str> {
    use ResponseKind as R;
    Some(match kind {
        R::Message => "msg",
        R::AgentMessage => "amsg",
        R::Reasoning => "rs",
        R::LocalShellCall => "lsh",
        R::FunctionCall => "fc",
        R::ToolSearchCall => "tsc",
        R::FunctionCallOutput => "fco",
        R::CustomToolCall => "ctc",
        R::CustomToolCallOutput => "ctco",
        R::ToolSearchOutput => "tso",
        R::WebSearchCall => "ws",
        R::ImageGenerationCall => "ig",
        R::Compaction | R::ContextCompaction => "cmp",
        _ => return None,
    })
}
