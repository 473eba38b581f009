//! Self-healing: a store that cannot be used is set aside, and a new one takes its place. The logs
//! are the truth: they are synced again.

use std::io;
use std::path::{Path, PathBuf};

use super::file::LockedFile;
use super::open::lock;
use super::{Access, Store};
use crate::error::{OpenError, StoreError, SyncError};
use crate::source::LogSource;
use crate::sync::{SyncOptions, Synced};

/// What [`Store::open_or_rebuild`] found.
#[derive(Debug)]
#[non_exhaustive]
pub enum Opened {
    /// No store; one was made.
    Created,
    /// A store that can be used as it is.
    AsItWas,
    /// A store that cannot be used. It has another name now, and an empty one stands in its place.
    SetAside {
        /// Why.
        reason: OpenError,
        /// What it is called now.
        aside: PathBuf,
    },
}

/// What [`Store::heal`] did.
#[derive(Debug)]
pub struct Healed {
    /// The new store.
    pub store: Store,
    /// What the old one is called now.
    pub aside: PathBuf,
    /// What became of each log, in the order given.
    pub synced: Vec<Result<Synced, SyncError>>,
}

impl Store {
    /// As [`Store::open_as`]; but a store that is damaged, cut off, or of another version is set
    /// aside under a dated name, never deleted, and an empty one is made in its place. Then the
    /// caller syncs the logs again. Every cursor is checked, at a cost that grows with the number
    /// of logs.
    ///
    /// A rebuild that is interrupted needs no care: what it had committed is a store like any
    /// other.
    ///
    /// # Errors
    /// When the file cannot be opened or set aside, is open elsewhere, or is no store: that is left
    /// as it is.
    pub fn open_or_rebuild(
        path: impl AsRef<Path>,
        program: &str,
    ) -> Result<(Self, Opened), OpenError> {
        let path = path.as_ref();
        let opened = match Self::open_locked(lock(path)?, program) {
            Ok((store, is_new)) => match store.check_cursors() {
                Ok(()) if is_new => return Ok((store, Opened::Created)),
                Ok(()) => return Ok((store, Opened::AsItWas)),
                Err(source) if source.wants_rebuild() => {
                    let reason = OpenError::Store { path: path.to_owned(), source };
                    (reason, store.into_file()?)
                }
                Err(source) => return Err(OpenError::Store { path: path.to_owned(), source }),
            },
            Err((reason, file)) if reason.wants_rebuild() => (reason, file),
            Err((error, _)) => return Err(error),
        };
        let (reason, file) = opened;
        match file.set_aside() {
            Ok(aside) => {
                drop(file);
                Ok((Self::open_as(path, program)?, Opened::SetAside { reason, aside }))
            }
            Err(failed) => Err(not_set_aside(&file, failed, Some(reason))),
        }
    }

    /// Sets the store aside under a dated name, as [`Store::open_or_rebuild`] does, for damage that
    /// is noticed later ([`StoreError::wants_rebuild`]). Gives the name.
    ///
    /// # Errors
    /// When the file cannot be renamed, or the store has none of its own.
    pub fn set_aside(self) -> Result<PathBuf, OpenError> {
        let file = self.into_file()?;
        file.set_aside().map_err(|failed| not_set_aside(&file, failed, None))
    }

    /// Sets the store aside and folds logs into a new one in its place. A log that cannot be synced
    /// keeps none of the others back.
    ///
    /// # Errors
    /// As [`Store::set_aside`] and [`Store::open_as`].
    pub fn heal<'s, S: LogSource + ?Sized + 's>(
        self,
        program: &str,
        sources: impl IntoIterator<Item = &'s S>,
        options: &SyncOptions,
    ) -> Result<Healed, OpenError> {
        let path = self.path()?.to_owned();
        let aside = self.set_aside()?;
        let store = Self::open_as(path, program)?;
        let synced = sources.into_iter().map(|source| store.sync(source, options)).collect();
        Ok(Healed { store, aside, synced })
    }

    /// Closes the database; the file stays locked.
    fn into_file(self) -> Result<LockedFile, OpenError> {
        self.path()?;
        match self.access {
            Access::File(file) => Ok(file),
            Access::Nameless | Access::Reader => Err(nameless()),
        }
    }

    fn path(&self) -> Result<&Path, OpenError> {
        match &self.access {
            Access::File(file) => Ok(file.path()),
            Access::Nameless | Access::Reader => Err(nameless()),
        }
    }
}

/// Stores in memory and copies for reading have no file to set aside.
fn nameless() -> OpenError {
    OpenError::Store { path: PathBuf::from(":memory:"), source: StoreError::ReadOnly }
}

fn not_set_aside(
    file: &LockedFile,
    (aside, source): (PathBuf, io::Error),
    reason: Option<OpenError>,
) -> OpenError {
    OpenError::SetAside {
        path: file.path().to_owned(),
        aside,
        source,
        reason: reason.map(Box::new),
    }
}
