//! How a plain log goes once its compressed form is there, whoever may be writing it meanwhile.
//!
//! A writer that knows the thread's lock is kept out by it. One that does not either has the plain
//! file open, or opens it by its name. So the file gets a hidden name first: from then on nobody
//! can open it, and who looks for the log finds the compressed form. Then, if the system tells that
//! nobody has it open and it still is what was compressed, nobody can ever write it again, and it
//! is removed. If somebody has it open, or it changed, it gets its name back, and the compressed
//! form goes. Where the system does not tell who has it open, it stays under its hidden name until
//! a later run, which looks again.
//!
//! A hidden name says what is known of the file, so that nothing is added to the log twice:
//! `.<name>.<common bytes>-<known bytes>-<unix seconds>.aside`. Nobody else removes such files; what
//! ends in `.tmp` the reference does (R247).

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::PROGRAM;
use super::disk::{self, Content, Stamp};
use super::holders::Holders;
use super::materialize::materialize;
use super::steps::{Step, Steps, is_kill};
use crate::disk::forms_of;
use crate::error::{FileError, LockError, MaterializeError, OnFile};
use crate::home::Home;
use crate::lock::ThreadLock;
use crate::source::RolloutName;

const ENDING: &str = ".aside";

/// How long a file is kept under a hidden name where the system does not tell who has it open.
pub(crate) const LINGER: Duration = Duration::from_secs(6 * 60 * 60);

/// What became of a plain file that is no longer needed.
pub(crate) enum Retired {
    Freed,
    /// It is there still, under a hidden name.
    Kept,
    /// It had gone already.
    Gone,
    /// It changed, and is there again.
    Changed,
    /// Somebody has it open, and it is there again.
    Held,
}

/// A plain file that is no longer needed.
#[derive(Debug)]
pub(crate) struct Retiree<'r> {
    pub(crate) plain: &'r Path,
    /// What it was when its content was read.
    pub(crate) stamp: &'r Stamp,
    /// What another file holds now.
    pub(crate) content: Content,
    /// That other file.
    pub(crate) other: &'r Path,
    pub(crate) now: SystemTime,
    /// How long it is kept where the system does not tell who has it open.
    pub(crate) linger: Duration,
    pub(crate) steps: Steps<'r>,
}

impl Retiree<'_> {
    fn at(&self, step: Step) -> Result<(), FileError> {
        self.steps.at(step).on(self.plain, "removed")
    }

    /// Takes the file away. If it must stay, the other one goes that holds what it held.
    pub(crate) fn retire(&self) -> Result<Retired, FileError> {
        let other = Stamp::of(self.other).on(self.other, "looked at")?;
        let aside = Aside::new(self.plain, self.content.len_bytes, self.now);
        match disk::rename_new(self.plain, &aside.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Until now this file was the log: who took it away meant the log.
                return self.undo(&other).map(|()| Retired::Gone);
            }
            renamed => renamed.on(self.plain, "renamed")?,
        }
        let checked = aside.check(self, &other);
        match checked {
            Ok(Retired::Freed | Retired::Kept) => checked,
            Err(error) if is_kill(&error.source) => Err(error),
            // Whatever could not be found out: this file is the log again.
            _ => {
                if aside.restore()? {
                    self.undo(&other)?;
                }
                self.at(Step::Restored)?;
                checked
            }
        }
    }

    /// Takes the other file away, unless somebody has put another in its place.
    fn undo(&self, other: &Stamp) -> Result<(), FileError> {
        if Stamp::of(self.other).is_ok_and(|now| now == *other) {
            disk::remove(self.other).on(self.other, "removed")?;
            let folder = disk::folder_of(self.other);
            disk::sync_folder(folder).on(folder, "synced")?;
        }
        Ok(())
    }

    /// Whether what the file held is still in the other one, or in one that somebody has made of
    /// that meanwhile.
    fn is_elsewhere(&self, other: &Stamp) -> bool {
        let len_bytes = self.content.len_bytes;
        Stamp::of(self.other).is_ok_and(|now| now == *other)
            || disk::content(self.plain, len_bytes).is_ok_and(|start| start == self.content)
    }
}

/// What was done with a plain file that a run found under its hidden name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tended {
    /// It is gone; the log has all that was in it.
    Removed,
    /// It has its name again.
    Restored,
    /// What was written to it was added to the log.
    Merged,
    /// It stays for now: somebody has it open, or may have.
    Kept,
    /// It holds something else than the log of its name; it is left as it is.
    Differs,
}

