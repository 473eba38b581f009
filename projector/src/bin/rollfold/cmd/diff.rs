//! `rollfold diff`: what differs between two places of a log.

use std::collections::BTreeMap;

use rollfold_core::model::Fact;
use rollfold_projector::{Diff, UsageTotals};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use crate::context::{Context, Exit, Failure};
use crate::print::{json_cell, raw_cell};
use crate::reading::{Printer, Reading};

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

/// One thing that differs; null where it is not there. Values as they are spelled, since a log may
/// nest them deeper than they could be read.
#[derive(Serialize)]
struct Difference {
    what: &'static str,
    at: Value,
    before: Box<RawValue>,
    after: Box<RawValue>,
}

impl Difference {
    fn new<T: Serialize>(
        what: &'static str,
        at: Value,
        before: &T,
        after: &T,
    ) -> Result<Self, Failure> {
        let (before, after) = (to_raw_value(before)?, to_raw_value(after)?);
        Ok(Self { what, at, before, after })
    }

    fn say(&self, to: &mut Printer<'_>) -> Result<(), Failure> {
        let at = Some(&self.at).filter(|at| !at.is_null()).map(json_cell);
        let name = [Some(self.what.to_owned()), at].into_iter().flatten();
        let name = name.collect::<Vec<_>>().join(" ");
        let (before, after) = (raw_cell(&self.before), raw_cell(&self.after));
        match (self.before.get(), self.after.get()) {
            ("null", _) => to.line(&format!("+ {name}: {after}")),
            (_, "null") => to.line(&format!("- {name}: {before}")),
            _ => {
                to.line(&format!("~ {name}: {before}"))?;
                to.line(&format!("  {:1$}  {after}", "", name.chars().count()))
            }
        }
    }
}

pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let (reading, from, to) = args.open(context)?;
    let diff = reading.view.diff(from, to)?;
    let mut printer = reading.printer(context);
    for difference in differences(&diff)? {
        match printer.is_json() {
            true => printer.json(&difference)?,
            false => difference.say(&mut printer)?,
        }
    }
    printer.finish()?;
    Ok(if diff.is_empty() { Exit::Done } else { Exit::Found })
}

fn differences(diff: &Diff) -> Result<Vec<Difference>, Failure> {
    let mut all = Vec::new();
    for it in &diff.turns {
        all.push(Difference::new("turn", json!(it.at), &it.before, &it.after)?);
    }
    for it in &diff.items {
        let at = json!({"turn": it.at.turn, "item": it.at.item});
        all.push(Difference::new("item", at, &it.before, &it.after)?);
    }
    for (before, after) in &diff.facts {
        let ((name, before), (_, after)) = (fact(before)?, fact(after)?);
        all.push(Difference { what: "fact", at: json!(name), before, after });
    }
    if let Some((before, after)) = &diff.inheritance {
        all.push(Difference::new("inheritance", Value::Null, before, after)?);
    }
    if let Some((before, after)) = &diff.world {
        all.push(Difference::new("world", Value::Null, before, after)?);
    }
    for it in &diff.windows {
        all.push(Difference::new("window", json!(it.at), &it.before, &it.after)?);
    }
    if let Some((before, after)) = &diff.usage {
        all.push(Difference::new("usage", Value::Null, &usage(before), &usage(after))?);
    }
    Ok(all)
}

/// A fact's name and value.
fn fact(fact: &Fact) -> Result<(String, Box<RawValue>), Failure> {
    let named: BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(&serde_json::to_string(fact)?)?;
    let named = named.into_iter().next();
    named.ok_or_else(|| Failure::unreadable("a fact without name"))
}

fn usage(totals: &UsageTotals) -> Value {
    let UsageTotals { entries, own, inherited } = totals;
    json!({"entries": entries, "own": own, "inherited": inherited})
}
