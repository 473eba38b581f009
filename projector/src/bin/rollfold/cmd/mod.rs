//! The commands, one file each.

pub mod archive;
pub mod bundle;
pub mod changes;
pub mod compress;
pub mod context;
pub mod delete;
pub mod diff;
pub mod find;
pub mod fork;
pub mod health;
pub mod items;
pub mod list;
pub mod rollback;
pub mod search;
pub mod show;
pub mod subtree;
pub mod sync;
pub mod thread;
pub mod tree;
pub mod usage;
pub mod verify;
pub mod watch;
pub mod windows;
pub mod world;
