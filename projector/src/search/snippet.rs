//! Snippets: a little of the text around what was found.

use std::ops::Range;

/// Characters before the first place that is shown.
const BEFORE_CHARS: usize = 48;

/// Characters of a snippet.
const SNIPPET_CHARS: usize = 192;

/// Text around what was found, on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// The text: each run of white space and control characters as one space.
    pub text: String,
    /// Where in it the terms stand, in bytes; in order, none within another.
    pub marks: Vec<Range<usize>>,
    /// Whether there is text before it.
    pub is_cut_before: bool,
    /// Whether there is text behind it.
    pub is_cut_after: bool,
}

/// A place where a term stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) at: Range<usize>,
    pub(super) term: usize,
}

/// The snippet of a text with the most terms in it, the first of several. `places` ascend.
pub(super) fn snippet(text: &str, places: &[Place]) -> Snippet {
    let reach = SNIPPET_CHARS - BEFORE_CHARS;
    let mut best = (0, 0);
    for (number, place) in places.iter().enumerate() {
        let mut terms: Vec<usize> = Vec::new();
        for near in places.iter().skip(number) {
            // Bytes are no fewer than characters.
            if near.at.end > place.at.start.saturating_add(reach) {
                break;
            }
            if !terms.contains(&near.term) {
                terms.push(near.term);
            }
        }
        if terms.len() > best.0 {
            best = (terms.len(), place.at.start);
        }
    }
    if best.0 == 0 {
        best.1 = places.first().map_or(0, |place| place.at.start);
    }
    cut(text, best.1, places)
}

fn cut(text: &str, around: usize, places: &[Place]) -> Snippet {
    let head = text.get(..around).unwrap_or_default();
    let start = head.char_indices().rev().take(BEFORE_CHARS).last().map_or(around, |(at, _)| at);
    let mut snippet = Snippet {
        text: String::new(),
        marks: Vec::new(),
        is_cut_before: !text.get(..start).unwrap_or_default().trim().is_empty(),
        is_cut_after: false,
    };
    let mut places = places.iter().filter(|place| place.at.start >= start).peekable();
    let mut open: Option<(usize, usize)> = None;
    for (len, (offset, char)) in text.get(start..).unwrap_or_default().char_indices().enumerate() {
        let at = start + offset;
        if let Some((from, _)) = open.take_if(|(_, end)| *end <= at) {
            push_mark(&mut snippet, from);
        }
        while let Some(place) = places.next_if(|place| place.at.start <= at) {
            let from = open.map_or_else(|| snippet.text.len(), |(from, _)| from);
            open = Some((from, place.at.end.max(open.map_or(0, |(_, end)| end))));
        }
        if len >= SNIPPET_CHARS {
            snippet.is_cut_after = !text.get(at..).unwrap_or_default().trim().is_empty();
            break;
        }
        if !char.is_whitespace() && !char.is_control() {
            snippet.text.push(char);
        } else if !snippet.text.is_empty() && !snippet.text.ends_with(' ') {
            snippet.text.push(' ');
        }
    }
    if let Some((from, _)) = open {
        push_mark(&mut snippet, from);
    }
    snippet.text.truncate(snippet.text.trim_end().len());
    let len = snippet.text.len();
    snippet.marks.iter_mut().for_each(|mark| mark.end = mark.end.min(len));
    snippet.marks.retain(|mark| mark.start < mark.end);
    snippet
}

fn push_mark(snippet: &mut Snippet, from: usize) {
    let end = snippet.text.len();
    match snippet.marks.last_mut() {
        Some(last) if last.end >= from => last.end = end.max(last.end),
        _ => snippet.marks.push(from..end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, terms: &[&str]) -> String {
        let mut places: Vec<Place> = Vec::new();
        for (term, word) in terms.iter().enumerate() {
            let found = text.match_indices(word);
            places.extend(found.map(|(at, word)| Place { at: at..at + word.len(), term }));
        }
        places.sort_unstable_by_key(|place| (place.at.start, place.at.end));
        let Snippet { text, marks, is_cut_before, is_cut_after } = snippet(text, &places);
        let mut shown = text;
        for mark in marks.iter().rev() {
            shown.insert(mark.end, ']');
            shown.insert(mark.start, '[');
        }
        let dots = |is_cut| if is_cut { "..." } else { "" };
        format!("{}{shown}{}", dots(is_cut_before), dots(is_cut_after))
    }

    #[test]
    fn snippets_show_what_was_found() {
        let long = "lorem ipsum dolor sit amet ".repeat(20);
        let cases = [
            of("one two three", &["two"]),
            of("  one\n\n\ttwo\0three  ", &["two", "one"]),
            of("two", &["two"]),
            of("a two two", &["two"]),
            of("overlap", &["over", "verla"]),
            of("\u{2028}日本語です", &["本"]),
            of(&format!("{long}two {long}"), &["two"]),
            of(&format!("two {long} two and one {long}"), &["one", "two"]),
            of(&format!("{}two", "é".repeat(100)), &["two"]),
            of(&format!("two{}", "x".repeat(400)), &["two"]),
            of("none", &[]),
        ];
        let filler = "ipsum dolor sit amet lorem ipsum dolor sit amet ";
        let behind = &long.get(..144 - "two ".len()).unwrap();
        let expected = [
            "one [two] three".to_owned(),
            "[one] [two] three".into(),
            "[two]".into(),
            "a [two] [two]".into(),
            "[overla]p".into(),
            "日[本]語です".into(),
            format!("...{filler}[two] {}...", behind.trim_end()),
            format!(
                "...{}[two] and [one] {}...",
                filler.get(1..).unwrap(),
                long.get(..132).unwrap().trim_end()
            ),
            format!("...{}[two]", "é".repeat(48)),
            format!("[two]{}...", "x".repeat(189)),
            "none".into(),
        ];
        for (shown, expected) in cases.iter().zip(&expected) {
            assert_eq!(shown, expected);
        }
    }
}
