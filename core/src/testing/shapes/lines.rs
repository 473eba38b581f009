//! Records of a conversation: headers, turns, messages, reasoning, usage, state.

use super::pen::Pen;
use crate::testing::ids::{stamp, uuid7};
use crate::testing::json::{push_escaped, push_string};

/// Who says a message and where it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Voice {
    User,
    Commentary,
    FinalAnswer,
}

impl Pen {
    /// A header: of this thread, or the copy of an ancestor's that a fork leaves.
    pub(super) fn session_meta(&mut self, goal: usize, own: bool) -> usize {
        self.open("session_meta");
        let ms = self.clock_ms;
        let id = if own { self.thread.clone() } else { uuid7(&mut self.rng, ms - 86_400_000) };
        let version = self.rng.below(146);
        let cwd = self.cwd_json();
        self.put(format_args!(
            r#""id":"{id}","timestamp":"{}","cwd":{cwd},"originator":"codex_cli_rs","cli_version":"0.{version}.0","source":"cli","model_provider":"openai""#,
            stamp(ms)
        ));
        if own && self.facts.records > 0 {
            let mode = self.rng.pick(&["enabled", "disabled"]);
            self.put(format_args!(r#","memory_mode":"{mode}""#));
        }
        self.put(format_args!(r#","base_instructions":{{"text":""#));
        // A handful of prompt versions, each repeated to the letter.
        let from = 40 * self.rng.index(4);
        self.fill_instructions(from, goal.saturating_sub(200));
        let (hash, branch) = (self.rng.next_u64(), self.lex.word(&mut self.rng));
        self.put(format_args!(
            r#""}},"history_mode":"legacy","git":{{"commit_hash":"{hash:016x}{hash:016x}","branch":"{branch}","repository_url":"https://example.test/{branch}.git"}}"#
        ));
        self.close()
    }

    pub(super) fn turn_context(&mut self, goal: usize) -> usize {
        self.open("turn_context");
        let (cwd, turn) = (self.cwd_json(), self.turn_id.clone());
        let effort = self.rng.pick(&["low", "medium", "high", "xhigh"]);
        let policy = if self.rng.chance(70) {
            "\"on-request\""
        } else {
            r#"{"granular":{"sandbox_approval":true,"rules":true,"mcp_elicitations":true}}"#
        };
        self.put(format_args!(
            r#""turn_id":"{turn}","cwd":{cwd},"current_date":"2026-03-01","timezone":"Europe/Rome","approval_policy":{policy},"sandbox_policy":{{"type":"workspace-write","writable_roots":[{cwd}],"network_access":false,"exclude_tmpdir_env_var":false,"exclude_slash_tmp":false}},"permission_profile":{{"type":"managed","file_system":{{"type":"restricted","entries":[{{"path":{{"type":"special","value":{{"kind":"root"}}}},"access":"read"}},{{"path":{{"type":"path","path":{cwd}}},"access":"write"}}]}},"network":"restricted"}},"model":"gpt-5.2-codex","personality":"pragmatic""#
        ));
        if goal > 1_300 {
            self.put(format_args!(
                r#","collaboration_mode":{{"mode":"default","settings":{{"model":"gpt-5.2-codex","reasoning_effort":"{effort}","developer_instructions":""#
            ));
            self.fill_instructions(20, goal.saturating_sub(60));
            self.put(format_args!(r#""}}}}"#));
        }
        self.put(format_args!(r#","effort":"{effort}","summary":"auto""#));
        self.close()
    }

    /// Opens the next turn, under a new id.
    pub(super) fn task_started(&mut self) -> usize {
        self.clock_ms += self.rng.between(5_000, 240_000);
        self.turn_id = uuid7(&mut self.rng, self.clock_ms);
        self.facts.turns += 1;
        self.is_modern = self.rng.chance(50);
        self.event("task_started");
        self.turn();
        let seconds = self.clock_ms / 1_000;
        self.put(format_args!(
            r#","started_at":{seconds},"model_context_window":258400,"collaboration_mode_kind":"default""#
        ));
        self.close()
    }

    /// Closes the turn, with its last message if there was one.
    pub(super) fn task_complete(&mut self, answer: Option<&str>) -> usize {
        self.event("task_complete");
        self.turn();
        match answer {
            Some(answer) => self.text("last_agent_message", answer),
            None => self.put(format_args!(r#","last_agent_message":null"#)),
        }
        let (seconds, took) = (self.clock_ms / 1_000, self.rng.between(900, 900_000));
        self.put(format_args!(
            r#","completed_at":{seconds},"duration_ms":{took},"time_to_first_token_ms":{}"#,
            took / 9
        ));
        self.close()
    }

    pub(super) fn turn_aborted(&mut self) -> usize {
        self.event("turn_aborted");
        self.turn();
        let (seconds, took) = (self.clock_ms / 1_000, self.rng.between(900, 900_000));
        let reason = self.rng.pick(&["interrupted", "interrupted", "replaced", "review_ended"]);
        self.put(format_args!(
            r#","reason":"{reason}","completed_at":{seconds},"duration_ms":{took}"#
        ));
        self.close()
    }

    /// The response item of a message; `image` is a seed and a length.
    pub(super) fn message(
        &mut self,
        voice: Voice,
        text: &str,
        image: Option<(u64, usize)>,
    ) -> usize {
        self.item("message");
        self.item_id(if voice == Voice::User { "msg_user_" } else { "msg_" });
        let (role, part) = match voice {
            Voice::User => ("user", "input_text"),
            _ => ("assistant", "output_text"),
        };
        self.put(format_args!(r#","role":"{role}","content":[{{"type":"{part}""#));
        self.text("text", text);
        if let Some((seed, len)) = image {
            self.put(format_args!(r#"}},{{"type":"input_image""#));
            self.key_open("image_url");
            self.push_image(seed, len);
            self.put(format_args!("\""));
        }
        self.put(format_args!("}}]"));
        self.phase(voice);
        self.passthrough();
        self.close()
    }

    fn phase(&mut self, voice: Voice) {
        match voice {
            Voice::User => {}
            Voice::Commentary => self.put(format_args!(r#","phase":"commentary""#)),
            Voice::FinalAnswer => self.put(format_args!(r#","phase":"final_answer""#)),
        }
    }

    /// A message that the client put in: environment, instructions, permissions.
    pub(super) fn injected_message(&mut self, goal: usize) -> usize {
        let (role, open, close) = match self.rng.below(4) {
            0 => ("user", "# AGENTS.md instructions for /w\n\n<INSTRUCTIONS>\n", "</INSTRUCTIONS>"),
            1 => ("user", "<environment_context>\n", "</environment_context>"),
            2 => ("developer", "<permissions instructions>", "</permissions instructions>"),
            _ => ("developer", "<skills_instructions>\n", "</skills_instructions>"),
        };
        self.item("message");
        self.put(format_args!(r#","role":"{role}","content":[{{"type":"input_text","text":""#));
        push_escaped(&mut self.out, open);
        let from = 10 * self.rng.index(12);
        self.fill_instructions(from, goal.saturating_sub(self.passthrough_len()));
        push_escaped(&mut self.out, close);
        self.put(format_args!("\"}}]"));
        self.passthrough();
        self.close()
    }

    pub(super) fn user_message(&mut self, text: &str, image: Option<(u64, usize)>) -> usize {
        self.event("user_message");
        self.text("message", text);
        self.put(format_args!(r#","images":["#));
        if let Some((seed, len)) = image {
            self.put(format_args!("\""));
            self.push_image(seed, len);
            self.put(format_args!("\""));
        }
        self.put(format_args!(r#"],"local_images":[],"text_elements":[]"#));
        self.close()
    }

    pub(super) fn agent_message(&mut self, voice: Voice, text: &str) -> usize {
        self.event("agent_message");
        self.text("message", text);
        self.phase(voice);
        if voice == Voice::FinalAnswer {
            self.put(format_args!(r#","memory_citation":null"#));
        }
        self.close()
    }

    pub(super) fn agent_reasoning(&mut self, text: &str) -> usize {
        self.event("agent_reasoning");
        self.text("text", text);
        self.close()
    }

    /// Encrypted reasoning, with the summary that an `agent_reasoning` event showed.
    pub(super) fn reasoning(&mut self, goal: usize, summary: Option<&str>) -> usize {
        self.item("reasoning");
        self.item_id("rs_");
        match summary {
            Some(text) => {
                self.put(format_args!(r#","summary":[{{"type":"summary_text""#));
                self.text("text", text);
                self.put(format_args!("}}]"));
            }
            None => self.put(format_args!(r#","summary":[]"#)),
        }
        self.put(format_args!(r#","content":null,"encrypted_content":"gAAAAAB"#));
        self.fill_base64(goal.saturating_sub(self.passthrough_len()).max(120));
        self.put(format_args!("\""));
        self.passthrough();
        self.close()
    }

    pub(super) fn token_count(&mut self) -> usize {
        let input = self.rng.between(9_000, 220_000);
        let (cached, output) = (input - input % 4_096, self.rng.between(40, 4_000));
        let (thought, total) = (output / 3, input + output);
        self.tokens_total += total;
        let all = self.tokens_total;
        let (percent, tenth) = (self.rng.below(100), self.rng.pick(&[0, 0, 0, 5]));
        let resets = self.clock_ms / 1_000 + 9_000;
        self.event("token_count");
        self.put(format_args!(
            r#","info":{{"total_token_usage":{{"input_tokens":{},"cached_input_tokens":{},"output_tokens":{},"reasoning_output_tokens":{},"total_tokens":{all}}},"last_token_usage":{{"input_tokens":{input},"cached_input_tokens":{cached},"output_tokens":{output},"reasoning_output_tokens":{thought},"total_tokens":{total}}},"model_context_window":258400}},"rate_limits":{{"limit_id":"codex","limit_name":null,"primary":{{"used_percent":{percent}.{tenth},"window_minutes":300,"resets_at":{resets}}},"secondary":{{"used_percent":{}.0,"window_minutes":10080,"resets_at":{}}},"credits":null,"plan_type":"pro","rate_limit_reached_type":null}}"#,
            all - all / 50, all / 5 * 4, all / 50, all / 200, percent / 3, resets + 400_000
        ));
        self.close()
    }

    /// A world state: full when it is long, a merge patch when it is short.
    pub(super) fn world_state(&mut self, goal: usize) -> usize {
        self.open("world_state");
        let cwd = self.cwd_json();
        let full = goal > 1_000;
        self.put(format_args!(r#""full":{full},"state":{{"#));
        if full {
            self.put(format_args!(r#""agents_md":{{"directory":{cwd},"text":""#));
            self.fill_instructions(60, goal.saturating_sub(190));
            self.put(format_args!(r#""}},"#));
        }
        let day = 1 + self.facts.turns % 28;
        self.put(format_args!(
            r#""environments":{{"environments":{{"local":{{"cwd":{cwd},"status":"available","shell":"zsh"}}}},"current_date":"2026-03-{day:02}","timezone":"Europe/Rome"}}}}"#
        ));
        self.close()
    }

    pub(super) fn thread_settings_applied(&mut self, goal: usize) -> usize {
        self.event("thread_settings_applied");
        let cwd = self.cwd_json();
        self.put(format_args!(
            r#","thread_settings":{{"model":"gpt-5.2-codex","model_provider_id":"openai","service_tier":null,"approval_policy":"on-request","approvals_reviewer":"user","permission_profile":{{"type":"managed","file_system":{{"type":"restricted","entries":[{{"path":{{"type":"special","value":{{"kind":"root"}}}},"access":"read"}},{{"path":{{"type":"special","value":{{"kind":"project_roots"}}}},"access":"write"}},{{"path":{{"type":"special","value":{{"kind":"tmpdir"}}}},"access":"write"}}]}},"network":"restricted"}},"active_permission_profile":{{"id":":workspace","extends":null}},"cwd":{cwd},"reasoning_effort":"high","reasoning_summary":"auto","personality":"pragmatic","collaboration_mode":{{"mode":"default","settings":{{"model":"gpt-5.2-codex","reasoning_effort":"high","developer_instructions":""#
        ));
        self.fill_instructions(5, goal);
        self.put(format_args!(r#""}}}}}}"#));
        self.close()
    }

    /// A compaction: summary, a few user messages and the encrypted rest.
    pub(super) fn compacted(&mut self, goal: usize) -> usize {
        self.open("compacted");
        self.put(format_args!(r#""message":"","replacement_history":["#));
        for _ in 0..self.rng.between(2, 6) {
            let text = self.lex.prose(&mut self.rng, 400);
            self.put(format_args!(
                r#"{{"type":"message","role":"user","content":[{{"type":"input_text","text":"#
            ));
            push_string(&mut self.out, &text);
            self.put(format_args!("}}]}},"));
        }
        self.put(format_args!(r#"{{"type":"compaction","encrypted_content":"gAAAAAB"#));
        self.fill_base64(goal.saturating_sub(70));
        let number = self.facts.turns;
        let window = uuid7(&mut self.rng, self.clock_ms);
        self.put(format_args!(r#""}}],"window_number":{number},"window_id":"{window}""#));
        self.close()
    }
}
