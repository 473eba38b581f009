//! Small rollouts of every kind of record, in swarm style.
//!
//! A seed decides which kinds are switched off and how heavy the others are, whether ids collide,
//! how often fields are missing, how lines are spelled. Runs with few kinds reach states that
//! runs with all kinds never see.

mod agents;
mod headers;
mod items;
mod maker;
mod odd;
mod parts;
mod responses;
mod spelling;
mod talk;
mod tools;
mod values;

use self::items::{ITEMS, UNKNOWN_ITEM};
use self::maker::{Habits, Maker};
use self::spelling::Letters;
use super::ids::push_stamp;
use super::json::{Object, string};
use super::prng::Prng;

/// The storage contract of the generated thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum History {
    /// The seed decides.
    #[default]
    Any,
    /// Older UI events tell the story; no ordinals.
    Legacy,
    /// Every record has an ordinal; `item_completed` tells the story.
    Paginated,
}

/// How far from the documented format a rollout may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Reach {
    /// Only shapes that the tables of FORMAT.md (Appendix A included) call readable.
    Documented,
    /// Also Windows paths, retired shapes, lines without envelope, kinds from the future.
    #[default]
    Wild,
}

/// How lines are spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Spelling {
    /// As the recorder writes them: LF, no spaces, fixed key order, no blank lines.
    Recorder,
    /// The seed decides: shuffled keys, spaces, escapes, CRLF, blank lines.
    #[default]
    Any,
}

/// A recipe for one rollout; equal recipes give equal bytes on every platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Swarm {
    /// What everything else is drawn from.
    pub seed: u64,
    /// Number of records; blank lines are extra.
    pub len_records: usize,
    /// The storage contract.
    pub history: History,
    /// How far from the documented format it may go.
    pub reach: Reach,
    /// How its lines are spelled.
    pub spelling: Spelling,
}

impl Swarm {
    /// A rollout for which the seed decides everything.
    pub fn new(seed: u64, len_records: usize) -> Self {
        Self {
            seed,
            len_records,
            history: History::default(),
            reach: Reach::default(),
            spelling: Spelling::default(),
        }
    }
}

/// One line and what it was made as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// `type`, or `type/payload type`; `bare` has no envelope, `blank` is no record.
    pub kind: &'static str,
    /// The line without its LF.
    pub line: Vec<u8>,
}

/// A kind of record and how to make its payload.
#[derive(Debug, Clone, Copy)]
struct Kind {
    name: &'static str,
    weight: u32,
    make: fn(&mut Maker) -> Object,
}

impl Kind {
    const fn new(name: &'static str, weight: u32, make: fn(&mut Maker) -> Object) -> Self {
        Self { name, weight, make }
    }
}

/// Pairs of records that a turn may hold between its beginning and its end.
const STEPS: [&[&str]; 12] = [
    &["event_msg/exec_command_begin", "event_msg/exec_command_end"],
    &["event_msg/patch_apply_begin", "event_msg/patch_apply_end"],
    &["event_msg/mcp_tool_call_begin", "event_msg/mcp_tool_call_end"],
    &["event_msg/web_search_begin", "event_msg/web_search_end"],
    &["event_msg/dynamic_tool_call_request", "event_msg/dynamic_tool_call_response"],
    &["event_msg/collab_agent_spawn_begin", "event_msg/collab_agent_spawn_end"],
    &["event_msg/collab_waiting_begin", "event_msg/collab_waiting_end"],
    &["event_msg/item_started", "event_msg/item_completed"],
    &["response_item/function_call", "response_item/function_call_output"],
    &["response_item/custom_tool_call", "response_item/custom_tool_call_output"],
    &["response_item/reasoning", "event_msg/agent_reasoning"],
    &["event_msg/item_completed", "event_msg/token_count"],
];
const TURN_START: [&str; 5] = [
    "event_msg/task_started",
    "turn_context",
    "world_state",
    "response_item/message",
    "event_msg/user_message",
];
const TURN_END: [&str; 3] =
    ["event_msg/agent_message", "event_msg/token_count", "event_msg/task_complete"];

/// A rollout being written.
struct Writer {
    maker: Maker,
    letters: Letters,
    kinds: Vec<Kind>,
    weights: Vec<u32>,
    ordinal: Option<u64>,
    records: Vec<Record>,
    len_records: usize,
    made: usize,
}

