//! Turns, items and changes: as the store has them, or as they come.

use std::error::Error;

use rollfold_core::model::ItemsView;
use rollfold_core::{ChangeSet, Coalescer};
use rollfold_projector::{LogSource, Paging, ThreadView};
use serde_json::json;

use super::super::check::fold;
use super::print::{Printer, cell};

pub(super) fn turns(to: &mut Printer<'_>, view: &ThreadView) -> Result<(), Box<dyn Error>> {
    let mut rows = Vec::new();
    for row in view.turns(ItemsView::Full) {
        let turn = row?.value;
        if to.is_json() {
            to.json_with(json!({}), "turn", &turn)?;
            continue;
        }
        let status = turn.status.as_str().to_owned();
        let items = turn.items.len().to_string();
        let times = [turn.started_at, turn.completed_at, turn.duration_ms].map(cell);
        let [started, completed, duration] = times;
        rows.push([turn.id.to_string(), status, items, started, completed, duration]);
    }
    if !to.is_json() {
        let head = ["turn", "status", "items", "started at", "completed at", "duration ms"];
        to.table(head, &rows)?;
    }
    Ok(())
}

pub(super) fn items(to: &mut Printer<'_>, view: &ThreadView) -> Result<(), Box<dyn Error>> {
    let mut paging = Paging { limit: 1000, ..Paging::default() };
    let mut rows = Vec::new();
    loop {
        let page = view.items_page(None, &paging)?;
        for row in page.rows {
            let (turn_id, seq) = (row.turn_id, row.seq);
            if to.is_json() {
                to.json_with(json!({"turnId": turn_id, "seq": seq}), "item", &row.value)?;
            } else {
                let (kind, id) = (row.value.type_name().to_owned(), row.value.id().to_owned());
                rows.push([seq.to_string(), turn_id.to_string(), kind, id]);
            }
        }
        paging.after = page.next;
        if page.next.is_none() {
            break;
        }
    }
    if !to.is_json() {
        to.table(["seq", "turn", "kind", "item"], &rows)?;
    }
    Ok(())
}

pub(super) fn changes<S: LogSource>(
    to: &mut Printer<'_>,
    source: &S,
) -> Result<(), Box<dyn Error>> {
    let mut rows = Vec::new();
    fold(source, |step| {
        let mut coalescer = Coalescer::default();
        coalescer.push(&step.changes);
        let changes = coalescer.finish();
        if changes == ChangeSet::default() {
            return Ok(());
        }
        if to.is_json() {
            return Ok(to.json_with(json!({"seq": step.seq}), "changes", &changes)?);
        }
        let mut row = |what: &str, turn: &str, item: &str| {
            rows.push([step.seq.to_string(), what.into(), turn.into(), item.into()]);
        };
        for id in &changes.removed_turn_ids {
            row("turn removed", id, "");
        }
        for it in &changes.removed_items {
            row("item removed", &it.turn_id, &it.item_id);
        }
        for it in &changes.changed_turns {
            row(&format!("turn {}", it.status.as_str()), &it.turn_id, "");
        }
        for it in &changes.changed_items {
            row(&format!("item {}", it.item.type_name()), &it.turn_id, it.item.id());
        }
        Ok(())
    })?;
    if !to.is_json() {
        to.table(["seq", "change", "turn", "item"], &rows)?;
    }
    Ok(())
}
