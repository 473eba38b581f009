//! What changes the files of logs, and only when asked for by name: compressing them when they are
//! cold, making them plain again, putting them away and back, deleting them.

mod archive;
mod aside;
mod compress;
mod delete;
mod disk;
mod holders;
mod lock;
mod marker;
mod materialize;
mod pack;
mod references;
mod relocate;
mod select;
pub(crate) mod steps;

pub use archive::{Children, MoveOptions, MovedFile, MovedThread, archive, unarchive};
#[cfg(feature = "testing")]
pub use archive::{archive_with, unarchive_with};
pub use aside::Tended;
#[cfg(feature = "testing")]
pub use compress::compress_with;
pub use compress::{CompressOptions, CompressReport, CompressRun, Savings, compress};
#[cfg(feature = "testing")]
pub use delete::delete_with;
pub use delete::{DeleteOptions, Deleted, delete};
pub use lock::WriterLock;
#[cfg(feature = "testing")]
pub use materialize::materialize_with;
pub use materialize::{Materialized, materialize};
pub use pack::CompressOutcome;
pub use relocate::Relocated;
pub use select::thread_id_of;
