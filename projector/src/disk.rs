//! The only file that names `std::fs`: logs are opened for reading, stores for their owner only.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
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
        use std::io::{Seek, SeekFrom};
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

/// Bytes by which a database is known.
pub(crate) const HEAD_BYTES: usize = 9;

/// Opens or makes a store's file, and tells whether it begins with nothing but zeros. What it
/// makes, only its owner may read.
pub(crate) fn open_store_file(path: &Path) -> io::Result<(File, bool)> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    let mut head = Vec::new();
    (&file).take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    let is_blank = head.iter().all(|byte| *byte == 0);
    Ok((file, is_blank))
}

/// A database in a file that only its owner may read and that is gone when it is closed. So
/// nothing has to reach the disk.
#[derive(Debug)]
pub(crate) struct ScratchDisk(redb::backends::FileBackend);

impl ScratchDisk {
    pub(crate) fn new() -> Result<Self, redb::DatabaseError> {
        redb::backends::FileBackend::new(scratch_file()?).map(Self)
    }
}

impl redb::StorageBackend for ScratchDisk {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }
}

fn scratch_file() -> io::Result<File> {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let folder = std::env::temp_dir();
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("rollfold-{}-{number}.scratch", std::process::id()));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        // FILE_FLAG_DELETE_ON_CLOSE
        #[cfg(windows)]
        std::os::windows::fs::OpenOptionsExt::custom_flags(&mut options, 0x0400_0000);
        match options.open(&path) {
            Ok(file) => {
                #[cfg(not(windows))]
                std::fs::remove_file(&path)?;
                return Ok(file);
            }
            // Left over by a process of the same number.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
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
