//! What a swarm remembers while it writes, and the ids that follow from it.
//!
//! Every function that makes a value returns JSON text.

use crate::testing::ids::{EPOCH_MS, token, uuid7};
use crate::testing::json::{Object, string};
use crate::testing::prng::Prng;
use crate::testing::text::Lexicon;

/// Whose `begin` an `end` may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    Exec,
    Patch,
    Mcp,
    Web,
    Image,
    Dynamic,
    Spawn,
    Interact,
    Wait,
    Close,
    Resume,
    Item,
    Function,
    Custom,
    Search,
    Shell,
}

/// What one seed does all the time, seldom or never. Chances are in percent.
#[derive(Debug, Clone)]
pub(super) struct Habits {
    /// Ids come from a handful, so that they collide.
    pub(super) is_hot: bool,
    /// Shapes outside the tables of FORMAT.md may turn up.
    pub(super) is_wild: bool,
    pub(super) is_paginated: bool,
    /// A field that may be missing is there.
    pub(super) present: u32,
    /// A missing field is spelled `null`.
    pub(super) null: u32,
    /// A path is a Windows path.
    pub(super) windows: u32,
    /// An `end` answers a `begin`.
    pub(super) answered: u32,
    /// A turn id is the current turn's.
    pub(super) current: u32,
}

#[derive(Debug)]
pub(super) struct Maker {
    pub(super) rng: Prng,
    pub(super) lex: Lexicon,
    pub(super) habits: Habits,
    pub(super) clock_ms: u64,
    pub(super) thread: String,
    /// Other threads: parents, forks, agents.
    pub(super) kin: Vec<String>,
    pub(super) turn: Option<String>,
    pub(super) turns: Vec<String>,
    pub(super) tokens: u64,
    pub(super) windows: Vec<String>,
    /// Weights of the kinds of canonical items.
    pub(super) item_weights: Vec<u32>,
    /// Ordinal of the first record of a paginated file.
    pub(super) first_ordinal: u64,
    open_calls: Vec<(Tool, String)>,
}

const HOT_CALLS: [&str; 8] =
    ["item-1", "item-2", "item-3", "item-10", "c1", "call_1", "rollout-3", "item-03"];
const HOT_TURNS: [&str; 6] = ["t1", "t2", "t3", "item-3", "rollout-0", "rollout-5"];

impl Maker {
    pub(super) fn new(mut rng: Prng, habits: Habits) -> Self {
        let lex = Lexicon::new(&mut rng);
        let clock_ms = EPOCH_MS + rng.below(86_400_000);
        let thread = uuid7(&mut rng, clock_ms);
        let kin = (0..4).map(|age| uuid7(&mut rng, clock_ms - age * 60_000)).collect();
        Self {
            rng,
            lex,
            habits,
            clock_ms,
            thread,
            kin,
            turn: None,
            turns: Vec::new(),
            tokens: 0,
            windows: Vec::new(),
            item_weights: Vec::new(),
            first_ordinal: 0,
            open_calls: Vec::new(),
        }
    }

    pub(super) fn yes(&mut self, percent: u32) -> bool {
        self.rng.chance(percent)
    }

    // --- ids ---

    fn new_call(&mut self) -> String {
        if self.habits.is_hot {
            self.rng.pick(&HOT_CALLS).to_owned()
        } else {
            token(&mut self.rng, "call_", 24)
        }
    }

    /// The id of a call that begins.
    pub(super) fn begin(&mut self, tool: Tool) -> String {
        let id = self.new_call();
        self.open_calls.push((tool, id.clone()));
        string(&id)
    }

    /// The id of a call that ends: mostly one that began, sometimes again, sometimes never begun.
    pub(super) fn end(&mut self, tool: Tool) -> String {
        let at = self.open_calls.iter().rposition(|(open, _)| *open == tool);
        let percent = self.habits.answered;
        match at {
            Some(at) if self.yes(percent) => {
                let again = self.yes(10);
                let id = self.open_calls.get(at).map(|(_, id)| id.clone()).unwrap_or_default();
                if !again {
                    self.open_calls.remove(at);
                }
                string(&id)
            }
            _ => string(&self.new_call()),
        }
    }

