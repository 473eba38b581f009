//! Errors of single files in the sync of homes.

use std::io;
use std::path::PathBuf;

use super::{OpenError, SyncError};

/// A file was not synced.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncFileError {
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// What it goes on from cannot be read.
    #[error("{}: what it goes on from cannot be read: {source}; sync again", path.display())]
    Base {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be read or folded.
    #[error("{}: {source}", path.display())]
    Sync {
        /// The file.
        path: PathBuf,
        /// Why.
        source: SyncError,
    },
}
