//! A second, deliberately naive reading of SEMANTICS R1-R23, R38 and R44 for the events that tell
//! most stories, over plain JSON values and lists. It shares nothing with the core but the rules.

use serde_json::{Value, json};

struct Turn {
    id: String,
    status: &'static str,
    error: Value,
    started_at: Value,
    completed_at: Value,
    duration_ms: Value,
    explicit: bool,
    saw_compaction: bool,
    items: Vec<Value>,
}

/// What one record is observed to do (R38).
#[derive(Default)]
pub(crate) struct Observed {
    pub(crate) items: Vec<Value>,
    pub(crate) turns: Vec<Value>,
    pub(crate) removed: Vec<Value>,
}

pub(crate) struct Model {
    finished: Vec<Turn>,
    current: Option<Turn>,
    next_item: usize,
    /// R2.
    pub(crate) index: usize,
    /// R44: the turn's id and its place.
    pub(crate) usage: Value,
    observed: Observed,
}

/// Where a turn was found.
#[derive(Clone, Copy)]
enum Found {
    Current,
    Finished(usize),
}

fn text<'v>(payload: &'v Value, key: &str) -> &'v str {
    payload[key].as_str().unwrap_or_default()
}

/// R48: what clients see of a turn, without its items.
fn head(turn: &Turn) -> Value {
    json!({
        "id": turn.id, "status": turn.status, "error": turn.error, "startedAt": turn.started_at,
        "completedAt": turn.completed_at, "durationMs": turn.duration_ms,
    })
}

impl Model {
    pub(crate) fn new() -> Self {
        Self {
            finished: Vec::new(),
            current: None,
            next_item: 1,
            index: 0,
            usage: Value::Null,
            observed: Observed::default(),
        }
    }

    fn open(&mut self, id: String, status: &'static str, explicit: bool, started_at: Value) {
        let turn = Turn {
            id,
            status,
            error: Value::Null,
            started_at,
            completed_at: Value::Null,
            duration_ms: Value::Null,
            explicit,
            saw_compaction: false,
            items: Vec::new(),
        };
        self.observed.turns.push(head(&turn));
        self.current = Some(turn);
    }

    /// R7.
    fn ensure(&mut self) -> &mut Turn {
        if self.current.is_none() {
            self.open(format!("rollout-{}", self.index), "completed", false, Value::Null);
        }
        self.current.as_mut().unwrap()
    }

    /// R12.
    fn finish(&mut self) {
        if let Some(turn) = self.current.take()
            && (turn.explicit || turn.saw_compaction || !turn.items.is_empty())
        {
            self.finished.push(turn);
        }
    }

    /// R6, R10: the current turn with that id, else the first finished one.
    fn find(&self, id: &str) -> Option<Found> {
        if self.current.as_ref().is_some_and(|turn| turn.id == id) {
            return Some(Found::Current);
        }
        self.finished.iter().position(|turn| turn.id == id).map(Found::Finished)
    }

    fn at(&mut self, found: Found) -> &mut Turn {
        match found {
            Found::Current => self.current.as_mut().unwrap(),
            Found::Finished(place) => &mut self.finished[place],
        }
    }

    fn observe_turn(&mut self, found: Found) {
        let seen = head(self.at(found));
        self.observed.turns.push(seen);
    }

    /// R17.
    fn item_id(&mut self) -> String {
        self.next_item += 1;
        format!("item-{}", self.next_item - 1)
    }

    fn append(&mut self, item: Value) {
        self.ensure().items.push(item.clone());
        let turn = self.current.as_ref().unwrap().id.clone();
        self.observed.items.push(json!({"turnId": turn, "item": item}));
    }

    /// R22: the item with the same id is replaced where it stands.
    fn upsert(&mut self, found: Found, item: Value) {
        let turn = self.at(found);
        match turn.items.iter().position(|known| known["id"] == item["id"]) {
            Some(place) => turn.items[place] = item.clone(),
            None => turn.items.push(item.clone()),
        }
        let seen = json!({"turnId": turn.id, "item": item});
        self.observed.items.push(seen);
    }

    /// R23, first row: dropped if the turn is not there.
    fn upsert_strictly(&mut self, turn_id: &str, item: Value) {
        if let Some(found) = self.find(turn_id) {
            self.upsert(found, item);
        }
    }

