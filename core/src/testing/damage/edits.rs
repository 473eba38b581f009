//! The edits behind each kind of damage: from one or two whole lines to what replaces them.

use std::ops::Range;

use super::DamageKind;
use super::members::{Member, members};
use crate::testing::prng::Prng;

/// What takes the place of `consumed` lines.
pub(super) struct Edit {
    pub(super) consumed: usize,
    pub(super) bytes: Vec<u8>,
}

/// The edit for this place, or nothing if it makes no sense there. `line` and `next` end with
/// their newline; they are absent where the file ends or was damaged already.
pub(super) fn edit(
    rng: &mut Prng,
    kind: DamageKind,
    line: Option<&[u8]>,
    next: Option<&[u8]>,
) -> Option<Edit> {
    let insert = |bytes: Vec<u8>| Some(Edit { consumed: 0, bytes });
    let replace = |bytes: Vec<u8>| Some(Edit { consumed: 1, bytes });
    match kind {
        DamageKind::NulTail => return insert(nuls(rng)),
        DamageKind::NulLine => {
            line?;
            return insert(cat(&[&nuls(rng), b"\n"]));
        }
        DamageKind::BareValue => {
            line?;
            let bare: &str = rng.pick(&[
                "null",
                "[]",
                "[{\"type\":\"x\"}]",
                "\"text\"",
                "17",
                "true",
                "{}",
                "}",
            ]);
            return insert(cat(&[bare.as_bytes(), b"\n"]));
        }
        DamageKind::ByteOrderMark => {
            line?;
            return insert(b"\xEF\xBB\xBF".to_vec());
        }
        _ => {}
    }
    let whole = line?;
    let (text, end) = split_end(whole);
    if text.len() < 2 {
        return None;
    }
    let two = |bytes: Vec<u8>| Some(Edit { consumed: 2, bytes });
    match kind {
        DamageKind::TornTail => replace(torn(rng, text).to_vec()),
        DamageKind::TornThenRetried => replace(cat(&[torn(rng, text), b"\n", whole])),
        DamageKind::TornIntoRetry => replace(cat(&[torn(rng, text), whole])),
        DamageKind::TornIntoNext => two(cat(&[torn(rng, text), next?])),
        DamageKind::JoinedLines => two(cat(&[text, rng.pick(&[&b""[..], b" "]), next?])),
        DamageKind::SwappedLines => {
            let (next, next_end) = split_end(next?);
            two(cat(&[next, end, text, next_end]))
        }
        DamageKind::DuplicatedLine => {
            let end = if end.is_empty() { &b"\n"[..] } else { end };
            replace(cat(&[text, end, whole]))
        }
        DamageKind::DroppedLine => replace(Vec::new()),
        DamageKind::NulRun => replace(cat(&[text, &nuls(rng), end])),
        DamageKind::BadUtf8AtEnd => replace(cat(&[
            torn(rng, text),
            rng.pick(&[&b"\xE6\x87"[..], b"\xF0\x9F", b"\xC3"]),
            end,
        ])),
        DamageKind::FlippedBit => replace(cat(&[&flipped(rng, text), end])),
        _ => replace(cat(&[&inside(rng, kind, text)?, end])),
    }
}

fn cat(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// The line and its newline, which the last line of a file may lack.
fn split_end(line: &[u8]) -> (&[u8], &[u8]) {
    let mut len = line.len();
    for end in [b'\n', b'\r'] {
        if line.get(..len).and_then(<[u8]>::last) == Some(&end) {
            len -= 1;
        }
    }
    line.split_at(len)
}

/// The first part of a line, at least a byte and not all of it; at a block end if there is one.
fn torn<'a>(rng: &mut Prng, text: &'a [u8]) -> &'a [u8] {
    let blocks = text.len() / 4_096;
    let cut = if blocks > 0 && rng.chance(30) {
        4_096 * (1 + rng.index(blocks))
    } else {
        1 + rng.index(text.len() - 1)
    };
    text.get(..cut.min(text.len() - 1)).unwrap_or_default()
}

fn nuls(rng: &mut Prng) -> Vec<u8> {
    vec![0; rng.pick(&[1, 16, 3_772, 9_216])]
}

fn flipped(rng: &mut Prng, text: &[u8]) -> Vec<u8> {
    let mut bytes = text.to_vec();
    let at = rng.index(bytes.len());
    let mask = 1 << rng.below(8);
    if let Some(byte) = bytes.get_mut(at) {
        // A new newline would be two damaged lines, not one.
        *byte ^= if *byte ^ mask == b'\n' { 0x80 } else { mask };
    }
    bytes
}

/// The text with a range of it replaced.
fn spliced(text: &[u8], range: Range<usize>, with: &[u8]) -> Vec<u8> {
    let before = text.get(..range.start).unwrap_or_default();
    let after = text.get(range.end..).unwrap_or_default();
    cat(&[before, with, after])
}

