//! The one door through which a recorder reaches the disk, so that tests can own it.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use crate::disk::read_at;

/// Where logs are written.
pub trait LogDisk: fmt::Debug + Send + Sync {
    /// Makes a log that is not there yet, and its folders; an existing one is an error.
    ///
    /// # Errors
    /// When it cannot be made.
    fn create(&self, path: &Path) -> io::Result<Box<dyn LogFile>>;

    /// Opens a log that is there, for appending.
    ///
    /// # Errors
    /// When it cannot be opened.
    fn open(&self, path: &Path) -> io::Result<Box<dyn LogFile>>;

    /// Gives a log its final name. There is none of that name.
    ///
    /// # Errors
    /// When it cannot be renamed.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a log that was not finished.
    ///
    /// # Errors
    /// When it cannot be removed.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Sees to it that the names in a folder are there after a loss of power.
    ///
    /// # Errors
    /// When that cannot be told.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
}

/// A log that is open for appending: nothing that stands in it is ever overwritten.
pub trait LogFile: fmt::Debug + Send {
    /// Its length now.
    ///
    /// # Errors
    /// When it cannot be told.
    fn len_bytes(&self) -> io::Result<u64>;

    /// Reads bytes that stand there already; fewer at the end.
    ///
    /// # Errors
    /// When they cannot be read.
    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Puts bytes behind the last one, and tells how many. After an error, any number of them may
    /// stand there.
    ///
    /// # Errors
    /// When not all is well.
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Sees to it that all that was appended is there after a loss of power.
    ///
    /// # Errors
    /// When it may not be: then nothing is known of what was appended since the last success.
    fn sync(&mut self) -> io::Result<()>;
}

/// The system's disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemDisk;

impl LogDisk for SystemDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        if let Some(folder) = path.parent() {
            let mut builder = fs::DirBuilder::new();
            builder.recursive(true);
            // What is said in a thread is nobody else's business.
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(folder)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).append(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Box::new(SystemLog(options.open(path)?)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        let file = OpenOptions::new().read(true).append(true).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(Box::new(SystemLog(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if to.try_exists()? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    #[cfg(unix)]
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    // Elsewhere a folder cannot be opened to that end; names are the file system's journal's.
    #[cfg(not(unix))]
    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct SystemLog(File);

impl LogFile for SystemLog {
    fn len_bytes(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
        read_at(&self.0, offset_bytes, buffer)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}
