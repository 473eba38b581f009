//! Rows to bytes and back: a version byte, then JSON; nothing after it means "gone".
//!
//! Reading is total: whatever the bytes are, they give a value or a [`Corrupt`].

use std::fmt::Debug;

use rollfold_core::model::ThreadItem;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Corrupt, CorruptProblem, StoreError};

/// The encoding of a value as a whole.
pub(crate) const ENCODING: u8 = 1;

/// The same, of an item that goes on in parts.
pub(crate) const IN_PARTS: u8 = 2;

/// Only the texts that joined the version before.
pub(crate) const JOINED: u8 = 3;

/// A turn's head whose error stands in an earlier version, whose key ends the row.
pub(crate) const ERROR_ELSEWHERE: u8 = 4;

/// A version that says that the thing is gone.
pub(crate) const GONE: &[u8] = &[ENCODING];

/// Where a row is, for errors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowAt<K> {
    pub(crate) table: &'static str,
    pub(crate) key: K,
}

impl<K: Debug> RowAt<K> {
    pub(crate) fn corrupt(&self, problem: CorruptProblem) -> StoreError {
        Corrupt { table: self.table, key: format!("{:?}", self.key), problem }.into()
    }
}

/// Writes a value as a row into `row`, which is cleared before.
pub(crate) fn encode(
    row: &mut Vec<u8>,
    table: &'static str,
    value: &impl Serialize,
) -> Result<(), StoreError> {
    encode_as(row, ENCODING, table, value)
}

/// As [`encode`], with another version byte.
pub(crate) fn encode_as(
    row: &mut Vec<u8>,
    encoding: u8,
    table: &'static str,
    value: &impl Serialize,
) -> Result<(), StoreError> {
    row.clear();
    row.push(encoding);
    serde_json::to_writer(row, value).map_err(|source| StoreError::Encode { table, source })
}

/// Reads a row; `None` if it says that the thing is gone.
pub(crate) fn decode<T: DeserializeOwned, K: Debug>(
    row: &[u8],
    at: &RowAt<K>,
) -> Result<Option<T>, StoreError> {
    if row == GONE { Ok(None) } else { decode_as(row, ENCODING, at).map(Some) }
}

/// Reads a row with this version byte.
pub(crate) fn decode_as<T: DeserializeOwned, K: Debug>(
    row: &[u8],
    encoding: u8,
    at: &RowAt<K>,
) -> Result<T, StoreError> {
    let value = serde_json::from_slice(body(row, encoding, at)?);
    value.map_err(|error| at.corrupt(CorruptProblem::Body(error)))
}

/// Reads an item's row; `None` if it says that the item is gone.
pub(crate) fn decode_item<K: Debug>(
    row: &[u8],
    at: &RowAt<K>,
) -> Result<Option<ThreadItem>, StoreError> {
    if row == GONE {
        return Ok(None);
    }
    let corrupt = |error| at.corrupt(CorruptProblem::Body(error));
    let text = std::str::from_utf8(body(row, ENCODING, at)?);
    let text = text.map_err(|error| corrupt(serde::de::Error::custom(error)))?;
    ThreadItem::from_json(text).map(Some).map_err(corrupt)
}

/// Whether an item's row may be a message: all that a summary of a turn shows. Every item's JSON
/// begins with its type.
pub(crate) fn may_be_message(row: &[u8]) -> bool {
    let Some((encoding, body)) = row.split_first() else { return true };
    let tag = body.strip_prefix(br#"{"type":""#);
    let is_message =
        |tag: &[u8]| tag.starts_with(b"userMessage\"") || tag.starts_with(b"agentMessage\"");
    *encoding != JOINED && tag.is_none_or(is_message)
}

pub(crate) fn body<'r, K: Debug>(
    row: &'r [u8],
    encoding: u8,
    at: &RowAt<K>,
) -> Result<&'r [u8], StoreError> {
    match row.split_first() {
        None => Err(at.corrupt(CorruptProblem::Empty)),
        Some((&found, body)) if found == encoding => Ok(body),
        Some((&found, _)) => Err(at.corrupt(CorruptProblem::Encoding { found })),
    }
}

