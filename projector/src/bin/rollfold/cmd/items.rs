//! `rollfold items`: the items of a thread or of one turn, a line each.

use std::sync::Arc;

use rollfold_core::TurnNo;
use rollfold_core::model::{ItemsView, ThreadItem};
use rollfold_projector::{Paging, ThreadView};
use serde::Serialize;

use super::show::{Listed, PageArgs};
use crate::context::{Context, Exit, Failure};
use crate::item_text::ItemText;
use crate::print;
use crate::reading::{AtArg, ThreadArg};

/// Arguments of `items`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    thread: ThreadArg,
    #[command(flatten)]
    at: AtArg,
    /// Only of this turn: its id or its number.
    #[arg(long, value_name = "TURN")]
    turn: Option<String>,
    #[command(flatten)]
    page: PageArgs,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ItemLine<'i> {
    turn_id: &'i str,
    seq: u64,
    item: &'i Arc<ThreadItem>,
}

pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let reading = args.thread.open_at(context, &args.at)?;
    let view = &reading.view;
    let turn = args.turn.as_deref().map(|name| find_turn(view, name)).transpose()?;
    let mut printer = reading.printer(context);
    let mut turn_id: Option<Arc<str>> = None;
    args.page.each(&mut printer, |to, request| {
        let list = view.list_items(turn, request)?;
        for row in &list.rows {
            if to.is_json() {
                let item = &row.value;
                to.json(ItemLine { turn_id: &row.turn_id, seq: row.seq, item })?;
                continue;
            }
            if turn_id.as_ref() != Some(&row.turn_id) {
                to.line(&format!("turn {} ({})", row.at.turn.0, row.turn_id))?;
                turn_id = Some(row.turn_id.clone());
            }
            let (item, seq, kind) = (row.at.item.0, row.seq, row.value.type_name());
            let words = ItemText::of(&row.value).words(70);
            let id = print::line(row.value.id(), 24);
            to.line(&format!("  {item:>5}  line {seq:<7}  {kind:<19}  {id:<24}  {words}"))?;
        }
        Ok(Listed { len: list.rows.len(), next_cursor: list.next_cursor })
    })?;
    printer.finish()?;
    Ok(Exit::Done)
}

fn find_turn(view: &ThreadView, name: &str) -> Result<TurnNo, Failure> {
    if let Some(row) = view.turn(name, ItemsView::NotLoaded)? {
        return Ok(row.turn);
    }
    if let Ok(number) = name.parse::<u32>() {
        let after = number.checked_sub(1).map(TurnNo);
        let paging = Paging { after, limit: 1, ..Paging::default() };
        let page = view.turns_page(&paging, ItemsView::NotLoaded)?;
        if page.rows.first().is_some_and(|row| row.turn == TurnNo(number)) {
            return Ok(TurnNo(number));
        }
    }
    let text = format!("{name:?}: no turn has this id or number; `rollfold show` lists them");
    Err(Failure::unreadable(text))
}
