//! One log compressed: the compressed form is made, compared with the plain one, and published
//! before the plain one goes.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::PROGRAM;
use super::aside::{Retired, Retiree};
use super::disk::{self, Content, Stamp};
use super::steps::{Step, Steps, is_kill};
use crate::error::{FileError, LockError, OnFile};
use crate::home::Home;
use crate::lock::ThreadLock;
use crate::source::RolloutName;

/// How old a compressed form is that nobody is working with. The reference takes its own away again
/// when the plain form changes meanwhile (R245), its name included.
const SETTLED_AFTER: Duration = Duration::from_secs(30);

/// What became of a log (R248).
#[derive(Debug)]
#[non_exhaustive]
pub enum CompressOutcome {
    /// It is compressed now.
    Compressed {
        /// Bytes of its plain form.
        plain_bytes: u64,
        /// Bytes of its compressed form.
        packed_bytes: u64,
        /// Whether the plain form's room is free already. Where the system does not tell who has
        /// a file open, the plain form is kept under a hidden name for a while.
        is_freed: bool,
    },
    /// It would be, were this no dry run.
    Compressible {
        /// Bytes of its plain form.
        plain_bytes: u64,
    },
    /// It was written too recently.
    NotCold,
    /// It changed, or went, while it was being compressed.
    Changed,
    /// A writer has it.
    InUse,
    /// It is compressed, and there is no plain form.
    AlreadyCompressed,
    /// Both forms are there, and the compressed one holds what the plain one, which counts, does
    /// not. They are left as they are.
    FormsDiffer,
    /// Other files go on from it, or it goes on from another one (A25).
    Referenced,
    /// A link, or a file with several names.
    Linked,
    /// The time of the run was over.
    OutOfTime,
    /// The system refused something; the log is as readable as before.
    Failed(FileError),
}

impl CompressOutcome {
    /// Its name, as the reference counts them where it has it (R248).
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Compressed { .. } => "compressed",
            Self::Compressible { .. } => "compressible",
            Self::NotCold => "skipped_not_cold",
            Self::Changed => "skipped_changed",
            Self::InUse => "skipped_in_use",
            Self::AlreadyCompressed => "skipped_already_compressed",
            Self::FormsDiffer => "skipped_forms_differ",
            Self::Referenced => "skipped_referenced",
            Self::Linked => "skipped_linked",
            Self::OutOfTime => "skipped_out_of_time",
            Self::Failed(_) => "failed",
        }
    }
}

/// One log and what holds for its compression.
pub(crate) struct Job<'j> {
    pub(crate) home: &'j Home,
    pub(crate) name: &'j RolloutName,
    pub(crate) plain: &'j Path,
    pub(crate) packed: PathBuf,
    pub(crate) now: SystemTime,
    pub(crate) cold_after: Duration,
    pub(crate) linger: Duration,
    pub(crate) is_dry_run: bool,
    pub(crate) steps: Steps<'j>,
}

