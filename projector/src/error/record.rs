//! Why a thread cannot be written.

use std::io;
use std::path::PathBuf;

use rollfold_core::ApplyError;
use rollfold_core::context::ContextError;
use rollfold_core::forks::CutError;

use super::{MaterializeError, OpenError, advice};
use crate::home::HomeError;
use crate::store::Holder;

/// The right to write a thread was not to be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another process, or this one, writes the thread.
    #[error("thread {thread_id} is being written by {}; end that first", named(holder.as_ref()))]
    Held {
        /// The thread.
        thread_id: String,
        /// Who writes it, as far as can be told.
        holder: Option<Holder>,
    },
    /// The lock's file cannot be made or locked.
    #[error("{}: {source}; {advice}", path.display(), advice = advice(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn named(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "another program".to_owned(), ToString::to_string)
}

/// A thread could not be written. What was acknowledged stands in its log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Somebody else writes the thread.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The home cannot be read.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// There is no log of the thread in the home.
    #[error("thread {thread_id}: no log of it in this home; look at its id")]
    NotFound {
        /// The thread.
        thread_id: String,
    },
    /// The id is no UUID, as those of threads are.
    #[error("thread id {thread_id:?} is no UUID")]
    BadId {
        /// The id.
        thread_id: String,
    },
    /// The thread was put away.
    #[error("{}: is archived; unarchive thread {thread_id} first", path.display())]
    Archived {
        /// The thread.
        thread_id: String,
        /// Its log.
        path: PathBuf,
    },
    /// The log cannot be opened.
    #[error(transparent)]
    Open(OpenError),
    /// The log cannot be read.
    #[error("{}: cannot be read at byte {offset_bytes}: {source}", path.display())]
    Read {
        /// The log.
        path: PathBuf,
        /// Where.
        offset_bytes: u64,
        /// Why.
        source: io::Error,
    },
    /// The compressed log cannot be made plain.
    #[error(transparent)]
    Materialize(#[from] MaterializeError),
    /// The log's first record names another thread.
    #[error("{}: is the log of thread {found}, not of {expected}", path.display())]
    OtherThread {
        /// The log.
        path: PathBuf,
        /// The thread it should be of.
        expected: String,
        /// The thread it is of.
        found: String,
    },
    /// The log names no thread, or a paginated one does not begin with its head (A17).
    #[error("{}: does not begin with a session_meta that can be read; nothing may be appended", path.display())]
    NoHead {
        /// The log.
        path: PathBuf,
    },
    /// The log's history mode is not known: by which rules to go on is not known either (R276).
    #[error("{}: history mode {mode:?} is not known; write it with a newer version", path.display())]
    UnknownMode {
        /// The log.
        path: PathBuf,
        /// The mode.
        mode: String,
    },
    /// The log ends within what it says was copied into it, so that what is appended would pass
    /// for a copy (A17).
    #[error("{}: ends before ordinal {start_ordinal}, where its own records begin; fork it again", path.display())]
    Unfinished {
        /// The log.
        path: PathBuf,
        /// The first ordinal of its own.
        start_ordinal: u64,
    },
    /// No ordinal is left.
    #[error("{}: has the highest ordinal there is; nothing can follow", path.display())]
    Ordinals {
        /// The log.
        path: PathBuf,
    },
    /// The log cannot be written. What was not written is kept; flush again, or close.
    #[error("{}: {source}; {pending_records} records wait; {advice}", path.display(),
        advice = advice(source))]
    Write {
        /// The log.
        path: PathBuf,
        /// Records that do not stand in the log for sure.
        pending_records: usize,
        /// Why.
        source: io::Error,
    },
    /// The log is shorter than what was written: somebody else rewrote it.
    #[error("{}: has {found_bytes} bytes where {expected_bytes} were written; resume it anew", path.display())]
    Shrunk {
        /// The log.
        path: PathBuf,
        /// Bytes it had.
        expected_bytes: u64,
        /// Bytes it has.
        found_bytes: u64,
    },
    /// Somebody else wrote the log meanwhile, against the lock. What waits would repeat ordinals and
    /// patch a world that is no longer the same.
    #[error("{}: somebody else wrote {len_bytes} bytes at byte {offset_bytes}; resume it anew", path.display())]
    Foreign {
        /// The log.
        path: PathBuf,
        /// Where they begin.
        offset_bytes: u64,
        /// How many there are.
        len_bytes: u64,
    },
    /// The system could not say that what was written stays after a loss of power. What was
    /// acknowledged before does.
    #[error("{}: what was written from byte {from_bytes} on may not be on the disk; look at the disk, then resume the thread", path.display())]
    SyncLost {
        /// The log.
        path: PathBuf,
        /// Where that begins.
        from_bytes: u64,
    },
    /// A payload that does not read back as one record.
    #[error("a payload of a {tag} does not read back as one record")]
    NoRecord {
        /// The kind it was given as.
        tag: &'static str,
    },
    /// A payload cannot be said in JSON.
    #[error("a payload cannot be written: {0}")]
    Payload(#[source] serde_json::Error),
    /// A world state that is no JSON object of sections (R60).
    #[error("a world state must be an object of sections")]
    NoWorld,
    /// Turns of a paginated thread are never taken back (A8).
    #[error(
        "thread {thread_id} is paginated; fork it before the turn instead of taking turns back"
    )]
    Paginated {
        /// The thread.
        thread_id: String,
    },
    /// Only a paginated thread can be forked by reference.
    #[error("{key}: is not paginated; fork it by copy")]
    NotPaginated {
        /// The log.
        key: String,
    },
    /// The last record before the cut has no ordinal by which to name the place.
    #[error("{key}: the record before byte {end_bytes} has no ordinal; fork it by copy")]
    Unnumbered {
        /// The log.
        key: String,
        /// The cut.
        end_bytes: u64,
    },
    /// The thread cannot be cut there.
    #[error("{key}: {source}")]
    Cut {
        /// The log.
        key: String,
        /// Why.
        source: CutError,
    },
    /// What is to be kept does not begin where the log does.
    #[error("{key}: only what a thread begins with can be kept by reference; fork it by copy")]
    NoReference {
        /// The log.
        key: String,
    },
    /// A record of the log cannot be read any more.
    #[error("{key}: {source}; fork it again")]
    Body {
        /// The log.
        key: String,
        /// Why.
        source: ContextError<io::Error>,
    },
    /// The fold of the log contradicts itself.
    #[error("{key}: does not fold: {source}")]
    Fold {
        /// The log.
        key: String,
        /// How.
        source: ApplyError,
    },
}
