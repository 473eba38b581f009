//! The head of a line as writers write it: `timestamp`, `ordinal`, `type`, the payload's `type`.
//!
//! Only this order is read here, with or without a space behind a colon or comma; any other takes
//! the ladder.

/// What the head says, and where the payload starts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) timestamp: &'a str,
    /// The ordinal's digits.
    pub(super) ordinal: Option<&'a str>,
    pub(super) record_tag: &'a str,
    pub(super) payload_tag: Option<&'a str>,
    /// The line from the payload's brace on.
    pub(super) rest: &'a str,
}

/// Reads the head; `None` if it is not in the usual order.
pub(super) fn read(line: &str) -> Option<Head<'_>> {
    let rest = line.strip_prefix('{')?;
    let (timestamp, rest) = plain_string(key(rest, "\"timestamp\"")?)?;
    let mut rest = comma(rest)?;
    let mut ordinal = None;
    if let Some(number) = key(rest, "\"ordinal\"") {
        let len = number.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, after) = number.split_at_checked(len)?;
        ordinal = Some(digits).filter(|digits| !digits.is_empty());
        ordinal?;
        rest = comma(after)?;
    }
    let (record_tag, rest) = plain_string(key(rest, "\"type\"")?)?;
    let rest = key(comma(rest)?, "\"payload\"")?;
    let inner = rest.strip_prefix('{')?;
    let payload_tag = match record_tag {
        "event_msg" | "response_item" => Some(plain_string(key(inner, "\"type\"")?)?.0),
        _ => None,
    };
    Some(Head { timestamp, ordinal, record_tag, payload_tag, rest })
}

/// What follows `name` and its colon.
fn key<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let value = text.strip_prefix(name)?.strip_prefix(':')?;
    Some(value.strip_prefix(' ').unwrap_or(value))
}

fn comma(text: &str) -> Option<&str> {
    let next = text.strip_prefix(',')?;
    Some(next.strip_prefix(' ').unwrap_or(next))
}

/// A string without escapes, and what follows it.
fn plain_string(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('"')?;
    let end = memchr::memchr2(b'"', b'\\', inner.as_bytes())?;
    let (string, rest) = inner.split_at_checked(end)?;
    Some((string, rest.strip_prefix('"')?))
}
