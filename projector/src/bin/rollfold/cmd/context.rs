//! `rollfold context`: what a resume would send to the model.

use std::collections::BTreeMap;

use rollfold_core::context::{self, ContextMode, Outlined, PairProblem};
use rollfold_projector::{LogSource, SourceBodies};
use serde_json::value::to_raw_value;
use serde_json::{Value, json};

use crate::context::{Context, Exit, Failure};
use crate::logs::Logs;
use crate::print::{cell, json_cell, raw_cell};
use crate::reading::{AtArg, ThreadArg};

/// Arguments of `context`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    thread: ThreadArg,
    #[command(flatten)]
    at: AtArg,
    /// Whose reading of the log counts.
    #[arg(long, value_enum, value_name = "MODE", default_value = "sound")]
    mode: Mode,
}

/// Whose reading of a log counts.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Mode {
    /// What stood before a rolled-back checkpoint stays.
    Sound,
    /// The reference's: such a checkpoint takes everything before it along.
    Reference,
}

pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let reading = args.thread.open_at(context, &args.at)?;
    let view = &reading.view;
    let key = view.key();
    let source = Logs::of(context, [&reading.log]).open(&reading.log)?.ok_or_else(|| {
        Failure::unreadable(format!("{key}: its file is not there any more; sync to find it"))
    })?;
    if source.len_bytes()?.is_some_and(|len| len < view.state().position.offset_bytes) {
        let text = format!("{key}: is shorter than what was folded; sync it first");
        return Err(Failure::unreadable(text));
    }
    let mode = match args.mode {
        Mode::Sound => ContextMode::Sound,
        Mode::Reference => ContextMode::Reference,
    };
    let bodies = SourceBodies(&source);
    let made = view.context(&bodies, mode, None)?;
    let problems = context::check(&made, &bodies)?;
    let items = made.outline(&bodies).collect::<Result<Vec<_>, _>>()?;
    let about = BTreeMap::from([
        ("mode", to_raw_value(&mode)?),
        ("items", to_raw_value(&made.history.len())?),
        ("previous_turn_settings", to_raw_value(&made.previous_turn_settings)?),
        ("reference_context_item", to_raw_value(&made.reference_context_item)?),
        ("window", to_raw_value(&made.window)?),
        ("world_records", to_raw_value(&made.world_records)?),
    ]);
    let mut printer = reading.printer(context);
    if printer.is_json() {
        printer.json(BTreeMap::from([("context", &about)]))?;
        for (number, item) in items.iter().enumerate() {
            printer.json(ItemLine { number, item })?;
        }
        for PairProblem { place, source, call_id, kind, .. } in &problems {
            let seq = source.record().seq;
            printer.json(json!({
                "number": place, "seq": seq, "call_id": call_id, "problem": kind,
                "done": Value::Null,
            }))?;
        }
    } else {
        for (name, value) in &about {
            printer.line(&format!("{name}: {}", raw_cell(value)))?;
        }
        let rows: Vec<_> =
            items.iter().enumerate().map(|(number, item)| row(number, item)).collect();
        let head = ["number", "seq", "span", "from", "kind", "role or call", "turn", "bytes"];
        printer.table(head, &rows)?;
        for PairProblem { place, source, call_id, kind, .. } in &problems {
            let seq = source.record().seq;
            printer.line(&format!("item {place} (seq {seq}, call {call_id}): {kind}"))?;
        }
        if problems.is_empty() {
            printer.line("every call and output is paired")?;
        }
    }
    printer.finish()?;
    Ok(if problems.is_empty() { Exit::Done } else { Exit::Found })
}

#[derive(serde::Serialize)]
struct ItemLine<'i> {
    number: usize,
    item: &'i Outlined,
}

fn row(number: usize, item: &Outlined) -> [String; 8] {
    [
        number.to_string(),
        item.seq.to_string(),
        format!("{}+{}", item.span.offset_bytes, item.span.len_bytes),
        json_cell(&json!(item.place)),
        cell(item.kind.as_ref()),
        cell(item.role.as_ref().or(item.call_id.as_ref())),
        String::from(if item.is_boundary { "starts" } else { "" }),
        item.len_bytes.to_string(),
    ]
}