/// A plain file under its hidden name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Aside {
    path: PathBuf,
    plain: PathBuf,
    /// The bytes it has in common with every form of the log.
    common_bytes: u64,
    /// How many of its bytes the log has without it: these, and what was added to the log since.
    known_bytes: u64,
    since_unix_s: u64,
}

impl Aside {
    fn new(plain: &Path, common_bytes: u64, now: SystemTime) -> Self {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let aside = Self {
            path: PathBuf::new(),
            plain: plain.to_owned(),
            common_bytes,
            known_bytes: common_bytes,
            since_unix_s: since.as_secs(),
        };
        aside.named()
    }

    /// With the path that says what is known of it.
    fn named(self) -> Self {
        let Self { plain, common_bytes, known_bytes, since_unix_s, .. } = &self;
        let mut name = OsString::from(".");
        name.push(plain.file_name().unwrap_or_default());
        name.push(format!(".{common_bytes}-{known_bytes}-{since_unix_s}{ENDING}"));
        Self { path: plain.with_file_name(name), ..self }
    }

    /// Reads a hidden name.
    pub(crate) fn parse(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.strip_prefix('.')?.strip_suffix(ENDING)?;
        let (name, numbers) = name.rsplit_once('.')?;
        let mut numbers = numbers.split('-').map(|number| number.parse().ok());
        let aside = Self {
            plain: path.with_file_name(name),
            path: path.to_owned(),
            common_bytes: numbers.next()??,
            known_bytes: numbers.next()??,
            since_unix_s: numbers.next()??,
        };
        let is_log = name.ends_with(".jsonl") && RolloutName::parse(name).is_some();
        (is_log && numbers.next().is_none()).then_some(aside)
    }

    fn check(&self, of: &Retiree<'_>, other: &Stamp) -> Result<Retired, FileError> {
        let (path, folder) = (&self.path, disk::folder_of(&self.path));
        disk::sync_folder(folder).on(folder, "synced")?;
        of.at(Step::SetAside)?;
        let holders = of.steps.holders_of(path);
        if holders == Holders::Some {
            return Ok(Retired::Held);
        }
        of.at(Step::Alone)?;
        let is_same = Stamp::of(path).on(path, "looked at")? == *of.stamp
            && disk::content(path, u64::MAX).on(path, "read")? == of.content;
        if !is_same {
            return Ok(Retired::Changed);
        }
        of.at(Step::Compared)?;
        if !of.is_elsewhere(other) {
            return Ok(Retired::Changed);
        }
        if holders == Holders::Unknown && !of.linger.is_zero() {
            return Ok(Retired::Kept);
        }
        self.remove()?;
        of.at(Step::Removed)?;
        Ok(Retired::Freed)
    }

    fn remove(&self) -> Result<(), FileError> {
        disk::remove(&self.path).on(&self.path, "removed")?;
        let folder = disk::folder_of(&self.path);
        disk::sync_folder(folder).on(folder, "synced")
    }