impl Job<'_> {
    pub(crate) fn run(&self) -> Result<CompressOutcome, FileError> {
        let stamp = match Stamp::of(self.plain) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(CompressOutcome::Changed);
            }
            stamp => stamp.on(self.plain, "looked at")?,
        };
        if !stamp.is_lone_file() {
            return Ok(CompressOutcome::Linked);
        }
        // A time in the future is none from long ago.
        if self.now.duration_since(stamp.modified).is_ok_and(|age| age < self.cold_after)
            || stamp.modified > self.now
        {
            return Ok(CompressOutcome::NotCold);
        }
        if self.is_dry_run {
            return Ok(CompressOutcome::Compressible { plain_bytes: stamp.len_bytes });
        }
        let _lock = match ThreadLock::acquire(self.home, self.name.thread_id(), PROGRAM) {
            Ok(lock) => lock,
            Err(LockError::Held { .. }) => return Ok(CompressOutcome::InUse),
            Err(LockError::Io { path, source }) => {
                return Err(FileError { path, doing: "locked", source });
            }
        };
        self.at(Step::Begun)?;
        let content = match self.of_packed(&stamp)? {
            Packed::Missing => match self.pack(&stamp)? {
                Some(content) => content,
                None => return Ok(CompressOutcome::Changed),
            },
            Packed::Same(content) => content,
            Packed::Differs => return Ok(CompressOutcome::FormsDiffer),
            Packed::New => return Ok(CompressOutcome::InUse),
        };
        let packed_bytes = Stamp::of(&self.packed).on(&self.packed, "looked at")?.len_bytes;
        let retiree = Retiree {
            plain: self.plain,
            stamp: &stamp,
            content,
            other: &self.packed,
            now: self.now,
            linger: self.linger,
            steps: self.steps,
        };
        let retired = retiree.retire()?;
        let plain_bytes = content.len_bytes;
        Ok(match retired {
            Retired::Freed => {
                CompressOutcome::Compressed { plain_bytes, packed_bytes, is_freed: true }
            }
            Retired::Kept => {
                CompressOutcome::Compressed { plain_bytes, packed_bytes, is_freed: false }
            }
            Retired::Gone | Retired::Changed => CompressOutcome::Changed,
            Retired::Held => CompressOutcome::InUse,
        })
    }

    pub(crate) fn at(&self, step: Step) -> Result<(), FileError> {
        self.steps.at(step).on(self.plain, "compressed")
    }

    /// What a compressed form holds that is there already: what a crash left of a compression or
    /// of a materialization, or something else.
    fn of_packed(&self, stamp: &Stamp) -> Result<Packed, FileError> {
        let packed = &self.packed;
        if !disk::is_there(packed).on(packed, "looked at")? {
            return Ok(Packed::Missing);
        }
        let touched = disk::last_touched(packed).on(packed, "looked at")?;
        if self.now.duration_since(touched).is_ok_and(|age| age < SETTLED_AFTER) {
            return Ok(Packed::New);
        }
        // What does not decode as a whole is not more than what does.
        let Ok(unpacked) = disk::unpacked_content(packed, u64::MAX) else {
            return Ok(Packed::Differs);
        };
        let start = disk::content(self.plain, unpacked.len_bytes).on(self.plain, "read")?;
        if start != unpacked {
            return Ok(Packed::Differs);
        }
        if unpacked.len_bytes == stamp.len_bytes {
            return Ok(Packed::Same(unpacked));
        }
        // The plain one has all of it, and more.
        disk::remove(packed).on(packed, "removed")?;
        Ok(Packed::Missing)
    }

    /// Makes the compressed form and gives it its name; `None` if the log changed meanwhile.
    fn pack(&self, stamp: &Stamp) -> Result<Option<Content>, FileError> {
        let folder = disk::folder_of(self.plain);
        let (temporary, file) = disk::new_temporary(folder, "compress").on(folder, "written in")?;
        let packed = self.pack_into(stamp, &temporary, &file);
        match packed {
            // As after a kill, nothing may be cleaned up.
            Err(error) if is_kill(&error.source) => return Err(error),
            Ok(Some(_)) => {}
            _ => disk::remove(&temporary).on(&temporary, "removed")?,
        }
        packed
    }

    fn pack_into(
        &self,
        stamp: &Stamp,
        temporary: &Path,
        file: &File,
    ) -> Result<Option<Content>, FileError> {
        let content = disk::pack(self.plain, stamp.len_bytes, file).on(self.plain, "compressed")?;
        if content.len_bytes != stamp.len_bytes {
            return Ok(None);
        }
        self.at(Step::Written)?;
        // A checksum tells that it decodes, not that it is what was read.
        let unpacked = disk::unpacked_content(temporary, u64::MAX).on(temporary, "read")?;
        if unpacked != content {
            return Err(io::Error::from(io::ErrorKind::InvalidData)).on(temporary, "verified");
        }
        self.at(Step::Verified)?;
        disk::dress(file, stamp).on(temporary, "written")?;
        self.at(Step::Dressed)?;
        if !self.is_as(stamp)? {
            return Ok(None);
        }
        match disk::rename_new(temporary, &self.packed) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            renamed => renamed.on(&self.packed, "named")?,
        }
        let folder = disk::folder_of(self.plain);
        disk::sync_folder(folder).on(folder, "synced")?;
        self.at(Step::Published)?;
        Ok(Some(content))
    }

    fn is_as(&self, stamp: &Stamp) -> Result<bool, FileError> {
        match Stamp::of(self.plain) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            now => Ok(now.on(self.plain, "looked at")? == *stamp),
        }
    }
}

enum Packed {
    Missing,
    Same(Content),
    Differs,
    /// So new that somebody may be about to do something with it.
    New,
}
