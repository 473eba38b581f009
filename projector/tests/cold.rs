//! A home with a log that nobody has written for a while.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rollfold_projector::testing::{Interruption, Step, Steps, compress_with};
use rollfold_projector::{
    CompressOptions, CompressOutcome, CompressReport, CompressRun, Home, compress,
};
use tempfile::TempDir;

use crate::support::{log_bytes, small_log};

pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);
pub(crate) const THREAD: &str = "019bb0c0-0000-7000-8000-000000000001";

/// A home with one log that was not written for ten days.
pub(crate) struct Cold {
    _folder: TempDir,
    pub(crate) home: Home,
    pub(crate) plain: PathBuf,
    pub(crate) packed: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn name(thread: &str) -> String {
    format!("rollout-2026-03-01T10-00-00-{thread}.jsonl")
}

pub(crate) fn put(path: &Path, bytes: &[u8], age: Duration) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
    let file = OpenOptions::new().append(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - age).unwrap();
}

impl Cold {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        let plain = home.sessions_dir().join("2026/03/01").join(name(THREAD));
        let packed = plain.with_extension("jsonl.zst");
        let bytes = small_log();
        put(&plain, &bytes, 10 * DAY);
        Self { _folder: folder, home, plain, packed, bytes }
    }

    pub(crate) fn compress(&self) -> CompressReport {
        compress(&self.home, &options()).unwrap()
    }

    pub(crate) fn outcome(&self) -> CompressOutcome {
        one(self.compress())
    }

    pub(crate) fn compress_with(
        &self,
        hook: &(dyn Fn(Step) -> Interruption + Sync),
    ) -> CompressOutcome {
        one(compress_with(&self.home, &options(), Steps::new(hook)).unwrap())
    }

    /// The log's bytes, in whichever form they are there.
    pub(crate) fn read(&self) -> Vec<u8> {
        log_bytes(&self.plain)
    }

    /// The names beside the log.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.plain.parent().unwrap()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub(crate) fn plain_name(&self) -> String {
        name(THREAD)
    }

    pub(crate) fn packed_name(&self) -> String {
        format!("{}.zst", name(THREAD))
    }
}

pub(crate) fn options() -> CompressOptions {
    let now = SystemTime::now() + Duration::from_secs(60);
    CompressOptions { is_forced: true, stale_after: Duration::ZERO, now, ..Default::default() }
}

pub(crate) fn one(report: CompressReport) -> CompressOutcome {
    assert_eq!(report.run, CompressRun::Done);
    let mut files = report.files;
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0).1
}
