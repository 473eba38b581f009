//! Rows: how each part of the read model is written and read back. Nothing here knows which row
//! counts as of a line; [`View`](crate::view::View) does.

pub(crate) mod blocks;
pub(crate) mod bodies;
pub(crate) mod codec;
pub(crate) mod facts;
pub(crate) mod files;
pub(crate) mod heads;
mod joined;
pub(crate) mod ledger;
pub(crate) mod lines;
mod parts;
pub(crate) mod places;
pub(crate) mod summary;
pub(crate) mod thread;
pub(crate) mod varint;
pub(crate) mod world;
