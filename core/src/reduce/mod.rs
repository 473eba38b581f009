//! Reducers: what a record does to the read model. Pure: state before, record, and answers about
//! the past in; state after and changes out.

pub mod facts;
pub mod forks;
pub mod history;
pub(crate) mod messages;
pub(crate) mod records;
pub mod thread;
mod tools;
pub mod usage;
pub mod windows;
pub mod world;

use crate::change::Change;
use crate::diag::DiagnosticKind;

/// What one record does to one concern.
#[derive(Debug, Clone)]
pub struct Reduced<S> {
    /// The state for the next record.
    pub state: S,
    /// What changes.
    pub changes: Vec<Change>,
    /// What was odd.
    pub notes: Vec<DiagnosticKind>,
}

impl<S> Reduced<S> {
    /// A state that nobody but the next record sees.
    fn silent(state: S) -> Self {
        Self { state, changes: Vec::new(), notes: Vec::new() }
    }
}