#[cfg(test)]
mod tests {
    use rollfold_core::model::{PlanItem, TurnHead, TurnStatus};
    use rollfold_core::{Damage, Diagnostic, DiagnosticKind, Digest, FoldState, Options, Span};

    use super::*;
    use crate::cursor::Cursor;

    const AT: RowAt<(u32, u32)> = RowAt { table: "turns", key: (1, 2) };

    fn row(value: &impl Serialize) -> String {
        let mut row = Vec::new();
        encode(&mut row, "turns", value).unwrap();
        String::from_utf8(row).unwrap()
    }

    /// When one of these changes, stores of before are no longer read: raise a number of
    /// `schema::VERSIONS`.
    #[test]
    fn rows_are_spelled_like_this() {
        let head = TurnHead {
            id: "t1".into(),
            status: TurnStatus::InProgress,
            error: None,
            started_at: Some(7),
            completed_at: None,
            duration_ms: None,
        };
        let spelled = "\u{1}{\"id\":\"t1\",\"status\":\"inProgress\",\"error\":null,\
            \"started_at\":7,\"completed_at\":null,\"duration_ms\":null}";
        assert_eq!(row(&head), spelled);
        assert_eq!(decode(spelled.as_bytes(), &AT).unwrap(), Some(head));

        let item = ThreadItem::Plan(PlanItem { id: "p".into(), text: "do \"it\"\n".into() });
        let spelled = "\u{1}{\"type\":\"plan\",\"id\":\"p\",\"text\":\"do \\\"it\\\"\\n\"}";
        assert_eq!(row(&item), spelled);
        assert_eq!(decode_item(spelled.as_bytes(), &AT).unwrap(), Some(item));

        let kind = DiagnosticKind::Damaged(Damage::NotJson);
        let diagnostic = Diagnostic { seq: 3, span: Span::new(10, 5), kind };
        let spelled = "\u{1}{\"seq\":3,\"span\":{\"offset_bytes\":10,\"len_bytes\":5},\
            \"kind\":{\"damaged\":\"not_json\"}}";
        assert_eq!(row(&diagnostic), spelled);
        assert_eq!(decode(spelled.as_bytes(), &AT).unwrap(), Some(diagnostic));

        let state = FoldState::new(Options::default());
        let tail = Digest::of(b"");
        let cursor = Cursor {
            key: "log".into(),
            generation: 2,
            state,
            tail,
            samples: Vec::new(),
            seen: None,
        };
        let spelled = row(&cursor);
        assert!(spelled.starts_with("\u{1}{\"key\":\"log\",\"generation\":2,\"state\":{"));
        assert_eq!(decode(spelled.as_bytes(), &AT).unwrap(), Some(cursor));
    }

    #[test]
    fn any_bytes_give_a_value_or_an_error() {
        assert!(decode::<TurnHead, _>(GONE, &AT).unwrap().is_none());
        assert!(decode_item(GONE, &AT).unwrap().is_none());
        for bytes in [&b""[..], b"\x00", b"\x02", b"\x01{", b"\x01null", b"\x01\xff", b"\x01{}"] {
            let errors = [
                decode::<TurnHead, _>(bytes, &AT).unwrap_err(),
                decode_item(bytes, &AT).unwrap_err(),
            ];
            for error in errors {
                assert!(error.wants_rebuild());
                let text = error.to_string();
                assert!(text.starts_with("row (1, 2) of table turns: "), "{text}");
            }
        }
    }

    #[test]
    fn messages_are_told_from_other_items() {
        let plan = row(&ThreadItem::Plan(PlanItem { id: "p".into(), text: String::new() }));
        assert!(!may_be_message(plan.as_bytes()));
        assert!(may_be_message(b"\x01{\"type\":\"userMessage\",\"id\":\"i\"}"));
        assert!(may_be_message(b"\x02{\"type\":\"agentMessage\",\"id\":\"i\"}"));
        assert!(!may_be_message(b"\x03{\"summary\":[],\"content\":[]}"));
        assert!(may_be_message(b"something else"));
    }
}
