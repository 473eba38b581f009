//! `rollfold changes`: what each line of a part of a log changed.

use rollfold_core::{Change, ChangeSet, Coalescer};
use rollfold_projector::LineChanges;
use serde::Serialize;
use serde_json::value::to_raw_value;

pub use super::diff::Args;
use crate::context::{Context, Exit, Failure};
use crate::print::raw_cell;
use crate::reading::Printer;

/// Lines that are read at once.
const LINES: u64 = 1024;

/// The changes of turns and items as clients see them, and all others.
#[derive(Serialize)]
struct Line<'l> {
    seq: u64,
    changes: &'l ChangeSet,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    others: &'l [&'l Change],
}

pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let (reading, from, to) = args.open(context)?;
    if from > to {
        return Err(Failure::usage(format!("{from} comes after {to}; name the earlier one first")));
    }
    let mut printer = reading.printer(context);
    let mut start = from;
    while start < to {
        let end = start.saturating_add(LINES).min(to);
        for line in reading.view.slice(start, end)? {
            show(&mut printer, &line)?;
        }
        start = end;
    }
    printer.finish()?;
    Ok(Exit::Done)
}

fn show(to: &mut Printer<'_>, line: &LineChanges) -> Result<(), Failure> {
    let mut coalescer = Coalescer::default();
    coalescer.push(&line.changes);
    let (seq, changes) = (line.seq, &coalescer.finish());
    let is_other = |change: &&Change| {
        !matches!(
            change,
            Change::TurnPut { .. }
                | Change::TurnRemoved { .. }
                | Change::ItemPut { .. }
                | Change::ItemRemoved { .. }
        )
    };
    let others: Vec<&Change> = line.changes.iter().filter(is_other).collect();
    if to.is_json() {
        return to.json(Line { seq, changes, others: &others });
    }
    for id in &changes.removed_turn_ids {
        to.line(&format!("{seq:>7}  turn removed  {id}"))?;
    }
    for it in &changes.removed_items {
        to.line(&format!("{seq:>7}  item removed  {}  {}", it.turn_id, it.item_id))?;
    }
    for it in &changes.changed_turns {
        to.line(&format!("{seq:>7}  turn {}  {}", it.status.as_str(), it.turn_id))?;
    }
    for it in &changes.changed_items {
        let (kind, id) = (it.item.type_name(), it.item.id());
        to.line(&format!("{seq:>7}  item {kind}  {}  {id}", it.turn_id))?;
    }
    for change in others {
        to.line(&format!("{seq:>7}  {}", raw_cell(&to_raw_value(change)?)))?;
    }
    Ok(())
}
