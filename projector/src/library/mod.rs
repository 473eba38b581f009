//! Thousands of threads: lists, filters, trees, and what keeps a file out of them.
//!
//! A [`Library`] is a store and, in memory, one entry for each of its threads in each order: about
//! a kilobyte a thread. It shows what the store had when it was last [refreshed](Library::refresh);
//! a refresh reads what changed since.

mod catalog;
mod entry;
mod filter;
mod list;
mod names;
mod tree;
mod why_not;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

pub use catalog::Relation;
pub use entry::{LogEntry, LogPlace, ThreadEntry};
pub use filter::{Archived, FilteredBy, Kin, ThreadFilter, ThreadTime};
pub use list::ThreadsRequest;
pub use tree::TreeNode;
pub use why_not::{NotListed, Verdict};

use crate::error::QueryError;
use crate::store::Store;
use catalog::Catalog;

/// The threads of a store.
#[derive(Debug)]
pub struct Library {
    store: Store,
    catalog: RwLock<Catalog>,
}

/// A thread is not found by what it was named by.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FindError {
    /// No thread is named so.
    #[error(
        "{name:?}: no thread has this id, the beginning of one, this name or this log; list them, or sync first"
    )]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// More than one is.
    #[error("{name:?}: is the name of {len} threads, {first} and {second} among them; name one by its id", len = ids.len(), first = ids.first().map_or("", |id| id), second = ids.get(1).map_or("", |id| id))]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// Their ids, in order.
        ids: Vec<Arc<str>>,
    },
}

impl Library {
    /// The threads of a store, read once.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn open(store: Store) -> Result<Self, QueryError> {
        let library = Self { store, catalog: RwLock::default() };
        library.refresh()?;
        Ok(library)
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Takes in what the store has got since.
    ///
    /// # Errors
    /// When the store cannot be read; the library then shows what it showed before.
    pub fn refresh(&self) -> Result<(), QueryError> {
        let read = self.store.begin_read()?;
        let names = names::all(&read)?;
        let mut catalog = self.catalog.write().unwrap_or_else(PoisonError::into_inner);
        Ok(catalog.follow(&read, None, Some(names))?)
    }

    /// How many threads there are, whatever lists show.
    #[must_use]
    pub fn len(&self) -> usize {
        self.catalog().all().count()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.catalog().all().next().is_none()
    }

    /// A thread by its id.
    #[must_use]
    pub fn thread(&self, id: &str) -> Option<Arc<ThreadEntry>> {
        self.catalog().thread(id).cloned()
    }

    /// A thread by what a person calls it: its id or the beginning of one, its name, or the key of
    /// one of its logs - in this order.
    ///
    /// # Errors
    /// When no thread, or more than one, is called so.
    pub fn find(&self, name: &str) -> Result<Arc<ThreadEntry>, FindError> {
        let catalog = self.catalog();
        let id = name.to_ascii_lowercase();
        if let Some(entry) = catalog.thread(&id).or_else(|| catalog.thread(name)) {
            return Ok(entry.clone());
        }
        let is_named = |entry: &&Arc<ThreadEntry>| entry.name.as_deref() == Some(name);
        let begins: Vec<_> = match id.is_empty() {
            true => Vec::new(),
            false => catalog.by_prefix(&id).cloned().collect(),
        };
        for found in [begins, catalog.all().filter(is_named).cloned().collect()] {
            match found.as_slice() {
                [] => {}
                [entry] => return Ok(entry.clone()),
                several => {
                    let ids = several.iter().map(|entry| entry.id.clone()).collect();
                    return Err(FindError::Ambiguous { name: name.to_owned(), ids });
                }
            }
        }
        let of_log = catalog.of_log(name).cloned();
        of_log.ok_or_else(|| FindError::Unknown { name: name.to_owned() })
    }

    fn catalog(&self) -> RwLockReadGuard<'_, Catalog> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner)
    }
}
