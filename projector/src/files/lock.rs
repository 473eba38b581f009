//! The locks under which logs are changed (FORMAT A.9).

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use crate::error::LockError;
use crate::home::Home;
use crate::lock::ThreadLock;

/// What a writer that waits is told of who has the thread.
const PROGRAM: &str = env!("CARGO_PKG_NAME");

/// Held as long as nobody else may write a thread's log. It ends with the process, however that
/// ends.
#[derive(Debug)]
pub struct WriterLock {
    _lock: ThreadLock,
}

impl WriterLock {
    /// Takes a thread's lock; `None` if somebody has it. The lock's file stays: whoever removed it
    /// might take it from under somebody who is about to lock it.
    ///
    /// # Errors
    /// When the lock's file cannot be made or locked.
    pub fn take(home: &Path, thread_id: &str) -> io::Result<Option<Self>> {
        match ThreadLock::acquire(&Home::at(home), thread_id, PROGRAM) {
            Ok(lock) => Ok(Some(Self { _lock: lock })),
            Err(LockError::Held { .. }) => Ok(None),
            Err(LockError::Io { source, .. }) => Err(source),
        }
    }

    /// Removes the lock's file of a thread that is gone. A lock that somebody has is left alone.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub(crate) fn forget(home: &Path, thread_id: &str) -> io::Result<()> {
        match ThreadLock::forget(&Home::at(home), thread_id) {
            Err(LockError::Io { source, .. }) => Err(source),
            Ok(()) | Err(LockError::Held { .. }) => Ok(()),
        }
    }
}

/// Takes the lock that compression and migration share (FORMAT A.9); `None` if somebody has it.
pub(crate) fn maintenance(home: &Path) -> io::Result<Option<File>> {
    let folder = home.join(".tmp");
    std::fs::create_dir_all(&folder)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(folder.join("rollout-maintenance.lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
