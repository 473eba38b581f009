//! Reading a store that another process writes.
//!
//! redb lets no process read a file that another one writes, and this store's lock keeps writers
//! apart only. A reader therefore works on a copy of its own. redb writes no block that the last
//! commit leads to before there is a newer commit, so a copy holds the whole of a commit if that was
//! still the last one when the copying ended; else it is made again.

use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use redb::StorageBackend;

use super::checked::FrontError;
use super::file::SharedFile;
use super::front::read_front;
use super::head::{COPIES, Front, Head, redb_header};
use super::layout::{BLOCK, BLOCK_BYTES, file_len_bytes};
use super::open::{of_front, start};
use super::{Access, Store};
use crate::error::OpenError;

/// How often a store is copied that changes meanwhile.
const TRIES: u32 = 24;

/// The pause after a vain copy, once it has doubled so often.
const PAUSE_MAX: Duration = Duration::from_millis(64);

impl Store {
    /// Opens a store for reading, also while another process writes it: as it was after a recent
    /// commit, and so it stays; open it again to see more. It is read from a copy without a name,
    /// beside the store or where the system keeps temporary files, which is gone when the store is
    /// dropped. A sync into it fails.
    ///
    /// # Errors
    /// As [`Store::open`], but for a store in use. When it is written too fast to be copied:
    /// [`OpenError::Busy`].
    pub fn open_reader(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let failed = |source| OpenError::Io { path: path.to_owned(), source };
        let file = SharedFile::open(path).map_err(failed)?;
        let disk = file.disk().map_err(failed)?;
        let copy = consistent_copy(&disk, |len_bytes| file.copy(len_bytes), sleep);
        match copy.map_err(|error| of_front(path, error))? {
            None => Err(OpenError::Busy { path: path.to_owned(), tries: TRIES }),
            Some(copy) => {
                let (store, _) = start(path, copy)?;
                Ok(Self { access: Access::Reader, ..store })
            }
        }
    }
}

/// A copy of a disk that holds the whole of one commit; `None` if there was none in time.
fn consistent_copy<D: StorageBackend, C: StorageBackend>(
    disk: &D,
    mut copy: impl FnMut(u64) -> io::Result<C>,
    mut pause: impl FnMut(Duration),
) -> Result<Option<C>, FrontError> {
    let mut pause_for = Duration::from_millis(1);
    for _ in 0..TRIES {
        let before = head(disk)?;
        let copied = copy(file_len_bytes(before.0.image_len_bytes))?;
        let after = head(disk)?;
        let is_whole = after.0.salt == before.0.salt
            && redb_header::commit(&after.0.image_head)
                == redb_header::commit(&before.0.image_head);
        if is_whole {
            put_head(&copied, &before)?;
            return Ok(Some(copied));
        }
        pause(pause_for);
        pause_for = (pause_for * 2).min(PAUSE_MAX);
    }
    Ok(None)
}

/// The head of a store, and whether it may be out of date.
fn head(disk: &impl StorageBackend) -> Result<(Box<Head>, bool), FrontError> {
    match read_front(disk, disk.len()?)? {
        Front::Store { head, is_doubtful, .. } => Ok((head, is_doubtful)),
        other => Err(FrontError::of(&other)),
    }
}

/// Gives a copy the head it was made by, instead of what its front had become meanwhile.
fn put_head(copy: &impl StorageBackend, (head, is_doubtful): &(Box<Head>, bool)) -> io::Result<()> {
    copy.write(0, &*head.encode(0))?;
    for other in 1..COPIES {
        let bytes = if *is_doubtful { Box::new([0; BLOCK_BYTES]) } else { head.encode(other) };
        copy.write(other as u64 * BLOCK, &*bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
