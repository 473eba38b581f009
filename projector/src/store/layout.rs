//! Where what stands in a store's file.
//!
//! redb is given an image: a row of blocks that begins at byte 0. The file keeps it like this, all
//! in blocks of 4 KiB:
//!
//! | block of the file | what |
//! | --- | --- |
//! | 0, 1 | two copies of the head, written in turn ([`Head`](super::head::Head)) |
//! | 2 | who has the store open ([`Holder`](super::Holder)) |
//! | 3 + 512 g | checksums of group g: one of each of its blocks, then the mark |
//! | 4 + 512 g + n | block 511 g + n of the image |
//!
//! The image's first block, which redb writes over and over, is kept in the head; its place in
//! group 0 stays empty.

/// Bytes of a block; redb's page is as large.
pub(crate) const BLOCK_BYTES: usize = 4096;

/// The same, for sums with offsets.
pub(crate) const BLOCK: u64 = BLOCK_BYTES as u64;

/// Blocks of the image in one group.
const GROUP_BLOCKS: u64 = 511;

/// The first block of the first group.
const FIRST_GROUP: u64 = 3;

/// Bytes before the first group.
pub(crate) const FRONT_BYTES: u64 = FIRST_GROUP * BLOCK;

/// Where the holder is written.
pub(crate) const HOLDER_OFFSET_BYTES: u64 = 2 * BLOCK;

/// A block of the image in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) group: u64,
    /// Which of the group's checksums is the block's.
    pub(crate) entry: usize,
    pub(crate) offset_bytes: u64,
}

impl Place {
    pub(crate) fn of(block: u64) -> Self {
        let (group, entry) = (block / GROUP_BLOCKS, block % GROUP_BLOCKS);
        let offset_bytes = group_offset_bytes(group).saturating_add((1 + entry) * BLOCK);
        // Below 511.
        Self { group, entry: usize::try_from(entry).unwrap_or_default(), offset_bytes }
    }

    /// Blocks from this one to the end of its group, itself included.
    pub(crate) fn blocks_left(self) -> usize {
        GROUP_BLOCKS as usize - self.entry
    }
}

/// Where the checksums of a group stand in the file.
pub(crate) fn group_offset_bytes(group: u64) -> u64 {
    FIRST_GROUP.saturating_add(group.saturating_mul(GROUP_BLOCKS + 1)).saturating_mul(BLOCK)
}

/// Bytes of the file that holds an image of so many bytes.
pub(crate) fn file_len_bytes(image_len_bytes: u64) -> u64 {
    match image_len_bytes.div_ceil(BLOCK) {
        0 => FRONT_BYTES,
        blocks => Place::of(blocks - 1).offset_bytes.saturating_add(BLOCK),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_blocks_share_a_place() {
        let mut taken: Vec<u64> = (0..FIRST_GROUP).map(|block| block * BLOCK).collect();
        taken.extend((0..3).map(group_offset_bytes));
        taken.extend((0..3 * GROUP_BLOCKS).map(|block| Place::of(block).offset_bytes));
        taken.sort_unstable();
        let expected: Vec<u64> =
            (0..FIRST_GROUP + 3 * (GROUP_BLOCKS + 1)).map(|n| n * BLOCK).collect();
        assert_eq!(taken, expected);
        assert_eq!(file_len_bytes(3 * GROUP_BLOCKS * BLOCK), expected.len() as u64 * BLOCK);
        assert_eq!(file_len_bytes(0), FRONT_BYTES);
    }

    #[test]
    fn lengths_no_disk_has_do_not_overflow() {
        assert!(file_len_bytes(u64::MAX) > u64::MAX / 2);
    }
}
