//! What changes the files of logs, and only when asked for by name: compressing them when they are
//! cold, making them plain again, putting them away and back, deleting them.

mod aside;
mod compress;
mod disk;
mod holders;
mod lock;
mod marker;
mod materialize;
mod pack;
mod references;
pub(crate) mod steps;

pub use aside::Tended;
#[cfg(feature = "testing")]
pub use compress::compress_with;
pub use compress::{CompressOptions, CompressReport, CompressRun, Savings, compress};
pub use lock::WriterLock;
#[cfg(feature = "testing")]
pub use materialize::materialize_with;
pub use materialize::{Materialized, materialize};
pub use pack::CompressOutcome;
