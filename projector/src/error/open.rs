//! Why a store cannot be opened.

use std::io;
use std::path::PathBuf;

use super::{StoreError, Versions, advice};
use crate::store::Holder;

/// A file could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be opened, or made.
    #[error("{}: {source}; {advice}", path.display(), advice = advice(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is a folder, not a log.
    #[error("{}: is a folder, no log; name the files in it", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// There is something, but neither a file nor a folder.
    #[error("{}: is a pipe, a device or the like, no log; name a file", path.display())]
    NoFile {
        /// What is there.
        path: PathBuf,
    },
    /// The path is a link to something that is not there.
    #[error("{}: is a link to {}, which is not there", path.display(), target.display())]
    DanglingLink {
        /// The link.
        path: PathBuf,
        /// What it names.
        target: PathBuf,
    },
    /// Another process, or this one, has the store open for writing.
    #[error("{}: is open for writing by {}; end that, open it for reading, or use another store",
        path.display(), named(holder.as_ref()))]
    InUse {
        /// The store.
        path: PathBuf,
        /// Who has it open, as far as can be told.
        holder: Option<Holder>,
    },
    /// The store changed faster than it could be copied.
    #[error("{}: is being written too fast to be read ({tries} tries); try again later", path.display())]
    Busy {
        /// The store.
        path: PathBuf,
        /// How often it was copied in vain.
        tries: u32,
    },
    /// A file, but no store. It is left as it is.
    #[error("{}: is no store but something else; use another path", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A file of nothing but zeros, or a store whose making was cut off.
    #[error("{}: holds nothing; set it aside and sync again", path.display())]
    Unfinished {
        /// The store.
        path: PathBuf,
    },
    /// The store's file is laid out in another version's way. Its logs are unharmed.
    #[error("{}: is laid out by another version ({found}, not {expected}); set it aside and sync again", path.display())]
    Format {
        /// The store.
        path: PathBuf,
        /// The layout it has.
        found: u32,
        /// The layout this build makes.
        expected: u32,
    },
    /// The store was made by another version. Its logs are unharmed.
    #[error("{}: was made by another version ({found:?}, not {expected:?}); set it aside and sync again", path.display())]
    Version {
        /// The store.
        path: PathBuf,
        /// What made it.
        found: Versions,
        /// What this build makes.
        expected: Versions,
    },
    /// The store failed.
    #[error("{}: {source}", path.display())]
    Store {
        /// The store.
        path: PathBuf,
        /// Why.
        source: StoreError,
    },
    /// The store must be set aside, but that failed. It is left as it is.
    #[error("{}: cannot be set aside as {}: {source}; {advice}",
        path.display(), aside.display(), advice = advice(source))]
    SetAside {
        /// The store.
        path: PathBuf,
        /// What it should be called.
        aside: PathBuf,
        /// Why not.
        source: io::Error,
        /// Why it must be set aside, if that is why it was not opened.
        reason: Option<Box<OpenError>>,
    },
}

impl OpenError {
    /// Whether setting the file aside and syncing again helps.
    #[must_use]
    pub fn wants_rebuild(&self) -> bool {
        match self {
            Self::Version { .. } | Self::Format { .. } | Self::Unfinished { .. } => true,
            Self::Store { source, .. } => source.wants_rebuild(),
            Self::Io { .. }
            | Self::Folder { .. }
            | Self::NoFile { .. }
            | Self::DanglingLink { .. }
            | Self::InUse { .. }
            | Self::Busy { .. }
            | Self::Foreign { .. }
            | Self::SetAside { .. } => false,
        }
    }
}

fn named(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "somebody unknown".to_owned(), Holder::to_string)
}
