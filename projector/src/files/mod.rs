//! What changes the files of logs, and only when asked for by name: compressing them when they are
//! cold, making them plain again, putting them away and back, deleting them.

mod archive;
mod aside;
mod compress;
mod delete;
pub(crate) mod disk;
mod holders;
mod lock;
mod marker;
mod materialize;
mod pack;
mod references;
mod relocate;
mod select;
pub(crate) mod steps;

use crate::error::LockError;
use crate::home::Home;
use crate::lock::ThreadLock;

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
#[cfg(feature = "testing")]
pub use materialize::materialize_with;
pub use materialize::{Materialized, materialize};
pub use pack::CompressOutcome;
pub(crate) use references::References;
pub use relocate::Relocated;
pub(crate) use relocate::relocate;
pub(crate) use select::subtree;
pub use select::thread_id_of;

/// How this program is called in the locks it takes here.
const PROGRAM: &str = "rollfold";

/// Keeps everybody from writing these threads.
pub(crate) fn lock_all<'t>(
    home: &Home,
    threads: impl IntoIterator<Item = &'t String>,
) -> Result<Vec<ThreadLock>, LockError> {
    threads.into_iter().map(|thread| ThreadLock::acquire(home, thread, PROGRAM)).collect()
}
