//! `rollfold diff`: what differs between two places of a log.

use rollfold_core::model::Fact;
use rollfold_projector::{Diff, UsageTotals};
use serde_json::{Value, json};

use crate::context::{Context, Exit, Failure};
use crate::print::json_cell;
use crate::reading::Reading;

/// Arguments of `diff` and `changes`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The thread, and two places: lines of the log before each. Without thread, with --last.
    #[arg(required = true, num_args = 2..=3, value_names = ["THREAD", "A", "B"])]
    range: Vec<String>,
    /// The thread that was updated last; none that was put away.
    #[arg(long)]
    last: bool,
}

impl Args {
    /// The thread and the two places.
    pub fn open(&self, context: &Context) -> Result<(Reading, u64, u64), Failure> {
        let (name, from, to) = match (self.last, self.range.as_slice()) {
            (true, [from, to]) => (None, from, to),
            (false, [name, from, to]) => (Some(&**name), from, to),
            (true, _) => return Err(Failure::usage("--last stands for THREAD; name only A and B")),
            (false, _) => return Err(Failure::usage("name THREAD, A and B, or --last, A and B")),
        };
        let lines = |text: &String| {
            let number = text.parse::<u64>();
            number.map_err(|_| Failure::usage(format!("{text:?}: is no number of lines")))
        };
        let (from, to) = (lines(from)?, lines(to)?);
        let reading = Reading::open(context, name)?;
        reading.check_lines(from.max(to))?;
        Ok((reading, from, to))
    }
}

/// One thing that differs; null where it is not there.
struct Difference {
    what: &'static str,
    at: Value,
    before: Value,
    after: Value,
}

pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let (reading, from, to) = args.open(context)?;
    let diff = reading.view.diff(from, to)?;
    let is_empty = diff.is_empty();
    let mut printer = reading.printer(context);
    for Difference { what, at, before, after } in differences(&diff)? {
        if printer.is_json() {
            let value = json!({"what": what, "at": at, "before": before, "after": after});
            printer.json(value)?;
            continue;
        }
        let name = format!("{what} {}", json_cell(&at));
        match (&before, &after) {
            (Value::Null, after) => printer.line(&format!("+ {name}: {}", json_cell(after)))?,
            (before, Value::Null) => printer.line(&format!("- {name}: {}", json_cell(before)))?,
            (before, after) => {
                printer.line(&format!("~ {name}: {}", json_cell(before)))?;
                printer.line(&format!("  {:1$}  {2}", "", name.len(), json_cell(after)))?;
            }
        }
    }
    printer.finish()?;
    Ok(if is_empty { Exit::Done } else { Exit::Found })
}

fn differences(diff: &Diff) -> Result<Vec<Difference>, Failure> {
    let mut all = Vec::new();
    let mut put = |what, at, before, after| all.push(Difference { what, at, before, after });
    for it in &diff.turns {
        put("turn", json!(it.at), json!(it.before), json!(it.after));
    }
    for it in &diff.items {
        let at = json!({"turn": it.at.turn, "item": it.at.item});
        put("item", at, serde_json::to_value(&it.before)?, serde_json::to_value(&it.after)?);
    }
    for (before, after) in &diff.facts {
        let (name, before) = fact(before)?;
        put("fact", name, before, fact(after)?.1);
    }
    if let Some((before, after)) = &diff.inheritance {
        put("inheritance", Value::Null, json!(before), json!(after));
    }
    if let Some((before, after)) = &diff.world {
        put("world", Value::Null, json!(before), json!(after));
    }
    for it in &diff.windows {
        put("window", json!(it.at), json!(it.before), json!(it.after));
    }
    if let Some((before, after)) = &diff.usage {
        put("usage", Value::Null, usage(before), usage(after));
    }
    Ok(all)
}

/// A fact's name and value.
fn fact(fact: &Fact) -> Result<(Value, Value), Failure> {
    let named = serde_json::to_value(fact)?;
    let named = named.as_object().and_then(|object| object.iter().next());
    Ok(named.map_or((Value::Null, Value::Null), |(name, value)| (json!(name), value.clone())))
}

fn usage(totals: &UsageTotals) -> Value {
    let UsageTotals { entries, own, inherited } = totals;
    json!({"entries": entries, "own": own, "inherited": inherited})
}
