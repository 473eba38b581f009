use redb::backends::InMemoryBackend;
use redb::{Builder, Database, ReadableDatabase, ReadableTable, TableDefinition};
use std::sync::Arc;

use super::*;
use crate::store::checked::CheckedDisk;

const TABLE: TableDefinition<u64, u64> = TableDefinition::new("rows");

#[derive(Debug, Clone, Default)]
struct SharedDisk(Arc<InMemoryBackend>);

impl StorageBackend for SharedDisk {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
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

fn database(disk: SharedDisk) -> Database {
    let (checked, _) = CheckedDisk::open(disk, 7).map_err(|error| format!("{error:?}")).unwrap();
    Builder::new().create_with_backend(checked).unwrap()
}

fn put(database: &Database, row: u64) {
    let write = database.begin_write().unwrap();
    write.open_table(TABLE).unwrap().insert(row, row).unwrap();
    write.commit().unwrap();
}

/// Copies a block at a time, and calls `meanwhile` after each.
fn copy_slowly(
    disk: &SharedDisk,
    len_bytes: u64,
    mut meanwhile: impl FnMut(u64),
) -> io::Result<SharedDisk> {
    let copy = SharedDisk::default();
    copy.set_len(len_bytes)?;
    let mut block = [0; BLOCK_BYTES];
    for offset in (0..len_bytes).step_by(BLOCK_BYTES) {
        // The file may have been shrunk.
        if disk.len()? > offset {
            disk.read(offset, &mut block)?;
            copy.write(offset, &block)?;
        }
        meanwhile(offset / BLOCK);
    }
    Ok(copy)
}

#[test]
fn a_copy_is_made_again_until_no_commit_falls_into_it() {
    let disk = SharedDisk::default();
    let writer = database(disk.clone());
    (0..10).for_each(|row| put(&writer, row));
    let mut tries = 0;
    let copy = consistent_copy(
        &disk,
        |len_bytes| {
            tries += 1;
            copy_slowly(&disk, len_bytes, |block| {
                if tries < 4 && block % 50 == 7 {
                    put(&writer, 10 * tries);
                }
            })
        },
        |_| {},
    );
    let copy = copy.map_err(|error| format!("{error:?}")).unwrap().unwrap();
    assert_eq!(tries, 4);
    let read = database(copy).begin_read().unwrap().open_table(TABLE).unwrap();
    let rows: Vec<u64> = read.iter().unwrap().map(|row| row.unwrap().0.value()).collect();
    assert_eq!(rows, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30]);
}

#[test]
fn work_that_is_not_committed_disturbs_no_copy() {
    let disk = SharedDisk::default();
    let writer = database(disk.clone());
    (0..10).for_each(|row| put(&writer, row));
    let write = writer.begin_write().unwrap();
    let mut table = write.open_table(TABLE).unwrap();
    let mut row = 10;
    let copy = consistent_copy(
        &disk,
        |len_bytes| {
            copy_slowly(&disk, len_bytes, |_| {
                row += 1;
                table.insert(row, row).unwrap();
            })
        },
        |_| panic!("no need to wait"),
    );
    let copy = copy.map_err(|error| format!("{error:?}")).unwrap().unwrap();
    let read = database(copy).begin_read().unwrap().open_table(TABLE).unwrap();
    assert_eq!(read.iter().unwrap().count(), 10);
}

#[test]
fn a_store_that_never_rests_is_busy() {
    let disk = SharedDisk::default();
    let writer = database(disk.clone());
    let (mut row, mut pauses) = (0, 0);
    let copy = consistent_copy(
        &disk,
        |len_bytes| {
            row += 1;
            put(&writer, row);
            copy_slowly(&disk, len_bytes, |_| {})
        },
        |pause| {
            assert!(pause <= PAUSE_MAX);
            pauses += 1;
        },
    );
    assert!(matches!(copy, Ok(None)), "{copy:?}");
    assert_eq!((row, pauses), (u64::from(TRIES), TRIES));
}
