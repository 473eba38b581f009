//! What a sync of homes has to do: which files have changed since they were last looked at, by what
//! the system says of them and the store noted.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use redb::ReadTransaction;

use super::bases::AllBases;
use super::sync::{FileOutcome, FileReport, fold_mark, path_below, root_of, row_of};
use crate::disk::path_of;
use crate::error::StoreError;
use crate::home::{Form, Found, Home, Scan, StrayReason};
use crate::rows::files::{FileEntry, FileRow, Role, files_of, home_number};
use crate::schema;
use crate::store::Store;
use crate::sync::{Check, SyncOptions};

/// A file to be opened.
pub(super) struct Job<'s> {
    /// By its place among those that are synced.
    pub(super) home: usize,
    pub(super) found: &'s Found,
    /// Below its home.
    pub(super) path: Vec<u8>,
    /// What the store noted of it.
    pub(super) row: Option<FileRow>,
    /// Whether the store does not know its log.
    pub(super) is_new: bool,
}

/// What is to be done.
pub(super) struct Due<'s> {
    pub(super) jobs: Vec<Job<'s>>,
    /// What is to be noted without opening anything, by the place of the home.
    pub(super) rows: Vec<(usize, FileEntry)>,
    /// What there is to say of these.
    pub(super) reports: Vec<FileReport>,
    pub(super) unchanged: usize,
}

/// Files larger than this are begun before others, so that none is left for the end alone.
const LARGE_BYTES: u64 = 8 * 1024 * 1024;

pub(super) fn number_of(read: &ReadTransaction, home: &Home) -> Result<Option<u32>, StoreError> {
    home_number(read, &root_of(home))
}

/// Compares what was found with what is noted.
pub(super) fn due<'s>(
    store: &Store,
    scans: &'s [(Home, Scan)],
    options: &SyncOptions,
    bases: &AllBases<'s>,
) -> Result<Due<'s>, StoreError> {
    let read = store.begin_read()?;
    let logs = logs(scans);
    let mut due = Due { jobs: Vec::new(), rows: Vec::new(), reports: Vec::new(), unchanged: 0 };
    let mut looked = Vec::new();
    for (home, (place, scan)) in scans.iter().enumerate() {
        let mut rows = HashMap::new();
        if let Some(number) = number_of(&read, place)? {
            for file in files_of(&read, number)? {
                let file = file?;
                rows.insert(file.path, file.row);
            }
        }
        for found in &scan.files {
            let path = path_below(place, &found.path);
            let row = rows.remove(&path);
            looked.push(Looked { home, found, path, row });
        }
        for (path, row) in rows {
            due.gone(home, place, scan, path, row);
        }
    }
    let same: HashSet<*const Found> = looked.iter().filter_map(Looked::same).collect();
    let fold = fold_mark(options);
    let threads = read.open_table(schema::THREADS)?;
    for looked in looked {
        let read_instead = logs.get(&*looked.found.key).filter(|log| **log != looked.id());
        if let Some((_, other)) = read_instead {
            due.copy(looked, other, fold);
            continue;
        }
        let key = looked.found.key.as_bytes();
        let is_new = threads.range((key, 0)..=(key, u32::MAX))?.next().is_none();
        if !is_new && options.check == Check::ByIdentity && looked.is_unchanged(fold, bases, &same)
        {
            due.unchanged += 1;
        } else {
            let Looked { home, found, path, row } = looked;
            due.jobs.push(Job { home, found, path, row, is_new });
        }
    }
    due.jobs.sort_by_key(|job| {
        let len_bytes = job.found.identity.len_bytes;
        std::cmp::Reverse(if len_bytes > LARGE_BYTES { len_bytes } else { 0 })
    });
    Ok(due)
}

/// A file by where it is.
type FoundAt<'s> = (usize, &'s Path);

/// The file that is read of each log. Between homes the rule is the one within a home; of equal ones
/// it is that of the first home.
fn logs(scans: &[(Home, Scan)]) -> HashMap<&str, FoundAt<'_>> {
    let worth = |found: &Found| {
        let is_packed = found.form == Form::Compressed;
        (is_packed, std::cmp::Reverse(found.identity.len_bytes), found.is_archived)
    };
    let mut logs: HashMap<&str, (usize, &Found)> = HashMap::new();
    for (home, (_, scan)) in scans.iter().enumerate() {
        for (key, found) in scan.logs() {
            let read = logs.entry(key).or_insert((home, found));
            if worth(found) < worth(read.1) {
                *read = (home, found);
            }
        }
    }
    logs.into_iter().map(|(key, (home, found))| (key, (home, &*found.path))).collect()
}

/// A file that was found, and what is noted of it.
struct Looked<'s> {
    home: usize,
    found: &'s Found,
    path: Vec<u8>,
    row: Option<FileRow>,
}

impl<'s> Looked<'s> {
    fn id(&self) -> FoundAt<'s> {
        (self.home, &self.found.path)
    }

    /// Itself, if its bytes are certain to be what they were.
    fn same(&self) -> Option<*const Found> {
        let row = self.row.as_ref().filter(|row| !row.is_gone)?;
        let is_same = row.key == self.found.key
            && row.is_packed == (self.found.form == Form::Compressed)
            && row.identity.vouches_for(&self.found.identity);
        is_same.then_some(std::ptr::from_ref(self.found))
    }

    /// Whether it is certain to be what was folded, with all that it goes on from.
    fn is_unchanged(&self, fold: u64, bases: &AllBases<'s>, same: &HashSet<*const Found>) -> bool {
        let is_same = |found: &Found| same.contains(&std::ptr::from_ref(found));
        let Some(row) = self.row.as_ref().filter(|row| row.role == Role::Folded) else {
            return false;
        };
        let is_base_same = |(id, was_found): &(String, bool)| match bases.find(self.home, id) {
            Some(found) => *was_found && is_same(found),
            None => !was_found,
        };
        row.fold == fold && is_same(self.found) && row.bases.iter().all(is_base_same)
    }
}

impl Due<'_> {
    fn copy(&mut self, looked: Looked<'_>, other: &Path, fold: u64) {
        let Looked { home, found, path, row } = looked;
        let now = row_of(found, Role::Copy, fold);
        if row.as_ref() != Some(&now) {
            self.rows.push((home, FileEntry { home: 0, path, row: now }));
        }
        let (path, of) = (found.path.clone(), other.to_owned());
        let outcome = FileOutcome::Copy { of };
        self.reports.push(FileReport { home, path, key: found.key.clone(), outcome });
    }

    /// A file that is noted and was not found: unless the folder it was in cannot be read.
    fn gone(&mut self, home: usize, place: &Home, scan: &Scan, path: Vec<u8>, row: FileRow) {
        let at = place.root().join(path_of(&path));
        let is_hidden = scan.strays.iter().any(|stray| match stray.reason {
            StrayReason::Unreadable(_) | StrayReason::TooDeep => at.starts_with(&stray.path),
            _ => false,
        });
        if row.is_gone || is_hidden {
            return;
        }
        let key = row.key.clone();
        let row = FileRow { is_gone: true, ..row };
        self.rows.push((home, FileEntry { home: 0, path, row }));
        self.reports.push(FileReport { home, path: at, key, outcome: FileOutcome::Gone });
    }
}
