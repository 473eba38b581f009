//! One writer per thread: the reference's own lock files (FORMAT A.9), so that its programs and
//! this one keep each other out. A lock is the system's and ends with the process.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::error::LockError;
use crate::home::Home;
use crate::store::{Holder, is_at, this_process};

const FOLDER: &str = "thread-writer-locks";
const COORDINATION: &str = ".coordination.lock";

/// Locks are taken and files removed under the coordination lock, which nobody holds for long.
const TRIES: u32 = 200;
const PAUSE: Duration = Duration::from_millis(10);

/// A thread that this process alone writes, as long as this value lives. Who only reads needs no
/// lock.
#[derive(Debug)]
pub struct ThreadLock {
    /// Locked until it is closed.
    file: File,
    path: PathBuf,
}

impl ThreadLock {
    /// Takes the lock of a thread in a home; `program` is what others are told of who has it. The
    /// lock's file stays when it is given back.
    ///
    /// # Errors
    /// When somebody else has it, with who that is as far as can be told, or when it cannot be
    /// taken.
    pub fn acquire(home: &Home, thread_id: &str, program: &str) -> Result<Self, LockError> {
        let path = path_of(home, thread_id)?;
        let failed = |source| LockError::Io { path: path.clone(), source };
        make_folder(&home.root().join(FOLDER)).map_err(failed)?;
        let _coordination = coordinate(home)?;
        for _ in 0..TRIES {
            let file = open(&path).map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let holder = holder_of(&file);
                    return Err(LockError::Held { thread_id: thread_id.to_owned(), holder });
                }
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
            // Who gave it back may have removed the file: then this one locks nothing.
            if is_at(&file, &path).map_err(failed)? {
                let lock = Self { file, path };
                // Only those who wait are told less by it.
                let _ = lock.sign(program);
                return Ok(lock);
            }
        }
        Err(failed(io::ErrorKind::ResourceBusy.into()))
    }

    /// Removes the lock's file of a thread that is gone. A lock that somebody has is left alone.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub(crate) fn forget(home: &Home, thread_id: &str) -> Result<(), LockError> {
        let path = path_of(home, thread_id)?;
        let failed = |source| LockError::Io { path: path.clone(), source };
        if !path.try_exists().map_err(failed)? {
            return Ok(());
        }
        let _coordination = coordinate(home)?;
        let file = open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => fs::remove_file(&path).map_err(failed),
            Err(TryLockError::WouldBlock) => Ok(()),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// The lock's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Says in the file who has it.
    fn sign(&self, program: &str) -> io::Result<()> {
        let json = serde_json::to_vec(&this_process(program)).map_err(io::Error::other)?;
        let mut file = &self.file;
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&json)
    }
}

impl Drop for ThreadLock {
    /// Nobody is to be told of a process that no longer has it. Closing the file is not enough: a
    /// process that is being started by another thread has it open until it is another program.
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

/// An id is part of a name here.
fn path_of(home: &Home, thread_id: &str) -> Result<PathBuf, LockError> {
    let path = home.root().join(FOLDER).join(format!("{}.lock", thread_id.to_ascii_lowercase()));
    let is_in_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    match !thread_id.is_empty() && thread_id.bytes().all(is_in_name) {
        true => Ok(path),
        false => Err(LockError::Io { path, source: io::ErrorKind::InvalidFilename.into() }),
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The lock under which others are taken and given back.
struct Coordination(File);

impl Drop for Coordination {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// Waits for it; nobody has it for long.
fn coordinate(home: &Home) -> Result<Coordination, LockError> {
    let path = home.root().join(FOLDER).join(COORDINATION);
    let failed = |source| LockError::Io { path: path.clone(), source };
    let file = open(&path).map_err(failed)?;
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(Coordination(file)),
            Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
    Err(failed(io::ErrorKind::ResourceBusy.into()))
}

/// Who has the lock: as the system says, else as the file does. Where locks keep others from
/// reading too, as on Windows, nobody.
fn holder_of(file: &File) -> Option<Holder> {
    let signed = signed(file);
    match owner_pid(file) {
        None => signed,
        // A program that signs nothing may have taken it after one that did and died.
        Some(pid) => signed.filter(|holder| holder.pid == pid).or_else(|| holder_by_pid(pid)),
    }
}

fn signed(file: &File) -> Option<Holder> {
    let mut text = String::new();
    let mut file = file;
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(4096).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// The process that the kernel lists as having this file locked.
#[cfg(target_os = "linux")]
fn owner_pid(file: &File) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let inode = format!(":{}", file.metadata().ok()?.ino());
    let locks = fs::read_to_string("/proc/locks").ok()?;
    locks
        .lines()
        .find_map(|line| {
            let mut words = line.split_ascii_whitespace().skip(1);
            let is_lock = words.next()? == "FLOCK";
            let pid = words.nth(2)?.parse().ok()?;
            (is_lock && words.next()?.ends_with(&inode)).then_some(pid)
        })
        // Of a process that this one cannot see, the kernel gives no number.
        .filter(|pid| *pid != 0)
}

#[cfg(target_os = "linux")]
fn holder_by_pid(pid: u32) -> Option<Holder> {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    let program = name.trim().to_owned();
    let folder = fs::metadata(format!("/proc/{pid}")).ok()?;
    let since = folder.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Holder { program, pid, host: this_process("").host, since_unix_s: since.as_secs() })
}

#[cfg(not(target_os = "linux"))]
fn owner_pid(_: &File) -> Option<u32> {
    None
}

#[cfg(not(target_os = "linux"))]
fn holder_by_pid(_: u32) -> Option<Holder> {
    None
}
