//! The last part of an import: logs get their places, or all are taken back.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::import::{Import, Placed, is_killed};
use super::manifest::Manifest;
use crate::error::{ImportError, OnFile, SelectError};
use crate::files::disk;
use crate::files::steps::Step;
use crate::files::{Relocated, lock_all, relocate};
use crate::home::Names;

impl Import<'_> {
    /// Gives the logs their places, and the threads their names; tells where these logs are and
    /// how many names that is.
    pub(super) fn place(
        &self,
        placed: &[Placed<'_>],
        staged: &[(usize, PathBuf)],
        manifest: &Manifest,
    ) -> Result<(Vec<PathBuf>, u64), ImportError> {
        let _locks = match staged.is_empty() {
            true => Vec::new(),
            // Nobody may begin to write one of these threads meanwhile.
            false => {
                let id = |placed: &Placed<'_>| placed.name.thread_id().to_ascii_lowercase();
                let threads: BTreeSet<String> = placed.iter().map(id).collect();
                lock_all(self.home, &threads).map_err(SelectError::from)?
            }
        };
        let mut undo = Undo::default();
        let done = self.place_all(placed, staged, &mut undo).and_then(|()| {
            if let Some((store, prefixes)) = self.options.overlay {
                for placed in placed {
                    store.set_overlay(placed.name.as_str(), prefixes)?;
                }
            }
            self.name(manifest)
        });
        match done {
            Ok(len_names) => Ok((undo.files, len_names)),
            Err(error) if is_killed(&error) => Err(error),
            Err(error) => Err(undo.run(error)),
        }
    }

    fn place_all(
        &self,
        placed: &[Placed<'_>],
        staged: &[(usize, PathBuf)],
        undo: &mut Undo,
    ) -> Result<(), ImportError> {
        for (number, path) in staged {
            let Some(Placed { log, to, .. }) = placed.get(*number) else { continue };
            let folder = disk::folder_of(to);
            undo.folders.extend(disk::make_new_folders(folder).on(folder, "made")?);
            let root = match log.is_archived {
                true => self.home.archived_dir(),
                false => self.home.sessions_dir(),
            };
            let real = disk::real_path(folder).on(folder, "looked at")?;
            if !real.starts_with(disk::real_path(&root).on(&root, "looked at")?) {
                return Err(SelectError::Outside { path: to.clone(), root }.into());
            }
            self.steps.at(Step::Place).on(to, "written")?;
            let moved = relocate(path, to, self.steps);
            // It may be in its place though not all went well behind that.
            let is_moved = match &moved {
                Ok(how) => *how != Relocated::WasThere,
                Err(_) => !disk::is_there(path).on(path, "looked at")?,
            };
            if is_moved {
                undo.files.push(to.clone());
            }
            moved?;
        }
        Ok(())
    }

    /// Threads that were never named here get their names from the bundle; tells how many.
    fn name(&self, manifest: &Manifest) -> Result<u64, ImportError> {
        let known = self.home.names()?;
        let id = |id: &str| id.to_ascii_lowercase();
        let known: BTreeSet<String> = known.entries().map(|entry| id(&entry.id)).collect();
        let names = manifest.logs.iter().filter_map(|log| log.rollout_name().ok());
        let mut nameless: BTreeSet<String> = names.map(|name| id(name.thread_id())).collect();
        nameless.retain(|thread_id| !known.contains(thread_id));
        let mut len_names = 0;
        for entry in &manifest.names {
            if nameless.remove(&id(&entry.id)) {
                Names::append(self.home.names_path(), entry)?;
                len_names += 1;
            }
        }
        Ok(len_names)
    }
}

/// What must be taken back.
#[derive(Default)]
struct Undo {
    files: Vec<PathBuf>,
    /// The outermost first.
    folders: Vec<PathBuf>,
}

impl Undo {
    fn run(self, reason: ImportError) -> ImportError {
        let mut left: Vec<PathBuf> =
            self.files.into_iter().filter(|path| disk::remove(path).is_err()).collect();
        disk::remove_empty_folders(&self.folders);
        match left.is_empty() {
            true => reason,
            false => {
                left.sort();
                ImportError::HalfDone { reason: Box::new(reason), left }
            }
        }
    }
}