    /// R23, last row.
    fn upsert_in_current(&mut self, item: Value) {
        self.ensure();
        self.upsert(Found::Current, item);
    }

    /// R10, R11: which turn an ending is for.
    fn for_ending(&self, id: &Value) -> Option<Found> {
        let named = id.as_str().and_then(|id| self.find(id));
        named.or(self.current.as_ref().map(|_| Found::Current))
    }

    /// Takes in one record of a known kind; tells what was observed.
    pub(crate) fn record(&mut self, record: &Value) -> Observed {
        match text(record, "type") {
            "event_msg" => self.event(&record["payload"]),
            // R14.
            "compacted" => self.ensure().saw_compaction = true,
            _ => {}
        }
        self.index += 1;
        std::mem::take(&mut self.observed)
    }

    fn event(&mut self, payload: &Value) {
        match text(payload, "type") {
            "task_started" | "turn_started" => {
                self.finish();
                // Older writers name no turn.
                let implicit = format!("rollout-{}", self.index);
                let id = payload["turn_id"].as_str().unwrap_or(&implicit).to_owned();
                self.open(id, "inProgress", true, payload["started_at"].clone());
            }
            "task_complete" | "turn_complete" => self.complete(payload),
            "turn_aborted" => {
                if let Some(found) = self.for_ending(&payload["turn_id"]) {
                    let turn = self.at(found);
                    turn.status = "interrupted";
                    turn.completed_at = payload["completed_at"].clone();
                    turn.duration_ms = payload["duration_ms"].clone();
                    self.observe_turn(found);
                }
            }
            "error" => self.error(payload),
            "thread_rolled_back" => self.roll_back(payload["num_turns"].as_u64().unwrap()),
            "user_message" => {
                let starts_anew = match &self.current {
                    Some(turn) if turn.explicit => false,
                    Some(turn) => !turn.saw_compaction || !turn.items.is_empty(),
                    None => false,
                };
                if starts_anew {
                    self.finish();
                }
                let id = self.item_id();
                self.append(json!({
                    "type": "userMessage", "id": id, "content": user_content(payload),
                }));
            }
            "agent_message" if !text(payload, "message").is_empty() => {
                let id = self.item_id();
                let said = text(payload, "message");
                self.append(json!({"type": "agentMessage", "id": id, "text": said}));
            }
            "agent_reasoning" => self.reason("summary", text(payload, "text")),
            "agent_reasoning_raw_content" => self.reason("content", text(payload, "text")),
            "context_compacted" => {
                let id = self.item_id();
                self.append(json!({"type": "contextCompaction", "id": id}));
            }
            "exec_command_begin" => {
                let item = json!({
                    "type": "commandExecution", "id": payload["call_id"], "status": "inProgress",
                    "aggregatedOutput": null, "exitCode": null, "durationMs": null,
                });
                self.upsert_strictly(text(payload, "turn_id"), item);
            }
            "exec_command_end" => {
                let output = text(payload, "aggregated_output");
                let item = json!({
                    "type": "commandExecution", "id": payload["call_id"],
                    "status": payload["status"], "exitCode": payload["exit_code"],
                    "aggregatedOutput": Some(output).filter(|output| !output.is_empty()),
                    "durationMs": millis(payload).unwrap_or(i64::MAX),
                });
                self.upsert_strictly(text(payload, "turn_id"), item);
            }
            "patch_apply_end" => {
                let item = json!({
                    "type": "fileChange", "id": payload["call_id"], "status": payload["status"],
                });
                match text(payload, "turn_id") {
                    "" => self.upsert_in_current(item),
                    turn_id => self.upsert_strictly(turn_id, item),
                }
            }
            "web_search_begin" => self.upsert_in_current(json!({
                "type": "webSearch", "id": payload["call_id"], "query": "",
            })),
            "web_search_end" => self.upsert_in_current(json!({
                "type": "webSearch", "id": payload["call_id"], "query": payload["query"],
            })),
            "mcp_tool_call_end" => {
                let result = &payload["result"];
                let is_ok = result.get("Ok").is_some_and(|ok| ok["isError"] != true);
                self.upsert_in_current(json!({
                    "type": "mcpToolCall", "id": payload["call_id"],
                    "status": if is_ok { "completed" } else { "failed" },
                    "durationMs": millis(payload),
                }));
            }
            "token_count" => {
                self.usage = match (&self.current, self.finished.last()) {
                    (Some(turn), _) => json!([turn.id, self.finished.len()]),
                    (None, Some(turn)) => json!([turn.id, self.finished.len() - 1]),
                    (None, None) => Value::Null,
                };
            }
            _ => {}
        }
    }

