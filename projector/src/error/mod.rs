//! Errors, one per operation, with what a caller needs to act on them.

mod bundle;
mod damage;
mod files;
mod open;
mod record;
mod search;
mod synced_file;

use std::io;

use rollfold_core::context::ContextError;
use rollfold_core::{ApplyError, Options, UnknownHistoryMode};

use crate::query::CursorProblem;

pub use bundle::{BundleProblem, ExportError, ImportError};
pub use damage::{Damage, DamageKind};
pub(crate) use files::OnFile;
pub use files::{CompressError, DeleteError, FileError, MaterializeError, MoveError, SelectError};
pub use open::OpenError;
pub use record::{LockError, RecordError};
pub use search::SearchError;
pub use synced_file::SyncFileError;

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
    /// The row does not match its checksum.
    #[error("does not match its checksum")]
    Seal,
    /// The row does not agree with the rows it speaks of.
    #[error("contradicts the rows it speaks of")]
    Contradiction,
    /// Another row speaks of this one, but it is not there.
    #[error("is missing")]
    Missing,
}

/// The store could not answer or keep something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database below failed.
    #[error("the store's database: {0}; {advice}", advice = advice_on(.0))]
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
    /// A block of the store's file is not what was written there.
    #[error("the store's file is damaged: {0}; set it aside and sync again")]
    Damaged(#[from] Damage),
    /// The store was opened for reading.
    #[error("the store is open for reading only; sync where it is open for writing")]
    ReadOnly,
    /// All numbers that threads may have are taken.
    #[error("the store holds as many threads as it can number; use another store")]
    Full,
}

impl StoreError {
    /// Damage that the disk below redb has found passes through redb as an error of reading.
    fn of_redb(error: redb::Error) -> Self {
        if let redb::Error::Io(io) = &error
            && let Some(damage) = io.get_ref().and_then(|error| error.downcast_ref::<Damage>())
        {
            return Self::Damaged(*damage);
        }
        Self::Database(Box::new(error))
    }

    /// Whether setting the store aside and syncing again helps.
    #[must_use]
    pub fn wants_rebuild(&self) -> bool {
        match self {
            Self::Corrupt(_) | Self::Damaged(_) => true,
            Self::Database(error) => matches!(
                **error,
                redb::Error::Corrupted(_)
                    | redb::Error::UpgradeRequired(_)
                    | redb::Error::TableTypeMismatch { .. }
                    | redb::Error::TableIsMultimap(_)
                    | redb::Error::TypeDefinitionChanged { .. }
                    | redb::Error::TableDoesNotExist(_)
            ),
            Self::Encode { .. } | Self::ReadOnly | Self::Full => false,
        }
    }
}

/// What to do about an error of the system.
pub(crate) fn advice(error: &io::Error) -> &'static str {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::NotFound => "make the folder first or use another path",
        Kind::PermissionDenied => "get the right to write there or use another path",
        Kind::ReadOnlyFilesystem => "use a path that can be written",
        Kind::IsADirectory | Kind::NotADirectory => "use the path of a file",
        Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => {
            "free some space and do it again"
        }
        Kind::Unsupported => "use a path on a local disk",
        _ => "open the store again, set it aside if that does not help",
    }
}

/// What to do about an error of the database.
fn advice_on(error: &redb::Error) -> &'static str {
    match error {
        redb::Error::Io(error) => advice(error),
        _ => "open the store again, set it aside if that does not help",
    }
}

macro_rules! from_redb {
    ($($error:ident)*) => {
        $(impl From<redb::$error> for StoreError {
            fn from(error: redb::$error) -> Self {
                Self::of_redb(error.into())
            }
        })*
    };
}
from_redb!(CommitError DatabaseError SetDurabilityError StorageError TableError TransactionError);

/// What a store was made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// Tables, keys and encodings.
    pub schema: u32,
    /// The meaning of records.
    pub reducers: u32,
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

impl SyncError {
    /// Whether setting the store aside and syncing again helps.
    #[must_use]
    pub fn wants_rebuild(&self) -> bool {
        matches!(self, Self::Store { source, .. } if source.wants_rebuild())
    }
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
    /// Somebody synced the log meanwhile; nothing was repaired.
    #[error("{key}: was synced by somebody else at the same time; verify again")]
    Raced {
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

impl QueryError {
    /// Whether setting the store aside and syncing again helps.
    #[must_use]
    pub fn wants_rebuild(&self) -> bool {
        match self {
            Self::Store(source) => source.wants_rebuild(),
            Self::Rows { .. } => true,
            _ => false,
        }
    }
}
