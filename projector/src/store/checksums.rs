//! The checksums of a store's blocks, by groups, as read and as to be written.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;

use redb::StorageBackend;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::head::Block;
use super::layout::{BLOCK_BYTES, Place, group_offset_bytes};

/// Entries of a group: one for each block, and the mark.
const ENTRIES: usize = BLOCK_BYTES / 8;

/// Stands behind the checksums of a group: by it a store is known when its front is gone.
pub(crate) const MARK: u64 = u64::from_le_bytes(*b"rollfold");

/// Groups whose checksums are kept in memory: 4 MiB of checksums, for 2 GiB of store.
const GROUPS_KEPT: usize = 1024;

/// The checksums of a store's blocks.
#[derive(Debug)]
pub(crate) struct Checksums {
    salt: u64,
    groups: BTreeMap<u64, Group>,
}

#[derive(Debug)]
struct Group {
    entries: Box<[u64; ENTRIES]>,
    is_dirty: bool,
}

impl Checksums {
    pub(crate) fn new(salt: u64) -> Self {
        Self { salt, groups: BTreeMap::new() }
    }

    /// The first block of a run in one group whose bytes do not match; `None` if the group is not
    /// loaded.
    pub(crate) fn first_wrong(&self, block: u64, bytes: &[u8]) -> Option<Option<u64>> {
        let place = Place::of(block);
        let entries = self.groups.get(&place.group)?.entries.iter().skip(place.entry);
        let mut blocks = (block..).zip(bytes.chunks(BLOCK_BYTES)).zip(entries);
        let wrong = blocks.find(|((block, bytes), entry)| self.of(*block, bytes) != **entry);
        Some(wrong.map(|((block, _), _)| block))
    }

    /// Makes sure that a group is in memory.
    pub(crate) fn load(&mut self, disk: &impl StorageBackend, group: u64) -> io::Result<()> {
        self.group(disk, group).map(drop)
    }

    /// Notes the checksums of a run of blocks in one group.
    pub(crate) fn note(
        &mut self,
        disk: &impl StorageBackend,
        block: u64,
        bytes: &[u8],
    ) -> io::Result<()> {
        let place = Place::of(block);
        let salt = self.salt;
        let group = self.group(disk, place.group)?;
        let entries = group.entries.iter_mut().skip(place.entry);
        for ((block, bytes), entry) in (block..).zip(bytes.chunks(BLOCK_BYTES)).zip(entries) {
            *entry = checksum(salt, block, bytes);
        }
        group.is_dirty = true;
        Ok(())
    }

    /// Forgets the checksums of all blocks from this one on.
    pub(crate) fn forget(&mut self, disk: &impl StorageBackend, block: u64) -> io::Result<()> {
        let place = Place::of(block);
        self.groups.retain(|group, _| *group <= place.group);
        if group_offset_bytes(place.group) >= disk.len()? {
            return Ok(());
        }
        let group = self.group(disk, place.group)?;
        group.entries.iter_mut().take(ENTRIES - 1).skip(place.entry).for_each(|entry| *entry = 0);
        group.is_dirty = true;
        Ok(())
    }

    /// Writes the groups that have changed.
    pub(crate) fn write(&mut self, disk: &impl StorageBackend) -> io::Result<()> {
        for (number, group) in self.groups.iter_mut().filter(|(_, group)| group.is_dirty) {
            disk.write(group_offset_bytes(*number), &*group.encode())?;
            group.is_dirty = false;
        }
        Ok(())
    }

    fn group(&mut self, disk: &impl StorageBackend, group: u64) -> io::Result<&mut Group> {
        if self.groups.len() >= GROUPS_KEPT && !self.groups.contains_key(&group) {
            self.groups.retain(|_, kept| kept.is_dirty);
        }
        match self.groups.entry(group) {
            Entry::Occupied(kept) => Ok(kept.into_mut()),
            Entry::Vacant(place) => {
                let mut block = [0; BLOCK_BYTES];
                let offset_bytes = group_offset_bytes(group);
                // A group that the file does not reach to has no checksums yet.
                if offset_bytes < disk.len()? {
                    disk.read(offset_bytes, &mut block)?;
                }
                Ok(place.insert(Group::decode(&block)))
            }
        }
    }

    fn of(&self, block: u64, bytes: &[u8]) -> u64 {
        checksum(self.salt, block, bytes)
    }
}

impl Group {
    fn decode(block: &Block) -> Self {
        let mut entries = Box::new([0; ENTRIES]);
        for (entry, bytes) in entries.iter_mut().zip(block.as_chunks::<8>().0) {
            *entry = u64::from_le_bytes(*bytes);
        }
        Self { entries, is_dirty: false }
    }

    fn encode(&mut self) -> Box<Block> {
        if let Some(mark) = self.entries.last_mut() {
            *mark = MARK;
        }
        let mut block = Box::new([0; BLOCK_BYTES]);
        for (place, entry) in block.as_chunks_mut::<8>().0.iter_mut().zip(self.entries.iter()) {
            *place = entry.to_le_bytes();
        }
        block
    }
}

fn checksum(salt: u64, block: u64, bytes: &[u8]) -> u64 {
    // Zero is for blocks that were never written.
    xxh3_64_with_seed(bytes, salt ^ block).max(1)
}
