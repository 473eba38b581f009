//! Why operations on the files of logs fail.

use std::io;
use std::path::{Path, PathBuf};

use super::{LockError, StoreError, advice};
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

/// Which thread is meant cannot be told, or its files are not such that anything may be done with
/// them. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelectError {
    /// Neither an id nor a path of a rollout.
    #[error(
        "{text:?}: is neither a thread's id nor the path of a rollout; `rollfold find` shows both"
    )]
    NoId {
        /// What was given.
        text: String,
    },
    /// The path of a folder.
    #[error("{}: is a folder, no thread; name a thread's id", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// A file whose name does not end in the id of a thread.
    #[error("{}: its name does not tell which thread it is of; name a thread's id", path.display())]
    OtherName {
        /// The file.
        path: PathBuf,
    },
    /// There is no file of the thread.
    #[error("thread {thread_id}: has no file in {}; look for it in another home", home.display())]
    Unknown {
        /// The thread.
        thread_id: String,
        /// The home.
        home: PathBuf,
    },
    /// The store knows the thread, but its files are gone.
    #[error("thread {thread_id}: its files are gone from {}, only what was folded of them is there", home.display())]
    NoFiles {
        /// The thread.
        thread_id: String,
        /// The home.
        home: PathBuf,
    },
    /// A file that lies elsewhere, be it through a link.
    #[error("{}: lies outside {}; change it where it is", path.display(), root.display())]
    Outside {
        /// The file.
        path: PathBuf,
        /// The folder it should be in.
        root: PathBuf,
    },
    /// Somebody writes the thread, or that cannot be told.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The home cannot be read.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The system refused something.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Files of a thread could not be moved. Those that were moved before stay where they are; the same
/// again moves the rest.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MoveError {
    /// The thread or its files are not such that they could be moved.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// Where a file should go, another one is.
    #[error("{}: cannot be moved to {}, where another file is; look at both and remove one", from.display(), to.display())]
    Occupied {
        /// The file.
        from: PathBuf,
        /// Where it should go.
        to: PathBuf,
    },
    /// A file was written while it was being copied to another disk.
    #[error("{}: was written while it was being moved; end the program that writes it", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The system refused something.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A thread could not be deleted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeleteError {
    /// The thread or its files are not such that they could be deleted.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// Threads that stay go on from one that should go (A25). Nothing was deleted.
    #[error(
        "{}: others go on from it ({}); delete these too, or keep it",
        path.display(), listed(by)
    )]
    Referenced {
        /// The file that others need.
        path: PathBuf,
        /// Those others.
        by: Vec<PathBuf>,
    },
    /// A file could not be deleted. What is left is deleted by the same again.
    #[error(transparent)]
    File(#[from] FileError),
    /// The names of threads could not be rewritten. What is left is deleted by the same again.
    #[error(transparent)]
    Names(HomeError),
    /// The files are gone, but not the rows. The same again deletes them.
    #[error("thread {thread_id}: {source}")]
    Store {
        /// The thread.
        thread_id: String,
        /// Why not.
        source: StoreError,
    },
}

fn listed(paths: &[PathBuf]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<String> =
        paths.iter().take(SHOWN).map(|path| path.display().to_string()).collect();
    let more = paths.len().saturating_sub(SHOWN);
    match more {
        0 => shown.join(", "),
        _ => format!("{} and {more} more", shown.join(", ")),
    }
}
