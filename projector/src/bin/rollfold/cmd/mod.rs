//! The commands, one file each.

pub mod find;
pub mod fork;
pub mod list;
pub mod rollback;
pub mod search;
pub mod sync;
pub mod tree;
pub mod watch;
