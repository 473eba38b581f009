//! Opening a store: from a file, as a reader, in memory, on a disk of the caller's making.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use redb::{Builder, Database, StorageBackend};

use super::checked::{CheckedDisk, FrontError, Noticed};
use super::file::{LockError, LockedFile, ScratchDisk, new_salt};
use super::head::FORMAT;
use super::{Access, Made, Store};
use crate::error::{OpenError, StoreError};
use crate::schema;

/// Memory redb may use for pages; its own default is 1 GiB.
const CACHE_BYTES: usize = 16 * 1024 * 1024;

/// How programs are called that do not say.
const PROGRAM: &str = env!("CARGO_PKG_NAME");

impl Store {
    /// Opens a store for writing, or makes one: the file, not the folder it is in. Only its owner
    /// may read a file made here, on Unix. Until the store is dropped, or its process ends in
    /// whatever way, nobody else can open it for writing; reading is for all
    /// ([`Store::open_reader`]).
    ///
    /// # Errors
    /// When the file cannot be opened, is open elsewhere, is damaged, or was made by something else
    /// or by another version; [`OpenError::wants_rebuild`] tells whether setting it aside helps.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_as(path, PROGRAM)
    }

    /// As [`Store::open`], and tells others who has the store.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_as(path: impl AsRef<Path>, program: &str) -> Result<Self, OpenError> {
        let file = lock(path.as_ref())?;
        Self::open_locked(file, program).map(|(store, _)| store).map_err(|(error, _)| error)
    }

    /// Opens a locked file; true if nothing was in it. The lock is given back on failure.
    pub(super) fn open_locked(
        file: LockedFile,
        program: &str,
    ) -> Result<(Self, bool), (OpenError, LockedFile)> {
        let path = file.path().to_owned();
        let opened = start(&path, file.disk()).and_then(|(store, is_new)| {
            let signed = file.sign(program);
            signed.map_err(|source| OpenError::Io { path, source })?;
            Ok((store, is_new))
        });
        match opened {
            Ok((store, is_new)) => Ok((Self { access: Access::File(file), ..store }, is_new)),
            Err(error) => Err((error, file)),
        }
    }

    /// A store that is gone when it is dropped.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn in_memory() -> Result<Self, OpenError> {
        let disk = redb::backends::InMemoryBackend::new();
        from_database(Path::new(":memory:"), disk, Noticed::default(), Access::Nameless)
    }

    /// A store in a file that is gone when it is dropped.
    pub(crate) fn scratch() -> Result<Self, OpenError> {
        let path = Path::new(":scratch:");
        let disk =
            ScratchDisk::new().map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
        from_database(path, disk, Noticed::default(), Access::Nameless)
    }

    /// A store on a disk of the caller's making.
    ///
    /// # Errors
    /// As [`Store::open`].
    #[cfg(feature = "testing")]
    pub fn with_backend(disk: impl StorageBackend) -> Result<Self, OpenError> {
        start(Path::new(":backend:"), disk).map(|(store, _)| store)
    }
}

/// Opens and locks a file.
pub(super) fn lock(path: &Path) -> Result<LockedFile, OpenError> {
    let path = path.to_owned();
    LockedFile::open(&path).map_err(|error| match error {
        LockError::Io(source) => OpenError::Io { path, source },
        LockError::Held(holder) => OpenError::InUse { path, holder },
    })
}

/// Opens what is on a disk; true if nothing was on it.
pub(super) fn start(path: &Path, disk: impl StorageBackend) -> Result<(Store, bool), OpenError> {
    let (disk, is_new) =
        CheckedDisk::open(disk, new_salt()).map_err(|error| of_front(path, error))?;
    let noticed = disk.noticed();
    let store = from_database(path, disk, noticed, Access::Nameless)?;
    Ok((store, is_new))
}

pub(super) fn of_front(path: &Path, error: FrontError) -> OpenError {
    let path: PathBuf = path.to_owned();
    match error {
        FrontError::Io(source) => OpenError::Io { path, source },
        FrontError::OtherFormat(found) => OpenError::Format { path, found, expected: FORMAT },
        FrontError::Damaged(damage) => {
            OpenError::Store { path, source: StoreError::Damaged(damage) }
        }
        FrontError::Blank => OpenError::Unfinished { path },
        FrontError::Alien => OpenError::Foreign { path },
    }
}

fn from_database(
    path: &Path,
    disk: impl StorageBackend,
    noticed: Noticed,
    access: Access,
) -> Result<Store, OpenError> {
    let path = path.to_owned();
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    let store = builder
        .create_with_backend(disk)
        .map_err(StoreError::from)
        .map(|database: Database| Store { database, noticed, access, indexing: Mutex::default() });
    let found = store.and_then(|store| store.versions().map(|made| (store, made)));
    match found {
        Ok((store, Made::By(found))) if found == schema::VERSIONS => Ok(store),
        Ok((_, Made::By(found))) => {
            Err(OpenError::Version { path, found, expected: schema::VERSIONS })
        }
        Ok((_, Made::BySomethingElse)) => Err(OpenError::Foreign { path }),
        Ok((store, Made::Nothing)) => match store.make_tables() {
            Ok(()) => Ok(store),
            Err(source) => Err(OpenError::Store { path, source }),
        },
        Err(source) => Err(OpenError::Store { path, source }),
    }
}