/// Edits of one member of the line.
fn inside(rng: &mut Prng, kind: DamageKind, text: &[u8]) -> Option<Vec<u8>> {
    let all = members(text);
    match kind {
        DamageKind::BadUtf8InString => {
            let bytes: &[u8] = rng.pick(&[
                &b"\xFF\xFE"[..],
                b"\xE6\x87",
                b"\xC0\x80",
                b"\xED\xA0\x80",
                b"\x80",
                b"\xF5\x80\x80\x80",
            ]);
            in_string(rng, text, &all, bytes)
        }
        DamageKind::LoneSurrogate => {
            let bytes: &[u8] =
                rng.pick(&[&b"\\ud83d"[..], b"\\uDE80", b"\\udc00\\ud800", b"\\ud83dx"]);
            in_string(rng, text, &all, bytes)
        }
        DamageKind::DeepNesting => {
            let value = &rng.pick_ref(&all)?.value;
            let (open, close) = rng.pick(&[("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")]);
            let nest = format!("{}1{}", open.repeat(200), close.repeat(200));
            Some(spliced(text, value.clone(), nest.as_bytes()))
        }
        DamageKind::WrongType => {
            let value = rng.pick_ref(&all)?.value.clone();
            let other = other_value(rng, text, &value);
            Some(spliced(text, value, other))
        }
        DamageKind::DuplicateKey => {
            let member = rng.pick_ref(&all)?;
            let key = text.get(member.key.clone())?;
            let value = text.get(member.value.clone())?;
            let other = other_value(rng, text, &member.value);
            // The true value comes last or first.
            let (first, last) = if rng.chance(50) { (other, value) } else { (value, other) };
            let both = cat(&[key, b":", first, b",", key, b":", last]);
            Some(spliced(text, member.key.start..member.value.end, &both))
        }
        DamageKind::MissingPayload => {
            let member = top(text, &all, b"\"payload\"")?;
            Some(spliced(text, with_comma(text, member), b""))
        }
        DamageKind::OddPayload => {
            let value = top(text, &all, b"\"payload\"")?.value.clone();
            let odd: &[u8] = rng.pick(&[&b"null"[..], b"\"text\"", b"[]", b"17", b"[{}]", b"{}"]);
            Some(spliced(text, value, odd))
        }
        _ => ordinal(rng, kind, text, top(text, &all, b"\"ordinal\"")),
    }
}

/// The member of the line's own object with this key.
fn top<'a>(text: &[u8], all: &'a [Member], key: &[u8]) -> Option<&'a Member> {
    let is_it = |member: &&Member| member.depth == 1 && text.get(member.key.clone()) == Some(key);
    all.iter().find(is_it)
}

/// Bytes at the start or the end of a string, where they cannot split an escape.
fn in_string(rng: &mut Prng, text: &[u8], all: &[Member], bytes: &[u8]) -> Option<Vec<u8>> {
    let is_string = |member: &&Member| {
        let value = text.get(member.value.clone()).unwrap_or_default();
        value.len() >= 2 && value.first() == Some(&b'"') && value.last() == Some(&b'"')
    };
    let strings: Vec<&Member> = all.iter().filter(is_string).collect();
    let value = &rng.pick_ref(&strings)?.value;
    let at = if rng.chance(50) { value.start + 1 } else { value.end - 1 };
    Some(spliced(text, at..at, bytes))
}

/// A value of another JSON type than the one at this place.
fn other_value(rng: &mut Prng, text: &[u8], value: &Range<usize>) -> &'static [u8] {
    let others: [&[u8]; 8] =
        [b"\"x\"", b"17", b"-1", b"1.5", b"null", b"true", b"[]", b"{\"x\":[1]}"];
    let class = |byte: Option<&u8>| match byte {
        Some(b'-' | b'0'..=b'9') => b'0',
        Some(b't' | b'f') => b't',
        Some(byte) => *byte,
        None => 0,
    };
    let old = class(text.get(value.start));
    let start = rng.index(others.len());
    let ring = others.iter().cycle().skip(start).take(others.len());
    ring.into_iter().find(|other| class(other.first()) != old).copied().unwrap_or(b"null")
}

/// The member with one of the commas around it.
fn with_comma(text: &[u8], member: &Member) -> Range<usize> {
    let after = text.get(member.value.end..).unwrap_or_default();
    let spaces = after.iter().take_while(|byte| **byte == b' ').count();
    if after.get(spaces) == Some(&b',') {
        return member.key.start..member.value.end + spaces + 1;
    }
    let before = text.get(..member.key.start).unwrap_or_default();
    let comma = before.iter().rposition(|byte| *byte == b',');
    comma.unwrap_or(member.key.start)..member.value.end
}

/// Ordinals as TORTURE case 4 has them. A line without ordinal is given one.
fn ordinal(
    rng: &mut Prng,
    kind: DamageKind,
    text: &[u8],
    member: Option<&Member>,
) -> Option<Vec<u8>> {
    let old = member.and_then(|member| std::str::from_utf8(text.get(member.value.clone())?).ok());
    let number: u64 = old.and_then(|old| old.parse().ok()).unwrap_or(17);
    let skewed = match rng.below(3) {
        0 => number.saturating_sub(1),
        1 => number / 2,
        _ => number.saturating_add(2),
    };
    let new = match kind {
        DamageKind::OrdinalMissing => return Some(spliced(text, with_comma(text, member?), b"")),
        DamageKind::OrdinalNull => "null".to_owned(),
        DamageKind::OrdinalText => format!("\"{number}\""),
        DamageKind::OrdinalFloat => format!("{number}.0"),
        DamageKind::OrdinalMax => u64::MAX.to_string(),
        DamageKind::OrdinalTwice => format!("{number},\"ordinal\":{}", number.wrapping_add(1)),
        DamageKind::OrdinalSkewed => skewed.to_string(),
        _ => return None,
    };
    match member {
        Some(member) => Some(spliced(text, member.value.clone(), new.as_bytes())),
        None => {
            let brace = text.iter().position(|byte| *byte == b'{')?;
            let field = format!("\"ordinal\":{new},");
            Some(spliced(text, brace + 1..brace + 1, field.as_bytes()))
        }
    }
}