    /// Gives the file its name back. If somebody has made another one of that name meanwhile, that
    /// one gets what this one has more; then this is false.
    fn restore(&self) -> Result<bool, FileError> {
        match disk::rename_new(&self.path, &self.plain) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return self.merge(false).map(|_| false);
            }
            renamed => renamed.on(&self.path, "renamed")?,
        }
        let folder = disk::folder_of(&self.path);
        disk::sync_folder(folder).on(folder, "synced").map(|()| true)
    }

    /// The plain file's own path.
    pub(crate) fn plain(&self) -> &Path {
        &self.plain
    }

    /// The thread whose file it is.
    pub(crate) fn thread_id(&self) -> Option<String> {
        let name = self.plain.file_name().and_then(|name| RolloutName::parse(name.to_str()?))?;
        Some(name.thread_id().to_ascii_lowercase())
    }

    /// Adds to the plain form what this file has more; while it is written, whole lines only.
    fn merge(&self, is_final: bool) -> Result<Self, FileError> {
        let added = disk::append_rest(&self.path, self.known_bytes, &self.plain, is_final);
        let added = added.on(&self.plain, "written")?;
        if added == 0 {
            return Ok(self.clone());
        }
        let merged = Self { known_bytes: self.known_bytes + added, ..self.clone() }.named();
        disk::rename_new(&self.path, &merged.path).on(&self.path, "renamed")?;
        Ok(merged)
    }

    /// Does what is left to do with a file that was found under its hidden name.
    pub(crate) fn tend(
        &self,
        home: &Home,
        linger: Duration,
        now: SystemTime,
        steps: Steps<'_>,
    ) -> Result<Tended, FileError> {
        let (path, plain) = (&self.path, &self.plain);
        let name = plain.file_name().and_then(|name| RolloutName::parse(name.to_str()?));
        let Some(name) = name else { return Ok(Tended::Differs) };
        let _lock = match ThreadLock::acquire(home, name.thread_id(), PROGRAM) {
            Ok(lock) => lock,
            Err(LockError::Held { .. }) => return Ok(Tended::Kept),
            Err(LockError::Io { path, source }) => {
                return Err(FileError { path, doing: "locked", source });
            }
        };
        steps.at(Step::Begun).on(path, "tended")?;
        let holders = steps.holders_of(path);
        let is_free = match holders {
            Holders::None => true,
            Holders::Some => false,
            Holders::Unknown => self.age(now) >= linger,
        };
        if disk::is_there(plain).on(plain, "looked at")? {
            let start = disk::content(plain, self.common_bytes).on(plain, "read")?;
            if start != disk::content(path, self.common_bytes).on(path, "read")? {
                return Ok(Tended::Differs);
            }
            let merged = self.merge(is_free)?;
            let tended = if merged == *self { Tended::Kept } else { Tended::Merged };
            return merged.remove_if(is_free, tended);
        }
        self.tend_behind_packed(holders, is_free)
    }

    /// The same, where the log has no plain form.
    fn tend_behind_packed(&self, holders: Holders, is_free: bool) -> Result<Tended, FileError> {
        let (path, plain) = (&self.path, &self.plain);
        let (_, packed) = forms_of(plain);
        let restored = || disk::rename_new(path, plain).on(path, "renamed");
        let Ok(whole) = disk::unpacked_content(&packed, u64::MAX) else {
            return restored().map(|()| Tended::Restored);
        };
        let len_bytes = Stamp::of(path).on(path, "looked at")?.len_bytes;
        let has_more = len_bytes > self.known_bytes;
        // The log may have got lines that are not in here: then it may not stand for the log.
        let has_all = whole.len_bytes <= len_bytes
            && disk::content(path, whole.len_bytes).on(path, "read")? == whole;
        if has_all && (has_more || holders == Holders::Some || whole.len_bytes < self.known_bytes) {
            return restored().map(|()| Tended::Restored);
        }
        let common = disk::unpacked_content(&packed, self.common_bytes).ok();
        if common != Some(disk::content(path, self.common_bytes).on(path, "read")?) {
            return Ok(Tended::Differs);
        }
        if !has_more {
            return self.remove_if(is_free, Tended::Kept);
        }
        match materialize(plain) {
            Ok(_) => {}
            Err(MaterializeError::File(error)) => return Err(error),
            // It was whole just now: next time.
            Err(_) => return Ok(Tended::Kept),
        }
        self.merge(is_free)?.remove_if(is_free, Tended::Merged)
    }

    fn age(&self, now: SystemTime) -> Duration {
        let since = UNIX_EPOCH.checked_add(Duration::from_secs(self.since_unix_s));
        since.and_then(|since| now.duration_since(since).ok()).unwrap_or_default()
    }

    fn remove_if(&self, is_free: bool, tended: Tended) -> Result<Tended, FileError> {
        if is_free {
            self.remove()?;
        }
        Ok(if is_free && tended == Tended::Kept { Tended::Removed } else { tended })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_names_read_back() {
        let plain = Path::new(
            "/home/rollout-2026-03-01T10-00-00-019bb0c0-0000-7000-8000-000000000001.jsonl",
        );
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let aside = Aside::new(plain, 17, now);
        assert_eq!(Aside::parse(&aside.path), Some(aside.clone()));
        assert_eq!(aside.age(now + Duration::from_secs(5)), Duration::from_secs(5));
        assert_eq!(aside.age(UNIX_EPOCH), Duration::ZERO);
        let name = aside.path.file_name().unwrap().to_str().unwrap();
        for other in [
            name.trim_start_matches('.').to_owned(),
            name.replace("-1800000000", ""),
            name.replace(".jsonl", ""),
            name.replace("17-17", "17-x"),
            ".aside".into(),
            "..aside".into(),
        ] {
            assert_eq!(Aside::parse(Path::new(&other)), None, "{other}");
        }
    }
}
