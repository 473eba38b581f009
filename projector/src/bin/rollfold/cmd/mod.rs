//! The commands, one file each.

pub mod archive;
pub mod bundle;
pub mod compress;
pub mod delete;
pub mod find;
pub mod fork;
pub mod list;
pub mod rollback;
pub mod search;
pub mod subtree;
pub mod sync;
pub mod tree;
pub mod watch;
