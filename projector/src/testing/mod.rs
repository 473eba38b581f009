//! Disks that fail on purpose, for tests of what a store does then. Any [`redb::StorageBackend`]
//! can be given to [`Store::with_backend`](crate::Store::with_backend), which puts the checks of
//! its blocks on top of it.
//!
//! ```
//! use rollfold_projector::Store;
//! use rollfold_projector::testing::{Fate, FaultyDisk};
//!
//! let disk = FaultyDisk::new();
//! let store = Store::with_backend(disk.clone())?;
//! disk.freeze_at_sync(Some(0));
//! drop(store);
//! // Of the last words of the store, a loss of power kept every other sector.
//! Store::with_backend(disk.after_power_loss(|_| Fate::Sectors(0x5555_5555_5555_5555)))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod disk;
mod fate;
mod image;
mod logs;

pub use disk::FaultyDisk;
pub use fate::{Fate, Operation};
pub use image::Image;
pub use logs::{FaultyLogs, Torn};

pub use crate::bundle::import_with;
pub use crate::files::steps::{Interruption, Step, Steps};
pub use crate::files::{
    archive_with, compress_with, delete_with, materialize_with, unarchive_with,
};
