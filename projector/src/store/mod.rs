//! The store: one redb database in a file whose blocks are checked, written by one process at a
//! time.

mod checked;
mod checksums;
mod file;
mod forget;
mod front;
mod head;
mod heal;
mod holder;
mod known;
mod layout;
mod open;
mod overlay;
mod reader;

use std::sync::Mutex;

use redb::{Database, ReadTransaction, ReadableDatabase, TableHandle, WriteTransaction};

use crate::error::{CorruptProblem, StoreError, Versions};
use crate::rows::codec::RowAt;
use crate::schema;

use checked::Noticed;
use file::LockedFile;
pub(crate) use file::{is_at, this_process};
pub(crate) use forget::len_forgotten;
pub use forget::{Deletion, Forgotten};
pub use heal::{Healed, Opened};
pub use holder::Holder;
pub(crate) use known::{Known, encode_cursor, generation, newest_generation};
pub use overlay::{Overlay, ShownPath};

/// Folded logs in a redb file. Any number of threads may share a store; one writes at a time,
/// readers are never kept waiting and see the store as it was when they began.
#[derive(Debug)]
pub struct Store {
    database: Database,
    noticed: Noticed,
    access: Access,
    /// Held while the search index is brought up to date: one does it at a time.
    pub(crate) indexing: Mutex<()>,
}

/// What a store stands on.
#[derive(Debug)]
enum Access {
    /// A file that nobody else may write meanwhile.
    File(LockedFile),
    /// Something that nobody else can get at.
    Nameless,
    /// A copy, to be read only.
    Reader,
}

impl Store {
    fn versions(&self) -> Result<Made, StoreError> {
        let read = self.begin_read()?;
        let names: Vec<String> = read.list_tables()?.map(|table| table.name().to_owned()).collect();
        let has_others = !names.is_empty() || read.list_multimap_tables()?.next().is_some();
        if !names.iter().any(|name| name == schema::META.name()) {
            return Ok(if has_others { Made::BySomethingElse } else { Made::Nothing });
        }
        let meta = read.open_table(schema::META)?;
        let version = |name: &'static str| {
            let at = RowAt { table: "meta", key: name };
            let row = meta.get(name)?.ok_or_else(|| at.corrupt(CorruptProblem::Missing))?;
            let bytes = <[u8; 4]>::try_from(row.value());
            let bytes = bytes.map_err(|_| at.corrupt(CorruptProblem::Empty))?;
            Ok::<u32, StoreError>(u32::from_le_bytes(bytes))
        };
        let schema = version(schema::META_SCHEMA)?;
        Ok(Made::By(Versions { schema, reducers: version(schema::META_REDUCERS)? }))
    }

    /// Makes every table at once, so that readers find them all.
    fn make_tables(&self) -> Result<(), StoreError> {
        let write = self.begin_write()?;
        {
            let Versions { schema, reducers } = schema::VERSIONS;
            let mut meta = write.open_table(schema::META)?;
            meta.insert(schema::META_SCHEMA, schema.to_le_bytes().as_slice())?;
            meta.insert(schema::META_REDUCERS, reducers.to_le_bytes().as_slice())?;
            meta.insert(schema::META_FORGOTTEN, 0_u32.to_le_bytes().as_slice())?;
            write.open_table(schema::THREADS)?;
            write.open_table(schema::CURSORS)?;
            write.open_table(schema::TURNS)?;
            write.open_table(schema::ITEMS)?;
            write.open_table(schema::ITEM_PARTS)?;
            write.open_table(schema::TURN_IDS)?;
            write.open_table(schema::LIVE_TURNS)?;
            write.open_table(schema::ITEM_PLACES)?;
            write.open_table(schema::FACTS)?;
            write.open_table(schema::INHERITANCE)?;
            write.open_table(schema::WINDOWS)?;
            write.open_table(schema::WORLD)?;
            write.open_table(schema::USAGE)?;
            write.open_table(schema::LINES)?;
            write.open_table(schema::DIAGNOSTICS)?;
            write.open_table(schema::HOMES)?;
            write.open_table(schema::FILES)?;
            write.open_table(schema::SEARCH_DUE)?;
            write.open_table(schema::SEARCH_THREADS)?;
            write.open_table(schema::SEARCH_SEGMENTS)?;
            write.open_table(schema::SEARCH_DOCS)?;
            write.open_table(schema::SEARCH_TERMS)?;
            write.open_table(schema::SUMMARIES)?;
            write.open_table(schema::TOUCHED)?;
            write.open_table(schema::NAMES)?;
            write.open_table(schema::OVERLAYS)?;
            write.open_table(schema::DELETIONS)?;
        }
        Ok(write.commit()?)
    }

    pub(crate) fn begin_read(&self) -> Result<ReadTransaction, StoreError> {
        self.check_noticed()?;
        Ok(self.database.begin_read()?)
    }

    /// Begins a transaction; waits for the one that is going on.
    pub(crate) fn begin_write(&self) -> Result<WriteTransaction, StoreError> {
        if matches!(self.access, Access::Reader) {
            return Err(StoreError::ReadOnly);
        }
        self.check_noticed()?;
        let mut write = self.database.begin_write()?;
        // Without it, opening after a crash takes time in proportion to the whole file.
        write.set_quick_repair(true);
        Ok(write)
    }

    /// Changes rows behind the store's back, as nothing but a fault would.
    ///
    /// # Errors
    /// What `tamper` gives, or when the store cannot be written.
    #[cfg(feature = "testing")]
    pub fn tamper(
        &self,
        tamper: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), redb::Error> {
        let write = self.database.begin_write()?;
        tamper(&write)?;
        Ok(write.commit()?)
    }

    /// How many rows every table has that there is, whatever it is for.
    ///
    /// # Errors
    /// When the store cannot be read.
    #[cfg(feature = "testing")]
    pub fn count_rows(&self) -> Result<std::collections::BTreeMap<String, u64>, StoreError> {
        use redb::{MultimapTableHandle, ReadableTableMetadata};
        let read = self.begin_read()?;
        let mut counts = std::collections::BTreeMap::new();
        for table in read.list_tables()? {
            let name = table.name().to_owned();
            counts.insert(name, read.open_untyped_table(table)?.len()?);
        }
        for table in read.list_multimap_tables()? {
            let name = table.name().to_owned();
            counts.insert(name, read.open_untyped_multimap_table(table)?.len()?);
        }
        Ok(counts)
    }

    /// Once the disk has found damage, redb says no more than that something had failed.
    fn check_noticed(&self) -> Result<(), StoreError> {
        self.noticed.get().map_or(Ok(()), |damage| Err(StoreError::Damaged(*damage)))
    }
}

/// What made a database.
enum Made {
    By(Versions),
    BySomethingElse,
    Nothing,
}
