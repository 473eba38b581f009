//! A disk for recorders that fails on purpose.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::recorder::{LogDisk, LogFile, SystemDisk};

/// What a failing append leaves in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Torn {
    /// As many of the first bytes, or all but so many if it is negative.
    Bytes(i64),
    /// The first half.
    Half,
}

/// Logs on the system's disk, whose operations are counted and fail when they are told to. What no
/// sync has followed can be taken away as a loss of power would. Clones are one disk.
#[derive(Debug, Clone, Default)]
pub struct FaultyLogs(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    operations: u64,
    /// From which operation on, how many fail, and what of appended bytes stays.
    faults: Option<(u64, u64, Torn)>,
    appends: Vec<u64>,
    /// Bytes of each log that a sync has followed.
    synced: BTreeMap<PathBuf, u64>,
    /// Bytes that a sync failed to follow: systems forget these, and later say that all is well.
    lost: BTreeMap<PathBuf, Vec<Range<u64>>>,
    synced_folders: BTreeSet<PathBuf>,
}

impl FaultyLogs {
    /// A disk on which all is well.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From the operation with this number on, counted from 0, as many fail; of what a failing
    /// append was given, `torn` stays.
    pub fn fail_at(&self, operation: u64, count: u64, torn: Torn) {
        self.lock().faults = Some((operation, count, torn));
    }

    /// Operations that were begun.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// The numbers of those that were appends.
    #[must_use]
    pub fn appends(&self) -> Vec<u64> {
        self.lock().appends.clone()
    }

    /// What of a log stays after a loss of power; `None` if not even its name in these folders.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn after_power_loss(&self, path: &Path, inside: &Path) -> io::Result<Option<Vec<u8>>> {
        let state = self.lock();
        let mut folders = path.ancestors().skip(1).take_while(|folder| folder.starts_with(inside));
        if !folders.all(|folder| state.synced_folders.contains(folder)) {
            return Ok(None);
        }
        let mut bytes = std::fs::read(path)?;
        let place = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        bytes.truncate(place(state.synced.get(path).copied().unwrap_or(0)));
        for range in state.lost.get(path).into_iter().flatten() {
            let end = place(range.end).min(bytes.len());
            bytes.get_mut(place(range.start)..end).unwrap_or_default().fill(0);
        }
        Ok(Some(bytes))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an operation; what a failing one leaves.
    fn begin(&self) -> Option<Torn> {
        let mut state = self.lock();
        let number = state.operations;
        state.operations += 1;
        let (start, count, torn) = state.faults?;
        (number >= start && number - start < count).then_some(torn)
    }

    fn operate<T>(&self, operation: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self.begin() {
            Some(_) => Err(failed()),
            None => operation(),
        }
    }

    fn file(&self, path: &Path, file: Box<dyn LogFile>) -> Box<dyn LogFile> {
        Box::new(FaultyLog { disk: self.clone(), path: path.to_owned(), file })
    }
}

fn failed() -> io::Error {
    io::Error::other("the disk has failed")
}

impl LogDisk for FaultyLogs {
    fn create(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        self.operate(|| Ok(self.file(path, SystemDisk.create(path)?)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        self.operate(|| Ok(self.file(path, SystemDisk.open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.operate(|| SystemDisk.rename(from, to))?;
        let mut state = self.lock();
        let synced = state.synced.remove(from).unwrap_or(0);
        state.synced.insert(to.to_owned(), synced);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.operate(|| SystemDisk.remove(path))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.operate(|| Ok(()))?;
        self.lock().synced_folders.insert(path.to_owned());
        Ok(())
    }
}

#[derive(Debug)]
struct FaultyLog {
    disk: FaultyLogs,
    path: PathBuf,
    file: Box<dyn LogFile>,
}

impl LogFile for FaultyLog {
    fn len_bytes(&self) -> io::Result<u64> {
        self.disk.operate(|| self.file.len_bytes())
    }

    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.disk.operate(|| self.file.read_at(offset_bytes, buffer))
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let number = self.disk.operations();
        self.disk.lock().appends.push(number);
        let Some(torn) = self.disk.begin() else { return self.file.append(bytes) };
        let len = match torn {
            Torn::Half => bytes.len() / 2,
            Torn::Bytes(kept) => {
                let len = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
                let kept = if kept < 0 { len.saturating_add(kept) } else { kept };
                usize::try_from(kept.clamp(0, len)).unwrap_or(0)
            }
        };
        let mut rest = bytes.get(..len).unwrap_or_default();
        while !rest.is_empty() {
            let written = self.file.append(rest)?;
            rest = rest.get(written..).unwrap_or_default();
        }
        Err(failed())
    }

    fn sync(&mut self) -> io::Result<()> {
        let len_bytes = self.file.len_bytes()?;
        let synced = self.disk.operate(|| Ok(()));
        let mut state = self.disk.lock();
        match &synced {
            Ok(()) => {
                state.synced.insert(self.path.clone(), len_bytes);
            }
            Err(_) => {
                let before = state.synced.get(&self.path).copied().unwrap_or(0);
                state.lost.entry(self.path.clone()).or_default().push(before..len_bytes);
            }
        }
        synced
    }
}
