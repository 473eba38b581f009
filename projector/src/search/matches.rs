//! Where a term stands in a text: what the index only promises.

use std::ops::Range;

use super::chars::{Class, class, fold, fold_into};
use super::query::Term;
use super::words::{BLOB_BYTES_MIN, is_blob, is_of_blob};

/// A text with its case folded.
#[derive(Debug, Default)]
pub(super) struct Folded {
    text: String,
    /// Whether places in it are those in the text.
    is_aligned: bool,
}

impl Folded {
    /// Folds another text.
    pub(super) fn set(&mut self, text: &str) {
        self.text.clear();
        fold_into(&mut self.text, text);
        self.is_aligned = text.is_ascii();
    }

    /// The places at which a term stands, as bytes of `text`, which is the one folded.
    pub(super) fn places<'f>(&'f self, text: &'f str, term: &'f Term) -> Places<'f> {
        Places { folded: self, text, term, from: 0, passed: (0, 0), run: None }
    }

    /// Where a term ends whose first piece stands at `start`, if the others follow.
    fn end_of(&self, start: usize, term: &Term) -> Option<usize> {
        let (first, others) = term.pieces.split_first()?;
        let mut end = start + first.len();
        for piece in others {
            let rest = self.text.get(end..)?;
            let trimmed = rest.trim_start();
            if trimmed.len() == rest.len() || !trimmed.starts_with(&**piece) {
                return None;
            }
            end += rest.len() - trimmed.len() + piece.len();
        }
        Some(end)
    }

    fn cuts_no_word(&self, at: Range<usize>, term: &Term) -> bool {
        let is_word = |char: Option<char>| char.is_some_and(|char| class(char) == Class::Word);
        let before = || self.text.get(..at.start).and_then(|text| text.chars().next_back());
        let behind = || self.text.get(at.end..).and_then(|text| text.chars().next());
        !(term.begins_word && is_word(before()) || term.ends_word && is_word(behind()))
    }
}

/// The places at which a term stands in a text, in order, none within another.
pub(super) struct Places<'f> {
    folded: &'f Folded,
    text: &'f str,
    term: &'f Term,
    /// Bytes of the folded text that were looked at.
    from: usize,
    /// A place in the folded text and the same one in the text, before the next to be told.
    passed: (usize, usize),
    /// The long run that was looked at last, and whether it is base64.
    run: Option<(Range<usize>, bool)>,
}

impl Iterator for Places<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let Self { folded, term, .. } = *self;
        loop {
            let rest = folded.text.as_bytes().get(self.from..)?;
            let start = self.from + term.finder.find(rest)?;
            self.from = start + folded.text.get(start..)?.chars().next()?.len_utf8();
            let Some(end) = folded.end_of(start, term) else { continue };
            if !folded.cuts_no_word(start..end, term) {
                continue;
            }
            let at = self.unfold(start)..self.unfold(end);
            if self.cuts_no_blob(start..end, at.clone()) {
                self.from = self.from.max(end);
                return Some(at);
            }
        }
    }
}

impl Places<'_> {
    /// A place of the folded text in the text itself; not before the one asked for last, but for
    /// the length of a term.
    fn unfold(&mut self, place: usize) -> usize {
        if self.folded.is_aligned {
            return place;
        }
        if self.passed.0 > place {
            self.passed = (0, 0);
        }
        let rest = self.text.get(self.passed.1..).unwrap_or_default();
        for char in rest.chars() {
            if self.passed.0 >= place {
                break;
            }
            self.passed.0 += fold(char).len_utf8();
            self.passed.1 += char.len_utf8();
        }
        self.passed.1
    }

    /// Base64 is one word: whether none begins or ends within the place. Only the runs at its ends
    /// can be cut.
    fn cuts_no_blob(&mut self, folded: Range<usize>, at: Range<usize>) -> bool {
        let bytes = self.folded.text.as_bytes();
        let last = folded.end.saturating_sub(1);
        if !is_in_long_run(bytes, folded.start) && !is_in_long_run(bytes, last) {
            return true;
        }
        let within = self.text.as_bytes().get(at.clone()).unwrap_or_default();
        let edges = [(at.start, 0), (at.end.saturating_sub(1), within.len().saturating_sub(1))];
        edges.into_iter().all(|(edge, edge_within)| {
            let (run, is_of_blob) = self.run_of(edge);
            let run_within = run_at(within, edge_within);
            run.len() == run_within.len()
                || !is_of_blob && !within.get(run_within).is_some_and(is_blob)
        })
    }

    fn run_of(&mut self, at: usize) -> (Range<usize>, bool) {
        if let Some((run, is_blob)) = &self.run
            && run.contains(&at)
        {
            return (run.clone(), *is_blob);
        }
        let bytes = self.text.as_bytes();
        let run = run_at(bytes, at);
        let is_blob = bytes.get(run.clone()).is_some_and(is_blob);
        self.run = Some((run.clone(), is_blob));
        (run, is_blob)
    }
}

