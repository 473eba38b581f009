//! Storage below redb that never hands on bytes it did not get from redb. redb trusts the pages it
//! reads and may panic on others, so every block carries a checksum, salted with its place.
//!
//! What makes it safe against crashes:
//!
//! * redb writes no page that a committed root leads to, so a block that a crash tore belongs to
//!   nothing committed and is never read. Neither is one whose checksum did not get to the disk.
//! * The checksums of a group are written in place, but those of committed blocks do not change:
//!   whatever a torn write mixes, they stay what they were.
//! * redb's header, the one thing it writes in place, is kept in two copies. The copy that is known
//!   to be on the disk is never written over before the other one is.
//! * A file is grown before the head says so, and shrunk after.

use std::io;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use redb::StorageBackend;

use super::checksums::Checksums;
use super::front::{make, read_front};
use super::head::{COPIES, Front, Head, IMAGE_HEAD_BYTES, redb_header};
use super::layout::{BLOCK, BLOCK_BYTES, Place, file_len_bytes};
use crate::error::{Damage, DamageKind};

/// What was wrong with a disk, told to the store even after redb says only that something was.
pub(crate) type Noticed = Arc<OnceLock<Damage>>;

/// Why a disk cannot be used as a store.
#[derive(Debug)]
pub(crate) enum FrontError {
    Io(io::Error),
    OtherFormat(u32),
    Damaged(Damage),
    Blank,
    Alien,
}

impl FrontError {
    /// Why this, which is no readable store, is none.
    pub(crate) fn of(front: &Front) -> Self {
        match front {
            Front::OtherFormat(format) => Self::OtherFormat(*format),
            Front::Damaged => damaged(0, DamageKind::Head),
            Front::Store { .. } | Front::New | Front::Blank => Self::Blank,
            Front::Alien => Self::Alien,
        }
    }
}

impl From<io::Error> for FrontError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A disk all of whose blocks are checked.
#[derive(Debug)]
pub(crate) struct CheckedDisk<B> {
    disk: B,
    state: RwLock<State>,
    noticed: Noticed,
}

#[derive(Debug)]
struct State {
    head: Box<Head>,
    /// The copy of the head that is surely on the disk.
    safe_copy: usize,
    is_head_dirty: bool,
    /// Whether the file has grown since the last sync.
    is_grown: bool,
    checksums: Checksums,
}

impl<B: StorageBackend> CheckedDisk<B> {
    /// Uses a disk as a store; true if nothing was in it. `salt` is for a new one.
    pub(crate) fn open(disk: B, salt: u64) -> Result<(Self, bool), FrontError> {
        let len_bytes = disk.len()?;
        let mut is_new = false;
        let mut is_trimmed = true;
        let (head, safe_copy) = match read_front(&disk, len_bytes)? {
            Front::Store { mut head, copy, is_doubtful } => {
                if redb_header::is_unfinished(&head.image_head) {
                    head.image_len_bytes = 0;
                    is_new = true;
                }
                if is_doubtful {
                    redb_header::doubt(&mut head.image_head);
                    // So may be what it says of the length.
                    is_trimmed = false;
                }
                (head, copy)
            }
            Front::New => {
                is_new = true;
                (Box::new(make(&disk, salt)?), 0)
            }
            other => return Err(FrontError::of(&other)),
        };
        let needed_bytes = file_len_bytes(head.image_len_bytes);
        let len_bytes = disk.len()?;
        if is_new && len_bytes < needed_bytes {
            // The head got to the disk, the file's length did not: nothing is in it yet.
            disk.set_len(needed_bytes)?;
        } else if len_bytes < needed_bytes {
            return Err(damaged(len_bytes, DamageKind::CutOff { needed_bytes }));
        }
        if len_bytes > needed_bytes && is_trimmed && !is_new {
            // What a crash left of a growth, or did not cut off; checksums there may be old ones.
            disk.set_len(needed_bytes)?;
        }
        let checksums = Checksums::new(head.salt);
        let state = State { head, safe_copy, is_head_dirty: false, is_grown: false, checksums };
        Ok((Self { disk, state: RwLock::new(state), noticed: Noticed::default() }, is_new))
    }

