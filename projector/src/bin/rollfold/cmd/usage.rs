//! `rollfold usage`: the token ledger of a thread.

use rollfold_core::model::{Tokens, UsageEntry};
use rollfold_projector::{Paging, ThreadView};
use serde_json::json;

use crate::context::{Context, Exit, Failure};
use crate::print::{cell, json_cell};
use crate::reading::{AtArg, ThreadArg};

/// Arguments of `usage`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    thread: ThreadArg,
    #[command(flatten)]
    at: AtArg,
}

pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let reading = args.thread.open_at(context, &args.at)?;
    let view = &reading.view;
    let totals = view.usage_totals()?;
    let mut printer = reading.printer(context);
    if printer.is_json() {
        each(view, |entry| printer.json(json!({ "entry": entry })))?;
        printer.json(json!({"own": totals.own, "inherited": totals.inherited}))?;
    } else {
        let mut rows = Vec::new();
        each(view, |entry| {
            rows.push(row(&entry));
            Ok(())
        })?;
        let head = [
            "seq",
            "record",
            "turn",
            "window",
            "whose",
            "total",
            "adds",
            "segment",
            "began anew by",
        ];
        printer.table(head, &rows)?;
        printer.line(&format!("own: {}", tokens(totals.own)))?;
        printer.line(&format!("inherited: {}", tokens(totals.inherited)))?;
    }
    printer.finish()?;
    Ok(Exit::Done)
}

fn each(
    view: &ThreadView,
    mut each: impl FnMut(UsageEntry) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut paging = Paging { limit: 1000, ..Paging::default() };
    loop {
        let page = view.usage_page(&paging)?;
        page.rows.into_iter().try_for_each(&mut each)?;
        if page.next.is_none() {
            return Ok(());
        }
        paging.after = page.next;
    }
}

fn row(entry: &UsageEntry) -> [String; 9] {
    let words = [json!(entry.source), json!(entry.ownership), json!(entry.reset)];
    let [source, whose, reset] = words.map(|word| json_cell(&word));
    let turn = cell(entry.turn_id.as_ref());
    let [seq, window, segment] =
        [entry.seq, entry.window, entry.segment.into()].map(|number: u64| number.to_string());
    let [total, delta] = [entry.total, Some(entry.delta)].map(|it| cell(it.map(|it| it.total)));
    [seq, source, turn, window, whose, total, delta, segment, reset]
}

/// Tokens in words.
pub fn tokens(tokens: Tokens) -> String {
    let Tokens { input, cached_input, output, reasoning_output, total, .. } = tokens;
    format!(
        "{total} tokens ({input} in, {cached_input} of them cached; {output} out, \
         {reasoning_output} of them reasoning)"
    )
}
