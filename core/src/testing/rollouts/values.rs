//! The values that records are filled with: texts, paths, numbers, lists. All return JSON text.

use super::maker::Maker;
use crate::testing::ids::{base64, stamp};
use crate::testing::json::{Object, array, string};

impl Maker {
    /// A few words.
    pub(super) fn phrase(&mut self) -> String {
        let count = self.rng.between(1, 6);
        let mut text = String::new();
        self.lex.push_words(&mut text, &mut self.rng, count);
        string(&text)
    }

    /// A text of any kind: empty, blank, odd characters, prose, code, long.
    pub(super) fn text(&mut self) -> String {
        string(&self.raw_text())
    }

    pub(super) fn raw_text(&mut self) -> String {
        let len = self.rng.between(10, 400) as usize;
        match self.rng.below(24) {
            0 => String::new(),
            1 => self.rng.pick(&[" ", "\n\n", "\t", "\u{a0}", "\u{2003}\n"]).to_owned(),
            2 => self.odd_text(),
            3 | 4 => self.lex.code(&mut self.rng, len),
            5 => self.lex.diff(&mut self.rng, len),
            6 => self.lex.prose(&mut self.rng, len * len / 8),
            _ => self.lex.prose(&mut self.rng, len / 3),
        }
    }

    fn odd_text(&mut self) -> String {
        let odd = self.rng.pick(&[
            "shell\u{0}x",
            "line\u{2028}separator\u{2029}next\u{85}",
            "\"quoted\" \\back\\slash\\ \u{7f}",
            "\u{1f9d1}\u{200d}\u{1f680} \u{1f1ee}\u{1f1f9}",
            "\u{feff}bom inside",
            "{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"type\":\"event_msg\"}",
            "\u{1b}[31mred\u{1b}[0m\r\nback",
            "<hook_prompt hook_run_id=\"r1\">be kind &amp; brief</hook_prompt>",
            "\u{fffd}\u{10ffff}\u{e000}",
        ]);
        odd.to_owned()
    }

    pub(super) fn url(&mut self) -> String {
        if self.yes(30) {
            let image = base64(&mut self.rng, 80);
            return string(&format!("data:image/png;base64,{image}"));
        }
        string(&format!("https://x.test/{}", self.lex.path(&mut self.rng)))
    }

    fn raw_abs_path(&mut self) -> String {
        let percent = self.habits.windows;
        let path = self.lex.path(&mut self.rng).to_owned();
        if !self.yes(percent) {
            let root = self.rng.pick(&["/w", "/home/dev/demo", "/tmp", "/mnt/c/work", "/w/../x/."]);
            return format!("{root}/{path}");
        }
        let path = path.replace('/', "\\");
        let roots = ["C:", "\\\\?\\C:", "\\\\wsl$\\Ubuntu", "\\\\server\\share", "d:"];
        format!("{}\\{path}", self.rng.pick(&roots))
    }

    /// A path, perhaps relative, as plain text.
    pub(super) fn raw_path(&mut self) -> String {
        if self.yes(50) { self.raw_abs_path() } else { self.lex.path(&mut self.rng).to_owned() }
    }

    /// An absolute path.
    pub(super) fn abs_path(&mut self) -> String {
        string(&self.raw_abs_path())
    }

    /// A path that may be relative.
    pub(super) fn path(&mut self) -> String {
        string(&self.raw_path())
    }

    /// A `file:` URL.
    pub(super) fn uri(&mut self) -> String {
        let percent = self.habits.windows;
        let roots = if self.yes(percent) {
            ["file:///C:/work/demo", "file://server/share/x", "file:///d:/a%20b"]
        } else {
            ["file:///w/demo", "file:///home/dev/a%20b", "file:///tmp/caf%C3%A9"]
        };
        let root = self.rng.pick(&roots);
        string(&format!("{root}/{}", self.lex.word(&mut self.rng)))
    }

    /// A count, small or large.
    pub(super) fn number(&mut self) -> String {
        let bits = self.rng.below(50);
        (self.rng.next_u64() >> (63 - bits)).to_string()
    }

    /// A float in the spellings that writers use.
    pub(super) fn float(&mut self) -> String {
        let spellings =
            ["12", "12.0", "12.5", "0", "0.0", "100", "99.99", "1e1", "0.1e-7", "3.0E+1", "0.85"];
        self.rng.pick(&spellings).to_owned()
    }

    pub(super) fn boolean(&mut self) -> String {
        self.rng.chance(50).to_string()
    }

    pub(super) fn seconds(&mut self) -> String {
        (self.clock_ms / 1_000).to_string()
    }

    pub(super) fn millis(&mut self) -> String {
        self.clock_ms.to_string()
    }

    pub(super) fn stamp(&mut self) -> String {
        string(&stamp(self.clock_ms))
    }

    /// Seconds and nanoseconds; now and then more milliseconds than an i64 holds.
    pub(super) fn duration(&mut self) -> String {
        let secs = self.rng.pick(&[0, 0, 0, 1, 59, 86_400, 9_300_000_000_000_000_u64]);
        let nanos = self.rng.below(1_000_000_000);
        format!("{{\"secs\":{secs},\"nanos\":{nanos}}}")
    }

    /// One of the tags, as a JSON string.
    pub(super) fn tag(&mut self, tags: &[&'static str]) -> String {
        string(self.rng.pick(tags))
    }

    /// Up to `most` values.
    pub(super) fn list(&mut self, most: u64, mut make: impl FnMut(&mut Self) -> String) -> String {
        let values: Vec<String> = (0..self.rng.below(most + 1)).map(|_| make(self)).collect();
        array(&values)
    }

    /// Free-form JSON of little depth.
    pub(super) fn any_json(&mut self) -> String {
        self.any_json_of_depth(3)
    }

    fn any_json_of_depth(&mut self, depth: u32) -> String {
        match self.rng.below(if depth == 0 { 5 } else { 8 }) {
            0 => "null".to_owned(),
            1 => self.boolean(),
            2 => self.float(),
            3 => self.number(),
            4 => self.phrase(),
            5 => self.list(3, |m| m.any_json_of_depth(depth - 1)),
            _ => {
                let mut object = Object::new();
                for key in ["q", "limit", "deep key", "n"] {
                    if self.yes(60) {
                        object = object.put(key, self.any_json_of_depth(depth - 1));
                    }
                }
                object.json()
            }
        }
    }
}