/// Kinds that the seed switches off together.
struct Group {
    kinds: &'static [Kind],
    /// How likely the seed switches the group off.
    percent_off: u32,
    factor: u32,
}

fn groups(reach: Reach, is_paginated: bool) -> Vec<Group> {
    let group = |kinds, percent_off, factor| Group { kinds, percent_off, factor };
    let older = if is_paginated { 60 } else { 10 };
    let mut groups = vec![
        group(headers::KINDS, 5, 1),
        group(talk::KINDS, older, 1),
        group(tools::KINDS, older, 1),
        group(agents::KINDS, 40, 1),
        group(responses::KINDS, 20, 1),
        group(odd::IGNORED, 60, 1),
        // Canonical items are most of a paginated file.
        if is_paginated { group(items::KINDS, 0, 6) } else { group(items::KINDS, 40, 1) },
    ];
    if reach == Reach::Wild {
        groups.extend([group(odd::OLD, 60, 1), group(odd::FUTURE, 60, 1)]);
    }
    groups
}

/// Off, or the weight times a random factor.
fn swarm_weight(rng: &mut Prng, weight: u32) -> u32 {
    if rng.chance(22) { 0 } else { weight * rng.pick(&[1, 1, 2, 4, 10]) }
}

impl Writer {
    fn new(swarm: &Swarm) -> Self {
        let mut rng = Prng::new(swarm.seed);
        let is_paginated = match swarm.history {
            History::Any => rng.chance(35),
            History::Legacy => false,
            History::Paginated => true,
        };
        let is_wild = swarm.reach == Reach::Wild;
        let habits = Habits {
            is_hot: rng.chance(50),
            is_wild,
            is_paginated,
            present: rng.pick(&[10, 50, 50, 90]),
            null: rng.pick(&[0, 30, 90]),
            windows: if is_wild { rng.pick(&[0, 0, 30, 100]) } else { 0 },
            answered: rng.pick(&[40, 80, 95]),
            current: rng.pick(&[30, 80, 97]),
        };
        let letters = match swarm.spelling {
            Spelling::Recorder => Letters::default(),
            Spelling::Any => Letters::of_seed(&mut rng),
        };
        let (mut kinds, mut weights) = (Vec::new(), Vec::new());
        for group in groups(swarm.reach, is_paginated) {
            let is_off = rng.chance(group.percent_off);
            for kind in group.kinds {
                let weight = swarm_weight(&mut rng, kind.weight * group.factor);
                kinds.push(*kind);
                weights.push(if is_off { 0 } else { weight });
            }
        }
        let mut item_weights: Vec<u32> = Vec::new();
        for (name, weight, _) in ITEMS {
            let weight = swarm_weight(&mut rng, weight);
            item_weights.push(if name == UNKNOWN_ITEM && !is_wild { 0 } else { weight });
        }
        let first_ordinal = if rng.chance(30) { rng.between(1, 90) } else { 0 };
        let mut maker = Maker::new(rng, habits);
        maker.item_weights = item_weights;
        maker.first_ordinal = first_ordinal;
        Self {
            maker,
            letters,
            kinds,
            weights,
            ordinal: is_paginated.then_some(first_ordinal),
            records: Vec::new(),
            len_records: swarm.len_records,
            made: 0,
        }
    }

    /// Writes one record of this kind.
    fn emit(&mut self, name: &'static str, make: impl FnOnce(&mut Maker) -> Object) {
        if self.made >= self.len_records {
            return;
        }
        let mut payload = make(&mut self.maker);
        let rng = &mut self.maker.rng;
        self.letters.shuffle(rng, &mut payload);
        let mut line = payload;
        if name != "bare" {
            line = self.envelope(name, &line.json());
        }
        let rng = &mut self.maker.rng;
        self.letters.shuffle(rng, &mut line);
        let line = self.letters.spell(rng, line.json());
        self.records.push(Record { kind: name, line });
        self.made += 1;
    }

    fn envelope(&mut self, name: &str, payload: &str) -> Object {
        let kind = name.split('/').next().unwrap_or(name);
        let timestamp = self.timestamp();
        let mut line = Object::new().put("timestamp", timestamp);
        if let Some(ordinal) = self.ordinal {
            line = line.plain("ordinal", ordinal);
            self.ordinal = Some(ordinal + 1);
        }
        line = line.text("type", kind).put("payload", payload);
        if kind == "response_item" && self.ordinal.is_some() && self.maker.yes(15) {
            line = line.put("metadata", "{}");
        }
        if self.maker.habits.is_wild && self.maker.yes(2) {
            line = line.req(&mut self.maker, "x_future", Maker::any_json);
        }
        line
    }

