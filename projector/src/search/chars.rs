//! Characters: case folding, and which of them make words.

/// What a character is to a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Words are longest runs of these.
    Word,
    /// Of a script that is written without spaces between words.
    Unspaced,
    /// Stands for itself: emoji, arrows, box drawings.
    Symbol,
    /// Stands between words.
    Other,
}

/// Unicode's simple case folding, up to the choice of who stands for a set of equal letters: one
/// character for one, whatever the language.
pub(super) fn fold(char: char) -> char {
    if char.is_ascii() {
        return char.to_ascii_lowercase();
    }
    match char {
        // Folded only in Turkic languages.
        'ı' | 'İ' => char,
        // Equal though no change of case leads from one to the other.
        '\u{1fd3}' => '\u{390}',
        '\u{1fe3}' => '\u{3b0}',
        '\u{fb05}' => '\u{fb06}',
        _ => {
            let upper = only(char.to_uppercase()).unwrap_or(char);
            only(upper.to_lowercase()).unwrap_or(upper)
        }
    }
}

fn only(mut chars: impl Iterator<Item = char>) -> Option<char> {
    chars.next().filter(|_| chars.next().is_none())
}

/// Appends a text with its case folded.
pub(super) fn fold_into(to: &mut String, text: &str) {
    if text.is_ascii() {
        let start = to.len();
        to.push_str(text);
        if let Some(added) = to.get_mut(start..) {
            added.make_ascii_lowercase();
        }
    } else {
        to.extend(text.chars().map(fold));
    }
}

pub(super) fn class(char: char) -> Class {
    match char {
        _ if char.is_ascii_alphanumeric() => Class::Word,
        '\0'..='\x7f' => Class::Other,
        _ if is_unspaced(char) => Class::Unspaced,
        _ if char.is_alphanumeric() || is_mark(char) => Class::Word,
        // Below are the punctuation of all scripts and typography.
        '\u{2190}'.. if !is_no_symbol(char) => Class::Symbol,
        _ => Class::Other,
    }
}

/// Thai, Lao, Myanmar, Khmer, Hangul, kana, bopomofo, Han. Hangul has spaces, but particles cling
/// to its words.
fn is_unspaced(char: char) -> bool {
    matches!(char,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}'
        | '\u{1780}'..='\u{17ff}' | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{a960}'..='\u{a97f}'
        | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ffdc}'
        | '\u{20000}'..='\u{3ffff}')
}

/// Combining marks that the standard library does not count as parts of words.
fn is_mark(char: char) -> bool {
    matches!(char,
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Spaces and punctuation of the far east, variation selectors, what is no character.
fn is_no_symbol(char: char) -> bool {
    char.is_whitespace()
        || char.is_control()
        || matches!(char,
            '\u{2e00}'..='\u{2e7f}' | '\u{3000}'..='\u{303f}' | '\u{fe00}'..='\u{fe1f}'
            | '\u{fe30}'..='\u{fe6f}' | '\u{feff}'..='\u{ff65}' | '\u{fff0}'..='\u{ffff}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_fold_as_unicode_says() {
        let same = [
            ("K", "\u{212a}"),
            ("s", "\u{17f}"),
            ("σ", "ς"),
            ("Σ", "ς"),
            ("ß", "ẞ"),
            ("µ", "μ"),
            ("Å", "\u{212b}"),
            ("Ω", "\u{2126}"),
            ("ΐ", "\u{1fd3}"),
            ("ᾳ", "ᾼ"),
            ("ǅ", "ǆ"),
            ("Ꭰ", "ꭰ"),
            ("Ж", "ж"),
            ("𐐀", "𐐨"),
        ];
        let folded = |text: &str| text.chars().map(fold).collect::<String>();
        for (one, other) in same {
            assert_eq!(folded(one), folded(other), "{one} {other}");
        }
        for (one, other) in [("i", "ı"), ("i", "İ"), ("I", "ı"), ("e", "é"), ("ss", "ß")] {
            assert_ne!(folded(one), folded(other), "{one} {other}");
        }
        for char in '\0'..=char::MAX {
            assert_eq!(fold(fold(char)), fold(char), "{char:?}");
        }
    }

    #[test]
    fn characters_have_classes() {
        let classes = [
            (Class::Word, "aZ0éжשक٣\u{301}"),
            (Class::Unspaced, "日本語ひカ한ไทຂកー𠀀"),
            (Class::Symbol, "🚀→✓─█"),
            (Class::Other, " _-./\0\n\u{a0}…—。「\u{200d}\u{fe0f}\u{fffd}\u{3000}"),
        ];
        for (expected, chars) in classes {
            for char in chars.chars() {
                assert_eq!(class(char), expected, "{char:?}");
            }
        }
    }
}
