//! The format, as tables: every kind of record and every field it is known to have (FORMAT.md).
//!
//! A struct here is one shape of the log. Its fields are lazy ([`Field`](crate::raw::Field)), so a
//! field that is missing, of another type or from the future never costs the rest of the record.

#[macro_use]
mod table;

mod context;
mod event;
mod item;
mod kind;
mod nested;
mod response;
mod session;

pub use context::*;
pub use event::*;
pub use item::*;
pub use kind::*;
pub use nested::*;
pub use response::*;
pub use session::*;
pub use table::{Need, Payload, Problem};
