//! Slices: any run of records, without the records before it.

use crate::diag::Diagnostic;
use crate::fold::{Folder, Frontier};
use crate::options::{Options, Rules};
use crate::snapshot::Snapshot;
use crate::step::Step;

/// What a run of records did, and the place after it.
#[derive(Debug, Clone)]
pub struct Run {
    /// The lines that hold records or are odd.
    pub steps: Vec<Step>,
    /// Where folding can go on.
    pub frontier: Frontier,
}

/// Folds a run of records of any vocabulary from the frontier stored before it. Only complete
/// lines are folded.
#[must_use]
pub fn from_frontier(frontier: &Frontier, bytes: &[u8]) -> Run {
    let mut folder = Folder::resume(frontier.clone());
    let steps = folder.push(bytes);
    Run { steps, frontier: folder.frontier().clone() }
}

/// Folds a run of canonical records from nothing: each names its turn and carries its whole item,
/// so no earlier record is needed (SEMANTICS A9).
///
/// The result holds the turns and items the run touched; a turn that the run only adds items to
/// is in progress, without times.
///
/// ```
/// use rollfold_core::{model::ItemsView, slice};
///
/// let run = br#"{"timestamp":"2026-08-12T09:00:00.000Z","ordinal":7,"type":"event_msg","payload":{"type":"item_completed","thread_id":"t","turn_id":"turn-3","item":{"type":"Plan","id":"p1","text":"1. look"},"completed_at_ms":5}}
/// "#;
/// let (snapshot, diagnostics) = slice::canonical(run);
/// assert!(diagnostics.is_empty(), "{diagnostics:?}");
/// assert_eq!(&*snapshot.turns(ItemsView::Full).next().unwrap().id, "turn-3");
/// ```
#[must_use]
pub fn canonical(bytes: &[u8]) -> (Snapshot, Vec<Diagnostic>) {
    let options = Options { rules: Rules::Paginated, ..Options::default() };
    let mut snapshot = Snapshot::default();
    let mut diagnostics = Vec::new();
    for step in Folder::new(options).push(bytes) {
        // A change always follows from the ones before it.
        let _ = snapshot.apply_step(&step);
        diagnostics.extend(step.diagnostics.into_iter().filter(|it| !it.is_ordinal()));
    }
    (snapshot, diagnostics)
}
