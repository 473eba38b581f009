//! Calls and their outputs: what a service would refuse, and how to mend it without touching the
//! log (TORTURE 18, 22).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::bodies::{Bodies, ContextError};
use super::items::Reader;
use super::{Context, HistoryItem, HistoryRef};
use crate::format::{Kind, ResponseKind};
use crate::raw::{Json, Raw, Text};
use crate::records::{ItemFlags, RecordRef};

/// What is wrong with an item of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairProblem {
    /// The item's place in the history it was found in.
    pub place: usize,
    /// Where the item is; [`HistoryRef::record`] has its bytes.
    pub source: HistoryRef,
    /// The id that pairs calls with outputs.
    pub call_id: String,
    /// What is wrong.
    pub kind: PairProblemKind,
}

impl std::fmt::Display for PairProblemKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoOutput => "a call that nothing answers",
            Self::NoCall => "an output that answers no call",
            Self::RepeatedId => "a call with the id of an earlier one",
            Self::BadArguments => "arguments that are no JSON",
        })
    }
}

/// What is wrong with a call or an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PairProblemKind {
    /// A call that nothing answers.
    NoOutput,
    /// An output that answers no call before it.
    NoCall,
    /// A call with the id of an earlier one. Pairs are counted, so it may be answered.
    RepeatedId,
    /// The arguments of a function are no JSON.
    BadArguments,
}

/// What [`repair`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mend {
    /// What was wrong, with the item's place in the history before.
    pub problem: PairProblem,
    /// What was done about it.
    pub done: MendDone,
}

/// What [`repair`] did about a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MendDone {
    /// An output was put behind the call: the call was broken off.
    Answered,
    /// The output was left out.
    Dropped,
}

/// Names every unpaired call and output, every repeated call id and all arguments that are no JSON.
///
/// # Errors
/// When a body cannot be read.
pub fn check<B: Bodies + ?Sized>(
    context: &Context,
    bodies: &B,
) -> Result<Vec<PairProblem>, ContextError<B::Error>> {
    let mut reader = Reader::new(bodies);
    let mut open: BTreeMap<(Family, String), VecDeque<usize>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (place, item) in context.history.iter().enumerate() {
        let Some(half) = half(&mut reader, &item.source)? else { continue };
        let mut problem = |kind| {
            let (source, call_id) = (item.source.clone(), half.call_id.clone());
            found.push(PairProblem { place, source, call_id, kind });
        };
        let key = (half.family, half.call_id.clone());
        match half.side {
            Side::Call { has_bad_arguments } => {
                if has_bad_arguments {
                    problem(PairProblemKind::BadArguments);
                }
                if !seen.insert(key.clone()) {
                    problem(PairProblemKind::RepeatedId);
                }
                open.entry(key).or_default().push_back(place);
            }
            Side::Output => {
                let call = open.get_mut(&key).and_then(VecDeque::pop_front);
                if call.is_none() {
                    problem(PairProblemKind::NoCall);
                }
            }
        }
    }
    for ((_, call_id), places) in open {
        for place in places {
            let Some(item) = context.history.get(place) else { continue };
            let (source, call_id) = (item.source.clone(), call_id.clone());
            found.push(PairProblem { place, source, call_id, kind: PairProblemKind::NoOutput });
        }
    }
    found.sort_by_key(|problem| problem.place);
    Ok(found)
}