    fn complete(&mut self, payload: &Value) {
        let Some(found) = self.for_ending(&payload["turn_id"]) else { return };
        let turn = self.at(found);
        if payload["error"].is_object() {
            // A5.
            turn.status = "failed";
            turn.error = payload["error"]["message"].clone();
        } else if turn.status == "inProgress" {
            turn.status = "completed";
        }
        turn.completed_at = payload["completed_at"].clone();
        turn.duration_ms = payload["duration_ms"].clone();
        self.observe_turn(found);
        if let Found::Current = found {
            self.finish();
        }
    }

    /// R13.
    fn error(&mut self, payload: &Value) {
        let info = &payload["codex_error_info"];
        let says_nothing = ["thread_rollback_failed", "active_turn_not_steerable"]
            .iter()
            .any(|word| info == word || info.get(word).is_some());
        if self.current.is_some() && !says_nothing {
            let turn = self.at(Found::Current);
            turn.status = "failed";
            turn.error = payload["message"].clone();
            self.observe_turn(Found::Current);
        }
    }

    /// R15.
    fn roll_back(&mut self, count: u64) {
        self.finish();
        let kept = self.finished.len().saturating_sub(count as usize);
        for turn in self.finished.split_off(kept) {
            // R39: once.
            if !self.observed.removed.contains(&json!(turn.id)) {
                self.observed.removed.push(json!(turn.id));
            }
        }
        self.next_item = self.finished.iter().map(|turn| turn.items.len()).sum::<usize>() + 1;
    }

    /// R20.
    fn reason(&mut self, list: &str, thought: &str) {
        if thought.is_empty() {
            return;
        }
        let last = self.ensure().items.last_mut();
        if let Some(last) = last.filter(|last| last["type"] == "reasoning") {
            last[list].as_array_mut().unwrap().push(json!(thought));
            let (item, turn) = (last.clone(), self.at(Found::Current).id.clone());
            self.observed.items.push(json!({"turnId": turn, "item": item}));
            return;
        }
        let id = self.item_id();
        let mut item = json!({"type": "reasoning", "id": id, "summary": [], "content": []});
        item[list] = json!([thought]);
        self.append(item);
    }

    /// R4: finished turns, and the current one finished last.
    pub(crate) fn turns(&self) -> Vec<Value> {
        let current = self.current.iter();
        let current =
            current.filter(|turn| turn.explicit || turn.saw_compaction || !turn.items.is_empty());
        let whole = |turn: &Turn| json!({"head": head(turn), "items": turn.items});
        self.finished.iter().chain(current).map(whole).collect()
    }
}

/// R27, R31: whole milliseconds, if they fit.
fn millis(payload: &Value) -> Option<i64> {
    let duration = &payload["duration"];
    let (secs, nanos) = (duration["secs"].as_u64()?, duration["nanos"].as_u64()?);
    i64::try_from(u128::from(secs) * 1000 + u128::from(nanos / 1_000_000)).ok()
}

/// R18.
fn user_content(payload: &Value) -> Value {
    let list = |key: &str| payload[key].as_array().cloned().unwrap_or_default();
    let mut content = Vec::new();
    let said = text(payload, "message");
    if !said.trim().is_empty() {
        let element = |element: &Value| json!({"byteRange": element["byte_range"], "placeholder": element["placeholder"]});
        let elements: Vec<Value> = list("text_elements").iter().map(element).collect();
        content.push(json!({"type": "text", "text": said, "text_elements": elements}));
    }
    for (place, url) in list("images").iter().enumerate() {
        let detail = &payload["image_details"][place];
        content.push(json!({"type": "image", "detail": detail, "url": url}));
    }
    for (place, path) in list("local_images").iter().enumerate() {
        let detail = &payload["local_image_details"][place];
        content.push(json!({"type": "localImage", "detail": detail, "path": path}));
    }
    json!(content)
}
