//! A disk that fails.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

use super::{Fate, Image, Operation};

/// A disk in memory that can fail for good: after some operations, or at a sync. Clones are the
/// same disk.
///
/// What was written since the last sync is in the disk's own cache: a loss of power may keep any
/// of it. When the disk fails, both what was seen before and what is safe can be looked at.
#[derive(Debug, Clone, Default)]
pub struct FaultyDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// What a loss of power cannot take.
    durable: Image,
    /// What is seen while there is power.
    live: Image,
    /// Changes since the last sync.
    unsynced: Vec<Operation>,
    counts: Counts,
    fails_after: Option<u64>,
    freezes_at_sync: Option<u64>,
    capacity_bytes: Option<u64>,
    record: Option<Vec<Operation>>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    operations: u64,
    changes: u64,
    syncs: u64,
}

impl FaultyDisk {
    /// An empty disk that does not fail.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A disk with this on it, safely.
    #[must_use]
    pub fn holding(image: Image) -> Self {
        let state = State { durable: image.clone(), live: image, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// From now on, `operations` more succeed, then none.
    pub fn fail_after(&self, operations: Option<u64>) {
        let mut state = self.lock();
        state.fails_after = operations.map(|more| state.counts.operations + more);
    }

    /// From now on, `syncs` more succeed; the next one, and all operations from then on, do not.
    pub fn freeze_at_sync(&self, syncs: Option<u64>) {
        let mut state = self.lock();
        state.freezes_at_sync = syncs.map(|more| state.counts.syncs + more);
    }

    /// From now on, the disk is full where it would become longer than this.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.lock().capacity_bytes = bytes;
    }

    /// Reads, writes, syncs and changes of length so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.lock().counts.operations
    }

    /// Writes and changes of length so far.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.lock().counts.changes
    }

    /// From now on, all operations are kept for [`FaultyDisk::recorded`].
    pub fn record(&self) {
        self.lock().record = Some(Vec::new());
    }

    /// The operations since [`FaultyDisk::record`].
    #[must_use]
    pub fn recorded(&self) -> Vec<Operation> {
        self.lock().record.clone().unwrap_or_default()
    }

    /// What is seen of the disk while there is power.
    #[must_use]
    pub fn live(&self) -> Image {
        self.lock().live.clone()
    }

    /// What no loss of power can take.
    #[must_use]
    pub fn durable(&self) -> Image {
        self.lock().durable.clone()
    }

    /// The disk after the process died and the power stayed: all that was written is there.
    #[must_use]
    pub fn after_abort(&self) -> Self {
        Self::holding(self.live())
    }

    /// The disk after a loss of power: what was written since the last sync had the fate that is
    /// given for its place among these writes.
    #[must_use]
    pub fn after_power_loss(&self, mut fate: impl FnMut(usize) -> Fate) -> Self {
        let state = self.lock();
        let mut image = state.durable.clone();
        for (place, change) in state.unsynced.iter().enumerate() {
            change.apply(&mut image, fate(place));
        }
        Self::holding(image)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn operate(&self, operation: Operation) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.lock();
        let Counts { operations, syncs, .. } = state.counts;
        if operation == Operation::Sync && state.freezes_at_sync.is_some_and(|end| syncs >= end) {
            state.fails_after = Some(operations);
        }
        if state.fails_after.is_some_and(|end| operations >= end) {
            return Err(io::Error::other("the disk has failed"));
        }
        let end_bytes = match &operation {
            Operation::Write(offset_bytes, data) => offset_bytes + data.len() as u64,
            Operation::SetLen(len_bytes) => *len_bytes,
            Operation::Read | Operation::Sync => 0,
        };
        if state.capacity_bytes.is_some_and(|capacity| end_bytes > capacity) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.counts.operations += 1;
        match &operation {
            Operation::Read => {}
            Operation::Write(..) | Operation::SetLen(_) => {
                state.counts.changes += 1;
                operation.apply(&mut state.live, Fate::Kept);
                state.unsynced.push(operation.clone());
            }
            Operation::Sync => {
                state.counts.syncs += 1;
                state.durable = state.live.clone();
                state.unsynced.clear();
            }
        }
        if let Some(record) = &mut state.record {
            record.push(operation);
        }
        Ok(state)
    }
}

impl StorageBackend for FaultyDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.operate(Operation::Read)?.live.len_bytes())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let is_there = self.operate(Operation::Read)?.live.read_into(offset, out);
        if is_there { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.operate(Operation::SetLen(len)).map(drop)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.operate(Operation::Sync).map(drop)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.operate(Operation::Write(offset, data.into())).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_fails_for_good_after_so_many_operations() {
        let disk = FaultyDisk::new();
        disk.write(0, b"one").unwrap();
        disk.fail_after(Some(2));
        disk.sync_data().unwrap();
        disk.write(0, b"two").unwrap();
        assert!(disk.sync_data().is_err() && disk.len().is_err() && disk.set_len(9).is_err());
        assert_eq!(disk.live(), Image::from(&b"two"[..]));
        assert_eq!(disk.durable(), Image::from(&b"one"[..]));
        assert_eq!((disk.operations(), disk.writes()), (3, 2));
    }

    #[test]
    fn a_disk_freezes_at_a_sync() {
        let disk = FaultyDisk::new();
        disk.freeze_at_sync(Some(1));
        disk.write(0, b"one").unwrap();
        disk.sync_data().unwrap();
        disk.write(0, b"two").unwrap();
        assert!(disk.sync_data().is_err() && disk.write(0, b"six").is_err());
        assert_eq!(disk.live(), Image::from(&b"two"[..]));
        assert_eq!(disk.durable(), Image::from(&b"one"[..]));
    }

    #[test]
    fn a_full_disk_takes_what_fits() {
        let disk = FaultyDisk::new();
        disk.set_capacity(Some(4));
        disk.write(0, b"four").unwrap();
        assert_eq!(disk.write(1, b"four").unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(disk.set_len(5).unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(disk.live(), Image::from(&b"four"[..]));
        disk.set_capacity(None);
        disk.write(1, b"four").unwrap();
    }

    #[test]
    fn a_record_makes_the_same_disk() {
        let disk = FaultyDisk::new();
        disk.write(0, b"before").unwrap();
        let mut image = disk.live();
        disk.record();
        disk.write(3, b"more").unwrap();
        disk.sync_data().unwrap();
        disk.set_len(5).unwrap();
        disk.read(0, &mut [0; 5]).unwrap();
        let recorded = disk.recorded();
        let kinds = [
            Operation::Write(3, b"more"[..].into()),
            Operation::Sync,
            Operation::SetLen(5),
            Operation::Read,
        ];
        assert_eq!(recorded, kinds);
        recorded.iter().for_each(|operation| operation.apply(&mut image, Fate::Kept));
        assert_eq!(image, disk.live());
    }

    #[test]
    fn a_loss_of_power_takes_only_what_no_sync_followed() {
        let disk = FaultyDisk::new();
        disk.write(0, b"safe").unwrap();
        disk.sync_data().unwrap();
        disk.write(0, b"x").unwrap();
        disk.write(3, b"yz").unwrap();
        let after = |fates: [Fate; 2]| disk.after_power_loss(|place| fates[place]).live();
        assert_eq!(after([Fate::Lost; 2]), Image::from(&b"safe"[..]));
        assert_eq!(after([Fate::Kept, Fate::Lost]), Image::from(&b"xafe"[..]));
        assert_eq!(after([Fate::Lost, Fate::Prefix(1)]), Image::from(&b"safy"[..]));
        assert_eq!(disk.after_abort().live(), Image::from(&b"xafyz"[..]));
    }
}
