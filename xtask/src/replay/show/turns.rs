//! What was folded, as JSON lines on standard output.

use std::error::Error;
use std::io::{BufWriter, StdoutLock, Write};
use std::path::Path;

use rollfold_core::Coalescer;
use rollfold_core::model::ItemsView;
use rollfold_projector::{LogSource, Paging, ThreadView};
use serde_json::json;

use super::check::fold;

fn out() -> BufWriter<StdoutLock<'static>> {
    BufWriter::new(std::io::stdout().lock())
}

/// A line a turn, with its items.
pub(super) fn turns(file: &Path, view: &ThreadView) -> Result<(), Box<dyn Error>> {
    let mut out = out();
    for row in view.turns(ItemsView::Full) {
        writeln!(out, "{}", json!({"file": file, "turn": row?.value}))?;
    }
    Ok(out.flush()?)
}

/// A line an item.
pub(super) fn items(file: &Path, view: &ThreadView) -> Result<(), Box<dyn Error>> {
    let mut out = out();
    let mut paging = Paging { limit: 1000, ..Paging::default() };
    loop {
        let page = view.items_page(None, &paging)?;
        for row in page.rows {
            let (turn_id, seq) = (row.turn_id, row.seq);
            let line = json!({"file": file, "turnId": turn_id, "seq": seq, "item": row.value});
            writeln!(out, "{line}")?;
        }
        paging.after = page.next;
        if page.next.is_none() {
            return Ok(out.flush()?);
        }
    }
}

/// A line a record that changes something.
pub(super) fn changes<S: LogSource>(file: &Path, source: &S) -> Result<(), Box<dyn Error>> {
    let mut out = out();
    fold(source, |step| {
        if !step.changes.is_empty() {
            let mut coalescer = Coalescer::default();
            coalescer.push(&step.changes);
            let line = json!({"file": file, "seq": step.seq, "changes": coalescer.finish()});
            writeln!(out, "{line}")?;
        }
        Ok(())
    })?;
    Ok(out.flush()?)
}
