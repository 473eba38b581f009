//! The sync of homes: every log found in them, as often as anybody likes at the cost of what
//! changed. A file that the system says is as it was is not opened.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::commit::Target;
use crate::disk::{FileSource, path_bytes};
use crate::error::{QueryError, StoreError, SyncFileError};
use crate::home::{Form, Found, Home, HomeError, Scan};
use crate::rows::files::{FileEntry, FileRow, FileWriter, Role, number_home};
use crate::source::{Chain, LogSource};
use crate::store::Store;
use crate::sync::all::{Hand, LogEnd, Settled, fold_all, fold_log};
use crate::sync::writer::{Parcel, Told};
use crate::sync::{Outcome, SyncOptions, Synced};

use super::bases::{AllBases, Bases};
use super::due::{Due, Job, due};

/// What became of one file.
#[derive(Debug)]
pub struct FileReport {
    /// The home it is in, by its place among those that are synced.
    pub home: usize,
    /// Where its plain form is, or would be.
    pub path: PathBuf,
    /// The key by which the store knows its log.
    pub key: String,
    /// What became of it.
    pub outcome: FileOutcome,
}

/// What became of a file.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileOutcome {
    /// It was opened and what was new in it was folded.
    Synced(Box<Synced>),
    /// It was not synced, or not to its end.
    Failed(SyncFileError),
    /// It has the name of another, which is the log that is read: of copies the one with most bytes,
    /// the plain form before the compressed; of equal ones the one that was not archived, then the
    /// one in its place, then the first.
    Copy {
        /// The other.
        of: PathBuf,
    },
    /// It is not there any more. What was folded of it stays.
    Gone,
}

/// Homes were not synced. What was committed stays, and the next sync goes on from there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HomesError {
    /// A home cannot be read.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was synced cannot be shown.
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl HomesError {
    /// Whether setting the store aside and syncing again helps.
    #[must_use]
    pub fn wants_rebuild(&self) -> bool {
        match self {
            Self::Home(_) => false,
            Self::Store(error) => error.wants_rebuild(),
            Self::Query(error) => error.wants_rebuild(),
        }
    }
}

/// How far a sync of homes has come, after each transaction.
#[derive(Debug)]
pub struct HomesProgress<'p> {
    /// Files that are done, whatever became of them; those left unopened among them.
    pub files: usize,
    /// Files there are.
    pub total_files: usize,
    /// Bytes of the files to be opened that are done.
    pub bytes: u64,
    /// Bytes of the files to be opened.
    pub total_bytes: u64,
    /// A log that is under way.
    pub current: Option<&'p str>,
    /// What became of the files that were done since the last call; those left unopened not among
    /// them.
    pub done: &'p [FileReport],
}

/// What a sync of homes did.
#[derive(Debug, Default)]
pub struct HomesSynced {
    /// Rollout files there are.
    pub found: usize,
    /// Files not opened, or found to be as they were.
    pub unchanged: usize,
    /// Logs the store had not known.
    pub new: usize,
    /// Logs that had grown.
    pub appended: usize,
    /// Logs that had been rewritten.
    pub rewritten: usize,
    /// Files that are not read, since another has their name.
    pub copies: usize,
    /// Files that are not there any more, and were when it was last looked.
    pub gone: usize,
    /// Files that were not synced, or not to their end.
    pub failed: usize,
    /// Entries among the files that are no rollouts.
    pub strays: usize,
    /// Lines folded.
    pub lines: u64,
    /// Bytes read of files.
    pub bytes_read: u64,
    /// Whether the caller stopped it before the end.
    pub is_stopped: bool,
}

impl HomesSynced {
    fn count(&mut self, outcome: &FileOutcome) {
        let count = match outcome {
            FileOutcome::Failed(_) => &mut self.failed,
            FileOutcome::Copy { .. } => &mut self.copies,
            FileOutcome::Gone => &mut self.gone,
            FileOutcome::Synced(synced) => {
                self.lines += synced.lines;
                self.bytes_read += synced.bytes_read;
                match synced.outcome {
                    Outcome::New => &mut self.new,
                    Outcome::Appended => &mut self.appended,
                    Outcome::Rewritten { .. } => &mut self.rewritten,
                    Outcome::Unchanged => &mut self.unchanged,
                }
            }
        };
        *count += 1;
    }
}

