//! Bundles: one file with a thread, or a thread and what it spawned, to take elsewhere.
//!
//! | bytes | |
//! | --- | --- |
//! | 8 | `rollfold` |
//! | 4 | version, little-endian |
//! | | the logs, each a zstd frame, one behind the other |
//! | | the list of contents: JSON, a [`Manifest`] |
//! | 32 | BLAKE3 digest of the list |
//! | 8 | length of the list, little-endian |
//! | 8 | `dlofllor` |
//!
//! The list stands behind the logs, so that a bundle is written in one go, and one that is cut off
//! anywhere has no end. It has of each log its file's name, its length and its digest. The digests
//! are BLAKE3, since a bundle comes from elsewhere: those that tell accidents only are easily
//! forged. They say that the logs are those of the list, not who made it.
//!
//! A log is known by its name alone, and where it goes is computed from that: a bundle has no
//! paths, folders or links.

mod export;
mod import;
mod manifest;
mod place;
mod read;

pub use export::{ExportOptions, Exported, export};
#[cfg(feature = "testing")]
pub use import::import_with;
pub use import::{ImportOptions, Imported, ImportedAs, import};
pub use manifest::{BundledLog, Manifest};

/// What a bundle begins with.
const MAGIC: &[u8; 8] = b"rollfold";

/// What a bundle ends with.
const END: &[u8; 8] = b"dlofllor";

const VERSION: u32 = 1;

/// Bytes before the first log.
const HEAD_BYTES: u64 = 12;

/// Bytes behind the list.
const TAIL_BYTES: u64 = 48;
