//! A Codex home on disk: where its rollouts lie, what else lies among them, and which names people
//! gave their threads. Only reads, but for [`Names::append`] and [`Names::remove`].

mod names;
mod place;
mod scan;

use std::io;
use std::path::{Path, PathBuf};

use crate::source::RolloutName;

pub use names::{NameEntry, Names};
pub use place::{home_dir, store_path};
pub use scan::{Form, Found, Scan, Stray, StrayReason};

/// A folder as the reference lays it out (FORMAT 1): `sessions/YYYY/MM/DD/` with the rollouts,
/// `archived_sessions/` with those put away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

/// A home cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HomeError {
    /// Neither named nor to be guessed.
    #[error("no Codex home: name one, or set CODEX_HOME or the home directory")]
    Unnamed,
    /// There is no such folder.
    #[error("{}: no such folder; name a Codex home, the folder that has `sessions` in it", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// There is something else.
    #[error("{}: is no folder; name a Codex home, the folder that has `sessions` in it", path.display())]
    NoFolder {
        /// What is there.
        path: PathBuf,
    },
    /// It cannot be read or written.
    #[error("{}: {source}; look at its permissions", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Home {
    /// The home in a folder, which need not be there yet.
    #[must_use]
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The home that the environment names: `CODEX_HOME`, else `.codex` in the user's folder.
    ///
    /// # Errors
    /// When neither is known.
    pub fn from_env() -> Result<Self, HomeError> {
        home_dir(&|name| std::env::var_os(name)).map(Self::at).ok_or(HomeError::Unnamed)
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the rollouts are.
    #[must_use]
    pub fn sessions_dir(&self) -> PathBuf {
        self.root.join("sessions")
    }

    /// Where those are that were put away.
    #[must_use]
    pub fn archived_dir(&self) -> PathBuf {
        self.root.join("archived_sessions")
    }

    /// The folder among those of `sessions` that a rollout belongs in by its name (R236).
    #[must_use]
    pub fn dated_dir(&self, name: &RolloutName) -> PathBuf {
        let (year, month, day) = name.date();
        self.sessions_dir().join(year).join(month).join(day)
    }

    /// The file of names (FORMAT 14).
    #[must_use]
    pub fn names_path(&self) -> PathBuf {
        self.root.join("session_index.jsonl")
    }

    /// Looks at every file below both folders, with one `stat` each and without opening any. What
    /// cannot be read is one [`Stray`]; a folder that is not there has no files.
    ///
    /// # Errors
    /// When the home itself is no folder that can be read.
    pub fn scan(&self) -> Result<Scan, HomeError> {
        self.check()?;
        Ok(scan::scan(self))
    }

    /// The names of threads; none if there is no file of them.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn names(&self) -> Result<Names, HomeError> {
        Names::read(self.names_path())
    }

    fn check(&self) -> Result<(), HomeError> {
        let path = || self.root.clone();
        match std::fs::metadata(&self.root) {
            Ok(metadata) if metadata.is_dir() => Ok(()),
            Ok(_) => Err(HomeError::NoFolder { path: path() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(HomeError::Missing { path: path() })
            }
            Err(source) => Err(HomeError::Io { path: path(), source }),
        }
    }
}
