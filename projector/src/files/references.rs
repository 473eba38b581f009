//! Which files go on from which (`history_base`, FORMAT A.2).

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::disk::FileSource;
use crate::home::{Found, Scan};
use crate::source::{RolloutName, base_id};

/// The bases of all files of a home.
#[derive(Debug, Default)]
pub(crate) struct References {
    /// Files by the id they name as their base.
    by_base: BTreeMap<String, Vec<PathBuf>>,
    bases: BTreeMap<PathBuf, String>,
}

impl References {
    /// Reads the first record of every file, in both folders (A25). What cannot be read names no
    /// base that anything could be read from.
    pub(crate) fn of(scan: &Scan) -> Self {
        let mut references = Self::default();
        for found in &scan.files {
            if let Ok(Some(base)) = base_of(found) {
                let base = base.to_ascii_lowercase();
                references.bases.insert(found.path.clone(), base.clone());
                references.by_base.entry(base).or_default().push(found.path.clone());
            }
        }
        references
    }

    /// Whether the file goes on from another one.
    pub(crate) fn has_base(&self, path: &Path) -> bool {
        self.bases.contains_key(path)
    }

    /// The id by which the file names the one it goes on from.
    pub(crate) fn base_of(&self, path: &Path) -> Option<&str> {
        self.bases.get(path).map(String::as_str)
    }

    /// The files that go on from the one that this name ends the name of.
    pub(crate) fn of_file(&self, name: &RolloutName) -> &[PathBuf] {
        let id = last_id(name).to_ascii_lowercase();
        self.by_base.get(&id).map_or(&[], Vec::as_slice)
    }
}

/// The id that a file's name ends in: by it others name the file.
pub(crate) fn last_id(name: &RolloutName) -> &str {
    name.segment_id().unwrap_or_else(|| name.thread_id())
}

fn base_of(found: &Found) -> io::Result<Option<String>> {
    let source = FileSource::open(&found.path).map_err(io::Error::other)?;
    base_id(&source)
}
