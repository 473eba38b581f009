//! Cutting a text in the middle, as the reference does (SEMANTICS section 0).

/// Bytes that count as one token.
const TOKEN_BYTES: usize = 4;

/// Tokens of a text, about: a quarter of its bytes, rounded up.
#[must_use]
pub(crate) fn approx_tokens(text: &str) -> usize {
    text.len().div_ceil(TOKEN_BYTES)
}

/// The text, if it has at most `max_bytes` bytes; else its ends around a marker, which comes on
/// top of the limit.
#[must_use]
pub(crate) fn middle_bytes(text: &str, max_bytes: usize) -> String {
    if text.len() <= max_bytes {
        return text.to_owned();
    }
    let (head, removed, tail) = split(text, max_bytes);
    format!("{head}…{} chars truncated…{tail}", removed.chars().count())
}

/// As [`middle_bytes`], counted in tokens.
#[must_use]
pub(crate) fn middle_tokens(text: &str, max_tokens: usize) -> String {
    let max_bytes = max_tokens.saturating_mul(TOKEN_BYTES);
    if text.len() <= max_bytes {
        return text.to_owned();
    }
    let (head, _, tail) = split(text, max_bytes);
    let removed = (text.len() - max_bytes).div_ceil(TOKEN_BYTES);
    format!("{head}…{removed} tokens truncated…{tail}")
}

/// Ends of at most half of `max_bytes` each, the odd byte at the end, and what is between.
fn split(text: &str, max_bytes: usize) -> (&str, &str, &str) {
    let head_len = floor(text, max_bytes / 2);
    let tail_start = ceil(text, text.len() - (max_bytes - max_bytes / 2));
    let head = text.get(..head_len).unwrap_or_default();
    let middle = text.get(head_len..tail_start).unwrap_or_default();
    (head, middle, text.get(tail_start..).unwrap_or_default())
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn ceil(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_while_it_fits() {
        assert_eq!(middle_bytes("", 0), "");
        assert_eq!(middle_bytes("abcd", 4), "abcd");
        assert_eq!(middle_tokens("abcd", 1), "abcd");
        assert_eq!((approx_tokens(""), approx_tokens("a"), approx_tokens("abcde")), (0, 1, 2));
    }

    #[test]
    fn ends_on_character_boundaries() {
        assert_eq!(middle_bytes("abcdefgh", 5), "ab…3 chars truncated…fgh");
        assert_eq!(middle_bytes("aé✓é✓", 5), "a…3 chars truncated…✓");
        assert_eq!(middle_bytes("✓✓✓", 2), "…3 chars truncated…");
        assert_eq!(middle_bytes("abc", 0), "…3 chars truncated…");
        assert_eq!(middle_tokens("abcdefghi", 1), "ab…2 tokens truncated…hi");
        assert_eq!(middle_tokens("abcde", 0), "…2 tokens truncated…");
    }
}
