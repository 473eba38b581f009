//! The marker that keeps runs of compression apart in time (R244): one every six hours, whoever
//! makes it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::disk::{self, Stamp};
use crate::error::{FileError, OnFile};

/// How long after a run the next one may begin.
const INTERVAL: Duration = Duration::from_secs(6 * 60 * 60);

/// A run that may go on, and nobody else's.
pub(crate) struct Marker {
    path: PathBuf,
}

/// Whether a run may begin.
pub(crate) enum Claim {
    Made(Marker),
    /// The last run is this long ago.
    Recent(Duration),
}

impl Marker {
    /// Marks a run, unless another one was too recent. Only who holds the lock of maintenance may
    /// ask.
    pub(crate) fn claim(home: &Path, now: SystemTime) -> Result<Claim, FileError> {
        let path = path(home);
        if let Some(age) = age(&path, now)?.filter(|age| *age < INTERVAL) {
            return Ok(Claim::Recent(age));
        }
        disk::remove(&path).on(&path, "removed")?;
        let marker = match disk::new_file(&path) {
            // The reference's own run, which may not know that lock.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Ok(Claim::Recent(Duration::ZERO));
            }
            marker => marker.on(&path, "made")?,
        };
        let started = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let text = format!("pid={} started_at={started}\n", std::process::id());
        (&marker).write_all(text.as_bytes()).on(&path, "written")?;
        Ok(Claim::Made(Self { path }))
    }

    /// Takes the marker back: the run failed, so that the next one may begin at once.
    pub(crate) fn withdraw(self) -> Result<(), FileError> {
        disk::remove(&self.path).on(&self.path, "removed")
    }
}

/// How long ago a run began that a next one would have to wait for.
pub(crate) fn recent(home: &Path, now: SystemTime) -> Result<Option<Duration>, FileError> {
    Ok(age(&path(home), now)?.filter(|age| *age < INTERVAL))
}

fn path(home: &Path) -> PathBuf {
    home.join(".tmp").join("rollout-compression.lock")
}

fn age(path: &Path, now: SystemTime) -> Result<Option<Duration>, FileError> {
    match Stamp::of(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        stamp => {
            let modified = stamp.on(path, "looked at")?.modified;
            Ok(Some(now.duration_since(modified).unwrap_or_default()))
        }
    }
}
