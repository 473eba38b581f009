//! Why bundles cannot be written or taken in.

use std::path::PathBuf;

use super::{FileError, MoveError, SelectError, StoreError};
use crate::home::HomeError;

/// A bundle could not be written. There is no file of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The thread or its files are not such that they could be put into a bundle.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// A compressed log is cut off or damaged, so that the bundle would lack what follows.
    #[error("{}: cannot be read as a whole: {source}; restore it from a copy", path.display())]
    Damaged {
        /// The log.
        path: PathBuf,
        /// What the decoder says.
        source: std::io::Error,
    },
    /// Where the bundle should be, something is.
    #[error("{}: is there already; use another path or remove it", path.display())]
    Occupied {
        /// What is there.
        path: PathBuf,
    },
    /// The list of what is in the bundle cannot be written.
    #[error("the list of what is in the bundle cannot be written: {0}")]
    Manifest(#[source] serde_json::Error),
    /// The home cannot be read.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The system refused something.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A bundle was not taken in. The home is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// A file, but no bundle, or one that is cut off.
    #[error("{}: {problem}; get the bundle again", path.display())]
    Bundle {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        problem: BundleProblem,
    },
    /// A log of the bundle is there already with other bytes, or another log of its thread is there
    /// that the bundle does not have.
    #[error(
        "{}: thread {thread_id} is there already, and not as in the bundle; import into another home",
        path.display()
    )]
    OtherBytes {
        /// The thread.
        thread_id: String,
        /// What is there.
        path: PathBuf,
    },
    /// The folders of the home, or the threads in it, are not such that files could be added.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// A log could not be put where it belongs.
    #[error(transparent)]
    Move(#[from] MoveError),
    /// What was put in place could not be taken back. These files are new.
    #[error("{reason}; besides, these files could not be removed again: {}", listed(left))]
    HalfDone {
        /// Why the bundle was not taken in.
        reason: Box<ImportError>,
        /// What is left of it.
        left: Vec<PathBuf>,
    },
    /// The home cannot be read, or the names of threads not written.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The system refused something.
    #[error(transparent)]
    File(#[from] FileError),
    /// What is shown instead of recorded paths could not be kept.
    #[error("the counterparts of paths cannot be kept: {0}")]
    Store(#[from] StoreError),
}

fn listed(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    paths.join(", ")
}

/// What is wrong with a bundle.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleProblem {
    /// It does not begin like a bundle.
    #[error("is no bundle")]
    NoBundle,
    /// A later version made it.
    #[error("is a bundle of version {found}, this program reads {expected}")]
    Version {
        /// Its version.
        found: u32,
        /// The version that is read.
        expected: u32,
    },
    /// It does not end like a bundle.
    #[error("is cut off, or something was put behind it")]
    CutOff,
    /// The list of what is in it does not match its digest.
    #[error("is damaged: its list of contents does not match its digest")]
    ManifestDigest,
    /// The list of what is in it cannot be read.
    #[error("its list of contents cannot be read: {0}")]
    Manifest(#[source] serde_json::Error),
    /// The lengths in the list are not those of the file.
    #[error("its list of contents does not say where its logs begin and end")]
    Layout,
    /// More than is taken in.
    #[error("holds {declared} {what}, more than the {limit} that are taken in")]
    TooMuch {
        /// What there is too much of.
        what: &'static str,
        /// How much it is said to hold.
        declared: u64,
        /// How much is taken in.
        limit: u64,
    },
    /// A name that is not that of a rollout.
    #[error("holds a file that is called {name:?}, which is no rollout's name")]
    Name {
        /// The name.
        name: String,
    },
    /// One name twice.
    #[error("holds {name:?} twice")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A log that does not decompress.
    #[error("is damaged: {name} cannot be decompressed: {source}")]
    Undecodable {
        /// The log.
        name: String,
        /// What the decoder says.
        source: std::io::Error,
    },
    /// A log that is longer or shorter than it is said to be.
    #[error("{name} has not the {declared} bytes it is said to have")]
    Length {
        /// The log.
        name: String,
        /// The length it is said to have.
        declared: u64,
    },
    /// A log that is not what it is said to be.
    #[error("is damaged: {name} does not match its digest")]
    Digest {
        /// The log.
        name: String,
    },
}
