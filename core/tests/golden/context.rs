//! What a resume would send to the model, as references; where the reference's reading of the log
//! differs, that too.

use std::fmt::Write as _;

use rollfold_core::context::{
    Context, ContextMode, HistoryItem, HistoryRef, MendDone, PairProblem, Truncation, WorldRecord,
    check, reconstruct, repair, world,
};
use rollfold_core::{Snapshot, Window};

use super::state::without_nulls;

/// Limits small enough for the outputs of tools in the cases.
const LIMITS: [Truncation; 2] = [Truncation::Bytes(20), Truncation::Tokens(5)];

/// Characters of an item that are shown from its start and from its end.
const SHOWN_CHARS: (usize, usize) = (140, 60);

pub(super) fn show(text: &mut String, snapshot: &Snapshot, input: &[u8]) {
    let of = |mode| reconstruct(snapshot.records(), input, mode, None).unwrap();
    let sound = of(ContextMode::Sound);
    text.push_str("context\n");
    show_context(text, snapshot, &sound, input);
    show_pairs(text, &sound, input);
    for limit in LIMITS {
        show_cut(text, &sound, limit, input);
    }
    let reference = of(ContextMode::Reference);
    if reference == sound {
        text.push_str("context for the reference: the same\n");
    } else {
        text.push_str("context for the reference\n");
        show_context(text, snapshot, &reference, input);
    }
}

fn show_context(text: &mut String, snapshot: &Snapshot, context: &Context, input: &[u8]) {
    if let Some(settings) = &context.previous_turn_settings {
        let settings = without_nulls(&serde_json::to_string(settings).unwrap());
        writeln!(text, "  settings of the turn before {settings}").unwrap();
    }
    if let Some(item) = &context.reference_context_item {
        writeln!(text, "  reference item seq {}", item.seq).unwrap();
    }
    let world = world(context, input).unwrap();
    if world.as_ref() != snapshot.world().value().map(|value| &**value) {
        let world = world.map_or_else(|| "unknown".to_owned(), |world| world.to_string());
        writeln!(text, "  another world {world}").unwrap();
    }
    if !context.world_records.is_empty() {
        text.push_str("  world records seq");
        for record in &context.world_records {
            match record {
                WorldRecord::State(record) => write!(text, " {}", record.seq).unwrap(),
                WorldRecord::Compacted(record) => {
                    write!(text, " {}(compacted)", record.seq).unwrap();
                }
                WorldRecord::Lost(record) => write!(text, " {}(lost)", record.seq).unwrap(),
            }
        }
        text.push('\n');
    }
    let Window { number, first_id, previous_id, id } = context.window;
    write!(text, "  window {number}").unwrap();
    for (name, id) in [("id", id), ("first", first_id), ("previous", previous_id)] {
        if let Some(id) = id {
            write!(text, ", {name} {id}").unwrap();
        }
    }
    text.push('\n');
    for (item, json) in context.history.iter().zip(context.items(input)) {
        let (place, flags) = (place(&item.source), flags(item));
        writeln!(text, "  {place}{flags} {}", excerpt(json.unwrap().get())).unwrap();
    }
}

/// Where an item is: its seq, and what of that record it is.
fn place(source: &HistoryRef) -> String {
    let record = source.record();
    match source {
        HistoryRef::Record(_) => format!("{} {}", record.seq, record.kind.name()),
        HistoryRef::Entry { entry, .. } => format!("{}#{entry} entry", record.seq),
        HistoryRef::Communication(_) => format!("{} communication", record.seq),
        HistoryRef::Rebuilt { .. } => format!("{} rebuilt", record.seq),
        HistoryRef::Summary(_) => format!("{} summary", record.seq),
        HistoryRef::Answer { .. } => format!("{} answer", record.seq),
    }
}

fn flags(item: &HistoryItem) -> String {
    let flags = item.flags;
    let names = [
        (flags.is_boundary(), " boundary"),
        (flags.is_real_user(), " user"),
        (flags.is_contextual(), " contextual"),
        (flags.triggers_turn(), " triggers"),
        (flags.is_unsent(), " unsent"),
    ];
    names.into_iter().filter_map(|(is_so, name)| is_so.then_some(name)).collect()
}

fn excerpt(json: &str) -> String {
    let (head, tail) = SHOWN_CHARS;
    let chars: Vec<char> = json.chars().collect();
    if chars.len() <= head + tail {
        return json.to_owned();
    }
    let text = |chars: &[char]| chars.iter().collect::<String>();
    let (start, end) = (text(&chars[..head]), text(&chars[chars.len() - tail..]));
    format!("{start} ... of {} bytes ... {end}", json.len())
}

fn show_pairs(text: &mut String, context: &Context, input: &[u8]) {
    let problems = check(context, input).unwrap();
    for PairProblem { place: at, source, call_id, kind } in &problems {
        let span = source.record().span;
        let span = format!("[{}+{}]", span.offset_bytes, span.len_bytes);
        writeln!(text, "  check: item {at}, {} {span} {call_id}: {kind:?}", place(source)).unwrap();
    }
    let (mended, mends) = repair(context, input).unwrap();
    for mend in &mends {
        let done = match mend.done {
            MendDone::Answered => "answered",
            MendDone::Dropped => "dropped",
            _ => "mended",
        };
        writeln!(text, "  repair: item {} {done}", mend.problem.place).unwrap();
    }
    for item in &mended.history {
        if let HistoryRef::Answer { output, .. } = &item.source {
            writeln!(text, "  repair: {} {}", place(&item.source), output.get()).unwrap();
        }
    }
}

/// The items that a model's limit for outputs would cut.
fn show_cut(text: &mut String, context: &Context, limit: Truncation, input: &[u8]) {
    let limited = Context { truncation: Some(limit), ..context.clone() };
    let items = context.items(input).zip(limited.items(input));
    for (item, (whole, cut)) in context.history.iter().zip(items) {
        let (whole, cut) = (whole.unwrap(), cut.unwrap());
        if whole != cut {
            writeln!(text, "  cut to {limit:?}: {} {}", place(&item.source), cut.get()).unwrap();
        }
    }
}
