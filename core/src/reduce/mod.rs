//! Reducers: what a record does to the read model. Pure: state before, record, and answers about
//! the past in; state after and changes out.

pub mod history;
pub(crate) mod messages;
pub(crate) mod records;
