//! The ladder: lines that are not as writers write them, mended rung by rung.
//!
//! Keys in another order; byte order marks and NULs around a record; bytes that are no UTF-8; raw
//! control characters; several records on one line, as a torn write and its retry leave them;
//! records from before there were envelopes. What no rung mends is damage, with its span.

use std::borrow::Cow;

use super::{Body, Decoded, Depth, Ordinal, Record, Records, needed, repaired, unknown_note};
use crate::diag::{Damage, DiagnosticKind, Repair};
use crate::format::{Kind, ResponseKind};
use crate::line::Line;
use crate::pos::Span;
use crate::raw::{JsonType, Raw, Text, replace_lone_surrogates};

/// What a record starts with; where a broken line may have another one.
pub(super) const MARKER: &str = "{\"timestamp\":";

/// Broken pieces of one line that are looked at before the rest counts as broken too; keeps
/// hostile lines linear.
const BROKEN_PIECES_MAX: usize = 64;

pub(super) fn decode<'a>(line: Line<'a>, scratch: &'a mut String, depth: Depth) -> Decoded<'a> {
    let mut decoded = Decoded::default();
    let notes = &mut decoded.notes;
    let trimmed = trim(line, notes);
    let text = match mend(trimmed.bytes, trimmed.span, notes) {
        Cow::Borrowed(text) => text,
        Cow::Owned(text) => {
            *scratch = text;
            scratch.as_str()
        }
    };
    let text = text.trim_end();
    let mut records = Vec::new();
    let mut broken_pieces = 0;
    let mut is_after_damage = false;
    let mut at = 0;
    // Positions in a mended text are not those of the line: there, pieces share the line's span.
    let exact = matches_line(text, trimmed.bytes);
    let span_of = |start, end| if exact { trimmed.span.part(start, end) } else { trimmed.span };
    loop {
        let rest = text.get(at..).unwrap_or_default();
        at += rest.len() - rest.trim_start().len();
        let rest = rest.trim_start();
        if rest.is_empty() {
            break;
        }
        if broken_pieces == BROKEN_PIECES_MAX {
            let span = span_of(at, text.len());
            decoded.notes.push((span, DiagnosticKind::Damaged(Damage::TooBroken)));
            break;
        }
        let (len, damage) = match Raw::first_of(rest) {
            Ok((raw, len)) if is_after_damage && !stands_alone(rest, len) => {
                // Inside a broken record there may be objects that look like one.
                let _ = raw;
                (next_marker(rest, len), Some(Damage::NotJson))
            }
            Ok((raw, len)) if raw.json_type() == JsonType::Object => {
                let span = span_of(at, at + len);
                let record = read(raw, line.seq, span, depth, &mut decoded.notes);
                decoded.notes.extend(unknown_note(&record).map(|note| (span, note)));
                records.push(record);
                (len, None)
            }
            Ok((_, len)) => (len, Some(Damage::NotAnObject)),
            Err(_) => (next_marker(rest, 0), Some(Damage::NotJson)),
        };
        if let Some(damage) = damage {
            let span = span_of(at, at + len);
            decoded.notes.push((span, DiagnosticKind::Damaged(damage)));
            broken_pieces += 1;
            is_after_damage = true;
        }
        at += len;
    }
    if records.len() > 1 || (records.len() == 1 && broken_pieces > 0) {
        decoded.notes.push(repaired(line.span, Repair::SeveralOnOneLine));
    }
    decoded.records = Records::Many(records);
    decoded
}

/// Whether `text` is what stands on the line, but for white space at its end.
fn matches_line(text: &str, bytes: &[u8]) -> bool {
    bytes.get(..text.len()) == Some(text.as_bytes())
}

/// Whether nothing follows the first `len` bytes, or another record.
fn stands_alone(rest: &str, len: usize) -> bool {
    let after = rest.get(len..).unwrap_or_default().trim_start();
    after.is_empty() || after.starts_with(MARKER)
}

/// Where the next record may start, behind `from` bytes and the one at the start.
fn next_marker(rest: &str, from: usize) -> usize {
    let from = if from == 0 && rest.starts_with(MARKER) { MARKER.len() } else { from };
    let next = rest.get(from..).and_then(|rest| rest.find(MARKER));
    next.map_or(rest.len(), |next| from + next)
}

/// Takes byte order marks, NULs and white space off both ends; a line of NULs only is damage.
fn trim<'a>(line: Line<'a>, notes: &mut Vec<(Span, DiagnosticKind)>) -> Line<'a> {
    let mut bytes = line.bytes;
    let (mut saw_nuls, mut saw_mark) = (false, false);
    let mut skipped = 0;
    loop {
        if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
            saw_mark = true;
            (bytes, skipped) = (rest, skipped + 3);
        } else if let [0, rest @ ..] = bytes {
            saw_nuls = true;
            (bytes, skipped) = (rest, skipped + 1);
        } else if let [b' ' | b'\t' | b'\r', rest @ ..] = bytes {
            (bytes, skipped) = (rest, skipped + 1);
        } else {
            break;
        }
    }
    while let [rest @ .., last @ (0 | b' ' | b'\t' | b'\r')] = bytes {
        saw_nuls |= *last == 0;
        bytes = rest;
    }
    if saw_mark {
        notes.push(repaired(line.span, Repair::ByteOrderMark));
    }
    if saw_nuls {
        notes.push(match bytes.is_empty() {
            true => (line.span, DiagnosticKind::Damaged(Damage::Nuls)),
            false => repaired(line.span, Repair::Nuls),
        });
    }
    Line { bytes, span: line.span.part(skipped, skipped + bytes.len()), ..line }
}