/// Whether a byte is in a run that may be base64, seen at a bounded cost.
fn is_in_long_run(bytes: &[u8], at: usize) -> bool {
    let near = bytes.get(at.saturating_sub(BLOB_BYTES_MIN)..).unwrap_or_default();
    let near = near.get(..2 * BLOB_BYTES_MIN).unwrap_or(near);
    run_at(near, at.min(BLOB_BYTES_MIN)).len() >= BLOB_BYTES_MIN
}

/// The run of what base64 is made of around a byte.
fn run_at(bytes: &[u8], at: usize) -> Range<usize> {
    let is_other = |byte: &u8| !is_of_blob(*byte);
    let (before, behind) = bytes.split_at_checked(at).unwrap_or((bytes, &[]));
    if behind.first().is_none_or(is_other) {
        return at..at;
    }
    let start = before.iter().rposition(is_other).map_or(0, |gap| gap + 1);
    let end = behind.iter().position(is_other).map_or(bytes.len(), |len| at + len);
    start..end
}

#[cfg(test)]
mod tests {
    use super::super::query::parse;
    use super::*;

    fn places(text: &str, query: &str) -> Vec<String> {
        let mut folded = Folded::default();
        folded.set(text);
        let terms = parse(query);
        let [term] = &*terms else { panic!("{query} is not one term") };
        folded.places(text, term).map(|at| text.get(at).unwrap().to_owned()).collect()
    }

    #[test]
    fn terms_stand_where_no_word_is_cut() {
        let cases: [(&str, &str, &[&str]); 16] = [
            ("The cat, the CAT.", "cat", &["cat", "CAT"]),
            ("concatenate cats", "cat", &[]),
            ("concatenate cats", "cat*", &["cat"]),
            ("let_cat = 1", "cat", &["cat"]),
            ("fn  main ( )", "\"fn main\"", &["fn  main"]),
            ("fn\n\tmain()", "\"FN main()\"", &["fn\n\tmain()"]),
            ("fnmain", "\"fn main\"", &[]),
            ("a fn x fn main", "\"fn main\"", &["fn main"]),
            ("KELVIN \u{212a}elvin", "kelvin", &["KELVIN", "\u{212a}elvin"]),
            ("Straße STRAẞE", "straße", &["Straße", "STRAẞE"]),
            ("cafe\u{301} cafe", "cafe", &["cafe"]),
            ("これは日本語です", "日本語", &["日本語"]),
            ("x日本", "日", &["日"]),
            ("👩\u{200d}💻 👩", "👩", &["👩", "👩"]),
            ("a->b", "->", &["->"]),
            ("aaa", "a*", &["a"]),
        ];
        for (text, query, expected) in cases {
            assert_eq!(places(text, query), expected, "{query} in {text}");
        }
    }

    #[test]
    fn base64_is_not_cut() {
        let base64 = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk/M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
        let text = format!("x,{base64} é");
        assert!(places(&text, "M9QDwADhgGAWjR9awAAAABJRU5ErkJggg").is_empty());
        assert!(
            places(&text, "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk")
                .is_empty()
        );
        assert_eq!(places(&text, base64), [base64]);
        assert_eq!(places(&text, &format!("x,{base64}")).len(), 1);
        let path = "/home/dev/projects/acme/source/components/dashboard/widgets/charts/line/chart";
        assert_eq!(places(path, "widgets"), ["widgets"]);
    }
}
