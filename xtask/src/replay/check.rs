//! The store against a fold in memory.

use std::error::Error;
use std::io;

use rollfold_core::model::ItemsView;
use rollfold_core::{Diagnostic, Folder, Options, Snapshot, Step};
use rollfold_projector::{LogSource, QueryError, ThreadView};

const BUFFER_BYTES: usize = 1024 * 1024;
const DIAGNOSTICS_PAGE: usize = 1000;

/// Folds a log from its first byte, handing on what each line does.
pub(super) fn fold<S: LogSource>(
    source: &S,
    mut each: impl FnMut(Step) -> Result<(), Box<dyn Error>>,
) -> Result<Folder, Box<dyn Error>> {
    let mut folder = Folder::new(Options::default());
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut offset_bytes = 0;
    loop {
        let len = source.read_at(offset_bytes, &mut buffer)?;
        let bytes = buffer.get(..len).ok_or(io::Error::other("a read of more than asked for"))?;
        if bytes.is_empty() {
            return Ok(folder);
        }
        offset_bytes += len as u64;
        folder.push(bytes).into_iter().try_for_each(&mut each)?;
    }
}

/// The first thing that the rows and a fold of the log in memory do not agree on.
pub(super) fn first_difference<S: LogSource>(
    view: &ThreadView,
    source: &S,
) -> Result<Option<String>, Box<dyn Error>> {
    let mut snapshot = Snapshot::default();
    let mut diagnostics = Vec::new();
    let folder = fold(source, |step| {
        step.changes.iter().try_for_each(|change| snapshot.apply(change))?;
        diagnostics.extend(step.diagnostics);
        Ok(())
    })?;
    let state = &folder.frontier().state;
    if view.state() != state {
        return Ok(Some(format!("state: stored {:?}, folded {state:?}", view.state())));
    }
    if let Some(difference) = turn_difference(view, &snapshot)? {
        return Ok(Some(difference));
    }
    diagnostic_difference(view, &diagnostics)
}

fn turn_difference(
    view: &ThreadView,
    snapshot: &Snapshot,
) -> Result<Option<String>, Box<dyn Error>> {
    let refused = snapshot.readable().err();
    match (view.readable(), refused) {
        (Err(QueryError::UnknownHistoryMode { source, .. }), Some(mode)) if source == mode => {
            return Ok(None);
        }
        (Err(error), _) => return Err(error.into()),
        (Ok(()), Some(mode)) => return Ok(Some(format!("stored turns, but {mode}"))),
        (Ok(()), None) => {}
    }
    let mut folded = snapshot.turns(ItemsView::Full);
    let mut place = 0;
    for row in view.turns(ItemsView::Full) {
        let stored = row?.value;
        let Some(turn) = folded.next() else {
            return Ok(Some(format!("turn {place} ({}): stored, but not folded", stored.id)));
        };
        if stored != turn {
            let (stored, turn) = (serde_json::to_string(&stored)?, serde_json::to_string(&turn)?);
            return Ok(Some(format!("turn {place}: stored {stored}, folded {turn}")));
        }
        place += 1;
    }
    let missing = folded.next();
    Ok(missing.map(|turn| format!("turn {place} ({}): folded, but not stored", turn.id)))
}

fn diagnostic_difference(
    view: &ThreadView,
    folded: &[Diagnostic],
) -> Result<Option<String>, Box<dyn Error>> {
    let mut folded = folded.iter();
    let mut after = None;
    loop {
        let page = view.diagnostics_page(after, DIAGNOSTICS_PAGE)?;
        for stored in &page.rows {
            if folded.next() != Some(stored) {
                return Ok(Some(format!("diagnostic at line {}: {}", stored.seq, stored.kind)));
            }
        }
        after = page.next;
        if after.is_none() {
            let missing = folded.next();
            return Ok(missing.map(|it| format!("diagnostic at line {}: not stored", it.seq)));
        }
    }
}
