//! One position of a log as the core gives it, compared with the naive reading of the lines before.

use std::collections::{BTreeMap, BTreeSet};

use rollfold_core::context::{self, ContextMode, HistoryRef, Truncation};
use rollfold_core::forks::{self, ForkPoint};
use rollfold_core::model::{Inheritance, ItemsView, Ownership, Recognition, TurnHead, TurnStatus};
use rollfold_core::{FoldState, RecordClass, Snapshot};
use serde_json::{Map, Value, json};

use super::Log;
use crate::naive;
use crate::naive::lines::Line;

/// The read model after some lines, and what the reading of it needs.
pub(super) struct At<'l> {
    pub(super) log: &'l Log,
    pub(super) lines: &'l [Line],
    pub(super) snapshot: &'l Snapshot,
    pub(super) state: &'l FoldState,
    /// The newest turn before each line.
    pub(super) turn_ids: &'l [Option<String>],
    /// Turns there were before each line, removed ones too.
    pub(super) turns_before: &'l [usize],
}

impl At<'_> {
    fn told(&self, what: &str) -> String {
        format!("{}: {what} after {} lines", self.log.name, self.lines.len())
    }

    pub(super) fn world(&self) {
        let world = self.snapshot.world().value().map(|world| Value::clone(world));
        assert_eq!(world, naive::world::world(self.lines), "{}", self.told("world"));
    }

    pub(super) fn windows(&self) {
        let windows: Vec<Value> = self.snapshot.windows().iter().map(json).collect();
        assert_eq!(windows, naive::windows::windows(self.lines), "{}", self.told("windows"));
    }

    pub(super) fn thread(&self) {
        let Value::Object(mut facts) = json(self.snapshot.thread()) else { panic!("no object") };
        facts.retain(|_, fact| !fact.is_null());
        let expected = naive::thread::facts(self.lines);
        let differs = |name: &&String| facts.get(*name) != expected.get(*name);
        let names: BTreeSet<_> = facts.keys().chain(expected.keys()).filter(differs).collect();
        let of = |facts: &Map<String, Value>| {
            names.iter().map(|name| facts.get(*name).cloned()).collect::<Vec<_>>()
        };
        assert_eq!(of(&facts), of(&expected), "{}: {names:?}", self.told("thread"));
    }

    pub(super) fn usage(&self) {
        let expected = naive::usage::ledger(self.lines, self.turn_ids);
        let ledger = self.snapshot.ledger();
        let entries = ledger.entries().map(|entry| {
            let mut entry = json(entry);
            let span = entry.as_object_mut().and_then(|entry| entry.remove("span"));
            let seq = entry["seq"].as_u64().unwrap_or_default();
            let line = &self.lines[seq as usize];
            assert!(
                span.is_some_and(|span| span["offset_bytes"].as_u64() >= Some(line.offset_bytes))
            );
            entry
        });
        assert_eq!(entries.collect::<Vec<_>>(), expected.entries, "{}", self.told("usage"));
        let named = naive::usage::named;
        let sums = (json(&ledger.own()), json(&ledger.inherited()));
        let want = (named(expected.own), named(expected.inherited));
        assert_eq!(sums, want, "{}", self.told("usage"));
        for (window, used) in (0..).zip(&expected.by_window) {
            assert_eq!(json(&ledger.in_window(window)), named(*used), "{}", self.told("usage"));
        }
    }

    pub(super) fn inheritance(&self) {
        let expected = naive::inheritance::inheritance(self.lines);
        let Inheritance { base, prefix, joined } = self.snapshot.inheritance();
        assert_eq!(*joined, None, "no log stands in front");
        assert_eq!(json(base), expected.base, "{}", self.told("base"));
        let prefix_json = prefix.as_ref().map(|prefix| {
            let end = prefix.end.map(|end| {
                let line = &self.lines[end.seq as usize];
                assert!(end.offset_bytes >= line.offset_bytes);
                assert!(end.offset_bytes <= line.offset_bytes + line.len_bytes);
                let next_turn = self.turns_before[end.seq as usize];
                assert_eq!(end.next_turn.0 as usize, next_turn, "{}", self.told("next turn"));
                json!([end.seq, end.sign])
            });
            json!([prefix.kind, prefix.start_seq, end])
        });
        let want = expected.prefix.as_ref().map(|it| json!([it.kind, it.start_seq, it.end]));
        assert_eq!(prefix_json, want, "{}", self.told("prefix"));
        // A claim that nothing has reached is not believed.
        let is_believed =
            expected.prefix.is_some_and(|it| it.end.is_some() || it.kind["claimed"].is_null());
        let own = naive::inheritance::own_records(self.lines);
        for line in self.lines {
            let is_own = self.snapshot.inheritance().ownership(line.seq) == Ownership::Own;
            assert_eq!(
                is_own,
                own.contains(&line.seq) || !is_believed,
                "{}",
                self.told("ownership")
            );
        }
    }

    pub(super) fn forks(&self) {
        use naive::forks as read;
        let (records, lines) = (self.snapshot.records(), self.lines);
        let place = |point: ForkPoint| point.record_index as usize;
        let places = |points: Vec<ForkPoint>| points.into_iter().map(place).collect::<Vec<_>>();
        let told = || self.told("forks");
        let users = read::user_message_positions(lines);
        let starts = read::fork_turn_positions(lines);
        assert_eq!(places(forks::user_message_positions(records)), users, "{}", told());
        assert_eq!(places(forks::fork_turn_positions(records)), starts, "{}", told());
        for count in 0..starts.len() + 2 {
            let found = forks::last_fork_turns(records, count).map(place);
            assert_eq!(found, read::last_fork_turns(lines, count), "{}", told());
        }
        let is_first = forks::is_before_first_turn(records);
        assert_eq!(is_first, read::is_before_first_turn(lines), "{}", told());
        let heads: Vec<&TurnHead> = self.snapshot.heads().map(|(_, head)| head).collect();
        let turns: Vec<_> = heads
            .iter()
            .map(|it| (it.id.to_string(), it.status == TurnStatus::InProgress))
            .collect();
        let named = records.iter().filter_map(|entry| match &entry.class {
            RecordClass::TurnStart { turn_id } => Some(turn_id.to_string()),
            _ => None,
        });
        for id in turns.iter().map(|(id, _)| id.clone()).chain(named).chain(["none".into()]) {
            let found = forks::cut_after_turn(records, heads.iter().copied(), &id);
            let found = found.map(place).map_err(|error| format!("{error:?}"));
            let want = read::cut_after_turn(lines, &turns, &id).map_err(str::to_owned);
            assert_eq!(found, want, "{}", told());
        }
        let open = self.state.history().open_turn();
        let state = forks::source_state(records, open);
        let open = open.map(|open| (&*open.id, open.status == TurnStatus::InProgress));
        let want = read::source_state(lines, open);
        let active = state.active.as_ref().map(|(id, point)| (id.to_string(), place(*point)));
        assert_eq!((state.is_mid_turn, active), want, "{}", told());
        let interrupted = forks::interruption(&state).map(|it| it.turn_id.map(|id| id.to_string()));
        assert_eq!(
            interrupted,
            want.0.then(|| want.1.as_ref().map(|it| it.0.clone())),
            "{}",
            told()
        );
        for nth in (0..users.len() + 2).chain([usize::MAX]) {
            let found = place(forks::fork_before_user_message(records, &state, nth));
            assert_eq!(found, read::fork_before_user_message(lines, &want, nth), "{}", told());
            let found = place(forks::cut_before_user_message(records, nth));
            let end = records.len_indexed() as usize;
            assert_eq!(found, users.get(nth).copied().unwrap_or(end), "{}", told());
        }
    }

    /// Gives whether there is a reference context.
    pub(super) fn context(&self, mode: ContextMode, known: &mut Known) -> bool {
        let naive_mode = match mode {
            ContextMode::Reference => naive::context::Mode::Reference,
            ContextMode::Sound => naive::context::Mode::Sound,
        };
        let expected = naive::context::context(self.lines, naive_mode);
        let bytes = &self.log.bytes[..];
        let found = context::reconstruct(self.snapshot.records(), bytes, mode, None).unwrap();
        let told = || self.told(&format!("context {mode:?}"));
        let sources: Vec<HistoryRef> = found.history.iter().map(|it| it.source.clone()).collect();
        if sources != known.sources {
            known.items = found.items(bytes).map(|item| value(item.unwrap().get())).collect();
            known.sources = sources;
        }
        assert_eq!(known.items, expected.history, "{}", told());
        assert_eq!(
            json(&found.previous_turn_settings),
            expected.previous_turn_settings,
            "{}",
            told()
        );
        let reference = found.reference_context_item.map(|record| record.seq);
        assert_eq!(reference, expected.reference_seq, "{}", told());
        assert_eq!(json(&found.window), expected.window, "{}", told());
        assert_eq!(context::world(&found, bytes).unwrap(), expected.world, "{}", told());
        reference.is_some()
    }

    /// R110, by bytes and by tokens.
    pub(super) fn truncation(&self) {
        let expected = naive::context::context(self.lines, naive::context::Mode::Sound);
        for (limit, unit_bytes) in [(0, 1), (50, 1), (9, 4)] {
            let by =
                if unit_bytes == 1 { Truncation::Bytes(limit) } else { Truncation::Tokens(limit) };
            let bytes = &self.log.bytes[..];
            let records = self.snapshot.records();
            let found = context::reconstruct(records, bytes, ContextMode::Sound, Some(by)).unwrap();
            let items: Vec<Value> =
                found.items(bytes).map(|item| value(item.unwrap().get())).collect();
            let cut = |(item, is_output): (&Value, &bool)| match is_output {
                true => naive::cut::truncated(item, limit, unit_bytes),
                false => item.clone(),
            };
            let want = expected.history.iter().zip(&expected.recorded_outputs).map(cut);
            for (item, want) in items.iter().zip(want) {
                assert_eq!(*item, want, "{}", self.told("truncation"));
            }
            assert_eq!(items.len(), expected.history.len());
        }
    }

    pub(super) fn health(&self, odd_fields: &BTreeMap<String, u64>) {
        let expected = naive::health::health(self.lines);
        let health = self.state.health();
        let told = || self.told("health");
        let kinds: BTreeMap<String, u64> = health
            .kinds()
            .map(|(kind, it)| (kind.name(), it.understood + it.with_problems))
            .collect();
        assert_eq!(kinds, expected.known, "{}", told());
        let problems = health.kinds().filter(|(_, it)| it.with_problems > 0);
        let problems: BTreeMap<_, _> =
            problems.map(|(kind, it)| (kind.name(), it.with_problems)).collect();
        assert_eq!(&problems, odd_fields, "{}", told());
        let counts =
            |counts: &BTreeMap<String, u64>| counts.clone().into_iter().collect::<Vec<_>>();
        let owned = |(name, count): (&str, u64)| (name.to_owned(), count);
        assert_eq!(
            health.unknown().map(owned).collect::<Vec<_>>(),
            counts(&expected.unknown),
            "{}",
            told()
        );
        assert_eq!(
            health.damaged().map(owned).collect::<Vec<_>>(),
            counts(&expected.damaged),
            "{}",
            told()
        );
        assert_eq!(health.own_records(), expected.own, "{}", told());
        let sum = |counts: &BTreeMap<String, u64>| counts.values().sum::<u64>();
        let (records, unknown, damaged) =
            (sum(&expected.known), sum(&expected.unknown), sum(&expected.damaged));
        assert_eq!(health.records(), records, "{}", told());
        let turns = self.snapshot.len_turns() as u64;
        let want = match (turns, records, unknown + damaged) {
            (0, 0, 0) => Recognition::Empty,
            (0, 0, _) => Recognition::NothingUnderstood { unknown, damaged },
            (0, _, _) => Recognition::NoTurns { records },
            _ => Recognition::Turns { turns },
        };
        assert_eq!(self.state.recognition(), want, "{}", told());
    }

    /// Turns by A8-A11 where the head of the log says so; none where nobody knows what it says.
    pub(super) fn paginated(&self) {
        let expected = match naive::paginated::mode(self.lines) {
            None | Some("legacy") => return,
            Some("paginated") => naive::paginated::turns(self.lines),
            Some(_) => Vec::new(),
        };
        let turns = self.snapshot.turns(ItemsView::Full).map(|turn| {
            let items: Vec<_> = turn.items.iter().map(|item| item.id()).collect();
            json!({
                "id": turn.id, "status": turn.status, "startedAt": turn.started_at,
                "error": turn.error.as_ref().map(|error| &error.message),
                "completedAt": turn.completed_at, "durationMs": turn.duration_ms, "items": items,
            })
        });
        assert_eq!(turns.collect::<Vec<_>>(), expected, "{}", self.told("turns"));
    }
}

/// The items of the newest history, and where they are from.
#[derive(Default, PartialEq)]
pub(super) struct Known {
    sources: Vec<HistoryRef>,
    items: Vec<Value>,
}

fn json<T: serde::Serialize>(thing: &T) -> Value {
    serde_json::to_value(thing).unwrap()
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}
