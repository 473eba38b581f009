//! Keeps the fold of Codex rollouts - turns, items and all else that [`rollfold_core`] makes of
//! them - in one embedded redb file. A sync folds only what a log has got since the last one; a
//! question reads only the rows it is about, now or as of any line.
//!
//! ```
//! use rollfold_core::model::ItemsView;
//! use rollfold_projector::{MemSource, Outcome, Store, SyncOptions};
//!
//! let mut log = MemSource::new("one", br#"{"timestamp":"2026-03-01T10:00:00.000Z","type":"event_msg","payload":{"type":"task_started","turn_id":"t1"}}
//! "#);
//! let store = Store::in_memory()?;
//! store.sync(&log, &SyncOptions::default())?;
//!
//! log.bytes.extend(br#"{"timestamp":"2026-03-01T10:00:01.000Z","type":"event_msg","payload":{"type":"user_message","message":"hello"}}
//! "#);
//! let synced = store.sync(&log, &SyncOptions::default())?;
//! assert_eq!((synced.outcome, synced.lines), (Outcome::Appended, 1));
//!
//! let thread = store.thread("one")?.unwrap();
//! assert_eq!(thread.turn("t1", ItemsView::Full)?.unwrap().value.items.len(), 1);
//! let before = thread.at(1);
//! assert_eq!(before.turn("t1", ItemsView::Full)?.unwrap().value.items.len(), 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What holds
//!
//! * However a log is cut into syncs, batches and processes, the rows equal the fold in memory.
//! * Rows and the place they reach are written in one transaction: after a crash the store holds
//!   the fold of what was committed, and the next sync goes on from there.
//! * A sync that finds nothing new writes no row; at most it notes what the file is known by now.
//! * A log that was rewritten is folded anew as the next generation; the one before stays.
//! * Every block of a store's file carries a checksum: damage is a typed error, never an answer.
//!   A store that cannot be used is set aside, not deleted ([`Store::open_or_rebuild`]).
//! * Logs are only read, but for a [`Recorder`] and what is asked for by name: [`compress`],
//!   [`archive`], [`delete`] and their like. A store can be deleted at any time: it costs time,
//!   never data.
//! * What a [`Recorder`] acknowledges stays; a thread has one writer ([`ThreadLock`]).
//!
//! # Search
//!
//! [`Store::index`] takes what was synced into an inverted index, [`Store::search`] finds words,
//! phrases and beginnings of words in everything a thread says now, and tells what it could not
//! search yet.
//!
//! # Many logs
//!
//! [`Store::sync_homes`] syncs all that lies in Codex homes, [`Store::sync_all`] logs of the
//! caller's, [`Watch`] again whenever something changes. Some threads fold, each one log after the
//! other, and one writes what they hand over, many logs in one transaction. A fold holds some 50,000
//! ids and heads of turns and items at most, beside what is not committed yet; between threads there
//! are 8 MiB, or one line. So memory does not grow with the length of logs, only with the number of
//! threads.
//!
//! # What it is not
//!
//! No copy of the log: of a record that changes nothing only its place and kind are kept.
//!
//! # Limits
//!
//! One process writes a store at a time, one thread of it at a time; others read copies of it
//! ([`Store::open_reader`]). Where locks are mandatory, as on Windows, a store cannot be read while
//! it is written, and who holds it is not told.
//!
//! A log's line is held in memory as a whole, up to [`rollfold_core::Options::line_limit`].
//!
//! A log that the system shows as the same file, only longer, is compared in samples ([`Check`]
//! says how): a rewrite in place that leaves these as they were and makes the log longer is not
//! seen, unless all of it is asked to be compared. Versions are kept for ever.

mod bundle;
mod commit;
mod cursor;
mod disk;
mod error;
mod files;
mod home;
mod library;
mod lines;
mod lock;
mod page;
mod past;
mod query;
mod recorder;
mod resume;
mod rows;
mod samples;
mod schema;
mod search;
mod source;
mod store;
mod sync;
#[cfg(feature = "testing")]
pub mod testing;
mod verify;
mod view;

pub use bundle::{
    BundledLog, ExportOptions, Exported, ImportOptions, Imported, ImportedAs, Manifest, export,
    import,
};
pub use disk::FileSource;
pub use error::{
    BundleProblem, CompressError, ContextQueryError, Corrupt, CorruptProblem, Damage, DamageKind,
    DeleteError, ExportError, FileError, ImportError, LockError, MaterializeError, MoveError,
    OpenError, QueryError, RecordError, SearchError, SelectError, StoreError, SyncError,
    SyncFileError, VerifyError, Versions,
};
pub use files::{
    Children, CompressOptions, CompressOutcome, CompressReport, CompressRun, DeleteOptions,
    Deleted, Materialized, MoveOptions, MovedFile, MovedThread, Relocated, Savings, Tended,
    archive, compress, delete, materialize, thread_id_of, unarchive,
};
pub use home::{
    Form, Found, Home, HomeError, NameEntry, Names, Scan, Stray, StrayReason, home_dir, store_path,
};
pub use library::{
    Archived, FileOutcome, FileReport, FilteredBy, FindError, HomesError, HomesProgress,
    HomesSynced, Kin, Library, LogEntry, LogPlace, NotListed, Relation, ThreadEntry, ThreadFilter,
    ThreadTime, ThreadsRequest, TreeNode, Verdict, Watch, WatchEvent, WatchOptions, WatchStop,
};
pub use lock::ThreadLock;
pub use page::{DiagnosticAt, Generation, ItemAt, ItemRow, Order, Page, Paging, TurnRow};
pub use query::{
    CursorProblem, Diff, Differing, LIST_LIMIT, LIST_LIMIT_MAX, LineAt, LineChanges, List,
    ListRequest, MadeBy, ThreadView, WindowRow,
};
pub use recorder::{
    Acknowledged, Clock, Compaction, Cut, Fork, ForkPreview, GitState, INTERRUPTED, Ids, LogDisk,
    LogFile, Moment, NewRecord, NewThread, Offered, RandomIds, RecordNote, RecordTag, Recorder,
    RecorderOptions, SystemClock, SystemDisk, Taken, ThreadMode, Unclosed, WorldWritten,
    open_thread, preview_copy, preview_reference,
};
pub use rows::ledger::UsageTotals;
pub use search::{
    Behind, Hit, IndexDone, IndexOptions, IndexProgress, IndexSize, SearchPage, SearchRequest,
    Snippet, TextKind, TextKinds, UnknownTextKind,
};
pub use source::{
    BaseProblem, Chain, Identity, LogSource, MemSource, Resolve, RolloutName, SourceBodies,
    SourceNote,
};
pub use store::{Deletion, Forgotten, Healed, Holder, Opened, Overlay, ShownPath, Store};
pub use sync::{
    AllProgress, Check, Outcome, Progress, RewriteSign, SyncOptions, Synced, SyncedAll,
};
pub use verify::{Difference, DifferenceKind, Verified, VerifyOptions};
