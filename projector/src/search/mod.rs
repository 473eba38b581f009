//! Full-text search over what the store holds of every thread. The index is derived from rows
//! alone, apart from the fold: a sync notes that a thread has more lines, [`Store::index`] catches
//! up, [`Store::search`] says what it could not search yet.
//!
//! [`Store::index`]: crate::Store::index
//! [`Store::search`]: crate::Store::search

mod builder;
mod chars;
mod cursor;
mod docs;
mod find;
mod index;
mod matches;
mod merge;
mod postings;
mod query;
mod segment;
mod snippet;
mod terms;
#[cfg(test)]
mod tests;
mod texts;
mod threads;
mod words;

pub use find::{Behind, Hit, SearchPage, SearchRequest};
pub use index::{IndexDone, IndexOptions, IndexProgress, IndexSize};
pub use snippet::Snippet;
pub use texts::{TextKind, TextKinds, UnknownTextKind};
pub(crate) use threads::{forget, note};
