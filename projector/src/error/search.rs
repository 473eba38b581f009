//! Why a search gives no answer.

use crate::error::StoreError;
use crate::query::CursorProblem;

/// A search could not be answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// The store could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The query has no word.
    #[error("query {query:?}: there is nothing to look for; give a word or a \"phrase\"")]
    Nothing {
        /// The query.
        query: String,
    },
    /// A cursor that is not good for the search.
    #[error("cursor {cursor:?}: {problem}")]
    Cursor {
        /// The cursor.
        cursor: String,
        /// What is wrong with it.
        problem: CursorProblem,
    },
}

impl SearchError {
    /// Whether setting the store aside and syncing again helps.
    #[must_use]
    pub fn wants_rebuild(&self) -> bool {
        matches!(self, Self::Store(source) if source.wants_rebuild())
    }
}
