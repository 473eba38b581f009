//! One file moved: renamed, or where the target is on another disk copied, compared and removed.
//! Nothing is overwritten, and nothing that is written meanwhile is lost.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::aside::{Retired, Retiree};
use super::disk::{self, Stamp};
use super::steps::{Step, Steps};
use crate::error::{MoveError, OnFile};

/// How a file was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Relocated {
    /// It was renamed.
    Renamed,
    /// It was copied to another disk, and removed where it was.
    Copied,
    /// What it holds was there already; it was removed.
    WasThere,
}

pub(crate) fn relocate(from: &Path, to: &Path, steps: Steps<'_>) -> Result<Relocated, MoveError> {
    let (source, target) = (disk::folder_of(from), disk::folder_of(to));
    disk::make_folder(target).on(target, "made")?;
    if disk::is_there(to).on(to, "looked at")? {
        return match is_same(from, to)? {
            true => {
                disk::remove(from).on(from, "removed")?;
                disk::sync_folder(source).on(source, "synced")?;
                Ok(Relocated::WasThere)
            }
            false => Err(MoveError::Occupied { from: from.to_owned(), to: to.to_owned() }),
        };
    }
    match steps.at(Step::Move).and_then(|()| disk::rename_new(from, to)) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            copy_over(from, to, steps)?;
            return Ok(Relocated::Copied);
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(MoveError::Occupied { from: from.to_owned(), to: to.to_owned() });
        }
        renamed => renamed.on(from, "moved")?,
    }
    for folder in [target, source] {
        disk::sync_folder(folder).on(folder, "synced")?;
    }
    steps.at(Step::Moved).on(from, "moved")?;
    Ok(Relocated::Renamed)
}

/// Whether two files hold the same.
pub(crate) fn is_same(one: &Path, other: &Path) -> Result<bool, MoveError> {
    let stamps = [Stamp::of(one).on(one, "looked at")?, Stamp::of(other).on(other, "looked at")?];
    let [first, second] = &stamps;
    if !first.is_file() || !second.is_file() || first.len_bytes != second.len_bytes {
        return Ok(false);
    }
    let contents = [
        disk::content(one, u64::MAX).on(one, "read")?,
        disk::content(other, u64::MAX).on(other, "read")?,
    ];
    Ok(contents[0] == contents[1])
}

fn copy_over(from: &Path, to: &Path, steps: Steps<'_>) -> Result<(), MoveError> {
    let (source, target) = (disk::folder_of(from), disk::folder_of(to));
    let stamp = Stamp::of(from).on(from, "looked at")?;
    let (temporary, file) = disk::new_temporary(target, "move").on(target, "written in")?;
    let copy = || -> Result<_, MoveError> {
        let content = disk::duplicate(from, &file).on(from, "copied")?;
        if disk::content(&temporary, u64::MAX).on(&temporary, "read")? != content {
            Err(io::Error::from(io::ErrorKind::InvalidData)).on(&temporary, "verified")?;
        }
        disk::dress(&file, &stamp).on(&temporary, "written")?;
        disk::rename_new(&temporary, to).on(to, "named")?;
        Ok(content)
    };
    let content = match copy() {
        Ok(content) => content,
        Err(error) => {
            disk::remove(&temporary).on(&temporary, "removed")?;
            return Err(error);
        }
    };
    disk::sync_folder(target).on(target, "synced")?;
    steps.at(Step::Copied).on(from, "moved")?;
    if from.extension().is_some_and(|extension| extension == "jsonl") {
        // The other disk has a file of its own: who has this one open would write on here.
        let now = SystemTime::now();
        let linger = Duration::ZERO;
        let retiree =
            Retiree { plain: from, stamp: &stamp, content, other: to, now, linger, steps };
        if !matches!(retiree.retire()?, Retired::Freed | Retired::Gone) {
            return Err(MoveError::Changed { path: from.to_owned() });
        }
    } else {
        disk::remove(from).on(from, "removed")?;
    }
    disk::sync_folder(source).on(source, "synced")?;
    Ok(steps.at(Step::Moved).on(from, "moved")?)
}
