//! Errors, one per operation, with what a caller needs to act on them.

use std::io;
use std::path::PathBuf;

use rollfold_core::context::ContextError;
use rollfold_core::{ApplyError, Options, UnknownHistoryMode};

use crate::query::CursorProblem;

/// A row that does not read back. The log it came from is unharmed.
#[derive(Debug, thiserror::Error)]
#[error("row {key} of table {table}: {problem}; set the store aside and sync again")]
pub struct Corrupt {
    /// The table.
    pub table: &'static str,
    /// The row's key.
    pub key: String,
    /// What is wrong with it.
    #[source]
    pub problem: CorruptProblem,
}

/// What is wrong with a row.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CorruptProblem {
    /// The row has no bytes.
    #[error("is empty")]
    Empty,
    /// The row begins with a version that this build does not read.
    #[error("has encoding {found}, which this version does not read")]
    Encoding {
        /// The version.
        found: u8,
    },
    /// The row's body does not read back.
    #[error("does not read back: {0}")]
    Body(#[source] serde_json::Error),
    /// The row's packed entries do not read back.
    #[error("does not unpack")]
    Packing,
    /// Another row speaks of this one, but it is not there.
    #[error("is missing")]
    Missing,
}

/// The store could not answer or keep something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database below failed.
    #[error("the store's database: {0}; open the store again, set it aside if that does not help")]
    Database(#[source] Box<redb::Error>),
    /// A row does not read back.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// A value could not be written as a row.
    #[error("table {table}: a value cannot be written as a row: {source}")]
    Encode {
        /// The table.
        table: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// All numbers that threads may have are taken.
    #[error("the store holds as many threads as it can number; use another store")]
    Full,
}

impl StoreError {
    /// Whether setting the store aside and syncing again helps.
    #[must_use]
    pub fn wants_rebuild(&self) -> bool {
        match self {
            Self::Corrupt(_) => true,
            Self::Database(error) => matches!(
                **error,
                redb::Error::Corrupted(_)
                    | redb::Error::UpgradeRequired(_)
                    | redb::Error::TableTypeMismatch { .. }
                    | redb::Error::TableIsMultimap(_)
                    | redb::Error::TypeDefinitionChanged { .. }
                    | redb::Error::TableDoesNotExist(_)
            ),
            Self::Encode { .. } | Self::Full => false,
        }
    }
}

macro_rules! from_redb {
    ($($error:ident)*) => {
        $(impl From<redb::$error> for StoreError {
            fn from(error: redb::$error) -> Self {
                Self::Database(Box::new(error.into()))
            }
        })*
    };
}
from_redb!(CommitError DatabaseError SetDurabilityError StorageError TableError TransactionError);

/// What a store's rows were made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// Tables, keys and encodings.
    pub schema: u32,
    /// The meaning of records.
    pub reducers: u32,
}

/// A file could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be opened, or made.
    #[error("{}: cannot be opened: {source}", path.display())]
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
    #[error("{}: is a pipe, a device or the like, no log", path.display())]
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
    /// Another process, or this one, has the store open.
    #[error("{}: is open elsewhere; close it there or use another store", path.display())]
    InUse {
        /// The store.
        path: PathBuf,
    },
    /// A file, but no store. It is left as it is.
    #[error("{}: is no store but something else; use another path", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A store whose making was cut off; nothing is in it.
    #[error("{}: was never finished; set it aside and sync again", path.display())]
    Unfinished {
        /// The store.
        path: PathBuf,
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
    /// The database below failed.
    #[error("{}: {source}", path.display())]
    Store {
        /// The store.
        path: PathBuf,
        /// Why.
        source: StoreError,
    },
}

impl OpenError {
    /// Whether setting the file aside and syncing again helps.
    #[must_use]
    pub fn wants_rebuild(&self) -> bool {
        match self {
            Self::Version { .. } | Self::Unfinished { .. } => true,
            Self::Store { source, .. } => source.wants_rebuild(),
            Self::Io { .. }
            | Self::Folder { .. }
            | Self::NoFile { .. }
            | Self::DanglingLink { .. }
            | Self::InUse { .. }
            | Self::Foreign { .. } => false,
        }
    }
}

/// A sync stopped. What it had committed stays, and the next one goes on from there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// The log could not be read.
    #[error("{key}: cannot be read at byte {offset_bytes}: {source}")]
    Source {
        /// The log.
        key: String,
        /// Where.
        offset_bytes: u64,
        /// Why.
        source: io::Error,
    },
    /// A line is longer than there is memory.
    #[error(
        "{key}: no memory for the line of {len_bytes} bytes at byte {offset_bytes}; free some and sync again"
    )]
    LongLine {
        /// The log.
        key: String,
        /// Where the line begins.
        offset_bytes: u64,
        /// Its length.
        len_bytes: u64,
    },
    /// The store holds the log's fold by other choices.
    #[error(
        "{key}: is stored by other options ({stored:?}); sync with these or into another store"
    )]
    Options {
        /// The log.
        key: String,
        /// The choices of the stored fold.
        stored: Options,
        /// The choices asked for.
        asked: Options,
    },
    /// Somebody else synced the same log meanwhile.
    #[error("{key}: was synced by somebody else at the same time; sync again")]
    Raced {
        /// The log.
        key: String,
    },
    /// The store could not answer or keep something.
    #[error("{key}: {source}")]
    Store {
        /// The log.
        key: String,
        /// Why.
        source: StoreError,
    },
}

/// A context could not be rebuilt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContextQueryError<E: std::error::Error + 'static> {
    /// The store could not answer.
    #[error(transparent)]
    Query(QueryError),
    /// The log could not be read.
    #[error(transparent)]
    Context(ContextError<E>),
}

/// A question could not be answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The store could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A cursor that is not good for the list.
    #[error("cursor {cursor:?}: {problem}")]
    Cursor {
        /// The cursor.
        cursor: String,
        /// What is wrong with it.
        problem: CursorProblem,
    },
    /// The thread's turns and items were not folded: its history mode is not known.
    #[error("{key}: {source}")]
    UnknownHistoryMode {
        /// The log.
        key: String,
        /// The mode.
        source: UnknownHistoryMode,
    },
    /// Rows of one thread contradict each other.
    #[error(
        "the rows of {key} contradict each other: {source}; set the store aside and sync again"
    )]
    Rows {
        /// The log.
        key: String,
        /// How.
        source: ApplyError,
    },
}

/// A log could not be verified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The store does not know the log.
    #[error("{key}: is not in the store; sync it first")]
    Unknown {
        /// The log.
        key: String,
    },
    /// The log is no longer what was folded.
    #[error("{key}: is no longer what was folded; sync it first")]
    Rewritten {
        /// The log.
        key: String,
    },
    /// There is no room for a store to compare with.
    #[error("no scratch store: {0}")]
    Scratch(#[source] OpenError),
    /// The log could not be folded anew.
    #[error(transparent)]
    Sync(SyncError),
    /// The store could not answer.
    #[error(transparent)]
    Query(QueryError),
    /// The store could not be read, or repaired.
    #[error("{key}: {source}")]
    Store {
        /// The log.
        key: String,
        /// Why.
        source: StoreError,
    },
}
