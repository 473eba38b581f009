//! Records of tool use: calls, outputs, commands, patches.

use std::fmt::Write;

use super::pen::Pen;
use crate::testing::json::{push_string, string};

impl Pen {
    /// A call of `exec_command` whose arguments are JSON in a string.
    pub(super) fn function_call(&mut self, call_id: &str, goal: usize) -> usize {
        self.item("function_call");
        self.item_id("fc_");
        let mut command = self.lex.command(&mut self.rng);
        let around = if self.is_modern { 440 } else { 280 };
        while command.len() + around < goal {
            command.push_str(self.rng.pick(&[" && ", " | ", "\n", " ; "]));
            command.push_str(&self.lex.command(&mut self.rng));
        }
        let mut arguments = String::from("{\"cmd\":");
        push_string(&mut arguments, &command);
        let (cwd, wait) = (self.cwd_json(), self.rng.between(1, 30) * 1_000);
        let _ = write!(arguments, ",\"workdir\":{cwd},\"yield_time_ms\":{wait}}}");
        self.put(format_args!(r#","name":"exec_command""#));
        self.text("arguments", &arguments);
        self.text("call_id", call_id);
        self.passthrough();
        self.close()
    }

    pub(super) fn function_call_output(&mut self, call_id: &str, goal: usize) -> usize {
        self.item("function_call_output");
        self.text("call_id", call_id);
        self.key_open("output");
        let (chunk, wall) = (self.rng.below(1 << 24), self.rng.below(60_000));
        let code = self.rng.pick(&[0, 0, 0, 0, 1, 2, 101]);
        self.put(format_args!(
            r"Chunk ID: {chunk:06x}\nWall time: {}.{:04} seconds\nProcess exited with code {code}\nOriginal token count: {}\nOutput:\n",
            wall / 10_000, wall % 10_000, goal / 4
        ));
        self.fill_code(goal.saturating_sub(self.passthrough_len()));
        self.put(format_args!("\""));
        self.passthrough();
        self.close()
    }

    /// A call of `apply_patch` (or of a script tool) with its input as plain text.
    pub(super) fn custom_tool_call(&mut self, call_id: &str, goal: usize) -> usize {
        self.item("custom_tool_call");
        self.item_id("ctc_");
        self.put(format_args!(r#","status":"completed","name":"apply_patch""#));
        self.text("call_id", call_id);
        self.key_open("input");
        let path = string(self.lex.path(&mut self.rng));
        let path = path.trim_matches('"');
        self.put(format_args!(r"*** Begin Patch\n*** Update File: {path}\n@@\n"));
        self.fill_code(goal.saturating_sub(14 + self.passthrough_len()));
        self.put(format_args!(r#"*** End Patch""#));
        self.passthrough();
        self.close()
    }

    /// Its output: mostly text, a list of parts when the tool answers in parts.
    pub(super) fn custom_tool_call_output(&mut self, call_id: &str, goal: usize) -> usize {
        self.item("custom_tool_call_output");
        self.text("call_id", call_id);
        let in_parts = goal > 1_500 && self.rng.chance(60);
        if in_parts {
            self.put(format_args!(
                r#","output":[{{"type":"input_text","text":"Script completed"}},{{"type":"input_text""#
            ));
            self.key_open("text");
        } else {
            self.key_open("output");
            self.put(format_args!(r"Exit code: 0\nWall time: 0.1 seconds\nOutput:\n"));
        }
        self.fill_code(goal.saturating_sub(self.passthrough_len()));
        self.put(format_args!("{}", if in_parts { "\"}]" } else { "\"" }));
        self.passthrough();
        self.close()
    }

    /// One file of a `changes` object; `goal` is where the line should be when it ends.
    fn file_change(&mut self, goal: usize) {
        let name = self.lex.path(&mut self.rng);
        let separator = if self.cwd.starts_with('/') { "/" } else { "\\" };
        let path = string(&format!("{}{separator}{name}", self.cwd));
        match self.rng.below(6) {
            0 => {
                self.put(format_args!(r#"{path}:{{"type":"add","content":""#));
                self.fill_code(goal);
                self.put(format_args!("\"}}"));
            }
            1 => {
                self.put(format_args!(r#"{path}:{{"type":"delete","content":""#));
                self.fill_code(goal);
                self.put(format_args!("\"}}"));
            }
            _ => {
                let at = self.rng.below(900);
                self.put(format_args!(
                    r#"{path}:{{"type":"update","unified_diff":"@@ -{at},9 +{at},9 @@\n"#
                ));
                self.fill_code(goal);
                self.put(format_args!(r#"","move_path":null}}"#));
            }
        }
    }

    /// Appends `,"changes":{...}` of one to `files_max` files.
    fn changes(&mut self, goal: usize, files_max: u64) {
        self.put(format_args!(r#","changes":{{"#));
        let files = self.rng.between(1, files_max) as usize;
        let start = self.line_len();
        let each = goal.saturating_sub(start) / files;
        for file in 1..=files {
            if file > 1 {
                self.put(format_args!(","));
            }
            self.file_change(start + each * file);
        }
        self.put(format_args!("}}"));
    }

    pub(super) fn patch_apply_begin(&mut self, call_id: &str, goal: usize) -> usize {
        self.event("patch_apply_begin");
        self.text("call_id", call_id);
        self.turn();
        self.put(format_args!(r#","auto_approved":true"#));
        self.changes(goal, 3);
        self.close()
    }

    pub(super) fn patch_apply_end(&mut self, call_id: &str, goal: usize) -> usize {
        self.event("patch_apply_end");
        self.text("call_id", call_id);
        self.turn();
        let failed = self.rng.chance(6);
        let name = self.lex.path(&mut self.rng);
        let name = string(name);
        let name = name.trim_matches('"');
        let (success, status) = if failed { (false, "failed") } else { (true, "completed") };
        self.put(format_args!(
            r#","stdout":"Success. Updated the following files:\nM {name}\n","stderr":"","success":{success}"#
        ));
        let files_max = (goal as u64 / 1_500).clamp(1, 6);
        self.changes(goal.saturating_sub(30), files_max);
        self.put(format_args!(r#","status":"{status}""#));
        self.close()
    }

    /// Appends what begin and end of a command share, from `turn_id` on.
    fn command_head(&mut self) {
        self.turn();
        let command = self.lex.command(&mut self.rng);
        let text = string(&command);
        let path = string(self.lex.path(&mut self.rng));
        let uri = if self.cwd.starts_with('/') { "file:///home/dev" } else { "file:///C:/work" };
        self.put(format_args!(
            r#","command":["/bin/zsh","-lc",{text}],"cwd":"{uri}/demo","parsed_cmd":[{{"type":"read","cmd":{text},"name":{path},"path":{path}}}],"source":"agent""#
        ));
    }

    pub(super) fn exec_command_begin(&mut self, call_id: &str) -> usize {
        self.event("exec_command_begin");
        self.text("call_id", call_id);
        let ms = self.clock_ms;
        self.put(format_args!(r#","started_at_ms":{ms}"#));
        self.command_head();
        self.close()
    }

    pub(super) fn exec_command_end(&mut self, call_id: &str, goal: usize) -> usize {
        self.event("exec_command_end");
        self.text("call_id", call_id);
        let ms = self.clock_ms;
        self.put(format_args!(r#","completed_at_ms":{ms}"#));
        self.command_head();
        // The output is written twice, as the reference did.
        let each = goal.saturating_sub(self.line_len() + 170) / 2;
        let output = self.lex.code(&mut self.rng, (each * 19 / 20).saturating_sub(30));
        self.put(format_args!(r#","stdout":"","stderr":"""#));
        self.text("aggregated_output", &output);
        let (code, nanos) = (self.rng.pick(&[0, 0, 0, 1]), self.rng.below(1_000_000_000));
        self.put(format_args!(
            r#","exit_code":{code},"duration":{{"secs":{},"nanos":{nanos}}}"#,
            nanos % 40
        ));
        self.text("formatted_output", &output);
        let status = if code == 0 { "completed" } else { "failed" };
        self.put(format_args!(r#","status":"{status}""#));
        self.close()
    }

    pub(super) fn mcp_tool_call_begin(&mut self, call_id: &str) -> usize {
        self.event("mcp_tool_call_begin");
        self.text("call_id", call_id);
        self.invocation();
        self.close()
    }

    fn invocation(&mut self) {
        let query = string(&self.lex.command(&mut self.rng));
        self.put(format_args!(
            r#","invocation":{{"server":"docs","tool":"search","arguments":{{"query":{query},"limit":10}}}}"#
        ));
    }

    pub(super) fn mcp_tool_call_end(&mut self, call_id: &str, goal: usize) -> usize {
        self.event("mcp_tool_call_end");
        self.text("call_id", call_id);
        self.invocation();
        let nanos = self.rng.below(1_000_000_000);
        self.put(format_args!(
            r#","duration":{{"secs":1,"nanos":{nanos}}},"result":{{"Ok":{{"content":[{{"type":"text","text":""#
        ));
        self.fill_code(goal);
        self.put(format_args!(r#""}}],"isError":false}}}}"#));
        self.close()
    }
}