impl Store {
    /// Syncs every log found in these homes, several at once. A second sync costs one `stat` a file
    /// and writes nothing if nothing changed. Files that are moved within a home keep their logs;
    /// of files that are not there any more, what was folded stays. A file that cannot be read
    /// keeps none of the others back. `progress` is called after each transaction; `Break` ends the
    /// sync there, and the next one goes on.
    ///
    /// # Errors
    /// When a home or the store cannot be read, or the store cannot be written.
    pub fn sync_homes(
        &self,
        homes: &[Home],
        options: &SyncOptions,
        progress: impl FnMut(HomesProgress<'_>) -> ControlFlow<()>,
    ) -> Result<HomesSynced, HomesError> {
        let mut scans = Vec::new();
        for home in homes {
            scans.push((home.clone(), home.scan()?));
        }
        Ok(self.sync_scans(&scans, options, progress)?)
    }

    /// As [`Store::sync_homes`], of homes that were scanned before: what changed since is for the
    /// next sync.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn sync_scans(
        &self,
        scans: &[(Home, Scan)],
        options: &SyncOptions,
        mut progress: impl FnMut(HomesProgress<'_>) -> ControlFlow<()>,
    ) -> Result<HomesSynced, StoreError> {
        let bases = AllBases::of(scans);
        let Due { jobs, rows, reports, unchanged } = due(self, scans, options, &bases)?;
        let numbers = self.put_rows(scans, rows)?;
        let mut synced = HomesSynced {
            found: scans.iter().map(|(_, scan)| scan.files.len()).sum(),
            strays: scans.iter().map(|(_, scan)| scan.strays.len()).sum(),
            unchanged,
            ..HomesSynced::default()
        };
        reports.iter().for_each(|report| synced.count(&report.outcome));
        let total_bytes = jobs.iter().map(|job| job.found.identity.len_bytes).sum();
        let (mut bytes, mut files) = (0, unchanged + synced.copies);
        let mut is_stopped = progress(HomesProgress {
            files,
            total_files: synced.found,
            bytes,
            total_bytes,
            current: None,
            done: &reports,
        })
        .is_break();
        if !is_stopped && !jobs.is_empty() {
            let fold = |log: usize, hand: &Hand<'_, LogEnd>| {
                if let Some(job) = jobs.get(log) {
                    let number = numbers.get(job.home).copied().unwrap_or_default();
                    fold_file(self, options, (log, job), number, &bases, hand);
                }
            };
            fold_all(self, options, jobs.len(), &fold, &mut |Told { targets, ended }| {
                let mut done = Vec::new();
                for (log, target, end) in ended {
                    let Some(job) = jobs.get(log) else { continue };
                    let report = report(job, end, target.as_ref());
                    synced.count(&report.outcome);
                    bytes += job.found.identity.len_bytes;
                    files += 1;
                    done.push(report);
                }
                let under_way = targets.iter().filter_map(|(log, target)| {
                    let len_bytes = jobs.get(*log)?.found.identity.len_bytes;
                    Some(target.position.offset_bytes.min(len_bytes))
                });
                let told = progress(HomesProgress {
                    files,
                    total_files: synced.found,
                    bytes: bytes + under_way.sum::<u64>(),
                    total_bytes,
                    current: targets.values().next().map(|target| &*target.key),
                    done: &done,
                });
                is_stopped |= told.is_break();
                told
            })?;
        }
        synced.is_stopped = is_stopped;
        Ok(synced)
    }

