//! The store: one redb file, opened by one process at a time.

use std::path::Path;

use redb::{Builder, Database, ReadTransaction, ReadableDatabase, TableHandle, WriteTransaction};

use crate::cursor::Cursor;
use crate::disk;
use crate::error::{CorruptProblem, OpenError, StoreError, Versions};
use crate::rows::codec::{RowAt, decode};
use crate::schema;

/// Memory redb may use for pages; its own default is 1 GiB.
const CACHE_BYTES: usize = 16 * 1024 * 1024;

/// Folded logs in a redb file. Any number of threads may share a store; one writes at a time,
/// readers are never kept waiting and see the store as it was when they began.
#[derive(Debug)]
pub struct Store {
    database: Database,
}

/// A generation of a source that the store knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) thread: u32,
    pub(crate) generation: u32,
    /// The cursor as its row spells it.
    pub(crate) cursor: Vec<u8>,
}

impl Store {
    /// Opens a store, or makes one: the file, not the folder it is in. On Unix only its owner may
    /// read a file made here.
    ///
    /// # Errors
    /// When the file cannot be opened, is open elsewhere, or was made by something else or by
    /// another version; [`OpenError::wants_rebuild`] tells whether setting it aside helps.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let (file, is_blank) = disk::open_store_file(path)
            .map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
        Self::start(path, builder().create_file(file), is_blank)
    }

    /// A store that is gone when it is dropped.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn in_memory() -> Result<Self, OpenError> {
        let backend = redb::backends::InMemoryBackend::new();
        Self::start(Path::new(":memory:"), builder().create_with_backend(backend), true)
    }

    /// A store in a file that is gone when it is dropped.
    pub(crate) fn scratch() -> Result<Self, OpenError> {
        let path = Path::new(":scratch:");
        let disk = disk::ScratchDisk::new()
            .map_err(|error| OpenError::Store { path: path.to_owned(), source: error.into() })?;
        Self::start(path, builder().create_with_backend(disk), true)
    }

    /// A store on a disk of the caller's making.
    ///
    /// # Errors
    /// As [`Store::open`].
    #[cfg(feature = "testing")]
    pub fn with_backend(backend: impl redb::StorageBackend) -> Result<Self, OpenError> {
        let mut head = [0; disk::HEAD_BYTES];
        let is_blank = backend.read(0, &mut head).is_err() || head == [0; disk::HEAD_BYTES];
        Self::start(Path::new(":backend:"), builder().create_with_backend(backend), is_blank)
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

    fn start(
        path: &Path,
        database: Result<Database, redb::DatabaseError>,
        is_blank: bool,
    ) -> Result<Self, OpenError> {
        let path = path.to_owned();
        let database = match database {
            Ok(database) => database,
            Err(redb::DatabaseError::DatabaseAlreadyOpen) => return Err(OpenError::InUse { path }),
            Err(redb::DatabaseError::Storage(redb::StorageError::Io(error)))
                if error.kind() == std::io::ErrorKind::InvalidData =>
            {
                // redb writes its magic number last, so a crash before that leaves zeros there.
                return Err(match is_blank {
                    true => OpenError::Unfinished { path },
                    false => OpenError::Foreign { path },
                });
            }
            Err(error) => return Err(OpenError::Store { path, source: error.into() }),
        };
        let store = Self { database };
        match store.versions() {
            Ok(Made::By(found)) if found == schema::VERSIONS => Ok(store),
            Ok(Made::By(found)) => {
                Err(OpenError::Version { path, found, expected: schema::VERSIONS })
            }
            Ok(Made::BySomethingElse) => Err(OpenError::Foreign { path }),
            Ok(Made::Nothing) => match store.make_tables() {
                Ok(()) => Ok(store),
                Err(source) => Err(OpenError::Store { path, source }),
            },
            Err(source) => Err(OpenError::Store { path, source }),
        }
    }

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
        }
        Ok(write.commit()?)
    }

    pub(crate) fn begin_read(&self) -> Result<ReadTransaction, StoreError> {
        Ok(self.database.begin_read()?)
    }

    /// Begins a transaction; waits for the one that is going on.
    pub(crate) fn begin_write(&self) -> Result<WriteTransaction, StoreError> {
        let mut write = self.database.begin_write()?;
        // Without it, opening after a crash takes time in proportion to the whole file.
        write.set_quick_repair(true);
        Ok(write)
    }
}

/// What made a database.
enum Made {
    By(Versions),
    BySomethingElse,
    Nothing,
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

/// The newest generation of a source.
pub(crate) fn newest_generation(
    threads: &impl redb::ReadableTable<schema::ThreadKey, u32>,
    cursors: &impl redb::ReadableTable<u32, schema::Bytes>,
    key: &str,
) -> Result<Option<Known>, StoreError> {
    let key = key.as_bytes();
    match threads.range((key, 0)..=(key, u32::MAX))?.next_back() {
        None => Ok(None),
        Some(row) => {
            let (row_key, thread) = row?;
            known(cursors, row_key.value().1, thread.value()).map(Some)
        }
    }
}

/// The generation of a source with this number.
pub(crate) fn generation(
    threads: &impl redb::ReadableTable<schema::ThreadKey, u32>,
    cursors: &impl redb::ReadableTable<u32, schema::Bytes>,
    key: &str,
    generation: u32,
) -> Result<Option<Known>, StoreError> {
    let thread = threads.get((key.as_bytes(), generation))?;
    thread.map(|thread| known(cursors, generation, thread.value())).transpose()
}

fn known(
    cursors: &impl redb::ReadableTable<u32, schema::Bytes>,
    generation: u32,
    thread: u32,
) -> Result<Known, StoreError> {
    let missing = || cursor_at(thread).corrupt(CorruptProblem::Missing);
    let cursor = cursors.get(thread)?.ok_or_else(missing)?.value().to_vec();
    Ok(Known { thread, generation, cursor })
}

impl Known {
    pub(crate) fn cursor(&self) -> Result<Cursor, StoreError> {
        let at = cursor_at(self.thread);
        decode(&self.cursor, &at)?.ok_or_else(|| at.corrupt(CorruptProblem::Missing))
    }
}

fn cursor_at(thread: u32) -> RowAt<u32> {
    RowAt { table: "cursors", key: thread }
}
