//! Taking a bundle in: all of it, or nothing.
//!
//! The bundle is checked as a whole and laid out in a folder of its own first; only then do its
//! logs get their places, none over another file. If one cannot, those that have got theirs are
//! taken back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::manifest::{BundledLog, Manifest};
use super::{HEAD_BYTES, read};
use crate::error::{BundleProblem, ImportError, OnFile};
use crate::files::disk::{self, from_unix_ms};
use crate::files::steps::{Steps, is_kill};
use crate::home::Home;
use crate::source::RolloutName;
use crate::store::Store;

/// How the names begin of folders that bundles are laid out in.
const STAGE: &str = "rollfold-import-";

/// How old such a folder is that nobody needs (R247).
const STALE_AFTER: Duration = Duration::from_secs(6 * 60 * 60);

const BUFFER_BYTES: usize = 256 * 1024;

/// How a bundle is taken in.
#[derive(Clone, Copy)]
pub struct ImportOptions<'o> {
    /// Bytes of logs that are taken in at most.
    pub bytes_max: u64,
    /// Prefixes of paths as the logs have them, and what to show instead; kept in the store, the
    /// logs stay as they are.
    pub overlay: Option<(&'o Store, &'o [(String, String)])>,
    /// Only checks the bundle and says what would happen.
    pub is_dry_run: bool,
}

impl Default for ImportOptions<'_> {
    fn default() -> Self {
        Self { bytes_max: 16 * 1024 * 1024 * 1024, overlay: None, is_dry_run: false }
    }
}

/// What a bundle was to a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportedAs {
    /// Nothing of it was there.
    New,
    /// A part of it was there; the rest was added.
    Completed,
    /// All of it was there. Nothing was changed.
    AlreadyThere,
}

/// What was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// What it was to the home.
    pub outcome: ImportedAs,
    /// What is in the bundle.
    pub manifest: Manifest,
    /// The files that were added.
    pub added: Vec<PathBuf>,
}

/// Takes a bundle into a home: its logs get their names, times and bytes, each in the folder its
/// name belongs in. Either all of it is taken in, or nothing is changed.
///
/// # Errors
/// When it is no whole and honest bundle, when threads in it are there with other bytes, or when the
/// system refuses something.
pub fn import(
    home: &Home,
    bundle: impl AsRef<Path>,
    options: &ImportOptions<'_>,
) -> Result<Imported, ImportError> {
    import_with(home, bundle, options, Steps::default())
}

/// As [`import`], with somebody in between.
///
/// # Errors
/// As [`import`].
pub fn import_with(
    home: &Home,
    bundle: impl AsRef<Path>,
    options: &ImportOptions<'_>,
    steps: Steps<'_>,
) -> Result<Imported, ImportError> {
    let path = bundle.as_ref();
    let file = File::open(path).on(path, "opened")?;
    let is_file = file.metadata().on(path, "looked at")?.is_file();
    let refused = |problem| ImportError::Bundle { path: path.to_owned(), problem };
    if !is_file {
        return Err(refused(BundleProblem::NoBundle));
    }
    let manifest = read::manifest(&file, path, options.bytes_max)?;
    let import = Import { home, bundle: path, options, steps };
    import.run(&file, manifest)
}

pub(super) struct Import<'i> {
    pub(super) home: &'i Home,
    bundle: &'i Path,
    pub(super) options: &'i ImportOptions<'i>,
    pub(super) steps: Steps<'i>,
}

/// The folder that a bundle is laid out in.
struct Stage {
    folder: PathBuf,
    /// The folders it is in that were not there before.
    made: Vec<PathBuf>,
}

/// A log of a bundle and where it goes.
pub(super) struct Placed<'m> {
    pub(super) log: &'m BundledLog,
    pub(super) name: RolloutName,
    pub(super) to: PathBuf,
    is_there: bool,
}

