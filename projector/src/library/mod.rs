//! Thousands of threads: lists, filters, trees, and what keeps a file out of them.
//!
//! A [`Library`] is a store and, in memory, one entry for each of its threads in each order: about
//! a kilobyte a thread. It shows what the store had when it was last [refreshed](Library::refresh);
//! a refresh reads what changed since.

mod bases;
mod catalog;
mod due;
mod entry;
mod filter;
mod list;
mod names;
mod places;
mod sync;
mod tree;
mod watch;
mod watched;
mod why_not;

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

pub use catalog::Relation;
pub use entry::{LogEntry, LogPlace, ThreadEntry};
pub use filter::{Archived, FilteredBy, Kin, ThreadFilter, ThreadTime};
pub use list::ThreadsRequest;
pub use sync::{FileOutcome, FileReport, HomesError, HomesProgress, HomesSynced};
pub use tree::TreeNode;
pub use watch::{Watch, WatchEvent, WatchOptions, WatchStop};
pub use why_not::{NotListed, Verdict};

use crate::error::QueryError;
use crate::home::Home;
use crate::rows::files::times_noted;
use crate::store::Store;
use crate::sync::SyncOptions;
use catalog::Catalog;

/// The threads of a store.
#[derive(Debug)]
pub struct Library {
    store: Store,
    catalog: RwLock<Catalog>,
    /// How often files had been noted when the catalog last took them in.
    files: Mutex<Option<u64>>,
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
        let library = Self { store, catalog: RwLock::default(), files: Mutex::default() };
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
        let mut seen = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = times_noted(&read)?;
        let places = if *seen == noted { None } else { Some(places::all(&read)?) };
        let mut catalog = self.catalog.write().unwrap_or_else(PoisonError::into_inner);
        catalog.follow(&read, places, Some(names))?;
        *seen = noted;
        Ok(())
    }

    /// Syncs homes as [`Store::sync_homes`] does, takes in the names that stand beside the logs, and
    /// then shows what is new.
    ///
    /// # Errors
    /// As [`Store::sync_homes`], or when names cannot be read or kept.
    pub fn sync_homes(
        &self,
        homes: &[Home],
        options: &SyncOptions,
        progress: impl FnMut(HomesProgress<'_>) -> ControlFlow<()>,
    ) -> Result<HomesSynced, HomesError> {
        let synced = self.store.sync_homes(homes, options, progress)?;
        for home in homes {
            self.put_names(&home.names()?)?;
        }
        self.refresh()?;
        Ok(synced)
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
