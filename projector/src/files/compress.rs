//! A run of compression over a home: which logs, what became of each, what it saved.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::aside::{Aside, LINGER, Tended};
use super::disk::{self, Stamp};
use super::lock::maintenance;
use super::marker::{self, Claim, Marker};
use super::pack::{CompressOutcome, Job};
use super::references::References;
use super::steps::Steps;
use crate::error::{CompressError, FileError, OnFile};
use crate::home::{Form, Found, Home, Scan, StrayReason};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// What a run of compression does.
#[derive(Debug, Clone)]
pub struct CompressOptions {
    /// How long a log was not written that is cold.
    pub cold_after: Duration,
    /// The threads whose logs are looked at; none means all.
    pub threads: Vec<String>,
    /// Only says what would happen.
    pub is_dry_run: bool,
    /// Begins though another run was less than six hours ago (R244).
    pub is_forced: bool,
    /// Logs compressed at once.
    pub jobs: usize,
    /// After how long no other log is begun.
    pub time_limit: Duration,
    /// How old files are that were left over from operations that did not end (R247).
    pub stale_after: Duration,
    /// How long a plain file is kept under a hidden name where the system does not tell who has it
    /// open.
    pub linger: Duration,
    /// What time it is.
    pub now: SystemTime,
}

impl Default for CompressOptions {
    /// As the reference does it (R244, R245, R247).
    fn default() -> Self {
        Self {
            cold_after: 7 * 24 * HOUR,
            threads: Vec::new(),
            is_dry_run: false,
            is_forced: false,
            jobs: 2,
            time_limit: 5 * HOUR,
            stale_after: 6 * HOUR,
            linger: LINGER,
            now: SystemTime::now(),
        }
    }
}

/// How a run went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CompressRun {
    /// It looked at every log.
    Done,
    /// Another one was this long ago.
    Throttled {
        /// How long ago.
        age: Duration,
    },
    /// Another one, or a migration, is going on.
    Busy,
}

/// What a run did.
#[derive(Debug)]
pub struct CompressReport {
    /// How it went.
    pub run: CompressRun,
    /// What became of each log, by the path of its plain form.
    pub files: Vec<(PathBuf, CompressOutcome)>,
    /// What was done with files that earlier operations had left.
    pub leftovers: Vec<(PathBuf, Result<Tended, FileError>)>,
}

/// How many bytes logs were made smaller by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Savings {
    /// Logs compressed.
    pub files: u64,
    /// Bytes of their plain forms.
    pub plain_bytes: u64,
    /// Bytes of their compressed forms.
    pub packed_bytes: u64,
    /// How many logs saved at least as many bytes as the key, and less than twice as many; 0 for
    /// those that saved none.
    pub by_saved_bytes: BTreeMap<u64, u64>,
}

impl CompressReport {
    fn of(run: CompressRun) -> Self {
        Self { run, files: Vec::new(), leftovers: Vec::new() }
    }

    /// What the run saved.
    #[must_use]
    pub fn savings(&self) -> Savings {
        let mut savings = Savings::default();
        for (_, outcome) in &self.files {
            if let CompressOutcome::Compressed { plain_bytes, packed_bytes, .. } = outcome {
                savings.files += 1;
                savings.plain_bytes += plain_bytes;
                savings.packed_bytes += packed_bytes;
                let saved = plain_bytes.saturating_sub(*packed_bytes);
                let bucket = saved.checked_ilog2().map_or(0, |log| 1 << log);
                *savings.by_saved_bytes.entry(bucket).or_default() += 1;
            }
        }
        savings
    }
}

/// Compresses the logs of a home that were not written for a while, and finishes or removes what
/// operations left that did not end. Logs stay readable at every moment, and nothing that a writer
/// has written is lost, whenever it writes.
///
/// # Errors
/// When the home cannot be read, or the run cannot be marked. What goes wrong with one log is its
/// outcome.
pub fn compress(home: &Home, options: &CompressOptions) -> Result<CompressReport, CompressError> {
    compress_with(home, options, Steps::default())
}

