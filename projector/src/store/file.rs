//! A store's file on the system's disk: opened and locked, copied, set aside. Of the store, only
//! this file names `std::fs`, the clock and the process.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use redb::StorageBackend;

use super::Holder;
use super::holder::Utc;
use super::layout::{BLOCK_BYTES, HOLDER_OFFSET_BYTES};

/// How often a file is opened that others put in place of another meanwhile.
const OPEN_TRIES: u32 = 16;

/// How many stores can be set aside under one name on one day.
const ASIDE_MAX: u32 = 10_000;

/// An open file as a disk.
#[derive(Debug)]
pub(crate) struct FileDisk {
    file: Arc<Handle>,
}

/// A file that is free for others once nobody here has it. Closing it would not be enough: a
/// process that another thread is starting has it open until it is another program.
#[derive(Debug)]
struct Handle(File);

impl Drop for Handle {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// Why a file is not opened for writing.
#[derive(Debug)]
pub(crate) enum LockError {
    Io(io::Error),
    /// Somebody else has it.
    Held(Option<Holder>),
}

impl From<io::Error> for LockError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The file of a store that this process has locked. The lock is the system's: it ends with the
/// last handle, so it cannot outlive the process.
#[derive(Debug)]
pub(crate) struct LockedFile {
    file: Arc<Handle>,
    path: PathBuf,
}

impl LockedFile {
    /// Opens or makes a file for its owner only, and locks it.
    pub(crate) fn open(path: &Path) -> Result<Self, LockError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        for _ in 0..OPEN_TRIES {
            let file = options.open(path)?;
            if !file.metadata()?.is_file() {
                return Err(io::Error::from(io::ErrorKind::IsADirectory).into());
            }
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(LockError::Held(read_holder(&file))),
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
            // Who had the lock before may have set the file aside: then this is the wrong one.
            if is_at(&file, path)? {
                return Ok(Self { file: Arc::new(Handle(file)), path: path.to_owned() });
            }
        }
        Err(LockError::Held(None))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file as a disk. It is locked as long as one of both is there.
    pub(crate) fn disk(&self) -> FileDisk {
        FileDisk { file: Arc::clone(&self.file) }
    }

    /// Says in the file who has it. Others can only be told if it is a store already.
    pub(crate) fn sign(&self, program: &str) -> io::Result<()> {
        match this_process(program).encode() {
            Some(block) => write_all_at(&self.file.0, HOLDER_OFFSET_BYTES, &*block),
            None => Ok(()),
        }
    }

    /// Gives the file another name, beside its own, that tells when that was done.
    pub(crate) fn set_aside(&self) -> Result<PathBuf, (PathBuf, io::Error)> {
        let date = Utc::of(now_unix_s()).date('-');
        let mut aside = self.path.clone();
        for number in 1..=ASIDE_MAX {
            let mut name = self.path.file_name().unwrap_or_default().to_owned();
            name.push(format!(".aside-{date}-{number}"));
            aside.set_file_name(name);
            match aside.try_exists() {
                Ok(true) => {}
                Ok(false) => {
                    let renamed = fs::rename(&self.path, &aside);
                    return renamed.map(|()| aside.clone()).map_err(|error| (aside, error));
                }
                Err(error) => return Err((aside, error)),
            }
        }
        Err((aside, io::ErrorKind::AlreadyExists.into()))
    }
}

/// A store's file that is only read, whoever writes it.
#[derive(Debug)]
pub(crate) struct SharedFile {
    file: File,
    path: PathBuf,
}

impl SharedFile {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(Self { file, path: path.to_owned() })
    }

    pub(crate) fn disk(&self) -> io::Result<FileDisk> {
        Ok(FileDisk { file: Arc::new(Handle(self.file.try_clone()?)) })
    }

    /// The first bytes of the file in a file without a name, which goes when it is closed: on the
    /// same disk if that can be written, else where the system has its temporary files.
    pub(crate) fn copy(&self, len_bytes: u64) -> io::Result<FileDisk> {
        let folder = self.path.parent().filter(|folder| *folder != Path::new(""));
        let beside = nameless_file(folder.unwrap_or(Path::new(".")));
        let mut copy = beside.or_else(|_| nameless_file(&std::env::temp_dir()))?;
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        io::copy(&mut file.take(len_bytes), &mut copy)?;
        Ok(FileDisk { file: Arc::new(Handle(copy)) })
    }
}

/// A disk that is gone when it is closed. So nothing has to reach it.
#[derive(Debug)]
pub(crate) struct ScratchDisk(FileDisk);

impl ScratchDisk {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(FileDisk { file: Arc::new(Handle(nameless_file(&std::env::temp_dir())?)) }))
    }
}

impl StorageBackend for ScratchDisk {
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

impl StorageBackend for FileDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.0.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        read_exact_at(&self.file.0, offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        write_all_at(&self.file.0, offset, data)
    }
}

/// A file that only its owner may read, that nobody else finds, and that is gone when it is closed.
fn nameless_file(folder: &Path) -> io::Result<File> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
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
                fs::remove_file(&path)?;
                return Ok(file);
            }
            // Left over by a process of the same number.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// A number that no other store has.
pub(crate) fn new_salt() -> u64 {
    RandomState::new().build_hasher().finish()
}

pub(crate) fn this_process(program: &str) -> Holder {
    Holder {
        program: program.to_owned(),
        pid: std::process::id(),
        host: host(),
        since_unix_s: now_unix_s(),
    }
}

#[cfg(target_os = "linux")]
fn host() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(not(target_os = "linux"))]
fn host() -> Option<String> {
    None
}

fn now_unix_s() -> u64 {
    // A clock before 1970 gives a wrong date, nothing worse.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Who signed the file. Where locks keep others from reading too, as on Windows, nobody.
fn read_holder(file: &File) -> Option<Holder> {
    let mut block = [0; BLOCK_BYTES];
    read_exact_at(file, HOLDER_OFFSET_BYTES, &mut block).ok()?;
    Holder::decode(&block)
}

#[cfg(unix)]
pub(crate) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let here = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((here.dev(), here.ino()) == (there.dev(), there.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

// An open file cannot be renamed there.
#[cfg(not(unix))]
pub(crate) fn is_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(unix)]
fn read_exact_at(file: &File, offset_bytes: u64, out: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, offset_bytes)
}

#[cfg(unix)]
fn write_all_at(file: &File, offset_bytes: u64, data: &[u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, data, offset_bytes)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut offset_bytes: u64, mut out: &mut [u8]) -> io::Result<()> {
    while !out.is_empty() {
        let len = std::os::windows::fs::FileExt::seek_read(file, out, offset_bytes)?;
        if len == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        out = out.get_mut(len..).unwrap_or_default();
        offset_bytes += len as u64;
    }
    Ok(())
}

#[cfg(windows)]
fn write_all_at(file: &File, mut offset_bytes: u64, mut data: &[u8]) -> io::Result<()> {
    while !data.is_empty() {
        let len = std::os::windows::fs::FileExt::seek_write(file, data, offset_bytes)?;
        if len == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        data = data.get(len..).unwrap_or_default();
        offset_bytes += len as u64;
    }
    Ok(())
}

#[cfg(not(any(unix, windows)))]
fn read_exact_at(mut file: &File, offset_bytes: u64, out: &mut [u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(offset_bytes))?;
    file.read_exact(out)
}

#[cfg(not(any(unix, windows)))]
fn write_all_at(mut file: &File, offset_bytes: u64, data: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(offset_bytes))?;
    io::Write::write_all(&mut file, data)
}
