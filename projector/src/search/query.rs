//! What is asked for: words, phrases, beginnings of words.

use memchr::memmem;

use super::chars::{Class, class, fold_into};
use super::words::{BLOB_BYTES_MIN, each_word, is_of_blob};

/// One thing that an item must have to be found.
#[derive(Debug)]
pub(super) struct Term {
    /// What stands between white space, folded; the first is looked for, the others must follow.
    pub(super) pieces: Vec<String>,
    pub(super) finder: memmem::Finder<'static>,
    /// Whether no word may be cut at its start, and at its end.
    pub(super) begins_word: bool,
    pub(super) ends_word: bool,
    /// Entries of the index that each text has in which it stands.
    pub(super) entries: Vec<Entry>,
}

/// An entry of the index to look up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) bytes: Vec<u8>,
    /// Whether every entry that begins so will do.
    pub(super) is_prefix: bool,
}

/// Reads a query: words between white space, phrases between quotation marks, either with `*`
/// behind it for beginnings of words. Empty if there is nothing to look for.
pub(super) fn parse(query: &str) -> Vec<Term> {
    let mut terms = Vec::new();
    let mut rest = query.trim_start();
    while !rest.is_empty() {
        let (text, behind, is_prefix) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (text, behind) = quoted.split_once('"').unwrap_or((quoted, ""));
                match behind.strip_prefix('*') {
                    Some(behind) => (text, behind, true),
                    None => (text, behind, false),
                }
            }
            None => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                let (word, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
                match word.strip_suffix('*').filter(|word| !word.is_empty()) {
                    Some(word) => (word, behind, true),
                    None => (word, behind, false),
                }
            }
        };
        terms.extend(Term::new(text, is_prefix));
        rest = behind.trim_start();
    }
    terms
}

impl Term {
    fn new(text: &str, is_prefix: bool) -> Option<Self> {
        let pieces: Vec<String> = text
            .split_whitespace()
            .map(|piece| {
                let mut folded = String::new();
                fold_into(&mut folded, piece);
                folded
            })
            .collect();
        let is_word = |char: Option<char>| char.is_some_and(|char| class(char) == Class::Word);
        let first = pieces.first()?;
        let finder = memmem::Finder::new(first.as_bytes()).into_owned();
        let last = pieces.last()?.chars().next_back();
        let ends_word = !is_prefix && is_word(last);
        let entries = entries(text, is_prefix && is_word(last));
        let begins_word = is_word(first.chars().next());
        Some(Self { pieces, finder, begins_word, ends_word, entries })
    }
}

/// The entries of a text that is asked for. What stands at its ends may go on in the text in which
/// it is found.
fn entries(text: &str, is_last_prefix: bool) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut before: Vec<u8> = Vec::new();
    let mut was_last_of_run = false;
    each_word(&without_long_runs(text), |word| {
        let mut chars = std::str::from_utf8(word).unwrap_or_default().chars();
        let (first, second) = (chars.next(), chars.next());
        let is_unspaced = first.is_some_and(|char| class(char) == Class::Unspaced);
        let is_single = is_unspaced && second.is_none();
        // The index has a single character only where a run ends.
        was_last_of_run = is_single && before.len() > word.len() && before.ends_with(word);
        if !was_last_of_run {
            entries.push(Entry { bytes: word.to_vec(), is_prefix: is_single });
        }
        before = word.to_vec();
    });
    if is_last_prefix && let Some(last) = entries.last_mut() {
        last.is_prefix = true;
    }
    entries.sort_unstable();
    entries.dedup();
    entries
}

/// Leaves out what may be base64 or not depending on how its letters are written.
fn without_long_runs(text: &str) -> String {
    let is_run = |run: &str| run.len() >= BLOB_BYTES_MIN && run.contains(['+', '/', '=']);
    let mut kept = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.bytes().position(|byte| !is_of_blob(byte)).unwrap_or(rest.len());
        let (run, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        kept.push_str(if is_run(run) { " " } else { run });
        let len = behind.chars().next().map_or(0, char::len_utf8);
        let (other, behind) = behind.split_at_checked(len).unwrap_or((behind, ""));
        kept.push_str(other);
        rest = behind;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Vec<(Vec<String>, Vec<String>)> {
        let terms = parse(query).into_iter().map(|term| {
            let entries = term.entries.iter().map(|entry| {
                let text = String::from_utf8(entry.bytes.clone()).unwrap();
                format!("{text}{}", if entry.is_prefix { "*" } else { "" })
            });
            (term.pieces, entries.collect())
        });
        terms.collect()
    }

    #[test]
    fn queries_are_read() {
        let one = |pieces: &[&str], entries: &[&str]| {
            let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
            (owned(pieces), owned(entries))
        };
        let cases = [
            ("", vec![]),
            (" \t ", vec![]),
            ("\"\"", vec![]),
            ("Foo  BAR", vec![one(&["foo"], &["foo"]), one(&["bar"], &["bar"])]),
            ("\"Foo  bar\" x", vec![one(&["foo", "bar"], &["bar", "foo"]), one(&["x"], &["x"])]),
            ("\"no end", vec![one(&["no", "end"], &["end", "no"])]),
            ("src/Main.rs", vec![one(&["src/main.rs"], &["main", "rs", "src"])]),
            ("pre*", vec![one(&["pre"], &["pre*"])]),
            ("\"a pre\"* y", vec![one(&["a", "pre"], &["a", "pre*"]), one(&["y"], &["y"])]),
            ("* ->", vec![one(&["*"], &[]), one(&["->"], &[])]),
            ("日本語", vec![one(&["日本語"], &["日本", "本語"])]),
            ("日", vec![one(&["日"], &["日*"])]),
            ("a日b", vec![one(&["a日b"], &["a", "b", "日*"])]),
            ("🚀", vec![one(&["🚀"], &["🚀"])]),
        ];
        for (query, expected) in cases {
            assert_eq!(read(query), expected, "{query}");
        }
        assert_eq!(
            parse("x").first().map(|term| (term.begins_word, term.ends_word)),
            Some((true, true))
        );
        assert_eq!(
            parse("日*").first().map(|term| (term.begins_word, term.ends_word)),
            Some((false, false))
        );
    }
}
