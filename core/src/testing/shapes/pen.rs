//! The pen: writes one line at a time and counts what it wrote.

use std::fmt::{Arguments, Write};

use super::ShapeFacts;
use crate::testing::ids::{EPOCH_MS, push_base64, push_stamp, push_token, token, uuid7};
use crate::testing::json::{push_escaped, string};
use crate::testing::prng::Prng;
use crate::testing::text::Lexicon;

/// Bytes of a line that are written after the last filled text, give or take.
const TAIL_LEN: usize = 24;

/// The state of a file being written; `out` holds finished lines that were not taken yet.
#[derive(Debug)]
pub(super) struct Pen {
    pub(super) rng: Prng,
    pub(super) lex: Lexicon,
    pub(super) facts: ShapeFacts,
    pub(super) clock_ms: u64,
    pub(super) thread: String,
    pub(super) turn_id: String,
    pub(super) cwd: &'static str,
    /// Whether the client of this turn puts ids and turn ids into response items.
    pub(super) is_modern: bool,
    /// Tokens used since the start of the thread.
    pub(super) tokens_total: u64,
    /// The long text that base instructions, AGENTS.md and developer messages are cut from, as
    /// the inside of a JSON string, one piece per sentence: real files repeat it, so we do.
    instructions: Vec<String>,
    pub(super) out: String,
    line_from: usize,
    scratch: String,
}

/// How much instruction text there is to cut from.
const INSTRUCTIONS_LEN: usize = 48 * 1024;

impl Pen {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = Prng::new(seed);
        let lex = Lexicon::new(&mut rng);
        let mut instructions = Vec::new();
        let mut len = 0;
        while len < INSTRUCTIONS_LEN {
            let mut sentence = String::new();
            lex.push_prose(&mut sentence, &mut rng);
            len += sentence.len();
            let mut escaped = String::new();
            push_escaped(&mut escaped, &sentence);
            instructions.push(escaped);
        }
        let clock_ms = EPOCH_MS + rng.below(30 * 86_400_000);
        let thread = uuid7(&mut rng, clock_ms);
        let cwd = rng.pick(&["/home/dev/work/demo", "/Users/dev/code/app", "C:\\work\\demo"]);
        Self {
            rng,
            lex,
            facts: ShapeFacts::default(),
            clock_ms,
            thread,
            turn_id: String::new(),
            cwd,
            is_modern: true,
            tokens_total: 0,
            instructions,
            out: String::new(),
            line_from: 0,
            scratch: String::new(),
        }
    }

    /// Starts a record of a kind, up to and including the `{` of its payload.
    pub(super) fn open(&mut self, kind: &str) {
        self.line_from = self.out.len();
        self.clock_ms += self.rng.below(900);
        self.out.push_str("{\"timestamp\":\"");
        push_stamp(&mut self.out, self.clock_ms);
        self.out.push_str("Z\",\"type\":\"");
        self.out.push_str(kind);
        self.out.push_str("\",\"payload\":{");
    }

    /// Starts an event or a response item, up to and including its own `type`.
    pub(super) fn open_tagged(&mut self, kind: &str, tag: &str) {
        self.open(kind);
        self.out.push_str("\"type\":\"");
        self.out.push_str(tag);
        self.out.push('"');
    }

    /// Starts an event.
    pub(super) fn event(&mut self, tag: &str) {
        self.open_tagged("event_msg", tag);
    }

    /// Starts a response item.
    pub(super) fn item(&mut self, tag: &str) {
        self.open_tagged("response_item", tag);
    }

    /// Ends the record and returns the length of its line, LF included.
    pub(super) fn close(&mut self) -> usize {
        self.out.push_str("}}\n");
        let len = self.line_len();
        self.facts.bytes += len as u64;
        self.facts.records += 1;
        self.facts.longest_line_bytes = self.facts.longest_line_bytes.max(len as u64);
        len
    }

    /// Bytes of the line so far.
    pub(super) fn line_len(&self) -> usize {
        self.out.len() - self.line_from
    }

    /// Appends JSON text as it is.
    pub(super) fn put(&mut self, json: Arguments<'_>) {
        let result = self.out.write_fmt(json);
        debug_assert!(result.is_ok(), "writing to a String cannot fail");
    }

    /// Appends `"key":"` - the caller ends the string.
    pub(super) fn key_open(&mut self, key: &str) {
        self.out.push_str(",\"");
        self.out.push_str(key);
        self.out.push_str("\":\"");
    }

    /// Appends `,"key":"text"`.
    pub(super) fn text(&mut self, key: &str, text: &str) {
        self.key_open(key);
        push_escaped(&mut self.out, text);
        self.out.push('"');
    }

    /// Appends `,"turn_id":"..."` of the current turn.
    pub(super) fn turn(&mut self) {
        self.out.push_str(",\"turn_id\":\"");
        self.out.push_str(&self.turn_id);
        self.out.push('"');
    }

    /// Appends the passthrough that newer response items carry.
    pub(super) fn passthrough(&mut self) {
        if !self.is_modern {
            return;
        }
        self.out.push_str(",\"internal_chat_message_metadata_passthrough\":{\"turn_id\":\"");
        self.out.push_str(&self.turn_id);
        self.out.push_str("\"}");
    }

    /// How many bytes the passthrough takes.
    pub(super) fn passthrough_len(&self) -> usize {
        if self.is_modern { 97 } else { 0 }
    }

    /// Appends `,"id":"<prefix><hex>"` of a response item.
    pub(super) fn item_id(&mut self, prefix: &str) {
        if !self.is_modern {
            return;
        }
        self.out.push_str(",\"id\":\"");
        push_token(&mut self.out, &mut self.rng, prefix, 50);
        self.out.push('"');
    }

    /// A new call id.
    pub(super) fn call_id(&mut self) -> String {
        token(&mut self.rng, "call_", 24)
    }

    /// The working directory as a JSON string.
    pub(super) fn cwd_json(&self) -> String {
        string(self.cwd)
    }

    /// Appends escaped tool output inside a string until the line would be `goal` bytes.
    pub(super) fn fill_code(&mut self, goal: usize) {
        while self.line_len() + TAIL_LEN < goal {
            self.scratch.clear();
            self.lex.push_code(&mut self.scratch, &mut self.rng);
            push_escaped(&mut self.out, &self.scratch);
        }
    }

    /// Appends base64 until the line would be `goal` bytes.
    pub(super) fn fill_base64(&mut self, goal: usize) {
        let len = goal.saturating_sub(self.line_len() + TAIL_LEN);
        push_base64(&mut self.out, &mut self.rng, len);
    }

    /// Appends base64 that depends on nothing but its own seed: the same image every time.
    pub(super) fn push_image(&mut self, image_seed: u64, len: usize) {
        self.out.push_str("data:image/png;base64,iVBORw0KGgo");
        push_base64(&mut self.out, &mut Prng::new(image_seed), len);
    }

    /// Appends the instruction text from sentence `from` on until the line would be `goal` bytes.
    pub(super) fn fill_instructions(&mut self, from: usize, goal: usize) {
        let mut left = goal.saturating_sub(self.line_len() + 2 * TAIL_LEN);
        for sentence in self.instructions.iter().cycle().skip(from) {
            if left == 0 {
                break;
            }
            self.out.push_str(sentence);
            left = left.saturating_sub(sentence.len());
        }
    }
}
