//! Disks that fail on purpose.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

/// A disk in memory that fails for good after some operations. Clones are the same disk.
///
/// What was written since the last sync is in the disk's own cache: a loss of power may keep any
/// of it.
#[derive(Debug, Clone, Default)]
pub struct FaultyDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// What a loss of power cannot take.
    safe: Vec<u8>,
    /// What is seen while there is power.
    seen: Vec<u8>,
    /// Changes since the last sync.
    unsafe_changes: Vec<Unsafe>,
    operations: u64,
    writes: u64,
    fails_after: Option<u64>,
}

#[derive(Debug, Clone)]
enum Unsafe {
    Write(u64, Vec<u8>),
    SetLen(u64),
}

impl FaultyDisk {
    /// An empty disk that does not fail.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on, `operations` more succeed, then none.
    pub fn fail_after(&self, operations: Option<u64>) {
        let mut state = self.lock();
        state.fails_after = operations.map(|more| state.operations + more);
    }

    /// Reads, writes, syncs and changes of length so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// Writes and changes of length so far.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.lock().writes
    }

    /// The disk after the process died and the power stayed: all that was written is there.
    #[must_use]
    pub fn after_abort(&self) -> Self {
        Self::holding(self.lock().seen.clone())
    }

    /// The disk after a loss of power: of what was written since the last sync, what `keeps` says
    /// of its place is there.
    #[must_use]
    pub fn after_power_loss(&self, mut keeps: impl FnMut(usize) -> bool) -> Self {
        let state = self.lock();
        let mut bytes = state.safe.clone();
        for (place, change) in state.unsafe_changes.iter().enumerate() {
            if keeps(place) {
                change.apply(&mut bytes);
            }
        }
        Self::holding(bytes)
    }

    fn holding(bytes: Vec<u8>) -> Self {
        let state = State { safe: bytes.clone(), seen: bytes, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn operate(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.lock();
        if state.fails_after.is_some_and(|end| state.operations >= end) {
            return Err(io::Error::other("the disk has failed"));
        }
        state.operations += 1;
        Ok(state)
    }

    fn change(&self, change: Unsafe) -> io::Result<()> {
        let mut state = self.operate()?;
        state.writes += 1;
        change.apply(&mut state.seen);
        state.unsafe_changes.push(change);
        Ok(())
    }
}

impl Unsafe {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::SetLen(len) => bytes.resize(to_usize(*len), 0),
            Self::Write(offset, data) => {
                let start = to_usize(*offset);
                let end = start.saturating_add(data.len());
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                if let Some(place) = bytes.get_mut(start..end) {
                    place.copy_from_slice(data);
                }
            }
        }
    }
}

fn to_usize(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

impl StorageBackend for FaultyDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.operate()?.seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.operate()?;
        let start = to_usize(offset);
        let bytes = state.seen.get(start..start.saturating_add(out.len()));
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(Unsafe::SetLen(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.operate()?;
        state.safe = state.seen.clone();
        state.unsafe_changes.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(Unsafe::Write(offset, data.to_vec()))
    }
}