    /// Where the first damage is told that a read finds.
    pub(crate) fn noticed(&self) -> Noticed {
        self.noticed.clone()
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn damage(&self, offset_bytes: u64, kind: DamageKind) -> io::Error {
        let damage = Damage { offset_bytes, kind };
        let _ = self.noticed.set(damage);
        io::Error::new(io::ErrorKind::InvalidData, damage)
    }

    /// Reads blocks that stand in a row in the file.
    fn read_run(&self, block: u64, out: &mut [u8]) -> io::Result<()> {
        let place = Place::of(block);
        match self.disk.read(place.offset_bytes, out) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(self.damage(place.offset_bytes, DamageKind::Block));
            }
            other => other?,
        }
        let kept = self.state().checksums.first_wrong(block, out);
        let wrong = match kept {
            Some(wrong) => wrong,
            None => {
                let mut state = self.state_mut();
                state.checksums.load(&self.disk, place.group)?;
                // Just loaded, so they are there.
                state.checksums.first_wrong(block, out).flatten()
            }
        };
        match wrong {
            None => Ok(()),
            Some(block) => Err(self.damage(Place::of(block).offset_bytes, DamageKind::Block)),
        }
    }
}

impl State {
    /// Writes what is not on the disk yet, and waits until all of it is.
    fn sync(&mut self, disk: &impl StorageBackend) -> io::Result<()> {
        self.checksums.write(disk)?;
        if self.is_grown {
            disk.sync_data()?;
            self.is_grown = false;
        }
        if !self.is_head_dirty {
            return disk.sync_data();
        }
        let copy = (self.safe_copy + 1) % COPIES;
        self.head.sequence = self.head.sequence.saturating_add(1);
        disk.write(copy as u64 * BLOCK, &*self.head.encode(copy))?;
        disk.sync_data()?;
        self.safe_copy = copy;
        self.is_head_dirty = false;
        Ok(())
    }
}

impl<B: StorageBackend> StorageBackend for CheckedDisk<B> {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().head.image_len_bytes)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let end = offset.saturating_add(out.len() as u64);
        {
            let head = &self.state().head;
            if end > head.image_len_bytes {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if offset < BLOCK {
                let place = head_range(offset, out.len())?;
                out.copy_from_slice(head.image_head.get(place).ok_or_else(unaligned)?);
                return Ok(());
            }
        }
        for_each_run(offset, out.len(), |block, run| {
            self.read_run(block, out.get_mut(run).unwrap_or_default())
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if !len.is_multiple_of(BLOCK) {
            return Err(unaligned());
        }
        let mut state = self.state_mut();
        let before = state.head.image_len_bytes;
        if len == before {
            return Ok(());
        }
        state.head.image_len_bytes = len;
        state.is_head_dirty = true;
        if len > before {
            state.is_grown = true;
            return self.disk.set_len(file_len_bytes(len));
        }
        state.checksums.forget(&self.disk, len / BLOCK)?;
        state.sync(&self.disk)?;
        self.disk.set_len(file_len_bytes(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.state_mut().sync(&self.disk)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.state_mut();
        if offset < BLOCK {
            let place = head_range(offset, data.len())?;
            let place = state.head.image_head.get_mut(place).ok_or_else(unaligned)?;
            place.copy_from_slice(data);
            state.is_head_dirty = true;
            return Ok(());
        }
        for_each_run(offset, data.len(), |block, run| {
            let bytes = data.get(run).unwrap_or_default();
            state.checksums.note(&self.disk, block, bytes)?;
            self.disk.write(Place::of(block).offset_bytes, bytes)
        })
    }

    fn close(&self) -> io::Result<()> {
        self.disk.close()
    }
}

/// Calls `each` with the first block and the bytes of every run of blocks that stand in a row in
/// the file.
fn for_each_run(
    offset_bytes: u64,
    len_bytes: usize,
    mut each: impl FnMut(u64, std::ops::Range<usize>) -> io::Result<()>,
) -> io::Result<()> {
    if !offset_bytes.is_multiple_of(BLOCK) || !len_bytes.is_multiple_of(BLOCK_BYTES) {
        return Err(unaligned());
    }
    let mut start = 0;
    while start < len_bytes {
        let block = offset_bytes / BLOCK + (start / BLOCK_BYTES) as u64;
        let end = len_bytes.min(start + Place::of(block).blocks_left() * BLOCK_BYTES);
        each(block, start..end)?;
        start = end;
    }
    Ok(())
}

/// Which bytes of the image's head are meant.
fn head_range(offset_bytes: u64, len_bytes: usize) -> io::Result<std::ops::Range<usize>> {
    let start = usize::try_from(offset_bytes).map_err(|_| unaligned())?;
    let end = start.saturating_add(len_bytes);
    if end > IMAGE_HEAD_BYTES { Err(unaligned()) } else { Ok(start..end) }
}

/// redb reads and writes whole blocks, and its header; nothing else has a checksum.
fn unaligned() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "neither whole blocks nor the header")
}

fn damaged(offset_bytes: u64, kind: DamageKind) -> FrontError {
    FrontError::Damaged(Damage { offset_bytes, kind })
}

#[cfg(test)]
mod tests;
