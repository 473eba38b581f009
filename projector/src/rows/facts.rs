//! Versions of facts: of the thread, of what it inherited, of its context windows. Each version is
//! whole; a line that changes one twice leaves the last.

use std::sync::Arc;

use redb::Table;
use rollfold_core::model::{Fact, Inheritance, Window};

use crate::error::StoreError;
use crate::rows::codec::encode;
use crate::schema::{Bytes, FactKey, VersionKey, WindowKey, newest_first};

/// The tables of facts, for writing.
#[derive(Debug)]
pub(crate) struct FactRows<'t> {
    pub(crate) facts: Table<'t, FactKey, Bytes>,
    pub(crate) inheritance: Table<'t, VersionKey, Bytes>,
    pub(crate) windows: Table<'t, WindowKey, Bytes>,
    row: Vec<u8>,
}

impl<'t> FactRows<'t> {
    pub(crate) fn new(
        facts: Table<'t, FactKey, Bytes>,
        inheritance: Table<'t, VersionKey, Bytes>,
        windows: Table<'t, WindowKey, Bytes>,
    ) -> Self {
        Self { facts, inheritance, windows, row: Vec::new() }
    }

    pub(crate) fn put_fact(
        &mut self,
        thread: u32,
        seq: u64,
        fact: &Fact,
    ) -> Result<(), StoreError> {
        encode(&mut self.row, "facts", fact)?;
        self.facts.insert((thread, fact.number(), newest_first(seq)), &*self.row)?;
        Ok(())
    }

    pub(crate) fn put_inheritance(
        &mut self,
        thread: u32,
        seq: u64,
        inheritance: &Inheritance,
    ) -> Result<(), StoreError> {
        encode(&mut self.row, "inheritance", inheritance)?;
        self.inheritance.insert((thread, newest_first(seq)), &*self.row)?;
        Ok(())
    }

    pub(crate) fn put_window(
        &mut self,
        thread: u32,
        seq: u64,
        window: &Arc<Window>,
    ) -> Result<(), StoreError> {
        encode(&mut self.row, "windows", &**window)?;
        self.windows.insert((thread, window.number, newest_first(seq)), &*self.row)?;
        Ok(())
    }
}
