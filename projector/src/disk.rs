//! Logs on disk, opened for reading.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::error::OpenError;
use crate::source::LogSource;

/// A plain log file, opened for reading.
#[derive(Debug)]
pub struct FileSource {
    file: File,
    key: String,
}

impl FileSource {
    /// Opens a log; its absolute path is its key.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let open = || Ok((File::open(path)?, std::path::absolute(path)?));
        let (file, absolute) =
            open().map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
        Ok(Self { file, key: key_of(&absolute) })
    }

    /// The same log under another key: for logs that are moved, or known by something else.
    #[must_use]
    pub fn with_key(self, key: impl Into<String>) -> Self {
        Self { key: key.into(), ..self }
    }
}

impl LogSource for FileSource {
    fn key(&self) -> &str {
        &self.key
    }

    fn len_bytes(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    #[cfg(unix)]
    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.file, buffer, offset_bytes)
    }

    #[cfg(windows)]
    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.file, buffer, offset_bytes)
    }

    // Systems without positioned reads have no threads to share the file with either.
    #[cfg(not(any(unix, windows)))]
    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
        use std::io::{Read, Seek, SeekFrom};
        let mut file = &self.file;
        file.seek(SeekFrom::Start(offset_bytes))?;
        file.read(buffer)
    }
}

/// The path as text. Bytes that are no text are spelled NUL and two hex digits: no path holds NUL,
/// so different paths stay different.
fn key_of(path: &Path) -> String {
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
