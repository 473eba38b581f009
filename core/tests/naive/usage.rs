//! The token ledger (TORTURE row 7, case 18).
//!
//! A `token_count` tells a running total: it adds what it is above the total before. The first own
//! total of a thread that goes on from another one adds its `last`, or the difference to the
//! origin's total if that stands in the file and more than `last` lies between. A total that falls
//! begins anew with its `last` behind a compaction or inside a copy; elsewhere it adds nothing, and
//! the next one is compared with the total before the fall if it is above that. A
//! `token_usage_record` and a count that tell one response count once.

use serde_json::{Value, json};

use super::inheritance::{inheritance, own_records};
use super::lines::{Line, records};
use super::values::{int, text};

const KINDS: [&str; 6] = [
    "input_tokens",
    "cached_input_tokens",
    "cache_write_input_tokens",
    "output_tokens",
    "reasoning_output_tokens",
    "total_tokens",
];

/// Tokens by kind, in the order of `KINDS`.
type Tokens = [i64; 6];

fn tokens(usage: &Value) -> Option<Tokens> {
    int(&usage["total_tokens"])?;
    Some(KINDS.map(|kind| int(&usage[kind]).unwrap_or(0)))
}

fn minus(one: Tokens, other: Tokens) -> Tokens {
    std::array::from_fn(|kind| one[kind].saturating_sub(other[kind]).max(0))
}

fn plus(one: Tokens, other: Tokens) -> Tokens {
    std::array::from_fn(|kind| one[kind].saturating_add(other[kind]))
}

fn covers(one: Tokens, other: Tokens) -> bool {
    (0..6).all(|kind| one[kind] >= other[kind])
}

/// Tokens as the ledger names them.
pub(crate) fn named(tokens: Tokens) -> Value {
    let [input, cached, written, output, reasoning, total] = tokens;
    json!({
        "input": input, "cached_input": cached, "cache_write_input": written,
        "output": output, "reasoning_output": reasoning, "total": total,
    })
}

/// The ledger: entries, own use, inherited use, own use by window.
pub(crate) struct Ledger {
    pub(crate) entries: Vec<Value>,
    pub(crate) own: Tokens,
    pub(crate) inherited: Tokens,
    pub(crate) by_window: Vec<Tokens>,
}

/// A total that was told, and whether it was the thread's own.
#[derive(Clone, Copy)]
struct Told {
    total: Tokens,
    is_own: bool,
}

/// `turn_ids` names the turn that is the newest before each line (R44).
pub(crate) fn ledger(lines: &[Line], turn_ids: &[Option<String>]) -> Ledger {
    let own = own_records(lines);
    let mut ledger =
        Ledger { entries: vec![], own: [0; 6], inherited: [0; 6], by_window: vec![[0; 6]] };
    let mut newest: Option<Told> = None;
    let mut before_fall: Option<Tokens> = None;
    let mut may_begin_anew = false;
    let mut segment = 0;
    // Of what records told, what no count told; of what the last count told, what no record did.
    let (mut untold, mut unrecorded): (Vec<Tokens>, Option<Tokens>) = (vec![], None);
    let mut was_own = true;
    for (line, record) in records(lines) {
        let (payload, is_own) = (&record.payload, own.contains(&line.seq));
        if record.kind() == "compacted" {
            ledger.by_window.push([0; 6]);
        }
        if ["compacted", "event_msg/context_compacted"].contains(&record.kind()) {
            may_begin_anew = true;
            continue;
        }
        let is_count = record.kind() == "event_msg/token_count" && payload["info"].is_object();
        if !is_count && record.kind() != "token_usage_record" {
            continue;
        }
        if is_own != was_own {
            (untold, unrecorded) = (vec![], None);
        }
        let (info, mut reset) = (&payload["info"], Value::Null);
        let (total, last, delta);
        if is_count {
            let Some(found) = tokens(&info["total_token_usage"]) else { continue };
            (total, last) = (Some(found), tokens(&info["last_token_usage"]));
            let mut added = found;
            let begins_own = is_own
                && !newest.is_some_and(|newest| newest.is_own)
                && inheritance(&lines[..=line.seq as usize]).has_origin;
            let (before, fallen) = (newest.map(|newest| newest.total), before_fall.take());
            if begins_own {
                reset = json!("own_records");
                let beyond = before
                    .filter(|origin| covers(found, *origin))
                    .map(|origin| minus(found, origin));
                let is_from_zero = last == Some(found);
                let beyond = beyond
                    .filter(|beyond| !is_from_zero && covers(*beyond, last.unwrap_or([0; 6])));
                added = beyond.or(last).unwrap_or([0; 6]);
            } else if let Some(old) = fallen.filter(|old| covers(found, *old)) {
                added = minus(found, old);
            } else if let Some(before) = before {
                if covers(found, before) {
                    added = minus(found, before);
                } else if may_begin_anew || !is_own {
                    reset = json!(if may_begin_anew { "compaction" } else { "ancestor" });
                    added = last.filter(|last| covers(found, *last)).unwrap_or(found);
                } else {
                    before_fall = fallen.or(Some(before));
                    added = [0; 6];
                }
            }
            let told_too = untold.iter().rposition(|used| Some(*used) == last);
            if let Some(place) = told_too {
                added = minus(added, untold.remove(place));
            }
            let others = untold.drain(..).fold([0; 6], plus);
            if covers(added, others) {
                added = minus(added, others);
            }
            unrecorded = last.filter(|_| told_too.is_none());
            segment += i32::from(!reset.is_null());
            newest = Some(Told { total: found, is_own });
            may_begin_anew = false;
            delta = added;
        } else {
            let Some(used) = tokens(&payload["usage"]) else { continue };
            (total, last) = (None, Some(used));
            if unrecorded == Some(used) {
                unrecorded = None;
                delta = [0; 6];
            } else {
                untold.push(used);
                delta = used;
            }
        }
        was_own = is_own;
        let window = ledger.by_window.len() - 1;
        if is_own {
            ledger.own = plus(ledger.own, delta);
            ledger.by_window[window] = plus(ledger.by_window[window], delta);
        } else {
            ledger.inherited = plus(ledger.inherited, delta);
        }
        let named_turn = text(payload, "turn_id").filter(|id| !is_count && !id.is_empty());
        ledger.entries.push(json!({
            "number": ledger.entries.len(),
            "seq": line.seq,
            "source": if is_count { "token_count" } else { "usage_record" },
            "turn_id": named_turn.or(turn_ids[line.seq as usize].as_deref()),
            "window": window,
            "total": total.map(named),
            "last": last.map(named),
            "delta": named(delta),
            "ownership": if is_own { "own" } else { "inherited" },
            "segment": segment,
            "reset": reset,
            "model_context_window": if is_count { json!(int(&info["model_context_window"])) } else { Value::Null },
        }));
    }
    ledger
}
