//! Finds `"key":value` in a line. It is told where things are, never what they mean, and takes
//! any bytes: what it cannot follow it steps over.

use std::ops::Range;

/// A member of an object in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// 1 for the keys of the line's own object.
    pub(super) depth: usize,
    /// The key with its quotes.
    pub(super) key: Range<usize>,
    pub(super) value: Range<usize>,
}

/// An array or object that is still open.
struct Open {
    from: usize,
    is_object: bool,
    key: Option<Range<usize>>,
}

/// The end of the string that starts at `from`, its closing quote included.
fn string_end(line: &[u8], from: usize) -> usize {
    let mut escaped = false;
    for (at, byte) in line.iter().enumerate().skip(from + 1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    line.len()
}

/// The end of the number or word that starts at `from`.
fn word_end(line: &[u8], from: usize) -> usize {
    let is_end = |byte: &u8| matches!(byte, b',' | b':' | b'{' | b'}' | b'[' | b']' | b'"' | b' ');
    let rest = line.iter().enumerate().skip(from + 1);
    rest.into_iter().find(|(_, byte)| is_end(byte)).map_or(line.len(), |(at, _)| at)
}

/// All members of all objects of a line, inner ones before the ones that hold them.
pub(super) fn members(line: &[u8]) -> Vec<Member> {
    let mut found = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut at = 0;
    while let Some(byte) = line.get(at) {
        let value = match byte {
            b'{' | b'[' => {
                open.push(Open { from: at, is_object: *byte == b'{', key: None });
                None
            }
            b'}' | b']' => open.pop().map(|closed| closed.from..at + 1),
            b'"' => Some(at..string_end(line, at)),
            b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' => None,
            _ => Some(at..word_end(line, at)),
        };
        let Some(value) = value else {
            at += 1;
            continue;
        };
        at = value.end;
        let depth = open.len();
        match open.last_mut() {
            Some(object) if object.is_object => match object.key.take() {
                Some(key) => found.push(Member { depth, key, value }),
                None => object.key = Some(value),
            },
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_at_their_depth() {
        let line = r#"{"a":"x\"}","b":[{"c":1},2],"d" : {"e":null}}"#;
        let text = |range: &Range<usize>| line.get(range.clone()).unwrap_or_default();
        let found: Vec<_> = members(line.as_bytes())
            .iter()
            .map(|member| (member.depth, text(&member.key), text(&member.value)))
            .collect();
        assert_eq!(
            found,
            [
                (1, "\"a\"", r#""x\"}""#),
                (3, "\"c\"", "1"),
                (1, "\"b\"", r#"[{"c":1},2]"#),
                (2, "\"e\"", "null"),
                (1, "\"d\"", r#"{"e":null}"#),
            ]
        );
    }
}
