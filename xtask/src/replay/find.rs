//! Which rollouts a list of paths leads to.

use std::error::Error;
use std::path::{Path, PathBuf};

use rollfold_core::{Counts, Folder, Options};
use rollfold_projector::{FileSource, LogSource};

/// What is looked at of a file that is not named like a rollout.
const SNIFFED_BYTES: usize = 256 * 1024;

/// A rollout to replay.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) path: PathBuf,
    pub(crate) len_bytes: u64,
}

/// What the paths lead to, and what is wrong with some of them.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) inputs: Vec<Input>,
    pub(crate) problems: Vec<String>,
}

impl Found {
    pub(crate) fn total_bytes(&self) -> u64 {
        self.inputs.iter().map(|input| input.len_bytes).sum()
    }

    fn add_file(&mut self, path: &Path) {
        match std::fs::metadata(path) {
            Ok(metadata) => {
                self.inputs.push(Input { path: path.to_owned(), len_bytes: metadata.len() });
            }
            Err(error) => self.problem(path, &error.to_string()),
        }
    }

    /// Adds a file that was named, if there is anything of a rollout in it.
    fn add_named(&mut self, path: &Path) {
        match sniff(path) {
            Ok(counts) if counts.records == 0 && counts.unknown + counts.damaged > 0 => {
                self.problem(path, "not a rollout: no record of a known kind");
            }
            Ok(_) => self.add_file(path),
            Err(error) => self.problem(path, &error.to_string()),
        }
    }

    /// Adds the rollouts of a folder and the folders in it, in the order of their names.
    fn add_folder(&mut self, folder: &Path) {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.problem(folder, &error.to_string()),
        };
        let mut paths: Vec<PathBuf> =
            entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        for path in paths {
            // A link to a folder may lead back up.
            if path.is_dir() && !path.is_symlink() {
                self.add_folder(&path);
            } else if is_rollout(&path) {
                self.add_file(&path);
            }
        }
    }

    fn problem(&mut self, path: &Path, what: &str) {
        self.problems.push(format!("{}: {what}", path.display()));
    }
}

/// Whether a file of a folder is to be replayed: by its name, and a compressed one only if the
/// plain form is not beside it.
fn is_rollout(path: &Path) -> bool {
    let ends = |path: &Path, end| path.extension().is_some_and(|extension| extension == end);
    if ends(path, "zst") {
        let plain = path.with_extension("");
        return ends(&plain, "jsonl") && !plain.exists();
    }
    ends(path, "jsonl")
}

/// The rollouts of `paths`: files as they are, folders by their `*.jsonl` and `*.jsonl.zst`; the
/// fixtures if there are no paths.
pub(crate) fn rollouts(paths: &[PathBuf]) -> Found {
    let mut found = Found::default();
    if paths.is_empty() {
        found.add_folder(&super::fixtures());
    }
    for path in paths {
        if path.is_dir() {
            let before = (found.inputs.len(), found.problems.len());
            found.add_folder(path);
            if before == (found.inputs.len(), found.problems.len()) {
                found.problem(
                    path,
                    "no rollouts here; a rollout is a file named *.jsonl or *.jsonl.zst",
                );
            }
        } else {
            found.add_named(path);
        }
    }
    found
}

/// Folds the start of a file, its last line as if it were complete.
fn sniff(path: &Path) -> Result<Counts, Box<dyn Error>> {
    let source = FileSource::open(path)?;
    let mut start = vec![0; SNIFFED_BYTES];
    let mut filled = 0;
    while let Some(rest) = start.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match source.read_at(filled as u64, rest)? {
            0 => break,
            read => filled += read,
        }
    }
    start.truncate(filled);
    let mut folder = Folder::new(Options::default());
    folder.push(&start);
    folder.end();
    Ok(folder.frontier().state.counts)
}
