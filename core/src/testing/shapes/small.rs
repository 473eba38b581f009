//! `Tiny` and `Legacy`: many records, small ones.

use super::lines::Voice;
use super::pen::Pen;
use crate::testing::ids::uuid7;
use crate::testing::json::string;

impl Pen {
    /// An event whose only field is a short text.
    fn word_event(&mut self, tag: &str, key: &str) {
        self.event(tag);
        let word = self.lex.word(&mut self.rng);
        self.text(key, word);
        self.close();
    }

    fn tiny_call(&mut self) {
        let call = self.rng.below(1 << 20);
        self.item("function_call");
        self.put(format_args!(r#","name":"wait","arguments":"{{}}","call_id":"c{call}""#));
        self.close();
        self.item("function_call_output");
        self.put(format_args!(r#","call_id":"c{call}","output":"ok""#));
        self.close();
    }

    fn collab_begin(&mut self, call_id: &str, kind: &str, receiver: &str) {
        let (sender, ms) = (self.thread.clone(), self.clock_ms);
        self.event(kind);
        self.put(format_args!(
            r#","call_id":"{call_id}","started_at_ms":{ms},"sender_thread_id":"{sender}","receiver_thread_id":"{receiver}""#
        ));
    }
}

/// Records of a hundred bytes or two.
pub(super) fn tiny_turn(pen: &mut Pen) {
    pen.task_started();
    pen.word_event("user_message", "message");
    for _ in 0..pen.rng.between(4, 40) {
        match pen.rng.below(8) {
            0 => pen.word_event("agent_reasoning", "text"),
            1 => {
                pen.event("token_count");
                pen.put(format_args!(r#","info":null,"rate_limits":null"#));
                pen.close();
            }
            2 => pen.word_event("agent_message", "message"),
            3 => {
                let call = pen.call_id();
                pen.web_search_begin(&call);
            }
            4 => {
                pen.context_compacted();
            }
            5 => {
                pen.open("world_state");
                let day = 1 + pen.rng.below(28);
                pen.put(format_args!(r#""full":false,"state":{{"d":{{"day":{day}}}}}"#));
                pen.close();
            }
            _ => pen.tiny_call(),
        }
    }
    pen.task_complete(None);
}

/// What builds with the extended persistence level wrote: each tool's begin and end.
pub(super) fn legacy_turn(pen: &mut Pen) {
    pen.task_started();
    pen.turn_context(1_200);
    let text_len = pen.rng.between(40, 600) as usize;
    let text = pen.lex.prose(&mut pen.rng, text_len);
    pen.user_message(&text, None);
    for _ in 0..pen.rng.between(2, 14) {
        legacy_step(pen);
    }
    let answer = pen.lex.prose(&mut pen.rng, 500);
    pen.agent_message(Voice::FinalAnswer, &answer);
    if pen.rng.chance(8) {
        pen.turn_aborted();
    } else {
        pen.task_complete(Some(&answer));
    }
    if pen.rng.chance(2) {
        pen.thread_rolled_back(1);
    }
}

fn legacy_step(pen: &mut Pen) {
    let call = pen.call_id();
    if pen.rng.chance(40) {
        let mut text = String::from("**");
        pen.lex.push_words(&mut text, &mut pen.rng, 4);
        pen.agent_reasoning(&text);
    }
    match pen.rng.below(16) {
        0 => {
            pen.mcp_tool_call_begin(&call);
            let goal = pen.rng.between(600, 6_000) as usize;
            pen.mcp_tool_call_end(&call, goal);
        }
        1 => {
            pen.web_search_begin(&call);
            pen.web_search_end(&call);
        }
        2..=4 => {
            let goal = pen.rng.between(700, 6_000) as usize;
            pen.patch_apply_begin(&call, goal);
            pen.patch_apply_end(&call, goal);
        }
        5 => legacy_agent(pen, &call),
        6 => {
            pen.guardian_assessment(&call);
        }
        7 => legacy_dynamic(pen, &call),
        _ => {
            pen.exec_command_begin(&call);
            let goal = pen.rng.between(900, 9_000) as usize;
            pen.exec_command_end(&call, goal);
        }
    }
    pen.token_count();
}

fn legacy_agent(pen: &mut Pen, call: &str) {
    if pen.rng.chance(50) {
        pen.collab_end(call, true);
        return;
    }
    let receiver = uuid7(&mut pen.rng, pen.clock_ms);
    pen.collab_begin(call, "collab_close_begin", &receiver);
    pen.close();
    let (sender, ms) = (pen.thread.clone(), pen.clock_ms);
    pen.event("collab_close_end");
    pen.put(format_args!(
        r#","call_id":"{call}","completed_at_ms":{ms},"sender_thread_id":"{sender}","receiver_thread_id":"{receiver}","status":"shutdown""#
    ));
    pen.close();
}

fn legacy_dynamic(pen: &mut Pen, call: &str) {
    let (turn, ms) = (pen.turn_id.clone(), pen.clock_ms);
    let arguments = format!("{{\"q\":{}}}", string(&pen.lex.command(&mut pen.rng)));
    pen.event("dynamic_tool_call_request");
    pen.put(format_args!(
        r#","callId":"{call}","turnId":"{turn}","startedAtMs":{ms},"namespace":null,"tool":"look","arguments":{arguments}"#
    ));
    pen.close();
    let text = string(&pen.lex.prose(&mut pen.rng, 700));
    pen.event("dynamic_tool_call_response");
    pen.put(format_args!(
        r#","call_id":"{call}","turn_id":"{turn}","completed_at_ms":{ms},"namespace":null,"tool":"look","arguments":{arguments},"content_items":[{{"type":"inputText","text":{text}}}],"success":true,"error":null,"duration":{{"secs":0,"nanos":7}}"#
    ));
    pen.close();
}
