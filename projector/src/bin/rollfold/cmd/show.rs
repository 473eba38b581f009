//! `rollfold show`: the turns of a thread with their items, to be read.

use rollfold_core::model::{ItemsView, Turn};
use rollfold_projector::{LIST_LIMIT_MAX, ListRequest, Order, TurnRow};
use serde_json::json;

use crate::context::{Context, Exit, Failure};
use crate::item_text::ItemText;
use crate::print;
use crate::reading::{AtArg, Printer, Reading, ThreadArg};

/// Arguments of `show`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    thread: ThreadArg,
    #[command(flatten)]
    at: AtArg,
    /// Which items of each turn.
    #[arg(long, value_enum, value_name = "WHICH", default_value = "full")]
    items: Items,
    #[command(flatten)]
    page: PageArgs,
}

/// Which part of a list.
#[derive(Debug, clap::Args)]
pub struct PageArgs {
    /// How many [default: all].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Goes on behind an earlier page: the cursor printed at its end.
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    /// The newest first.
    #[arg(long)]
    newest_first: bool,
}

/// Which items.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Items {
    /// All.
    Full,
    /// The first message of the user and the last of the agent.
    Summary,
    /// None.
    None,
}

impl PageArgs {
    /// Reads lists, one after the other, until there are as many rows as wanted; `list` gives the
    /// cursor of the next one.
    pub fn each(
        &self,
        to: &mut Printer<'_>,
        mut list: impl FnMut(&mut Printer<'_>, &ListRequest<'_>) -> Result<Listed, Failure>,
    ) -> Result<(), Failure> {
        let order = if self.newest_first { Order::NewestFirst } else { Order::OldestFirst };
        let (mut cursor, mut left) = (self.cursor.clone(), self.limit);
        while left != Some(0) {
            let limit = left.map_or(LIST_LIMIT_MAX, |left| left.min(LIST_LIMIT_MAX));
            let request = ListRequest { cursor: cursor.as_deref(), limit: Some(limit), order };
            let Listed { len, next_cursor } = list(to, &request)?;
            let len = u32::try_from(len).unwrap_or(u32::MAX);
            left = left.map(|left| left.saturating_sub(len));
            cursor = next_cursor;
            if cursor.is_none() {
                return Ok(());
            }
        }
        match cursor {
            None => Ok(()),
            Some(cursor) if to.is_json() => to.json(json!({ "nextCursor": cursor })),
            Some(cursor) => to.line(&format!("more: --cursor {cursor}")),
        }
    }
}

/// What one list had.
pub struct Listed {
    pub len: usize,
    pub next_cursor: Option<String>,
}

pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let reading = args.thread.open_at(context, &args.at)?;
    let view = &reading.view;
    view.readable()?;
    let items = match args.items {
        Items::Full => ItemsView::Full,
        Items::Summary => ItemsView::Summary,
        Items::None => ItemsView::NotLoaded,
    };
    let mut printer = reading.printer(context);
    let mut is_first = true;
    args.page.each(&mut printer, |to, request| {
        let list = view.list_turns(request, items)?;
        if std::mem::take(&mut is_first) && !to.is_json() {
            begin(to, &reading)?;
        }
        for row in &list.rows {
            match to.is_json() {
                true => to.json(TurnLine { turn: &row.value })?,
                false => turn(to, row)?,
            }
        }
        Ok(Listed { len: list.rows.len(), next_cursor: list.next_cursor })
    })?;
    printer.finish()?;
    Ok(Exit::Done)
}

/// Says which thread it is, and how much of it.
fn begin(to: &mut Printer<'_>, reading: &Reading) -> Result<(), Failure> {
    let Reading { entry, log, view, .. } = reading;
    let name = entry.name.as_deref().or(entry.title.as_deref()).unwrap_or_default();
    to.line(&format!("{}  {}", entry.id, print::line(name, 80)))?;
    let (lines, all) = (view.len_lines(), view.state().position.seq);
    let of = if lines < all { format!(" of {all}") } else { String::new() };
    to.line(&format!("{}, {lines}{of} lines", log.key))
}

#[derive(serde::Serialize)]
struct TurnLine<'t> {
    turn: &'t Turn,
}

fn turn(to: &mut Printer<'_>, row: &TurnRow) -> Result<(), Failure> {
    let Turn { id, status, error, started_at, duration_ms, .. } = &row.value;
    let mut words = vec![format!("turn {} ({id})", row.turn.0), status.as_str().to_owned()];
    let started_ms = started_at.and_then(|seconds| seconds.checked_mul(1000));
    words.extend(started_ms.map(print::time));
    words.extend(duration_ms.map(|duration| format!("{duration} ms")));
    to.line("")?;
    to.line(&words.join("  "))?;
    if let Some(error) = error {
        to.text("  error: ", &error.message, usize::MAX)?;
    }
    for item in &row.value.items {
        let ItemText { head, body, lines_max } = ItemText::of(item);
        to.line(&format!("  {}", print::line(&head, 120)))?;
        to.text("    ", &body, lines_max)?;
    }
    Ok(())
}