    /// Time passes, mostly forwards; its text is not validated by anyone.
    fn timestamp(&mut self) -> String {
        let m = &mut self.maker;
        let step = m.rng.below(4_000);
        if m.habits.is_wild && m.yes(2) {
            m.clock_ms -= step;
        } else if m.yes(90) {
            m.clock_ms += step;
        }
        let mut text = String::new();
        push_stamp(&mut text, m.clock_ms);
        let odd = m.habits.is_wild && m.yes(2);
        text.push_str(if odd { m.rng.pick(&["", "+09:00", "123456Z", " UTC"]) } else { "Z" });
        string(&text)
    }

    /// Writes a record of one of these kinds, if the seed left it on.
    fn emit_named(&mut self, name: &str) {
        let found = self.kinds.iter().zip(&self.weights);
        let kind = found.filter(|(_, weight)| **weight > 0).map(|(kind, _)| *kind);
        if let Some(kind) = kind.into_iter().find(|kind| kind.name == name) {
            self.emit(kind.name, kind.make);
        }
    }

    fn emit_any(&mut self) {
        let at = self.maker.rng.weighted(&self.weights);
        match at.and_then(|at| self.kinds.get(at)).copied() {
            Some(kind) => self.emit(kind.name, kind.make),
            None => {
                self.emit("event_msg/shutdown_complete", |_| Object::tagged("shutdown_complete"))
            }
        }
    }

    /// A turn as a client would write it, with gaps.
    fn emit_turn(&mut self) {
        for name in TURN_START {
            if self.maker.yes(80) {
                self.emit_named(name);
            }
        }
        for _ in 0..self.maker.rng.below(6) {
            let names = self.maker.rng.pick(&STEPS);
            for name in names {
                self.emit_named(name);
                if self.maker.yes(10) {
                    self.emit_any();
                }
            }
        }
        for name in TURN_END {
            if self.maker.yes(85) {
                self.emit_named(name);
            }
        }
    }

    /// The header, and what a fork copies in behind it.
    fn emit_head(&mut self) {
        if self.maker.yes(4) {
            return;
        }
        self.emit("session_meta", headers::first_meta);
        if self.maker.yes(15) {
            for _ in 0..self.maker.rng.between(1, 2) {
                self.emit("session_meta", headers::foreign_meta);
            }
        }
    }

    fn run(mut self, spelling: Spelling) -> Vec<Record> {
        let mut rng = self.maker.rng.fork(1);
        let orderly = rng.pick(&[0, 30, 70, 100]);
        let blank = if spelling == Spelling::Any { rng.pick(&[0, 0, 0, 1, 12]) } else { 0 };
        self.emit_head();
        while self.made < self.len_records {
            if rng.chance(orderly) {
                self.emit_turn();
                // What is off may leave a turn empty.
                if rng.chance(50) {
                    continue;
                }
            }
            self.emit_any();
            if rng.chance(blank) {
                let line = rng.pick(&["", " ", "\t ", "\r"]).as_bytes().to_vec();
                self.records.push(Record { kind: "blank", line });
            }
        }
        self.records
    }
}

/// The names of all kinds that a wild swarm can make.
#[cfg(test)]
pub(super) fn kind_names() -> std::collections::BTreeSet<&'static str> {
    let groups = groups(Reach::Wild, false);
    groups.iter().flat_map(|group| group.kinds).map(|kind| kind.name).collect()
}

/// The rollout of this recipe, line by line with the kind of each.
pub fn rollout_records(swarm: &Swarm) -> Vec<Record> {
    Writer::new(swarm).run(swarm.spelling)
}

/// The lines of the rollout, each without its LF.
pub fn rollout(swarm: &Swarm) -> Vec<Vec<u8>> {
    rollout_records(swarm).into_iter().map(|record| record.line).collect()
}

/// The rollout as the bytes of a file: every line ends with LF.
pub fn rollout_bytes(swarm: &Swarm) -> Vec<u8> {
    join_lines(&rollout(swarm))
}

/// Lines as the bytes of a file: every line ends with LF.
pub fn join_lines(lines: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(lines.iter().map(|line| line.len() + 1).sum());
    for line in lines {
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
    }
    bytes
}
