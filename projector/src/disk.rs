//! Logs on disk, opened for reading.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::OpenError;
use crate::source::{Compressed, Identity, LogSource, SourceNote, rollout_name};

/// A log file, plain or compressed (`.zst`), opened for reading.
#[derive(Debug)]
pub struct FileSource {
    file: Arc<File>,
    compressed: Option<Compressed>,
    has_both_forms: bool,
    key: String,
}

impl FileSource {
    /// Opens a log in whichever form it is there: plain if it is, else compressed (SEMANTICS R242).
    /// A rollout is known by its name, so that it stays the same wherever it is moved to and in
    /// either form; any other file by the absolute path of its plain form.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let (plain, packed) = forms_of(path);
        // What appears while we look appears before the other form goes: so the plain one again.
        let mut dangling = None;
        for form in [&plain, &packed, &plain] {
            let file = match open_log(form) {
                Ok(Some(file)) => file,
                Ok(None) => continue,
                Err(error @ OpenError::DanglingLink { .. }) => {
                    dangling = Some(error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let is_packed = form == &packed;
            let file = Arc::new(file);
            let in_path = |source| OpenError::Io { path: form.clone(), source };
            return Ok(Self {
                compressed: is_packed.then(|| decoder_of(&file)),
                file,
                has_both_forms: !is_packed && packed.is_file(),
                key: key_of(&std::path::absolute(&plain).map_err(in_path)?),
            });
        }
        let missing =
            || OpenError::Io { path: path.to_owned(), source: io::ErrorKind::NotFound.into() };
        Err(dangling.unwrap_or_else(missing))
    }

    /// The same log under another key: for logs that are known by something else.
    #[must_use]
    pub fn with_key(self, key: impl Into<String>) -> Self {
        Self { key: key.into(), ..self }
    }
}

impl LogSource for FileSource {
    fn key(&self) -> &str {
        &self.key
    }

    fn len_bytes(&self) -> io::Result<Option<u64>> {
        match self.compressed {
            Some(_) => Ok(None),
            None => Ok(Some(self.file.metadata()?.len())),
        }
    }

    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.compressed {
            Some(compressed) => compressed.read_at(offset_bytes, buffer),
            None => read_at(&self.file, offset_bytes, buffer),
        }
    }

    fn identity(&self) -> io::Result<Option<Identity>> {
        let identity = identity_of(&self.file.metadata()?);
        Ok(Some(identity.seen_at(nanoseconds(SystemTime::now()))))
    }

    fn is_forward_only(&self) -> bool {
        self.compressed.is_some()
    }

    fn notes(&self) -> Vec<SourceNote> {
        let is_empty = self.file.metadata().is_ok_and(|metadata| metadata.len() == 0);
        let mut notes = Vec::from_iter(is_empty.then_some(SourceNote::Empty));
        notes.extend(self.has_both_forms.then_some(SourceNote::BothForms));
        notes.extend(self.compressed.as_ref().and_then(Compressed::note));
        notes
    }
}

/// Where a log is in its plain and in its compressed form.
pub(crate) fn forms_of(path: &Path) -> (PathBuf, PathBuf) {
    match path.extension().is_some_and(|extension| extension == "zst") {
        true => (path.with_extension(""), path.to_owned()),
        false => {
            let mut packed = path.as_os_str().to_owned();
            packed.push(".zst");
            (path.to_owned(), packed.into())
        }
    }
}

/// Opens a file that may not be there. Looks first: opening a pipe would wait for its writer.
fn open_log(path: &Path) -> Result<Option<File>, OpenError> {
    let path = || path.to_owned();
    let failed = |source| OpenError::Io { path: path(), source };
    match std::fs::metadata(path()) {
        Ok(metadata) if metadata.is_dir() => Err(OpenError::Folder { path: path() }),
        Ok(metadata) if !metadata.is_file() => Err(OpenError::NoFile { path: path() }),
        Ok(_) => match File::open(path()) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        },
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        Err(_) => match std::fs::read_link(path()) {
            Ok(target) => Err(OpenError::DanglingLink { path: path(), target }),
            Err(_) => Ok(None),
        },
    }
}

