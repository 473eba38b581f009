//! Why operations on the files of logs fail.

use std::io;
use std::path::{Path, PathBuf};

use super::advice;
use crate::home::HomeError;

/// The system refused something on one file.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot be {doing}: {source}; {advice}", path.display(), advice = advice(source))]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// What was to be done with it: `read`, `moved`, ...
    pub doing: &'static str,
    /// Why not.
    pub source: io::Error,
}

/// Says of which file an error of the system is.
pub(crate) trait OnFile<T> {
    fn on(self, path: &Path, doing: &'static str) -> Result<T, FileError>;
}

impl<T> OnFile<T> for io::Result<T> {
    fn on(self, path: &Path, doing: &'static str) -> Result<T, FileError> {
        self.map_err(|source| FileError { path: path.to_owned(), doing, source })
    }
}

/// A run of compression could not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompressError {
    /// The home cannot be read.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// A file that a run needs cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A compressed log could not be made a plain one. It is left as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MaterializeError {
    /// There is neither form.
    #[error("{}: no such log, neither plain nor compressed; look at the path", path.display())]
    Missing {
        /// The plain form's path.
        path: PathBuf,
    },
    /// The compressed form is cut off or damaged, so that a plain one would lack what follows.
    #[error(
        "{}: cannot be decompressed as a whole: {source}; restore it from a copy, or read what is readable",
        path.display()
    )]
    Damaged {
        /// The compressed form.
        path: PathBuf,
        /// What the decoder says.
        source: io::Error,
    },
    /// The system refused something.
    #[error(transparent)]
    File(#[from] FileError),
}
