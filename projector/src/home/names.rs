//! The names people gave their threads: lines of `session_index.jsonl` beside the logs, appended
//! by every renaming (FORMAT 14, R178-R181).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::HomeError;

/// One renaming.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameEntry {
    /// The thread.
    pub id: String,
    /// Its name from then on; empty takes it away.
    pub thread_name: String,
    /// When, as it stands.
    #[serde(default)]
    pub updated_at: String,
}

/// What a file of names says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    newest: BTreeMap<String, NameEntry>,
    /// Lines that are no entries.
    pub len_unread: u64,
}

impl Names {
    /// Reads a file; one that is not there has no names. A line that cannot be read is counted.
    ///
    /// # Errors
    /// When there is one and it cannot be read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, HomeError> {
        match fs::read(path.as_ref()) {
            Ok(bytes) => Ok(Self::of(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(HomeError::Io { path: path.as_ref().to_owned(), source }),
        }
    }

    fn of(bytes: &[u8]) -> Self {
        let mut names = Self::default();
        for line in lines(bytes) {
            match entry_of(line) {
                Some(entry) => {
                    names.newest.insert(entry.id.to_ascii_lowercase(), entry);
                }
                None if line.iter().all(u8::is_ascii_whitespace) => {}
                None => names.len_unread += 1,
            }
        }
        names
    }

    /// A thread's name: what the newest entry says. One that was taken away stays so (R180).
    #[must_use]
    pub fn name(&self, thread_id: &str) -> Option<&str> {
        let entry = self.newest.get(&thread_id.to_ascii_lowercase())?;
        let name = entry.thread_name.trim();
        (!name.is_empty()).then_some(name)
    }

    /// The newest entry of each thread, by id.
    pub fn entries(&self) -> impl Iterator<Item = &NameEntry> {
        self.newest.values()
    }

    /// The threads that have this name now.
    pub fn threads(&self, name: &str) -> impl Iterator<Item = &str> {
        let is_named = move |entry: &&NameEntry| entry.thread_name.trim() == name;
        self.newest.values().filter(is_named).map(|entry| entry.id.as_str())
    }

    /// Adds an entry to a file, which is made if need be. A line that was cut off is ended first.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn append(path: impl AsRef<Path>, entry: &NameEntry) -> Result<(), HomeError> {
        let path = path.as_ref();
        let append = || -> io::Result<()> {
            let mut options = OpenOptions::new();
            options.read(true).append(true).create(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(path)?;
            let mut line = Vec::new();
            if file.metadata()?.len() > 0 {
                let mut last = [0];
                file.seek(SeekFrom::End(-1))?;
                file.read_exact(&mut last)?;
                line.extend((last != *b"\n").then_some(b'\n'));
            }
            serde_json::to_writer(&mut line, entry)?;
            line.push(b'\n');
            file.write_all(&line)?;
            file.sync_data()
        };
        append().map_err(|source| HomeError::Io { path: path.to_owned(), source })
    }

    /// How many entries of these threads a file has.
    ///
    /// # Errors
    /// When there is a file and it cannot be read.
    pub fn count(path: impl AsRef<Path>, ids: &BTreeSet<&str>) -> Result<u64, HomeError> {
        match fs::read(path.as_ref()) {
            Ok(bytes) => Ok(lines(&bytes).filter(|line| is_of(line, ids)).count() as u64),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(source) => Err(HomeError::Io { path: path.as_ref().to_owned(), source }),
        }
    }

    /// Takes all entries of these threads out of a file, and tells how many there were. The file is
    /// replaced as a whole, or left as it is if there are none; lines that cannot be read stay (R181).
    ///
    /// # Errors
    /// When the file cannot be read or replaced; it is then as it was.
    pub fn remove(path: impl AsRef<Path>, ids: &BTreeSet<&str>) -> Result<u64, HomeError> {
        let path = path.as_ref();
        let failed = |source| HomeError::Io { path: path.to_owned(), source };
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(source) => return Err(failed(source)),
        };
        let (mut kept, mut len_removed) = (Vec::new(), 0);
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            match is_of(line, ids) {
                true => len_removed += 1,
                false => kept.extend_from_slice(line),
            }
        }
        if len_removed > 0 {
            replace(path, &kept).map_err(failed)?;
        }
        Ok(len_removed)
    }
}

fn is_of(line: &[u8], ids: &BTreeSet<&str>) -> bool {
    let entry = entry_of(line);
    entry.is_some_and(|entry| ids.iter().any(|id| id.eq_ignore_ascii_case(&entry.id)))
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut staged: PathBuf = path.to_owned();
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    staged.set_file_name(name);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&staged)?;
    file.write_all(bytes)?;
    file.set_permissions(fs::metadata(path)?.permissions())?;
    file.sync_all()?;
    fs::rename(&staged, path)
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n')
}

fn entry_of(line: &[u8]) -> Option<NameEntry> {
    serde_json::from_slice(line).ok()
}
