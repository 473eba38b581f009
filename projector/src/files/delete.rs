//! Deleting threads: their files, their names, and every row of them.
//!
//! Files go first, then names, then rows. The rows tell which threads were spawned by which: were
//! they gone first, a deletion that did not end could not be told how far it was to go, and the
//! next sync would bring the rows back. Rows go in one transaction. What is to go is noted in the
//! store before anything does, and the note goes last.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::archive::Children;
use super::disk;
use super::lock_all;
use super::references::{References, last_id};
use super::select::{Piece, check_inside, pieces, subtree};
use super::steps::{Step, Steps};
use crate::error::{DeleteError, OnFile, SelectError};
use crate::home::{Home, Names, Scan};
use crate::lock::ThreadLock;
use crate::store::{Deletion, Forgotten, Store};

/// What is deleted, and how.
#[derive(Clone, Copy)]
pub struct DeleteOptions<'o> {
    /// Which threads a thread spawned: they go with it.
    pub children: Children<'o>,
    /// Only says what would happen.
    pub is_dry_run: bool,
}

/// What was deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deleted {
    /// The threads, in the order of their deletion; the last one was asked for.
    pub threads: Vec<String>,
    /// Their files.
    pub files: Vec<PathBuf>,
    /// Entries of the file of names.
    pub names: u64,
    /// What the store had of them.
    pub rows: Forgotten,
}

/// Deletes a thread and all that it spawned, at any depth (R290, R291): their files in both folders
/// and all forms, their names, and, given a store, every row of them. Refused while other threads
/// go on from one of these files (A25). The same again ends what was broken off.
///
/// # Errors
/// When there is nothing of the thread, when it must stay, or when the system refuses something.
pub fn delete(
    home: &Home,
    store: Option<&Store>,
    thread_id: &str,
    options: &DeleteOptions<'_>,
) -> Result<Deleted, DeleteError> {
    delete_with(home, store, thread_id, options, Steps::default())
}

/// As [`delete`], with somebody in between.
///
/// # Errors
/// As [`delete`].
pub fn delete_with(
    home: &Home,
    store: Option<&Store>,
    thread_id: &str,
    options: &DeleteOptions<'_>,
    steps: Steps<'_>,
) -> Result<Deleted, DeleteError> {
    let thread_id = thread_id.to_ascii_lowercase();
    let delete = Delete { home, store, thread_id: &thread_id, steps };
    delete.run(options)
}

struct Delete<'d> {
    home: &'d Home,
    store: Option<&'d Store>,
    thread_id: &'d str,
    steps: Steps<'d>,
}

impl Delete<'_> {
    fn run(&self, options: &DeleteOptions<'_>) -> Result<Deleted, DeleteError> {
        let scan = self.home.scan().map_err(SelectError::from)?;
        let mut threads = subtree(self.thread_id, options.children);
        threads.reverse();
        let begun = self.begun()?;
        for thread in begun.iter().flat_map(|begun| &begun.threads) {
            if !threads.contains(thread) {
                threads.insert(0, thread.clone());
            }
        }
        let found: Vec<Piece> =
            threads.iter().flat_map(|thread| pieces(self.home, &scan, thread)).collect();
        let keys = self.keys(&threads)?;
        if found.is_empty() && keys.is_empty() && begun.is_none() {
            let home = self.home.root().to_owned();
            return Err(SelectError::Unknown { thread_id: self.thread_id.to_owned(), home }.into());
        }
        check_inside(self.home, &found)?;
        self.check_references(&scan, &threads, &found)?;
        let files = found.iter().map(|piece| piece.path.clone()).collect();
        if options.is_dry_run {
            let rows = Forgotten { logs: keys.len() as u64, generations: 0 };
            let names = self.names(&threads, true)?;
            return Ok(Deleted { threads, files, names, rows });
        }
        // Nobody may write any of the threads until all of them are gone.
        let locks = lock_all(self.home, &threads).map_err(SelectError::from)?;
        let deletion = Deletion { threads: threads.clone() };
        if let Some(store) = self.store {
            store.begin_deletion(self.thread_id, &deletion).map_err(|it| self.in_store(it))?;
        }
        let mut folders = BTreeSet::new();
        for piece in &found {
            self.steps.at(Step::Delete).on(&piece.path, "deleted")?;
            disk::remove(&piece.path).on(&piece.path, "deleted")?;
            folders.insert(disk::folder_of(&piece.path));
        }
        for folder in folders {
            disk::sync_folder(folder).on(folder, "synced")?;
        }
        let names = self.names(&threads, false)?;
        self.steps.at(Step::FilesGone).on(self.home.root(), "deleted from")?;
        let rows = match self.store {
            Some(store) => store.forget_deleted(&deletion),
            None => Ok(Forgotten::default()),
        };
        let rows = rows.map_err(|it| self.in_store(it))?;
        self.steps.at(Step::RowsGone).on(self.home.root(), "deleted from")?;
        if let Some(store) = self.store {
            store.end_deletion(self.thread_id).map_err(|it| self.in_store(it))?;
        }
        drop(locks);
        for thread in &threads {
            ThreadLock::forget(self.home, thread).map_err(SelectError::from)?;
        }
        Ok(Deleted { threads, files, names, rows })
    }

    fn in_store(&self, source: crate::error::StoreError) -> DeleteError {
        DeleteError::Store { thread_id: self.thread_id.to_owned(), source }
    }

    /// What an earlier deletion of the same thread had begun.
    fn begun(&self) -> Result<Option<Deletion>, DeleteError> {
        let Some(store) = self.store else { return Ok(None) };
        let mut deletions = store.deletions().map_err(|it| self.in_store(it))?;
        Ok(deletions.remove(self.thread_id))
    }

    fn keys(&self, threads: &[String]) -> Result<Vec<String>, DeleteError> {
        let Some(store) = self.store else { return Ok(Vec::new()) };
        let threads: Vec<&str> = threads.iter().map(String::as_str).collect();
        store.keys_of_threads(&threads).map_err(|it| self.in_store(it))
    }

    fn names(&self, threads: &[String], is_dry_run: bool) -> Result<u64, DeleteError> {
        let path = self.home.names_path();
        let threads = threads.iter().map(String::as_str).collect();
        let names = match is_dry_run {
            true => Names::count(path, &threads),
            false => Names::remove(path, &threads),
        };
        names.map_err(DeleteError::Names)
    }

    /// Files that stay may need none of those that go.
    fn check_references(
        &self,
        scan: &Scan,
        threads: &[String],
        found: &[Piece],
    ) -> Result<(), DeleteError> {
        let references = References::of(scan);
        let goes = |path: &Path| {
            let name = path.file_name().and_then(|name| name.to_str());
            let name = name.and_then(crate::source::RolloutName::parse);
            name.is_some_and(|name| {
                threads.iter().any(|it| it.eq_ignore_ascii_case(name.thread_id()))
            })
        };
        let mut seen = BTreeSet::new();
        for piece in found.iter().filter(|piece| seen.insert(last_id(&piece.name))) {
            let by = references.of_file(&piece.name).iter().filter(|path| !goes(path));
            let by: Vec<PathBuf> = by.cloned().collect();
            if !by.is_empty() {
                return Err(DeleteError::Referenced { path: piece.path.clone(), by });
            }
        }
        Ok(())
    }
}
