//! A compressed log made a plain one again, before it is appended to (R243).

use std::io;
use std::path::{Path, PathBuf};

use super::disk::{self, Stamp};
use super::steps::{Step, Steps, is_kill};
use crate::disk::forms_of;
use crate::error::{FileError, MaterializeError, OnFile};

/// What a log's plain form came from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Materialized {
    /// It was there; a compressed form beside it was left alone.
    Plain(PathBuf),
    /// The compressed form, which is gone now.
    Compressed(PathBuf),
}

impl Materialized {
    /// Where the plain form is.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Plain(path) | Self::Compressed(path) => path,
        }
    }
}

/// Makes sure that a log, named by either form, is there in its plain form, so that it can be
/// appended to. The plain form gets the time and the permissions of the compressed one (A19). Who
/// then appends holds the thread's [`ThreadLock`](super::ThreadLock).
///
/// # Errors
/// When there is no such log, when its compressed form is not whole, or when the system refuses
/// something. The log is then as it was.
pub fn materialize(path: impl AsRef<Path>) -> Result<Materialized, MaterializeError> {
    materialize_with(path, Steps::default())
}

/// As [`materialize`], with somebody in between.
///
/// # Errors
/// As [`materialize`].
pub fn materialize_with(
    path: impl AsRef<Path>,
    steps: Steps<'_>,
) -> Result<Materialized, MaterializeError> {
    let (plain, packed) = forms_of(path.as_ref());
    if disk::is_there(&plain).on(&plain, "looked at")? {
        return Ok(Materialized::Plain(plain));
    }
    let stamp = match Stamp::of(&packed) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(MaterializeError::Missing { path: plain });
        }
        stamp => stamp.on(&packed, "looked at")?,
    };
    let at = |step| steps.at(step).on(&plain, "decompressed");
    at(Step::Begun)?;
    let folder = disk::folder_of(&plain);
    let (temporary, file) = disk::new_temporary(folder, "materialize").on(folder, "written in")?;
    let write = || -> Result<(), MaterializeError> {
        let written = match disk::unpack(&packed, &file) {
            // The system's errors have numbers, the decoder's have none.
            Err(source) if source.raw_os_error().is_none() => {
                return Err(MaterializeError::Damaged { path: packed.clone(), source });
            }
            written => written.on(&packed, "decompressed")?,
        };
        at(Step::Written)?;
        let read_back = disk::content(&temporary, u64::MAX).on(&temporary, "read")?;
        if read_back != written {
            Err(io::Error::from(io::ErrorKind::InvalidData)).on(&temporary, "verified")?;
        }
        at(Step::Verified)?;
        disk::dress(&file, &stamp).on(&temporary, "written")?;
        Ok(at(Step::Dressed)?)
    };
    if let Err(error) = write() {
        if !matches!(&error, MaterializeError::File(error) if is_kill(&error.source)) {
            disk::remove(&temporary).on(&temporary, "removed")?;
        }
        return Err(error);
    }
    match disk::rename_new(&temporary, &plain) {
        // Somebody else was faster: theirs may have been appended to already.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            disk::remove(&temporary).on(&temporary, "removed")?;
            return Ok(Materialized::Plain(plain));
        }
        renamed => renamed.on(&plain, "named")?,
    }
    disk::sync_folder(folder).on(folder, "synced")?;
    at(Step::Published)?;
    remove_packed(&packed, folder)?;
    at(Step::Removed)?;
    Ok(Materialized::Compressed(plain))
}

fn remove_packed(packed: &Path, folder: &Path) -> Result<(), FileError> {
    disk::remove(packed).on(packed, "removed")?;
    disk::sync_folder(folder).on(folder, "synced")
}
