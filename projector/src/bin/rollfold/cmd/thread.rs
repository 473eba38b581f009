//! `rollfold thread`: what is known of a thread besides its turns.

use std::collections::BTreeMap;

use rollfold_core::model::Thread;
use rollfold_projector::{LogEntry, LogPlace};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::context::{Context, Exit, Failure};
use crate::print::{self, raw_cell};
use crate::reading::{AtArg, ThreadArg};

/// Arguments of `thread`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    thread: ThreadArg,
    #[command(flatten)]
    at: AtArg,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ThreadLine<'t> {
    name: Option<&'t str>,
    generation: u32,
    place: Option<&'t LogPlace>,
    other_logs: &'t [LogEntry],
    lines: u64,
    thread: &'t Thread,
}

/// Facts that are not known are left out of the table; in JSON they are null.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let reading = args.thread.open_at(context, &args.at)?;
    let (entry, log, view) = (&reading.entry, &reading.log, &reading.view);
    let thread = view.thread()?;
    let mut printer = reading.printer(context);
    if printer.is_json() {
        printer.json(ThreadLine {
            name: entry.name.as_deref(),
            generation: view.generation(),
            place: log.place.as_ref(),
            other_logs: &entry.other_logs,
            lines: view.len_lines(),
            thread: &thread,
        })?;
    } else {
        let row = |name: &str, value: String| [name.to_owned(), value];
        let mut rows = vec![row("thread", entry.id.to_string()), row("log", log.key.to_string())];
        rows.extend(log.place.as_ref().map(|place| row("file", told(place))));
        rows.extend(entry.other_logs.iter().map(|log| row("other log", log.key.to_string())));
        rows.extend(entry.name.as_deref().map(|name| row("called", print::line(name, 100))));
        rows.push(row("lines", view.len_lines().to_string()));
        rows.extend(facts(&thread)?);
        printer.table(["fact", "value"], &rows)?;
    }
    printer.finish()?;
    Ok(Exit::Done)
}

fn told(place: &LogPlace) -> String {
    let marks = [
        (place.is_gone, "gone"),
        (place.is_archived, "archived"),
        (place.is_compressed, "compressed"),
    ];
    let marks = marks.iter().filter(|(is_so, _)| *is_so).map(|(_, mark)| format!(" ({mark})"));
    format!("{}{}", place.path.display(), marks.collect::<String>())
}

fn facts(thread: &Thread) -> Result<Vec<[String; 2]>, Failure> {
    let mut rows = Vec::new();
    for (name, value) in members(thread)? {
        if name == "head" && is_known(&value) {
            let fields = members(&value)?.into_iter().filter(|(_, value)| is_known(value));
            rows.extend(fields.map(|(key, value)| [format!("head.{key}"), raw_cell(&value)]));
        } else if is_known(&value) {
            rows.push([name, raw_cell(&value)]);
        }
    }
    Ok(rows)
}

fn is_known(value: &RawValue) -> bool {
    value.get() != "null"
}

/// The members of an object with their text, whatever their depth.
fn members<T: Serialize>(object: &T) -> Result<BTreeMap<String, Box<RawValue>>, Failure> {
    Ok(serde_json::from_str(&serde_json::to_string(object)?)?)
}