/// Replaces bytes that are no UTF-8 and surrogates without a partner, and escapes control
/// characters inside strings.
fn mend<'a>(bytes: &'a [u8], span: Span, notes: &mut Vec<(Span, DiagnosticKind)>) -> Cow<'a, str> {
    let mut text = String::from_utf8_lossy(bytes);
    if let Cow::Owned(_) = text {
        notes.push(repaired(span, Repair::InvalidUtf8));
    }
    if let Cow::Owned(whole) = replace_lone_surrogates(&text) {
        notes.push(repaired(span, Repair::LoneSurrogates));
        text = Cow::Owned(whole);
    }
    if !text.bytes().any(|byte| byte < 0x20) {
        return text;
    }
    let mut mended = String::with_capacity(text.len() + 16);
    let (mut in_string, mut escaped, mut changed) = (false, false, false);
    for char in text.chars() {
        if in_string && char < ' ' {
            mended.push_str(&format!("\\u{:04x}", u32::from(char)));
            changed = true;
        } else {
            mended.push(char);
        }
        match char {
            '"' if !escaped => in_string = !in_string,
            '\\' if in_string => escaped = !escaped,
            _ => {}
        }
        if char != '\\' {
            escaped = false;
        }
    }
    if !changed {
        return text;
    }
    notes.push(repaired(span, Repair::ControlCharacters));
    Cow::Owned(mended)
}

/// What the top level of an object says.
#[derive(Default)]
struct Envelope<'a> {
    timestamp: Option<Raw<'a>>,
    ordinal: Option<Raw<'a>>,
    tag: Option<Raw<'a>>,
    payload: Option<Raw<'a>>,
    id: Option<Raw<'a>>,
    role: Option<Raw<'a>>,
}

/// Reads a well-formed object as a record, with its keys in any order.
fn read<'a>(
    raw: Raw<'a>,
    seq: u64,
    span: Span,
    depth: Depth,
    notes: &mut Vec<(Span, DiagnosticKind)>,
) -> Record<'a> {
    let mut envelope = Envelope::default();
    let mut repeated = false;
    for (key, value) in raw.entries().unwrap_or_default() {
        let place = match &*key {
            "timestamp" => &mut envelope.timestamp,
            "ordinal" => &mut envelope.ordinal,
            "type" => &mut envelope.tag,
            "payload" => &mut envelope.payload,
            "id" => &mut envelope.id,
            "role" => &mut envelope.role,
            _ => continue,
        };
        repeated |= place.replace(value).is_some();
    }
    if repeated {
        notes.push(repaired(span, Repair::RepeatedKey));
    }
    let tag = envelope.tag.and_then(Raw::read::<Text<'a>>);
    let bare = bare_kind(&envelope, tag.as_deref());
    if bare.is_some() {
        notes.push(repaired(span, Repair::NoEnvelope));
    }
    let payload = if bare.is_some() { Some(raw) } else { envelope.payload };
    let payload = payload.filter(|payload| payload.json_type() == JsonType::Object);
    let payload_tag = payload
        .and_then(|payload| payload.member("type"))
        .and_then(Raw::read::<Text<'a>>)
        .filter(|_| !matches!(bare, Some(Kind::SessionMeta)));
    let kind = match (bare, payload) {
        (Some(kind), _) => kind,
        (None, Some(_)) => {
            Kind::from_tags(tag.as_deref().unwrap_or_default(), payload_tag.as_deref())
        }
        (None, None) => Kind::Unknown,
    };
    let mut body = Body::Unread;
    if let Some(payload) = payload.filter(|_| depth == Depth::Full || needed(kind)) {
        match Body::read(kind, payload.get()) {
            Some(Ok((read, _))) => body = read,
            Some(Err(_)) => notes.push(repaired(span, Repair::PayloadUnread)),
            None => {}
        }
    }
    Record {
        seq,
        span,
        kind,
        tag: match bare {
            Some(Kind::SessionMeta) => Cow::Borrowed("session_meta"),
            Some(_) => Cow::Borrowed("response_item"),
            None => tag.unwrap_or_default(),
        },
        payload_tag,
        timestamp: envelope.timestamp.and_then(Raw::read::<Text<'a>>),
        ordinal: match envelope.ordinal {
            None => Ordinal::Absent,
            Some(raw) => raw.read().map_or(Ordinal::Unreadable, Ordinal::Value),
        },
        body,
        rest: payload.map_or("", Raw::get),
    }
}

/// The kind of a record from before there were envelopes: a bare response item, or a bare head
/// `{"id":...,"timestamp":...,"instructions":...}` (FORMAT T12, 13).
fn bare_kind(envelope: &Envelope<'_>, tag: Option<&str>) -> Option<Kind> {
    if envelope.payload.is_some() {
        return None;
    }
    match tag {
        Some(tag) => ResponseKind::from_tag(tag).map(Kind::Response),
        None if envelope.role.is_some() => None,
        None => {
            (envelope.id.is_some() && envelope.timestamp.is_some()).then_some(Kind::SessionMeta)
        }
    }
}