impl Import<'_> {
    fn refused(&self, problem: BundleProblem) -> ImportError {
        ImportError::Bundle { path: self.bundle.to_owned(), problem }
    }

    fn run(&self, file: &File, manifest: Manifest) -> Result<Imported, ImportError> {
        let mut placed = Vec::new();
        for log in &manifest.logs {
            let name = log.rollout_name().map_err(|problem| self.refused(problem))?;
            placed.push(Placed { to: self.target(log, &name), log, name, is_there: false });
        }
        self.look(&mut placed)?;
        let stage = match self.options.is_dry_run {
            true => None,
            false => Some(self.stage()?),
        };
        // Also what is there already: a bundle that is damaged is not said to be there.
        let folder = stage.as_ref().map(|stage| stage.folder.as_path());
        let done = self.unpack(file, &placed, folder);
        let done = done.and_then(|staged| match self.options.is_dry_run {
            true => Ok((Vec::new(), 0)),
            false => self.place(&placed, &staged, &manifest),
        });
        let is_killed = done.as_ref().is_err_and(is_killed);
        if let Some(stage) = stage.filter(|_| !is_killed) {
            disk::remove_folder(&stage.folder).on(&stage.folder, "removed")?;
            if done.is_err() {
                disk::remove_empty_folders(&stage.made);
            }
        }
        let (added, len_names) = done?;
        let is_any_there = placed.iter().any(|placed| placed.is_there);
        let is_all_there = len_names == 0 && placed.iter().all(|placed| placed.is_there);
        let outcome = match (is_all_there, is_any_there) {
            (true, _) => ImportedAs::AlreadyThere,
            (false, true) => ImportedAs::Completed,
            (false, false) => ImportedAs::New,
        };
        Ok(Imported { outcome, manifest, added })
    }

    fn target(&self, log: &BundledLog, name: &RolloutName) -> PathBuf {
        let folder = match log.is_archived {
            true => self.home.archived_dir(),
            false => self.home.dated_dir(name),
        };
        folder.join(&log.name)
    }

    /// Looks which logs are there: the same ones, in whatever form and folder, and no others of
    /// their threads.
    fn look(&self, placed: &mut [Placed<'_>]) -> Result<(), ImportError> {
        let scan = match self.home.root().exists() {
            true => self.home.scan()?,
            false => return Ok(()),
        };
        let lower = |text: &str| text.to_ascii_lowercase();
        let threads: BTreeSet<String> =
            placed.iter().map(|placed| lower(placed.name.thread_id())).collect();
        let names = placed.iter_mut().map(|placed| (lower(placed.name.as_str()), placed));
        let mut by_name: BTreeMap<String, &mut Placed<'_>> = names.collect();
        for found in &scan.files {
            let Some(name) = &found.name else { continue };
            if !threads.contains(&lower(name.thread_id())) {
                continue;
            }
            let other_bytes = || ImportError::OtherBytes {
                thread_id: name.thread_id().to_owned(),
                path: found.file_path(),
            };
            let same = by_name.get_mut(&lower(name.as_str())).ok_or_else(other_bytes)?;
            if digest_of(&found.path)? != (same.log.len_bytes, lower(&same.log.blake3)) {
                return Err(other_bytes());
            }
            same.is_there = true;
        }
        Ok(())
    }

    /// A new folder in the home, for its owner only. Those that imports have left which did not end
    /// are removed.
    fn stage(&self) -> Result<Stage, ImportError> {
        let parent = self.home.root().join(".tmp");
        let made = disk::make_new_folders(&parent).on(&parent, "made")?;
        disk::remove_stale_folders(&parent, STAGE, STALE_AFTER).on(&parent, "cleaned up")?;
        let folder = disk::new_temporary_folder(&parent, STAGE).on(&parent, "written in")?;
        Ok(Stage { folder, made })
    }

    /// Checks every log of the bundle, and lays out those that are not there.
    fn unpack(
        &self,
        mut file: &File,
        placed: &[Placed<'_>],
        stage: Option<&Path>,
    ) -> Result<Vec<(usize, PathBuf)>, ImportError> {
        let mut staged = Vec::new();
        let mut start_bytes = HEAD_BYTES;
        for (number, placed) in placed.iter().enumerate() {
            file.seek(SeekFrom::Start(start_bytes)).on(self.bundle, "read")?;
            start_bytes = start_bytes.saturating_add(placed.log.packed_bytes);
            let packed = file.take(placed.log.packed_bytes);
            match stage.filter(|_| !placed.is_there) {
                Some(stage) => {
                    let path = stage.join(format!("{number}.jsonl"));
                    let out = disk::new_file(&path).on(&path, "made")?;
                    let refused = |problem| self.refused(problem);
                    read::unpack_log(packed, placed.log, &mut &out, &path, &refused)?;
                    let modified = from_unix_ms(placed.log.modified_unix_ms);
                    disk::finish(&out, modified).on(&path, "written")?;
                    staged.push((number, path));
                }
                None => {
                    let refused = |problem| self.refused(problem);
                    read::unpack_log(packed, placed.log, &mut io::sink(), self.bundle, &refused)?;
                }
            }
        }
        Ok(staged)
    }
}

pub(super) fn is_killed(error: &ImportError) -> bool {
    let source = match error {
        ImportError::File(error) | ImportError::Move(crate::error::MoveError::File(error)) => {
            &error.source
        }
        _ => return false,
    };
    is_kill(source)
}

/// Length and digest of a log that is there, in whichever form.
fn digest_of(path: &Path) -> Result<(u64, String), ImportError> {
    use crate::disk::FileSource;
    use crate::source::LogSource;
    let source = FileSource::open(path).map_err(io::Error::other).on(path, "read")?;
    let mut digester = blake3::Hasher::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut len_bytes = 0;
    loop {
        let len = match source.read_at(len_bytes, &mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.on(path, "read")?,
        };
        if len == 0 {
            return Ok((len_bytes, digester.finalize().to_hex().to_string()));
        }
        digester.update(buffer.get(..len).unwrap_or_default());
        len_bytes += len as u64;
    }
}