    /// Writes what needs no reading of files, and gives the numbers of the homes.
    fn put_rows(
        &self,
        scans: &[(Home, Scan)],
        rows: Vec<(usize, FileEntry)>,
    ) -> Result<Vec<u32>, StoreError> {
        let known = {
            let read = self.begin_read()?;
            let numbers = scans.iter().map(|(home, _)| super::due::number_of(&read, home));
            numbers.collect::<Result<Option<Vec<u32>>, StoreError>>()?
        };
        if let Some(numbers) = known.filter(|_| rows.is_empty()) {
            return Ok(numbers);
        }
        let write = self.begin_write()?;
        let mut numbers = Vec::new();
        for (home, _) in scans {
            numbers.push(number_home(&write, &root_of(home))?);
        }
        {
            let mut files = FileWriter::open(&write)?;
            for (home, mut file) in rows {
                file.home = numbers.get(home).copied().unwrap_or_default();
                files.put(&file)?;
            }
        }
        write.commit()?;
        Ok(numbers)
    }
}

/// By what a home is known.
pub(super) fn root_of(home: &Home) -> Vec<u8> {
    let root = std::path::absolute(home.root());
    path_bytes(root.as_deref().unwrap_or(home.root()))
}

/// Where a file is below its home.
pub(super) fn path_below(home: &Home, path: &Path) -> Vec<u8> {
    path_bytes(path.strip_prefix(home.root()).unwrap_or(path))
}

/// By which choices logs are folded, in few bytes.
pub(super) fn fold_mark(options: &SyncOptions) -> u64 {
    let spelled = serde_json::to_vec(&options.fold).unwrap_or_default();
    xxhash_rust::xxh3::xxh3_64(&spelled)
}

/// What is noted of a file that is not synced yet.
pub(super) fn row_of(found: &Found, role: Role, fold: u64) -> FileRow {
    FileRow {
        key: found.key.clone(),
        identity: found.identity,
        thread: None,
        role,
        is_archived: found.is_archived,
        is_packed: found.form == Form::Compressed,
        is_gone: false,
        fold,
        bases: Vec::new(),
    }
}

/// Folds one file and notes what it was known by.
fn fold_file(
    store: &Store,
    options: &SyncOptions,
    (log, job): (usize, &Job<'_>),
    home: u32,
    bases: &AllBases<'_>,
    hand: &Hand<'_, LogEnd>,
) {
    let bases = Bases::of(bases, job.home);
    let row = row_of(job.found, Role::Unfinished, fold_mark(options));
    let entry = |row: FileRow| {
        let thread = row.thread.or(job.row.as_ref().and_then(|row| row.thread));
        let row = FileRow { thread, ..row };
        let is_new = job.row.as_ref() != Some(&row);
        is_new.then(|| Box::new(FileEntry { home, path: job.path.clone(), row }))
    };
    let failed = |error: SyncFileError| {
        let file = entry(row.clone());
        hand.over(Parcel { file, end: Some(LogEnd::Unopened(Box::new(error))), ..Parcel::of(log) });
    };
    let path = || job.found.path.clone();
    let source = match FileSource::open(&job.found.path) {
        Ok(source) => source.with_key(job.found.key.clone()),
        Err(error) => return failed(error.into()),
    };
    let identity = match source.identity() {
        Ok(identity) => identity.unwrap_or(job.found.identity),
        Err(source) => return failed(SyncFileError::Base { path: path(), source }),
    };
    let is_packed = source.is_forward_only();
    let chain = match Chain::open(Box::new(source), &bases) {
        Ok(chain) => chain,
        Err(source) => return failed(SyncFileError::Base { path: path(), source }),
    };
    fold_log(store, &chain, options, (log, job.is_new), hand, |end, thread| {
        let role = match end {
            LogEnd::Unchanged(_) | LogEnd::Folded(_) => Role::Folded,
            LogEnd::Failed(_) | LogEnd::Unopened(_) => Role::Unfinished,
        };
        entry(FileRow { role, identity, thread, is_packed, bases: bases.asked(), ..row.clone() })
    });
}

fn report(job: &Job<'_>, end: LogEnd, target: Option<&Target>) -> FileReport {
    let path = job.found.path.clone();
    let outcome = match end.settle(target) {
        Settled::Synced(synced) => FileOutcome::Synced(synced),
        Settled::Failed(source) => {
            FileOutcome::Failed(SyncFileError::Sync { path: path.clone(), source })
        }
        Settled::Unopened(error) => FileOutcome::Failed(*error),
    };
    FileReport { home: job.home, path, key: job.found.key.clone(), outcome }
}
