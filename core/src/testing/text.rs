//! Text that reads, and compresses, like what agents and tools write.

use std::fmt::Write;

use super::ids::{push_stamp, push_token};
use super::json::push_hex;
use super::prng::Prng;
use super::words::{FOREIGN, WORDS};

/// The names that one thread keeps using: a rollout repeats its own identifiers and files.
#[derive(Debug, Clone)]
pub(super) struct Lexicon {
    words: Vec<&'static str>,
    names: Vec<String>,
    paths: Vec<String>,
}

const NAMES_LEN: usize = 320;
const PATHS_LEN: usize = 96;
const EXTENSIONS: [&str; 10] = ["rs", "ts", "py", "go", "md", "json", "toml", "yaml", "tsx", "c"];

impl Lexicon {
    pub(super) fn new(rng: &mut Prng) -> Self {
        let words = WORDS.split_ascii_whitespace().collect();
        let mut lexicon = Self { words, names: Vec::new(), paths: Vec::new() };
        for _ in 0..NAMES_LEN {
            let name = lexicon.new_name(rng);
            lexicon.names.push(name);
        }
        for _ in 0..PATHS_LEN {
            let path = lexicon.new_path(rng);
            lexicon.paths.push(path);
        }
        lexicon
    }

    /// A common word; the first words of the list come up more often.
    pub(super) fn word(&self, rng: &mut Prng) -> &'static str {
        skewed(rng, &self.words).copied().unwrap_or("word")
    }

    fn new_name(&self, rng: &mut Prng) -> String {
        let (first, second) = (self.word(rng), self.word(rng));
        match rng.below(5) {
            0 => format!("{}{}", capital(first), capital(second)),
            1 => format!("{first}{}", capital(second)),
            2 => format!("{first}_{second}_{}", self.word(rng)),
            3 => format!("{first}_{second}{}", rng.below(100)),
            _ => format!("{first}_{second}"),
        }
    }

    fn new_path(&self, rng: &mut Prng) -> String {
        let mut path = String::new();
        for _ in 0..rng.between(1, 4) {
            path.push_str(self.word(rng));
            path.push('/');
        }
        let extension = rng.pick(&EXTENSIONS);
        let _ = write!(path, "{}.{extension}", skewed(rng, &self.names).map_or("lib", |n| n));
        path
    }

    /// An identifier, mostly one that was used before.
    pub(super) fn name(&self, rng: &mut Prng) -> &str {
        skewed(rng, &self.names).map_or("name", |name| name)
    }

    /// A relative path, mostly one that was used before.
    pub(super) fn path(&self, rng: &mut Prng) -> &str {
        skewed(rng, &self.paths).map_or("src/lib.rs", |path| path)
    }

    /// Appends words with single spaces.
    pub(super) fn push_words(&self, out: &mut String, rng: &mut Prng, count: u64) {
        for index in 0..count {
            if index > 0 {
                out.push(' ');
            }
            match rng.below(48) {
                0 => out.push_str(self.name(rng)),
                1 => push_number(out, rng),
                2 if rng.chance(40) => out.push_str(rng.pick(&FOREIGN)),
                _ => out.push_str(self.word(rng)),
            }
        }
    }

    /// Appends one sentence, list item or heading of prose, with its end of line or space.
    pub(super) fn push_prose(&self, out: &mut String, rng: &mut Prng) {
        let count = rng.between(4, 18);
        match rng.below(12) {
            0 => out.push_str("\n\n"),
            1 => out.push_str("\n- "),
            2 => {
                let _ = write!(out, "`{}` ", self.name(rng));
            }
            3 => {
                let _ = write!(out, "[{0}]({0}:{1}) ", self.path(rng), rng.below(900));
            }
            4 => {
                out.push_str("**");
                self.push_words(out, rng, 2);
                out.push_str("** ");
            }
            _ => {}
        }
        self.push_words(out, rng, count);
        out.push_str(rng.pick(&[". ", ". ", ". ", ", ", ": ", "; ", "? ", " \u{2014} ", ".\n"]));
    }

    /// Appends one line of what tools print: code, diffs, listings, logs, tables.
    pub(super) fn push_code(&self, out: &mut String, rng: &mut Prng) {
        let indent = rng.below(5) as usize;
        let number = rng.below(2000);
        let (one, two) = (self.name(rng), self.name(rng));
        let result = match rng.below(20) {
            0 => {
                write!(out, "{:i$}let {one} = {two}(\"{}\")?;", "", self.word(rng), i = indent * 4)
            }
            1 => write!(out, "{:i$}if {one}.{two}() > {number} {{", "", i = indent * 4),
            2 => write!(out, "{:i$}}}", "", i = indent * 4),
            3 => write!(out, "{}:{number}:    pub fn {one}(&self) -> {two} {{", self.path(rng)),
            4 => write!(out, "+{:i$}{one}: {two},", "", i = indent * 4),
            5 => write!(out, "-{:i$}{one}({two}, {number}),", "", i = indent * 4),
            6 => write!(out, "test {one}::{two} ... ok"),
            7 => write!(out, "{number:>8}\t{}\t{one}", self.path(rng)),
            8 => write!(out, "  \"{one}\": {{ \"{two}\": {number}, \"ok\": true }},"),
            9 => write!(out, "-rw-r--r-- 1 dev dev {number:>8} Mar  1 10:00 {}", self.path(rng)),
            10 => {
                push_stamp(out, super::ids::EPOCH_MS + rng.below(90_000_000));
                write!(out, "Z  INFO {one}: {two}={number} path=\"{}\"", self.path(rng))
            }
            11 => write!(out, "\treturn {one}[{number}].{two}"),
            12 => write!(out, "{:i$}#[serde(rename = \"{one}\")]", "", i = indent * 4),
            13 => {
                out.push_str("commit ");
                push_hex(out, rng.next_u64(), 16);
                push_hex(out, rng.next_u64(), 16);
                write!(out, " {one}")
            }
            14 => write!(out, "const {one} = await {two}.get('/{}', {number});", self.path(rng)),
            15 => Ok(()),
            16 => write!(out, "| {one} | {two} | {number} |"),
            _ => {
                let _ = write!(out, "{:i$}// ", "", i = indent * 4);
                let count = rng.between(4, 12);
                self.push_words(out, rng, count);
                Ok(())
            }
        };
        debug_assert!(result.is_ok(), "writing to a String cannot fail");
        out.push('\n');
    }

    /// Prose of at least this many bytes.
    pub(super) fn prose(&self, rng: &mut Prng, len_min: usize) -> String {
        let mut out = String::with_capacity(len_min + 160);
        while out.len() < len_min {
            self.push_prose(&mut out, rng);
        }
        out
    }

    /// Tool output of at least this many bytes.
    pub(super) fn code(&self, rng: &mut Prng, len_min: usize) -> String {
        let mut out = String::with_capacity(len_min + 160);
        while out.len() < len_min {
            self.push_code(&mut out, rng);
        }
        out
    }

    /// A unified diff of about this many bytes.
    pub(super) fn diff(&self, rng: &mut Prng, len_min: usize) -> String {
        let mut out = String::with_capacity(len_min + 160);
        while out.len() < len_min {
            let at = rng.below(900);
            let _ = writeln!(out, "@@ -{at},7 +{at},9 @@ fn {}", self.name(rng));
            for _ in 0..rng.between(4, 12) {
                out.push_str(rng.pick(&[" ", " ", " ", "+", "+", "-"]));
                self.push_code(&mut out, rng);
            }
        }
        out
    }

    /// A shell command as a model writes them.
    pub(super) fn command(&self, rng: &mut Prng) -> String {
        let (path, name) = (self.path(rng), self.name(rng));
        let number = rng.between(1, 400);
        match rng.below(8) {
            0 => format!("rg -n \"{name}|{}\" {path}", self.name(rng)),
            1 => format!("sed -n '{number},{}p' {path}", number + 120),
            2 => format!("cargo test -p {name} -- --nocapture 2>&1 | tail -{number}"),
            3 => format!("git diff --stat HEAD~{} -- {path} && git status --short", rng.below(9)),
            4 => format!("python3 - <<'PY'\nprint(\"{name}\", {number})\nPY"),
            5 => format!("cat {path} | jq '.{name}[{number}]'"),
            6 => format!("ls -la {path} && wc -l {}", self.path(rng)),
            _ => format!("find . -name '*{name}*' -not -path './target/*' | head -{number}"),
        }
    }
}

/// One of the items, those at the front more often than those at the back.
fn skewed<'a, T>(rng: &mut Prng, items: &'a [T]) -> Option<&'a T> {
    let bits = rng.next_u64();
    let at = |half: u64| ((half * items.len() as u64) >> 32) as usize;
    items.get(at(bits >> 32).min(at(bits & 0xFFFF_FFFF)))
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

fn push_number(out: &mut String, rng: &mut Prng) {
    let number = rng.next_u64();
    let _ = match number % 4 {
        0 => write!(out, "{}", (number >> 8) % 100),
        1 => write!(out, "{}.{}", (number >> 8) % 1000, (number >> 20) % 10),
        2 => write!(out, "{}", (number >> 8) % 1_000_000),
        _ => {
            push_token(out, rng, "id-", 6);
            Ok(())
        }
    };
}
