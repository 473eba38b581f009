//! The lock that those take who go over all files of a home (FORMAT A.9).

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

/// Held as long as nobody else may go over all files of a home.
pub(super) struct Maintenance(File);

impl Drop for Maintenance {
    /// A child that is just being started may have the handle for a moment longer.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// Takes the lock that compression and migration share; `None` if somebody has it.
pub(super) fn maintenance(home: &Path) -> io::Result<Option<Maintenance>> {
    let folder = home.join(".tmp");
    fs::create_dir_all(&folder)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(folder.join("rollout-maintenance.lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Maintenance(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
