//! Pure reducers that fold Codex rollouts into immutable snapshots.

mod change;
mod coll;
mod decode;
mod diag;
mod fold;
pub mod format;
mod line;
pub mod model;
mod options;
mod past;
mod policy;
mod pos;
mod raw;
mod reduce;
pub mod slice;
mod snapshot;
mod text;

pub use change::*;
pub use decode::{Body, Decoded, Depth, Ordinal, Record, Records, decode};
pub use diag::*;
pub use fold::{Counts, FoldState, Folder, Frontier, Step};
pub use format::Kind;
pub use line::{Line, Lines};
pub use options::*;
pub use past::*;
pub use policy::is_persisted;
pub use pos::*;
pub use raw::{Field, FieldState, FromRaw, Json, JsonType, Raw};
pub use reduce::history::HistoryState;
pub use snapshot::*;
