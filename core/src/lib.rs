//! Folds Codex rollouts - the append-only JSONL logs in which a coding agent records every
//! session - into turns, items and what else is known of a thread. Pure: bytes in, immutable values
//! out; no files, clocks, threads, environment or randomness.
//!
//! ```
//! use rollfold_core::{Folder, Options, Snapshot, model::ItemsView};
//!
//! let log = br#"{"timestamp":"2026-03-01T10:00:00.000Z","type":"event_msg","payload":{"type":"task_started","turn_id":"t1"}}
//! {"timestamp":"2026-03-01T10:00:01.000Z","type":"event_msg","payload":{"type":"user_message","message":"hello"}}
//! "#;
//! let mut folder = Folder::new(Options::default());
//! let mut snapshot = Snapshot::default();
//! for step in folder.push(log) {
//!     snapshot.apply_step(&step)?;
//! }
//! let turn = snapshot.readable()?.turns(ItemsView::Full).next().unwrap();
//! assert_eq!((&*turn.id, turn.items.len()), ("t1", 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The way of the data
//!
//! [`Lines`] cuts bytes at LF; [`decode`] reads a line as its [`Record`]s; a reducer turns a record
//! into [`Change`]s; [`Snapshot::apply`] is the only writer of a [`Snapshot`]. [`Folder`] joins
//! these for logs that come in pieces, [`FoldState::fold_line`] for stores that keep the past in
//! rows, [`mod@slice`] for runs of records out of the middle. Every record also leaves a small
//! entry in the [`RecordIndex`], from which [`context`] rebuilds what the model had before it,
//! [`forks`] finds where a thread can be cut, and [`PolicyBytes`] weighs what a writer would keep.
//!
//! # What holds
//!
//! * No bytes panic or stop a fold. What is odd is a [`Diagnostic`] with its span; a torn tail is
//!   [pending](Folder::pending), not damage.
//! * Any cutting of the same bytes gives the same steps, the same snapshot, the same [`Frontier`].
//! * `snapshot[a]` and the changes of records `a..b` give `snapshot[b]`.
//! * What is not known is not there: no fact, count or state of the world stands for a default.
//! * A thread whose history mode is not known is folded but for turns and items;
//!   [`Snapshot::readable`] says so and names the mode, [`Options::unknown_mode`] overrides.
//! * Paths are text, read in the convention they are written in, on every host.
//!
//! # What it is not
//!
//! No reader of files (that is `rollfold-projector`), no writer of rollouts, no judge: it does not
//! validate a log, it reads it.
//!
//! # Limits
//!
//! Turns of a thread and items of a turn are numbered with 32 bits. A line is held in memory as a
//! whole, mended lines twice. On a line of many broken pieces, 64 are told apart.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

mod change;
mod coll;
pub mod context;
mod decode;
mod diag;
mod digest;
mod fold;
pub mod forks;
pub mod format;
mod line;
pub mod model;
mod options;
mod ordinals;
mod past;
pub mod patch;
mod policy;
mod pos;
mod raw;
mod records;
mod reduce;
mod retries;
pub mod slice;
mod snapshot;
mod step;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod text;
pub mod view;

pub use change::{
    Change, ChangeSet, ChangedItem, ChangedTurn, Coalescer, ItemNo, RemovedItem, TurnNo,
};
pub use decode::{Body, Decoded, Depth, Ordinal, Record, Records, decode};
pub use diag::{
    Damage, Diagnostic, DiagnosticKind, HistoryAnomaly, OrdinalAnomaly, Repair, UsageAnomaly,
};
pub use digest::{Digest, Digester};
pub use fold::{Counts, FoldState, Folder, Frontier};
pub use format::Kind;
pub use line::{Line, Lines, LongLine};
pub use options::{
    Dialogue, Facts, LineLimit, Options, RecordFilter, Retries, Routing, Rules, UnknownHistoryMode,
    UnknownMode,
};
pub use past::{Index, Past, PastTurn, Place};
pub use policy::{LabelBytes, Policy, PolicyBytes, is_persisted, item_bytes, label};
pub use pos::{At, Position, Span};
pub use raw::{Entry, Field, FieldState, FromRaw, Json, JsonType, Raw, Text};
pub use records::{
    CompactionFacts, ItemFlags, RecordClass, RecordEntry, RecordIndex, RecordRef, TurnContextFacts,
    TurnSettings, Window, WindowId,
};
pub use reduce::facts::FactState;
pub use reduce::forks::ForkState;
pub use reduce::history::{HistoryState, UsageOwner};
pub use reduce::thread::ThreadState;
pub use reduce::usage::UsageState;
pub use reduce::windows::WindowState;
pub use reduce::world::WorldState;
pub use snapshot::{ApplyError, ChangePlace, Snapshot};
pub use step::{Entries, Step};
pub use text::contextual::is_contextual_user_text;
pub use text::path::{Convention, absolute as absolute_path, convention as path_convention};