/// As [`compress`], with somebody in between.
///
/// # Errors
/// As [`compress`].
pub fn compress_with(
    home: &Home,
    options: &CompressOptions,
    steps: Steps<'_>,
) -> Result<CompressReport, CompressError> {
    let scan = home.scan()?;
    let is_marked = !options.is_forced && options.threads.is_empty();
    if options.is_dry_run {
        if let Some(age) = marker::recent(home.root(), options.now)?.filter(|_| is_marked) {
            return Ok(CompressReport::of(CompressRun::Throttled { age }));
        }
        let mut report = CompressReport::of(CompressRun::Done);
        report.files = Run { home, options, steps }.logs(&scan);
        return Ok(report);
    }
    let lock = maintenance(home.root()).on(home.root(), "locked")?;
    let Some(_lock) = lock else { return Ok(CompressReport::of(CompressRun::Busy)) };
    let mut marker = None;
    if is_marked {
        match Marker::claim(home.root(), options.now)? {
            Claim::Made(made) => marker = Some(made),
            Claim::Recent(age) => {
                return Ok(CompressReport::of(CompressRun::Throttled { age }));
            }
        }
    }
    let run = Run { home, options, steps };
    let leftovers = run.leftovers(&scan);
    // What was found under a hidden name may have its own again.
    let scan = if leftovers.is_empty() { Ok(scan) } else { home.scan() };
    let scan = match (scan, marker) {
        (Ok(scan), _) => scan,
        (Err(error), marker) => {
            marker.map_or(Ok(()), Marker::withdraw)?;
            return Err(error.into());
        }
    };
    Ok(CompressReport { run: CompressRun::Done, files: run.logs(&scan), leftovers })
}

struct Run<'r> {
    home: &'r Home,
    options: &'r CompressOptions,
    steps: Steps<'r>,
}

impl Run<'_> {
    fn leftovers(&self, scan: &Scan) -> Vec<(PathBuf, Result<Tended, FileError>)> {
        let Self { home, options, steps } = self;
        let mut leftovers = Vec::new();
        for stray in &scan.strays {
            let path = stray.path.clone();
            if let Some(aside) = Aside::parse(&path) {
                let tended = aside.tend(home, options.linger, options.now, *steps);
                leftovers.push((path, tended));
            } else if stray.reason == StrayReason::Temporary
                && options.threads.is_empty()
                && path.extension().is_some_and(|extension| extension == "tmp")
            {
                match self.remove_stale(&path) {
                    Ok(false) => {}
                    Ok(true) => leftovers.push((path, Ok(Tended::Removed))),
                    Err(error) => leftovers.push((path, Err(error))),
                }
            }
        }
        leftovers
    }

    fn remove_stale(&self, path: &Path) -> Result<bool, FileError> {
        let stamp = Stamp::of(path).on(path, "looked at")?;
        let touched = disk::last_touched(path).on(path, "looked at")?;
        let age = self.options.now.duration_since(touched);
        if !stamp.is_file() || !age.is_ok_and(|age| age >= self.options.stale_after) {
            return Ok(false);
        }
        disk::remove(path).on(path, "removed").map(|()| true)
    }

    /// Archived logs first (R244).
    fn logs(&self, scan: &Scan) -> Vec<(PathBuf, CompressOutcome)> {
        let references = References::of(scan);
        let mut candidates: Vec<&Found> =
            scan.files.iter().filter(|found| self.is_wanted(found)).collect();
        candidates.sort_by_key(|found| !found.is_archived);
        let started = Instant::now();
        let next = AtomicUsize::new(0);
        let outcomes = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..self.options.jobs.clamp(1, candidates.len().max(1)) {
                scope.spawn(|| {
                    while let Some((place, found)) = take(&next, &candidates) {
                        let outcome = match started.elapsed() < self.options.time_limit {
                            true => self.log(found, &references),
                            false => CompressOutcome::OutOfTime,
                        };
                        let mut outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
                        outcomes.push((place, found.path.clone(), outcome));
                    }
                });
            }
        });
        let mut outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
        outcomes.sort_by_key(|(place, ..)| *place);
        outcomes.into_iter().map(|(_, path, outcome)| (path, outcome)).collect()
    }

    fn is_wanted(&self, found: &Found) -> bool {
        let threads = &self.options.threads;
        found.name.as_ref().is_some_and(|name| {
            let is_named = |id: &String| id.eq_ignore_ascii_case(name.thread_id());
            threads.is_empty() || threads.iter().any(is_named)
        })
    }

    fn log(&self, found: &Found, references: &References) -> CompressOutcome {
        let Some(name) = &found.name else { return CompressOutcome::Changed };
        if found.form == Form::Compressed {
            return CompressOutcome::AlreadyCompressed;
        }
        if references.has_base(&found.path) || !references.of_file(name).is_empty() {
            return CompressOutcome::Referenced;
        }
        let Self { home, options, steps } = self;
        let job = Job {
            home,
            name,
            plain: &found.path,
            packed: found.packed_path(),
            now: options.now,
            cold_after: options.cold_after,
            linger: options.linger,
            is_dry_run: options.is_dry_run,
            steps: *steps,
        };
        job.run().unwrap_or_else(CompressOutcome::Failed)
    }
}

fn take<'c, 'f>(next: &AtomicUsize, from: &'c [&'f Found]) -> Option<(usize, &'c &'f Found)> {
    let place = next.fetch_add(1, Ordering::Relaxed);
    from.get(place).map(|found| (place, found))
}
