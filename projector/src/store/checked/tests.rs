use redb::backends::InMemoryBackend;
use redb::{Builder, Database, ReadableDatabase, ReadableTable, TableDefinition};

use super::*;
use crate::store::head::Block;
use crate::store::layout::{FRONT_BYTES, group_offset_bytes};

const TABLE: TableDefinition<u64, &[u8]> = TableDefinition::new("rows");

/// A disk in memory that others see too.
#[derive(Debug, Clone, Default)]
struct SharedDisk(Arc<InMemoryBackend>);

impl StorageBackend for SharedDisk {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out).map_err(|_| io::ErrorKind::UnexpectedEof.into())
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }
}

impl SharedDisk {
    fn block(&self, offset_bytes: u64) -> Block {
        let mut block = [0; BLOCK_BYTES];
        self.0.read(offset_bytes, &mut block).unwrap();
        block
    }

    fn flip(&self, offset_bytes: u64) {
        let mut byte = [0];
        self.0.read(offset_bytes, &mut byte).unwrap();
        self.0.write(offset_bytes, &[byte[0] ^ 4]).unwrap();
    }
}

fn open(disk: &SharedDisk) -> Result<CheckedDisk<SharedDisk>, FrontError> {
    CheckedDisk::open(disk.clone(), 7).map(|(checked, _)| checked)
}

/// A disk with three groups of blocks, each of its own bytes.
fn filled() -> SharedDisk {
    let disk = SharedDisk::default();
    let checked = open(&disk).unwrap();
    checked.set_len(1500 * BLOCK).unwrap();
    for block in 1..1500_u64 {
        checked.write(block * BLOCK, &bytes_of(block)).unwrap();
    }
    checked.write(0, b"head").unwrap();
    checked.sync_data().unwrap();
    disk
}

fn bytes_of(block: u64) -> Vec<u8> {
    block.to_le_bytes().repeat(BLOCK_BYTES / 8)
}

fn damage_of(error: &io::Error) -> Damage {
    *error.get_ref().unwrap().downcast_ref().unwrap()
}

