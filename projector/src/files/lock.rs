//! The lock that keeps the writers of one thread apart (FORMAT A.9), of this program and of the
//! reference.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

const FOLDER: &str = "thread-writer-locks";
const COORDINATION: &str = ".coordination.lock";

/// Held as long as nobody else may write a thread's log. It ends with the process, however that
/// ends.
#[derive(Debug)]
pub struct WriterLock {
    _file: File,
}

impl WriterLock {
    /// Takes a thread's lock; `None` if somebody has it. The lock's file stays: whoever removed it
    /// might take it from under somebody who is about to lock it.
    ///
    /// # Errors
    /// When the lock's file cannot be made or locked.
    pub fn take(home: &Path, thread_id: &str) -> io::Result<Option<Self>> {
        let folder = home.join(FOLDER);
        std::fs::create_dir_all(&folder)?;
        // While it is held nobody makes or removes a lock's file.
        let coordination = open(&folder.join(COORDINATION))?;
        coordination.lock()?;
        let file = open(&path_in(&folder, thread_id))?;
        Ok(try_lock(&file)?.then_some(Self { _file: file }))
    }

    /// Removes the lock's file of a thread that is gone. A lock that somebody has is left alone.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub(crate) fn forget(home: &Path, thread_id: &str) -> io::Result<()> {
        let folder = home.join(FOLDER);
        let path = path_in(&folder, thread_id);
        if !path.try_exists()? {
            return Ok(());
        }
        let coordination = open(&folder.join(COORDINATION))?;
        coordination.lock()?;
        let file = open(&path)?;
        if try_lock(&file)? {
            super::disk::remove(&path)?;
        }
        Ok(())
    }
}

/// Takes the lock that compression and migration share (FORMAT A.9); `None` if somebody has it.
pub(crate) fn maintenance(home: &Path) -> io::Result<Option<File>> {
    let folder = home.join(".tmp");
    std::fs::create_dir_all(&folder)?;
    let file = open(&folder.join("rollout-maintenance.lock"))?;
    Ok(try_lock(&file)?.then_some(file))
}

fn path_in(folder: &Path, thread_id: &str) -> PathBuf {
    folder.join(format!("{thread_id}.lock"))
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