fn decoder_of(file: &Arc<File>) -> Compressed {
    let file = Arc::clone(file);
    Compressed::new(move || {
        let file = Arc::clone(&file);
        Ok(Box::new(FromStart { file, offset_bytes: 0 }))
    })
}

/// A file read from its first byte on, whoever else reads it.
struct FromStart {
    file: Arc<File>,
    offset_bytes: u64,
}

impl Read for FromStart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = read_at(&self.file, self.offset_bytes, buffer)?;
        self.offset_bytes += len as u64;
        Ok(len)
    }
}

#[cfg(unix)]
pub(crate) fn read_at(file: &File, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset_bytes)
}

#[cfg(windows)]
pub(crate) fn read_at(file: &File, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset_bytes)
}

// Systems without positioned reads have no threads to share the file with either.
#[cfg(not(any(unix, windows)))]
pub(crate) fn read_at(mut file: &File, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
    use std::io::{Seek, SeekFrom};
    file.seek(SeekFrom::Start(offset_bytes))?;
    file.read(buffer)
}

pub(crate) fn identity_of(metadata: &Metadata) -> Identity {
    #[cfg(unix)]
    let (file, changed_ns) = {
        use std::os::unix::fs::MetadataExt;
        let changed_ns = i128::from(metadata.ctime()) * 1_000_000_000;
        let changed_ns = changed_ns + i128::from(metadata.ctime_nsec());
        (Some((metadata.dev(), metadata.ino())), Some(changed_ns))
    };
    #[cfg(not(unix))]
    let (file, changed_ns) = (None, None);
    Identity {
        len_bytes: metadata.len(),
        modified_ns: metadata.modified().ok().and_then(nanoseconds),
        changed_ns,
        file,
        is_settled: false,
    }
}

/// Since the Unix epoch, or before it.
pub(crate) fn nanoseconds(time: SystemTime) -> Option<i128> {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i128::try_from(since.as_nanos()).ok(),
        Err(before) => i128::try_from(before.duration().as_nanos()).ok().map(|before| -before),
    }
}

/// The name of a rollout, else the path as text. Bytes that are no text are spelled NUL and two hex
/// digits: no path holds NUL, so different paths stay different.
pub(crate) fn key_of(path: &Path) -> String {
    let name = path.file_name().and_then(|name| rollout_name(name.to_str()?));
    name.map_or_else(|| path_text(path), str::to_owned)
}

/// A path as bytes from which [`path_of`] makes it again. Elsewhere than on Unix, what is no text is
/// replaced.
pub(crate) fn path_bytes(path: &Path) -> Vec<u8> {
    #[cfg(unix)]
    return std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()).to_vec();
    #[cfg(not(unix))]
    return path.to_string_lossy().into_owned().into_bytes();
}

/// The path of these bytes.
pub(crate) fn path_of(bytes: &[u8]) -> PathBuf {
    #[cfg(unix)]
    return PathBuf::from(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes));
    #[cfg(not(unix))]
    return PathBuf::from(String::from_utf8_lossy(bytes).into_owned());
}

fn path_text(path: &Path) -> String {
    let mut key = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        key.push_str(chunk.valid());
        for byte in chunk.invalid() {
            key.push_str(&format!("\0{byte:02x}"));
        }
    }
    key
}

#[cfg(all(test, unix))]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn keys_of_different_paths_differ() {
        let key = |bytes: &[u8]| key_of(Path::new(OsStr::from_bytes(bytes)));
        assert_eq!(key(b"/a/b.jsonl"), "/a/b.jsonl");
        assert_eq!(key(b"/a/\xff"), "/a/\0ff");
        assert_ne!(key(b"/a/\xff"), key(b"/a/\xfe"));
    }
}