    /// The id of some call that may still be open, for records that point at a call.
    pub(super) fn call_ref(&mut self) -> String {
        let open = self.rng.pick_ref(&self.open_calls).map(|(_, id)| id.clone());
        string(&open.unwrap_or_else(|| self.new_call()))
    }

    /// A new turn id; hot ones repeat.
    pub(super) fn new_turn(&mut self) -> String {
        let id = if self.habits.is_hot {
            self.rng.pick(&HOT_TURNS).to_owned()
        } else {
            uuid7(&mut self.rng, self.clock_ms)
        };
        self.turns.push(id.clone());
        id
    }

    /// The turn that a record names: the current one, an older one, an unknown one, none.
    pub(super) fn turn_ref(&mut self) -> String {
        let percent = self.habits.current;
        if let Some(turn) = self.turn.clone()
            && self.yes(percent)
        {
            return string(&turn);
        }
        match self.rng.below(8) {
            0 => string(""),
            1 => string("no-such-turn"),
            _ => string(self.rng.pick_ref(&self.turns).map_or("t0", |turn| turn)),
        }
    }

    /// This thread or one of its kin.
    pub(super) fn thread_ref(&mut self) -> String {
        let own = self.thread.clone();
        let id = if self.yes(60) { own } else { self.kin_id() };
        self.thread_spelling(&id)
    }

    pub(super) fn kin_id(&mut self) -> String {
        self.rng.pick_ref(&self.kin).cloned().unwrap_or_default()
    }

    pub(super) fn kin_ref(&mut self) -> String {
        let id = self.kin_id();
        self.thread_spelling(&id)
    }

    /// Thread ids are UUIDs, which have more than one spelling.
    fn thread_spelling(&mut self, id: &str) -> String {
        match self.rng.below(60) {
            0 => string(&id.to_ascii_uppercase()),
            1 => string(&id.replace('-', "")),
            2 => string(&format!("{{{id}}}")),
            3 => string(&format!("urn:uuid:{id}")),
            _ => string(id),
        }
    }

    pub(super) fn agent_path(&mut self) -> String {
        string(self.rng.pick(&["/root", "/root/scout", "/root/scout/deep_1", "/morpheus"]))
    }

    /// A short id of any kind.
    pub(super) fn id(&mut self) -> String {
        let prefix = self.rng.pick(&["msg_", "rs_", "fc_", "x", "id-"]);
        string(&token(&mut self.rng, prefix, 12))
    }

    /// The id of a message, reasoning or other item that has its own.
    pub(super) fn item_id(&mut self) -> String {
        self.begin(Tool::Item)
    }
}

impl Object {
    /// A field that is always there.
    pub(super) fn req(
        self,
        m: &mut Maker,
        key: &str,
        make: impl FnOnce(&mut Maker) -> String,
    ) -> Self {
        let json = make(m);
        self.put(key, json)
    }

    /// A field that may be missing or null.
    pub(super) fn opt(
        self,
        m: &mut Maker,
        key: &str,
        make: impl FnOnce(&mut Maker) -> String,
    ) -> Self {
        let (present, null) = (m.habits.present, m.habits.null);
        if m.yes(present) {
            return self.req(m, key, make);
        }
        if m.yes(null) { self.put(key, "null") } else { self }
    }

    /// A field that may be missing but not null.
    pub(super) fn dflt(
        self,
        m: &mut Maker,
        key: &str,
        make: impl FnOnce(&mut Maker) -> String,
    ) -> Self {
        let present = m.habits.present / 2 + 50;
        if m.yes(present) { self.req(m, key, make) } else { self }
    }
}
