//! What a file is, read from its front; and the front of a new store.

use std::io;

use redb::StorageBackend;

use super::checksums::MARK;
use super::head::{self, COPIES, Front, Head};
use super::layout::{BLOCK, BLOCK_BYTES, FRONT_BYTES, group_offset_bytes};

/// Bytes looked at once.
const LOOK_BYTES: usize = 16 * BLOCK_BYTES;

/// What a disk is.
pub(crate) fn read_front(disk: &impl StorageBackend, len_bytes: u64) -> io::Result<Front> {
    let [mut first, mut second] = [[0; BLOCK_BYTES]; COPIES];
    read_what_there_is(disk, 0, len_bytes, &mut first)?;
    read_what_there_is(disk, BLOCK, len_bytes, &mut second)?;
    let front = head::front([&first, &second], len_bytes);
    match front {
        Front::Blank | Front::Alien if has_mark(disk, len_bytes)? => Ok(Front::Damaged),
        Front::Blank if !is_all_zeros(disk, len_bytes)? => Ok(Front::Alien),
        front => Ok(front),
    }
}

/// Writes the front of a new store.
pub(crate) fn make(disk: &impl StorageBackend, salt: u64) -> io::Result<Head> {
    let head = Head::new(salt);
    disk.set_len(FRONT_BYTES)?;
    for copy in 0..COPIES {
        disk.write(copy as u64 * BLOCK, &*head.encode(copy))?;
    }
    disk.sync_data()?;
    Ok(head)
}

/// Whether any group has its mark: then it is a store, whatever stands at its front.
fn has_mark(disk: &impl StorageBackend, len_bytes: u64) -> io::Result<bool> {
    let mut block = [0; BLOCK_BYTES];
    let offsets = (0..).map(group_offset_bytes);
    for offset_bytes in offsets.take_while(|offset_bytes| *offset_bytes < len_bytes) {
        read_what_there_is(disk, offset_bytes, len_bytes, &mut block)?;
        if block.ends_with(&MARK.to_le_bytes()) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_all_zeros(disk: &impl StorageBackend, len_bytes: u64) -> io::Result<bool> {
    let mut bytes = [0; LOOK_BYTES];
    let mut offset_bytes = 0;
    while offset_bytes < len_bytes {
        read_what_there_is(disk, offset_bytes, len_bytes, &mut bytes)?;
        if bytes.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        offset_bytes += LOOK_BYTES as u64;
    }
    Ok(true)
}

/// Reads; what is beyond the end reads as zeros.
fn read_what_there_is(
    disk: &impl StorageBackend,
    offset_bytes: u64,
    len_bytes: u64,
    out: &mut [u8],
) -> io::Result<()> {
    out.fill(0);
    let there = len_bytes.saturating_sub(offset_bytes);
    let there = usize::try_from(there).unwrap_or(usize::MAX).min(out.len());
    match out.get_mut(..there) {
        Some(out) if there > 0 => disk.read(offset_bytes, out),
        _ => Ok(()),
    }
}
