//! The lock that those take who go over all files of a home (FORMAT A.9).

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

/// Takes the lock that compression and migration share; `None` if somebody has it. It ends with the
/// file that is given.
pub(super) fn maintenance(home: &Path) -> io::Result<Option<File>> {
    let folder = home.join(".tmp");
    fs::create_dir_all(&folder)?;
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