/// A context in which every call is answered and every output answers a call, and what was done
/// for it. The log stays as it is.
///
/// # Errors
/// When a body cannot be read.
pub fn repair<B: Bodies + ?Sized>(
    context: &Context,
    bodies: &B,
) -> Result<(Context, Vec<Mend>), ContextError<B::Error>> {
    let mut reader = Reader::new(bodies);
    let mut mends: BTreeMap<usize, Mend> = BTreeMap::new();
    for problem in check(context, bodies)? {
        let done = match problem.kind {
            PairProblemKind::NoOutput => MendDone::Answered,
            PairProblemKind::NoCall => MendDone::Dropped,
            PairProblemKind::RepeatedId | PairProblemKind::BadArguments => continue,
        };
        mends.insert(problem.place, Mend { problem, done });
    }
    let mut history = Vec::with_capacity(context.history.len());
    for (place, item) in context.history.iter().enumerate() {
        let done = mends.get(&place).map(|mend| mend.done);
        if done != Some(MendDone::Dropped) {
            history.push(item.clone());
        }
        if done == Some(MendDone::Answered) {
            let record = item.source.record();
            let half = half(&mut reader, &item.source)?.ok_or(ContextError::Gone { record })?;
            history.push(answer(record, &half));
        }
    }
    Ok((Context { history, ..context.clone() }, mends.into_values().collect()))
}

/// Which outputs answer which calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    /// Functions and the local shell.
    Function,
    Custom,
    ToolSearch,
}

/// A call or an output.
struct Half {
    family: Family,
    side: Side,
    call_id: String,
}

enum Side {
    Call { has_bad_arguments: bool },
    Output,
}

/// The item as a call or output; `None` if it is neither, or if the service itself answers it.
fn half<B: Bodies + ?Sized>(
    reader: &mut Reader<'_, B>,
    source: &HistoryRef,
) -> Result<Option<Half>, ContextError<B::Error>> {
    let json = match source {
        HistoryRef::Record(RecordRef { kind: Kind::Response(kind), .. }) => {
            if side(*kind).is_none() {
                return Ok(None);
            }
            reader.json(source)?
        }
        HistoryRef::Entry { .. } | HistoryRef::Answer { .. } => reader.json(source)?,
        _ => return Ok(None),
    };
    Ok(half_of(&json))
}

fn side(kind: ResponseKind) -> Option<(Family, bool)> {
    use ResponseKind as R;
    Some(match kind {
        R::FunctionCall | R::LocalShellCall => (Family::Function, true),
        R::FunctionCallOutput => (Family::Function, false),
        R::CustomToolCall => (Family::Custom, true),
        R::CustomToolCallOutput => (Family::Custom, false),
        R::ToolSearchCall => (Family::ToolSearch, true),
        R::ToolSearchOutput => (Family::ToolSearch, false),
        _ => return None,
    })
}

fn half_of(json: &Json) -> Option<Half> {
    let (raw, _) = Raw::first_of(json.get()).ok()?;
    let text = |key: &str| raw.member(key).and_then(Raw::read::<Text<'_>>);
    let kind = ResponseKind::from_tag(&text("type")?)?;
    let (family, is_call) = side(kind)?;
    let is_hosted = family == Family::ToolSearch && text("execution").as_deref() == Some("server");
    let call_id = text("call_id").filter(|_| !is_hosted)?.into_owned();
    let arguments = text("arguments").filter(|_| kind == ResponseKind::FunctionCall);
    let has_bad_arguments = arguments.is_some_and(|arguments| !is_json(&arguments));
    let side = if is_call { Side::Call { has_bad_arguments } } else { Side::Output };
    Some(Half { family, side, call_id })
}

fn is_json(text: &str) -> bool {
    Raw::first_of(text).is_ok_and(|(_, len)| text.get(len..).is_some_and(|it| it.trim().is_empty()))
}

/// The output the reference sends for a call that was broken off.
fn answer(record: RecordRef, call: &Half) -> HistoryItem {
    let id = &call.call_id;
    let output: Value = match call.family {
        Family::Function => {
            json!({ "type": "function_call_output", "call_id": id, "output": "aborted" })
        }
        Family::Custom => {
            json!({ "type": "custom_tool_call_output", "call_id": id, "output": "aborted" })
        }
        Family::ToolSearch => json!({
            "type": "tool_search_output",
            "call_id": id,
            "status": "completed",
            "execution": "client",
            "tools": [],
        }),
    };
    let source = HistoryRef::Answer { record, output: Json::of(&output) };
    HistoryItem { source, flags: ItemFlags::NONE }
}
