//! `Chat`, `Edits` and `Compact`: few records, large ones.

use super::lines::Voice;
use super::pen::Pen;
use crate::testing::ids::uuid7;

/// Long messages, long reasoning, long tool outputs.
pub(super) fn chat_turn(pen: &mut Pen) {
    pen.task_started();
    pen.turn_context(2_000);
    let text_len = pen.rng.between(400, 9_000) as usize;
    let text = pen.lex.prose(&mut pen.rng, text_len);
    pen.message(Voice::User, &text, None);
    pen.user_message(&text, None);
    for _ in 0..pen.rng.between(1, 6) {
        let goal = pen.rng.between(2_000, 12_000) as usize;
        pen.reasoning(goal, None);
        let call = pen.call_id();
        pen.function_call(&call, 700);
        let goal = pen.rng.between(4_000, 64_000) as usize;
        pen.function_call_output(&call, goal);
        pen.token_count();
    }
    let answer_len = pen.rng.between(1_000, 16_000) as usize;
    let answer = pen.lex.prose(&mut pen.rng, answer_len);
    pen.agent_message(Voice::FinalAnswer, &answer);
    pen.message(Voice::FinalAnswer, &answer, None);
    pen.task_complete(Some(&answer));
}

/// Patches with whole files and long diffs.
pub(super) fn edits_turn(pen: &mut Pen) {
    pen.task_started();
    pen.turn_context(1_200);
    let text = pen.lex.prose(&mut pen.rng, 300);
    pen.message(Voice::User, &text, None);
    pen.user_message(&text, None);
    for _ in 0..pen.rng.between(2, 10) {
        let call = pen.call_id();
        let goal = pen.rng.between(1_000, 30_000) as usize;
        pen.custom_tool_call(&call, goal);
        if pen.rng.chance(30) {
            pen.patch_apply_begin(&call, goal);
        }
        pen.patch_apply_end(&call, goal + goal / 4);
        pen.custom_tool_call_output(&call, 500);
        pen.token_count();
    }
    pen.agent_message(Voice::FinalAnswer, "Patched.");
    pen.message(Voice::FinalAnswer, "Patched.", None);
    pen.task_complete(Some("Patched."));
}

/// The images that every compaction repeats. Only their seeds are kept.
#[derive(Debug)]
pub(super) struct Images {
    seeds: Vec<u64>,
    len: usize,
}

/// Distinct images of a thread.
const IMAGES: usize = 20;
/// How many compactions a file is meant to have.
const COMPACTIONS: u64 = 400;
/// Bounds of the images in one compaction: a screenshot or so, and what was seen at most.
const HISTORY_BYTES: (u64, u64) = (160 * 1024, 50 << 20);

impl Images {
    pub(super) fn new(pen: &mut Pen, len_bytes: u64) -> Self {
        let history = (len_bytes / COMPACTIONS).clamp(HISTORY_BYTES.0, HISTORY_BYTES.1);
        let seeds = (0..IMAGES).map(|_| pen.rng.next_u64()).collect();
        Self { seeds, len: history as usize / IMAGES }
    }

    /// A turn with an image from the user and a compaction at its end.
    pub(super) fn turn(&mut self, pen: &mut Pen) {
        pen.task_started();
        pen.turn_context(1_200);
        let text = pen.lex.prose(&mut pen.rng, 200);
        // The images come in during the first turns; later ones only repeat them.
        let turns = pen.facts.turns as usize;
        let image = self.seeds.get(turns - 1).map(|seed| (*seed, self.len));
        pen.message(Voice::User, &text, image);
        pen.user_message(&text, image);
        let call = pen.call_id();
        pen.function_call(&call, 600);
        pen.function_call_output(&call, 2_000);
        pen.token_count();
        self.compacted(pen, turns);
        pen.context_compacted();
        pen.agent_message(Voice::FinalAnswer, "Seen.");
        pen.message(Voice::FinalAnswer, "Seen.", None);
        pen.task_complete(Some("Seen."));
    }

    fn compacted(&self, pen: &mut Pen, turns: usize) {
        pen.open("compacted");
        pen.put(format_args!(r#""message":"","replacement_history":["#));
        for seed in self.seeds.iter().take(turns) {
            pen.put(format_args!(
                r#"{{"type":"message","role":"user","content":[{{"type":"input_text","text":"look"}},{{"type":"input_image""#
            ));
            pen.key_open("image_url");
            pen.push_image(*seed, self.len);
            pen.put(format_args!("\"}}]}},"));
        }
        pen.put(format_args!(r#"{{"type":"compaction","encrypted_content":"gAAAAAB"#));
        pen.fill_base64(pen.line_len() + 2_000);
        let window = uuid7(&mut pen.rng, pen.clock_ms);
        pen.put(format_args!(r#""}}],"window_number":{turns},"window_id":"{window}""#));
        pen.close();
    }
}
