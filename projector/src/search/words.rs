//! What of a text the index knows: words, and pieces of text that has no words.
//!
//! | text | entries |
//! | --- | --- |
//! | letters, digits, combining marks | each longest run of them, folded, its first bytes |
//! | script without spaces | each pair of neighbours; the last character of a run |
//! | emoji, arrows, box drawings | each character |
//! | base64 and the like | all of it as one word |

use super::chars::{Class, class, fold};

/// Bytes of a word that the index knows: what follows is only looked at in the text.
pub(super) const WORD_BYTES_MAX: usize = 40;

/// Shorter runs are words, whatever they look like.
pub(super) const BLOB_BYTES_MIN: usize = 64;

/// Calls `each` with every entry that a text has in the index, each as often as it comes.
pub(super) fn each_word(text: &str, mut each: impl FnMut(&[u8])) {
    let mut word = Word::default();
    let mut start = 0;
    for blob in Blobs::new(text) {
        each_plain(text.get(start..blob.start).unwrap_or_default(), &mut word, &mut each);
        text.get(blob.clone()).unwrap_or_default().chars().for_each(|char| word.push(char));
        word.end(&mut each);
        start = blob.end;
    }
    each_plain(text.get(start..).unwrap_or_default(), &mut word, &mut each);
}

/// The same of a text without blobs.
fn each_plain(text: &str, word: &mut Word, each: &mut impl FnMut(&[u8])) {
    let mut before = None;
    for char in text.chars() {
        if char.is_ascii() {
            // Nearly all characters.
            if char.is_ascii_alphanumeric() {
                last_of_run(before.take(), word, each);
                word.push_ascii(char);
            } else {
                last_of_run(before.take(), word, each);
                word.end(each);
            }
            continue;
        }
        let class = class(char);
        if class != Class::Unspaced {
            last_of_run(before.take(), word, each);
        }
        match class {
            Class::Word => word.push(char),
            Class::Other => word.end(each),
            Class::Symbol => {
                word.end(each);
                word.push(char);
                word.end(each);
            }
            Class::Unspaced => {
                word.end(each);
                if let Some(before) = before.replace(char) {
                    word.push(before);
                    word.push(char);
                    word.end(each);
                }
            }
        }
    }
    last_of_run(before, word, each);
    word.end(each);
}

fn last_of_run(last: Option<char>, word: &mut Word, each: &mut impl FnMut(&[u8])) {
    if let Some(last) = last {
        word.push(last);
        word.end(each);
    }
}

/// A word that grows, folded.
#[derive(Default)]
struct Word {
    bytes: Vec<u8>,
    is_full: bool,
}

impl Word {
    fn push_ascii(&mut self, char: char) {
        if self.bytes.len() < WORD_BYTES_MAX && !self.is_full {
            self.bytes.push((char as u8).to_ascii_lowercase());
        } else {
            self.is_full = true;
        }
    }

    fn push(&mut self, char: char) {
        let mut bytes = [0; 4];
        let bytes = fold(char).encode_utf8(&mut bytes).as_bytes();
        if self.bytes.len() + bytes.len() <= WORD_BYTES_MAX && !self.is_full {
            self.bytes.extend_from_slice(bytes);
        } else {
            self.is_full = true;
        }
    }

    fn end(&mut self, each: &mut impl FnMut(&[u8])) {
        if !self.bytes.is_empty() {
            each(&self.bytes);
            self.bytes.clear();
            self.is_full = false;
        }
    }
}

/// The ranges of a text that are base64 or the like: no word is in them, and of their pieces there
/// are as many as bytes.
pub(super) struct Blobs<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Blobs<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text: text.as_bytes(), at: 0 }
    }
}

impl Iterator for Blobs<'_> {
    type Item = std::ops::Range<usize>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let window = self.text.get(self.at..self.at + BLOB_BYTES_MIN)?;
            // Looked at from its end: of most windows only a few bytes.
            if let Some(gap) = window.iter().rposition(|byte| !is_of_blob(*byte)) {
                self.at += gap + 1;
                continue;
            }
            let start = self.at;
            let rest = self.text.get(start..).unwrap_or_default();
            let len = rest.iter().position(|byte| !is_of_blob(*byte)).unwrap_or(rest.len());
            self.at = start + len;
            if is_blob(rest.get(..len).unwrap_or_default()) {
                return Some(start..start + len);
            }
        }
    }
}

/// Whether a byte is of the alphabet of base64. That of URLs is left out: names and paths are made
/// of it.
pub(super) fn is_of_blob(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// Whether a run of such bytes is base64: its letters and digits change between lower case, upper
/// case and digits at least half as often as chance would have it. Names of any case and hexadecimal
/// digests do not.
pub(super) fn is_blob(run: &[u8]) -> bool {
    if run.len() < BLOB_BYTES_MIN {
        return false;
    }
    let (mut changes, mut pairs, mut uppers, mut digits) = (0usize, 0usize, 0usize, 0usize);
    let mut before = 0u8;
    for byte in run {
        let kind = match byte {
            b'a'..=b'z' => 1,
            b'A'..=b'Z' => 2,
            b'0'..=b'9' => 3,
            _ => 0,
        };
        uppers += usize::from(kind == 2);
        digits += usize::from(kind == 3);
        if kind != 0 && before != 0 {
            pairs += 1;
            changes += usize::from(kind != before);
        }
        before = kind;
    }
    changes * 20 >= pairs * 7 && uppers * 8 >= run.len() && digits * 32 >= run.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut words = Vec::new();
        each_word(text, |word| words.push(String::from_utf8(word.to_vec()).unwrap()));
        words
    }

    #[test]
    fn texts_have_words() {
        let cases: [(&str, &[&str]); 9] = [
            ("The_quick  src/Main.rs:12", &["the", "quick", "src", "main", "rs", "12"]),
            ("GRÖSSE größe e\u{301}t", &["grösse", "größe", "e\u{301}t"]),
            ("日本語", &["日本", "本語", "語"]),
            ("x日y 한국", &["x", "日", "y", "한국", "국"]),
            ("go🚀→ok", &["go", "🚀", "→", "ok"]),
            ("👩\u{200d}💻", &["👩", "💻"]),
            ("", &[]),
            ("\0a\0b…c", &["a", "b", "c"]),
            ("שלום", &["שלום"]),
        ];
        for (text, expected) in cases {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn long_words_are_known_by_their_first_bytes() {
        assert_eq!(words(&"x".repeat(1_000_000)), ["x".repeat(WORD_BYTES_MAX)]);
        // A character that does not fit whole is left out, and so is what follows.
        let text = format!("{}éx y", "x".repeat(WORD_BYTES_MAX - 1));
        assert_eq!(words(&text), ["x".repeat(WORD_BYTES_MAX - 1), "y".to_owned()]);
    }

    #[test]
    fn base64_is_one_word_and_names_are_not() {
        let base64 = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
        let text = format!("see data:image/png;base64,{base64}, it is");
        assert_eq!(words(&text).len(), 8);
        assert_eq!(Blobs::new(&text).count(), 1);
        let names = [
            "/home/dev/projects/acme/source/components/dashboard/widgets/charts/line/chart",
            "/Users/Dev/Projects/MyCompany/SourceCode/Components/DashboardWidgets/LineChart",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "/var/lib/overlay2/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/merged",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ];
        for name in names {
            assert_eq!(Blobs::new(name).count(), 0, "{name}");
        }
    }
}
