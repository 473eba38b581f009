//! `rollfold windows`: the context windows of a thread.

use serde_json::json;

use crate::context::{Context, Exit, Failure};
use crate::print::{cell, json_cell};
use crate::reading::{AtArg, ThreadArg};

/// Arguments of `windows`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    thread: ThreadArg,
    #[command(flatten)]
    at: AtArg,
}

pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let reading = args.thread.open_at(context, &args.at)?;
    let windows = reading.view.windows()?;
    let mut printer = reading.printer(context);
    if printer.is_json() {
        for row in &windows {
            printer.json(json!({"window": row.value, "own_tokens": row.own}))?;
        }
    } else {
        let rows: Vec<_> = windows
            .iter()
            .map(|row| {
                let window = &row.value;
                let [number, start] = [window.number, window.start_seq].map(|it| it.to_string());
                let [claimed, end] = [window.claimed_number, window.end_seq].map(cell);
                let why = json_cell(&json!(window.end));
                let id = cell(window.id.as_ref());
                [number, claimed, start, end, why, row.own.total.to_string(), id]
            })
            .collect();
        let head = ["window", "claimed", "first seq", "end seq", "ended by", "own tokens", "id"];
        printer.table(head, &rows)?;
    }
    printer.finish()?;
    Ok(Exit::Done)
}
