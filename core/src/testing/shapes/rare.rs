//! Records that a real file has a handful of.

use super::pen::Pen;
use crate::testing::ids::{token, uuid7};
use crate::testing::json::string;

impl Pen {
    pub(super) fn thread_rolled_back(&mut self, turns: u64) -> usize {
        self.event("thread_rolled_back");
        self.put(format_args!(r#","num_turns":{turns}"#));
        self.close()
    }

    pub(super) fn context_compacted(&mut self) -> usize {
        self.event("context_compacted");
        self.close()
    }

    pub(super) fn ghost_snapshot(&mut self) -> usize {
        self.item("ghost_snapshot");
        let hash = self.rng.next_u64();
        self.put(format_args!(
            r#","ghost_commit":{{"id":"{hash:016x}{hash:016x}","parent":"{hash:032x}","preexisting_untracked_files":[],"preexisting_untracked_dirs":[]}}"#
        ));
        self.close()
    }

    pub(super) fn thread_name_updated(&mut self) -> usize {
        self.event("thread_name_updated");
        let mut name = String::new();
        self.lex.push_words(&mut name, &mut self.rng, 5);
        let (thread, name) = (self.thread.clone(), string(&name));
        self.put(format_args!(r#","thread_id":"{thread}","thread_name":{name}"#));
        self.close()
    }

    fn query(&mut self) -> String {
        let mut query = String::new();
        self.lex.push_words(&mut query, &mut self.rng, 7);
        string(&query)
    }

    pub(super) fn web_search_call(&mut self) -> usize {
        self.item("web_search_call");
        self.item_id("ws_");
        let query = self.query();
        self.put(format_args!(
            r#","status":"completed","action":{{"type":"search","query":{query},"queries":[{query}]}}"#
        ));
        self.close()
    }

    pub(super) fn web_search_begin(&mut self, call_id: &str) -> usize {
        self.event("web_search_begin");
        self.text("call_id", call_id);
        self.close()
    }

    pub(super) fn web_search_end(&mut self, call_id: &str) -> usize {
        self.event("web_search_end");
        self.text("call_id", call_id);
        let query = self.query();
        self.put(format_args!(
            r#","query":{query},"action":{{"type":"search","query":{query},"queries":[{query}]}}"#
        ));
        self.close()
    }

    pub(super) fn guardian_assessment(&mut self, call_id: &str) -> usize {
        self.event("guardian_assessment");
        let id = token(&mut self.rng, "ga_", 12);
        let (cwd, ms) = (self.cwd_json(), self.clock_ms);
        let command = string(&self.lex.command(&mut self.rng));
        let status = self.rng.pick(&["approved", "approved", "denied", "in_progress"]);
        self.put(format_args!(r#","id":"{id}","target_item_id":"{call_id}""#));
        self.turn();
        self.put(format_args!(
            r#","started_at_ms":{ms},"status":"{status}","risk_level":"low","decision_source":"agent","action":{{"type":"command","source":"shell","command":{command},"cwd":{cwd}}}"#
        ));
        self.close()
    }

    pub(super) fn tool_search_call(&mut self, call_id: &str) -> usize {
        self.item("tool_search_call");
        let query = self.query();
        self.put(format_args!(
            r#","call_id":"{call_id}","status":"completed","execution":"client","arguments":{{"query":{query}}}"#
        ));
        self.close()
    }

    pub(super) fn tool_search_output(&mut self, call_id: &str) -> usize {
        self.item("tool_search_output");
        let text = string(&self.lex.prose(&mut self.rng, 6_800));
        self.put(format_args!(
            r#","call_id":"{call_id}","status":"completed","execution":"client","tools":[{{"type":"function","name":"look","description":{text},"strict":false}}]"#
        ));
        self.close()
    }

    /// A plan, the one canonical item that legacy files hold.
    pub(super) fn plan_completed(&mut self) -> usize {
        self.event("item_completed");
        let (thread, turn, ms) = (self.thread.clone(), self.turn_id.clone(), self.clock_ms);
        let text = string(&self.lex.prose(&mut self.rng, 2_500));
        self.put(format_args!(
            r#","thread_id":"{thread}","turn_id":"{turn}","item":{{"type":"Plan","id":"{turn}-plan","text":{text}}},"completed_at_ms":{ms}"#
        ));
        self.close()
    }

    /// The end of waiting for a spawned agent, or of spawning it.
    pub(super) fn collab_end(&mut self, call_id: &str, spawn: bool) -> usize {
        let (sender, ms) = (self.thread.clone(), self.clock_ms);
        let receiver = uuid7(&mut self.rng, ms);
        if spawn {
            let prompt = string(&self.lex.prose(&mut self.rng, 600));
            self.event("collab_agent_spawn_end");
            self.put(format_args!(
                r#","call_id":"{call_id}","completed_at_ms":{ms},"sender_thread_id":"{sender}","new_thread_id":"{receiver}","new_agent_nickname":"Ada","new_agent_role":"explorer","prompt":{prompt},"model":"gpt-5.2-codex","reasoning_effort":"high","status":"pending_init""#
            ));
        } else {
            let answer = string(&self.lex.prose(&mut self.rng, 8_600));
            self.event("collab_waiting_end");
            self.put(format_args!(
                r#","sender_thread_id":"{sender}","call_id":"{call_id}","completed_at_ms":{ms},"statuses":{{"{receiver}":{{"completed":{answer}}}}}"#
            ));
        }
        self.close()
    }

    pub(super) fn sub_agent_activity(&mut self) -> usize {
        self.event("sub_agent_activity");
        let (ms, agent) = (self.clock_ms, uuid7(&mut self.rng, self.clock_ms));
        let event = token(&mut self.rng, "call_", 24);
        self.put(format_args!(
            r#","event_id":"{event}","occurred_at_ms":{ms},"agent_thread_id":"{agent}","agent_path":"/root/scout","kind":"started""#
        ));
        self.close()
    }

    pub(super) fn error(&mut self) -> usize {
        self.event("error");
        let text = self.query();
        self.put(format_args!(
            r#","message":{text},"codex_error_info":{{"response_stream_disconnected":{{"http_status_code":null}}}}"#
        ));
        self.close()
    }

    /// A message between agents: its metadata record and the response item it announces.
    pub(super) fn delivery(&mut self) -> [usize; 2] {
        self.open("inter_agent_communication_metadata");
        self.put(format_args!(r#""trigger_turn":true"#));
        let first = self.close();
        self.item("agent_message");
        self.put(format_args!(
            r#","author":"/root","recipient":"/root/scout","content":[{{"type":"input_text","text":"Message Type: NEW_TASK\nTask name: /root/scout\nSender: /root\nPayload:\n"}},{{"type":"encrypted_content","encrypted_content":"gAAAAAB"#
        ));
        self.fill_base64(1_050);
        self.put(format_args!("\"}}]"));
        self.passthrough();
        [first, self.close()]
    }

    /// One of the kinds that were seen a single time.
    pub(super) fn rarity(&mut self, call_id: &str) -> usize {
        match self.rng.below(4) {
            0 => {
                self.open("token_usage_record");
                self.put(format_args!(
                    r#""turn_id":"x","usage":{{"input_tokens":900,"cached_input_tokens":0,"output_tokens":9,"reasoning_output_tokens":0,"total_tokens":909}}"#
                ));
            }
            1 => {
                self.event("view_image_tool_call");
                self.put(format_args!(r#","call_id":"{call_id}","path":"file:///w/i.png""#));
            }
            2 => {
                self.open("inter_agent_communication");
                self.put(format_args!(
                    r#""author":"/root","recipient":"/root/scout","other_recipients":[],"content":"look here","trigger_turn":true"#
                ));
            }
            _ => {
                self.event("agent_reasoning_raw_content");
                self.put(format_args!(r#","text":"raw""#));
            }
        }
        self.close()
    }
}