#[test]
fn what_is_written_is_read_again() {
    let checked = open(&filled()).unwrap();
    assert_eq!(checked.len().unwrap(), 1500 * BLOCK);
    let mut head = [0; 320];
    checked.read(0, &mut head).unwrap();
    assert_eq!(&head[..5], b"head\0");
    // Across both borders of groups.
    let mut bytes = vec![0; 1400 * BLOCK_BYTES];
    checked.read(10 * BLOCK, &mut bytes).unwrap();
    let expected: Vec<u8> = (10..1410).flat_map(bytes_of).collect();
    assert!(bytes == expected);
    let error = checked.read(1499 * BLOCK, &mut bytes).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn a_flipped_bit_is_damage_where_it_is() {
    let disk = filled();
    for block in [1, 510, 511, 1499_u64] {
        let place = Place::of(block);
        let entry = group_offset_bytes(place.group) + 8 * place.entry as u64;
        for at in [place.offset_bytes, place.offset_bytes + BLOCK - 1, entry, entry + 7] {
            disk.flip(at);
            let checked = open(&disk).unwrap();
            let noticed = checked.noticed();
            let mut bytes = vec![0; BLOCK_BYTES];
            for other in (1..1500).filter(|other| *other != block) {
                checked.read(other * BLOCK, &mut bytes).unwrap();
            }
            let error = checked.read(block * BLOCK, &mut bytes).unwrap_err();
            let expected = Damage { offset_bytes: place.offset_bytes, kind: DamageKind::Block };
            assert_eq!(damage_of(&error), expected);
            assert_eq!(noticed.get(), Some(&expected));
            disk.flip(at);
        }
    }
}

#[test]
fn zeros_and_blocks_of_elsewhere_are_damage() {
    let disk = filled();
    let mut bytes = vec![0; BLOCK_BYTES];
    let (place, other) = (Place::of(20), Place::of(531));
    let (whole, elsewhere) = (disk.block(place.offset_bytes), disk.block(other.offset_bytes));
    let (sums, sums_elsewhere) =
        (disk.block(group_offset_bytes(0)), disk.block(group_offset_bytes(1)));
    // The block alone, its checksum alone, and both together.
    for (block, group) in [
        ([0; BLOCK_BYTES], sums),
        (whole, [0; BLOCK_BYTES]),
        ([0; BLOCK_BYTES], [0; BLOCK_BYTES]),
        (elsewhere, sums),
        (whole, sums_elsewhere),
        (elsewhere, sums_elsewhere),
    ] {
        disk.write(place.offset_bytes, &block).unwrap();
        disk.write(group_offset_bytes(0), &group).unwrap();
        let error = open(&disk).unwrap().read(20 * BLOCK, &mut bytes).unwrap_err();
        assert_eq!(damage_of(&error).kind, DamageKind::Block);
    }
    disk.write(place.offset_bytes, &whole).unwrap();
    disk.write(group_offset_bytes(0), &sums).unwrap();
    open(&disk).unwrap().read(20 * BLOCK, &mut bytes).unwrap();
}

#[test]
fn blocks_of_another_store_are_damage() {
    let (disk, other) = (filled(), SharedDisk::default());
    let (checked, _) = CheckedDisk::open(other.clone(), 8).unwrap();
    checked.set_len(100 * BLOCK).unwrap();
    checked.write(20 * BLOCK, &bytes_of(20)).unwrap();
    checked.sync_data().unwrap();
    disk.write(group_offset_bytes(0), &other.block(group_offset_bytes(0))).unwrap();
    let mut bytes = vec![0; BLOCK_BYTES];
    let error = open(&disk).unwrap().read(20 * BLOCK, &mut bytes).unwrap_err();
    assert_eq!(damage_of(&error).kind, DamageKind::Block);
}

#[test]
fn a_block_that_was_never_written_cannot_be_read() {
    let disk = filled();
    let checked = open(&disk).unwrap();
    checked.set_len(1600 * BLOCK).unwrap();
    checked.sync_data().unwrap();
    let mut bytes = vec![0; BLOCK_BYTES];
    assert!(checked.read(1550 * BLOCK, &mut bytes).is_err());
    // What was there before the file was shrunk does not come back when it grows again.
    checked.set_len(600 * BLOCK).unwrap();
    checked.set_len(1600 * BLOCK).unwrap();
    checked.sync_data().unwrap();
    for checked in [checked, open(&disk).unwrap()] {
        assert!(checked.read(1000 * BLOCK, &mut bytes).is_err());
        assert!(checked.read(600 * BLOCK, &mut bytes).is_err());
        checked.read(599 * BLOCK, &mut bytes).unwrap();
    }
}

#[test]
fn a_file_that_is_cut_off_is_seen_at_once() {
    let disk = filled();
    let whole = disk.len().unwrap();
    for len in [whole - 1, whole / 2, FRONT_BYTES, 2 * BLOCK] {
        disk.set_len(len).unwrap();
        let error = open(&disk).unwrap_err();
        let FrontError::Damaged(damage) = error else { panic!("{error:?}") };
        let kind = DamageKind::CutOff { needed_bytes: whole };
        assert_eq!(damage, Damage { offset_bytes: len, kind });
    }
    // Bytes behind the end are not missed, nor taken for blocks later.
    let disk = filled();
    disk.set_len(whole + 10).unwrap();
    open(&disk).unwrap();
    assert_eq!(disk.len().unwrap(), whole);
}

#[test]
fn a_store_whose_front_is_gone_is_still_known() {
    let disk = filled();
    let group = disk.block(group_offset_bytes(2));
    disk.write(0, &[0; 2 * BLOCK_BYTES]).unwrap();
    disk.write(group_offset_bytes(0), &[1; BLOCK_BYTES]).unwrap();
    assert!(matches!(open(&disk).unwrap_err(), FrontError::Damaged(_)));
    disk.write(group_offset_bytes(1), &[1; BLOCK_BYTES]).unwrap();
    disk.write(group_offset_bytes(2), &[1; BLOCK_BYTES]).unwrap();
    assert!(matches!(open(&disk).unwrap_err(), FrontError::Alien));
    disk.write(group_offset_bytes(2), &group).unwrap();
    assert!(matches!(open(&disk).unwrap_err(), FrontError::Damaged(_)));
}

#[test]
fn only_whole_blocks_and_the_header_have_checksums() {
    let checked = open(&filled()).unwrap();
    let mut bytes = vec![0; BLOCK_BYTES + 1];
    for (offset, len) in [(BLOCK + 1, BLOCK_BYTES), (BLOCK, 10), (0, BLOCK_BYTES), (500, 100)] {
        let error = checked.read(offset, &mut bytes[..len]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        let error = checked.write(offset, &bytes[..len]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
    assert_eq!(checked.set_len(100).unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

fn database(disk: &SharedDisk) -> Database {
    Builder::new().create_with_backend(open(disk).unwrap()).unwrap()
}

fn put(database: &Database, row: u64) {
    let mut write = database.begin_write().unwrap();
    write.set_quick_repair(true);
    write.open_table(TABLE).unwrap().insert(row, &*bytes_of(row)).unwrap();
    write.commit().unwrap();
}

fn rows(database: &Database) -> u64 {
    let table = database.begin_read().unwrap().open_table(TABLE).unwrap();
    for (row, found) in (0..).zip(table.iter().unwrap()) {
        let (key, value) = found.unwrap();
        assert!(key.value() == row && value.value() == bytes_of(row));
    }
    table.iter().unwrap().count() as u64
}

/// What [`redb_header`] says of redb's header is so: the last commit's slot changes with each
/// commit and with nothing else.
#[test]
fn the_slot_of_the_last_commit_is_known() {
    let disk = SharedDisk::default();
    let database = database(&disk);
    let slot = || {
        let Front::Store { head, .. } = read_front(&disk, disk.len().unwrap()).unwrap() else {
            panic!("no store")
        };
        redb_header::commit(&head.image_head).to_vec()
    };
    put(&database, 0);
    let mut before = slot();
    for row in 1..10 {
        let write = database.begin_write().unwrap();
        write.open_table(TABLE).unwrap().insert(row, &*bytes_of(0)).unwrap();
        drop(write);
        assert_eq!(slot(), before, "nothing was committed");
        put(&database, row);
        assert_ne!(slot(), before, "row {row}");
        before = slot();
    }
}

/// A head that may be out of date is not trusted: redb then checks the whole tree. Here the copy
/// that survives leads to blocks that were written over since, with good checksums.
#[test]
fn an_old_head_is_not_trusted_blindly() {
    let disk = SharedDisk::default();
    let first = database(&disk);
    (0..200).for_each(|row| put(&first, row));
    let old: Vec<Block> = [0, BLOCK].map(|at| disk.block(at)).into();
    put(&first, 200);
    let new: Vec<Block> = [0, BLOCK].map(|at| disk.block(at)).into();
    (201..260).for_each(|row| put(&first, row));
    drop(first);
    for copy in 0..COPIES {
        let one = SharedDisk::default();
        let mut whole = vec![0; usize::try_from(disk.len().unwrap()).unwrap()];
        disk.read(0, &mut whole).unwrap();
        one.set_len(whole.len() as u64).unwrap();
        one.write(0, &whole).unwrap();
        // One copy is damaged: the other still leads to all there is, or to nothing false.
        one.flip(copy as u64 * BLOCK + 100);
        assert_eq!(rows(&database(&one)), 260);
        // The survivor is much older, which no crash makes.
        for heads in [&old, &new] {
            one.write(0, &whole).unwrap();
            one.write(copy as u64 * BLOCK, &heads[copy]).unwrap();
            one.flip((1 - copy) as u64 * BLOCK + 100);
            let opened = Builder::new().create_with_backend(open(&one).unwrap());
            assert!(opened.is_err(), "copy {copy}");
        }
    }
}

/// Whatever is lost of what no sync followed, a disk that grows and shrinks opens, and what was
/// safe before is read.
#[test]
fn no_order_of_writes_to_a_growing_disk_harms_it() {
    use crate::testing::{Fate, FaultyDisk, Image, Operation};

    let disk = FaultyDisk::new();
    disk.record();
    let (checked, _) = CheckedDisk::open(disk.clone(), 7).unwrap();
    checked.set_len(20 * BLOCK).unwrap();
    checked.write(0, b"redb in its first state").unwrap();
    checked.write(5 * BLOCK, &bytes_of(5)).unwrap();
    checked.sync_data().unwrap();
    let safe_from = disk.operations();
    for blocks in [600, 700, 30, 1100, 6] {
        checked.set_len(blocks * BLOCK).unwrap();
        checked.sync_data().unwrap();
        checked.write(0, b"redb in its next state").unwrap();
        checked.sync_data().unwrap();
    }
    let (mut durable, mut unsynced) = (Image::new(), Vec::new());
    let mut images = 0;
    for (done, operation) in (1..).zip(disk.recorded()) {
        if operation == Operation::Sync {
            unsynced.drain(..).for_each(|each: Operation| each.apply(&mut durable, Fate::Kept));
        } else if operation.is_change() {
            unsynced.push(operation);
        }
        assert!(unsynced.len() < 8, "too many orders to try");
        for kept in 0..1_u32 << unsynced.len() {
            let mut image = durable.clone();
            for (place, each) in unsynced.iter().enumerate() {
                let fate = if kept >> place & 1 == 1 { Fate::Kept } else { Fate::Lost };
                each.apply(&mut image, fate);
            }
            let (opened, _) = CheckedDisk::open(FaultyDisk::holding(image), 7)
                .unwrap_or_else(|error| panic!("operation {done}, {kept:b} kept: {error:?}"));
            images += 1;
            if done >= safe_from {
                let mut bytes = vec![0; BLOCK_BYTES];
                opened.read(5 * BLOCK, &mut bytes).unwrap();
                assert_eq!(bytes, bytes_of(5));
            }
        }
    }
    assert!(images > 50, "{images}");
}
