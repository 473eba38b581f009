//! What the operations of this folder do to the disk, one small step each.

use std::fs::{self, File, FileTimes, Metadata, OpenOptions, Permissions};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rollfold_core::{Digest, Digester};

const BUFFER_BYTES: usize = 256 * 1024;

/// The level that the reference compresses with (R245).
const LEVEL: i32 = 3;

/// Names of one process's temporary files that are tried.
const NAME_TRIES: u32 = 64;

/// What a file is, as far as one look tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) len_bytes: u64,
    pub(crate) modified: SystemTime,
    pub(crate) permissions: Permissions,
    /// Which file of the disk it is, where the system says.
    node: Option<(u64, u64)>,
    links: u64,
    is_file: bool,
}

impl Stamp {
    /// Looks at what is at a path, not at what a link there leads to.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        Self::from(&fs::symlink_metadata(path)?)
    }

    /// Looks at what a path leads to.
    pub(crate) fn followed(path: &Path) -> io::Result<Self> {
        Self::from(&fs::metadata(path)?)
    }

    fn from(metadata: &Metadata) -> io::Result<Self> {
        #[cfg(unix)]
        let (node, links) = {
            use std::os::unix::fs::MetadataExt;
            (Some((metadata.dev(), metadata.ino())), metadata.nlink())
        };
        #[cfg(not(unix))]
        let (node, links) = (None, 1);
        Ok(Self {
            len_bytes: metadata.len(),
            modified: metadata.modified()?,
            permissions: metadata.permissions(),
            node,
            links,
            is_file: metadata.is_file(),
        })
    }

    /// A file that has this one name only.
    pub(crate) fn is_lone_file(&self) -> bool {
        self.is_file && self.links <= 1
    }

    pub(crate) fn is_file(&self) -> bool {
        self.is_file
    }
}

/// Whether there is anything at a path, be it a link that leads nowhere.
pub(crate) fn is_there(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// When a file was last made, named or written. Files in the making may have the time of the log
/// they are made of.
pub(crate) fn last_touched(path: &Path) -> io::Result<SystemTime> {
    let metadata = fs::symlink_metadata(path)?;
    let modified = metadata.modified()?;
    let touched = metadata.created().map_or(modified, |created| created.max(modified));
    #[cfg(unix)]
    let touched = {
        use std::os::unix::fs::MetadataExt;
        let changed = u64::try_from(metadata.ctime()).map(Duration::from_secs);
        let changed = changed.ok().and_then(|changed| UNIX_EPOCH.checked_add(changed));
        changed.map_or(touched, |changed| changed.max(touched))
    };
    Ok(touched)
}

/// What bytes are known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) len_bytes: u64,
    pub(crate) digest: Digest,
}

/// Copies all bytes and tells what they were.
pub(crate) fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<Content> {
    let mut digester = Digester::default();
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut len_bytes = 0;
    loop {
        let len = match from.read(&mut buffer) {
            Ok(0) => return Ok(Content { len_bytes, digest: digester.finish() }),
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let bytes = buffer.get(..len).unwrap_or_default();
        digester.push(bytes);
        to.write_all(bytes)?;
        len_bytes += len as u64;
    }
}

/// What the first bytes of a file are, at most `len_bytes` of them.
pub(crate) fn content(path: &Path, len_bytes: u64) -> io::Result<Content> {
    copy(&mut File::open(path)?.take(len_bytes), &mut io::sink())
}

/// What the first bytes in a compressed file are, at most `len_bytes` of them.
pub(crate) fn unpacked_content(path: &Path, len_bytes: u64) -> io::Result<Content> {
    copy(&mut unpacked(path)?.take(len_bytes), &mut io::sink())
}

fn unpacked(path: &Path) -> io::Result<impl Read> {
    zstd::stream::read::Decoder::new(BufReader::new(File::open(path)?))
}

/// Compresses a file of a known length into a new one, with its length and a checksum in the frame.
pub(crate) fn pack(from: &Path, len_bytes: u64, to: &File) -> io::Result<Content> {
    let mut encoder = zstd::stream::write::Encoder::new(BufWriter::new(to), LEVEL)?;
    encoder.include_checksum(true)?;
    encoder.include_contentsize(true)?;
    encoder.set_pledged_src_size(Some(len_bytes))?;
    // What is written behind the length meanwhile is left out, and seen as a change later.
    let content = copy(&mut File::open(from)?.take(len_bytes), &mut encoder)?;
    if content.len_bytes == len_bytes {
        encoder.finish()?.flush()?;
    }
    Ok(content)
}

/// Decompresses a file into a new one.
pub(crate) fn unpack(from: &Path, to: &File) -> io::Result<Content> {
    let mut to = BufWriter::new(to);
    let content = copy(&mut unpacked(from)?, &mut to)?;
    to.flush()?;
    Ok(content)
}

/// Copies a file's bytes into a new one.
pub(crate) fn duplicate(from: &Path, to: &File) -> io::Result<Content> {
    copy(&mut File::open(from)?, &mut &*to)
}

/// Makes a new file for its owner only, with a name that nobody else uses.
pub(crate) fn new_temporary(folder: &Path, purpose: &str) -> io::Result<(PathBuf, File)> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    for _ in 0..NAME_TRIES {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos());
        let pid = std::process::id();
        let path = folder.join(format!("rollout-{purpose}-{pid}-{now:x}-{number}.tmp"));
        match new_file(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Makes a new file for its owner only.
pub(crate) fn new_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a new folder for its owner only, with a name that nobody else uses.
pub(crate) fn new_temporary_folder(parent: &Path, prefix: &str) -> io::Result<PathBuf> {
    Ok(tempfile::Builder::new().prefix(prefix).tempdir_in(parent)?.keep())
}

/// Removes the folders whose names begin so and that nobody has touched for so long.
pub(crate) fn remove_stale_folders(
    parent: &Path,
    prefix: &str,
    stale_after: Duration,
) -> io::Result<()> {
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        let is_named = entry.file_name().as_encoded_bytes().starts_with(prefix.as_bytes());
        if is_named && entry.file_type()?.is_dir() {
            let age = SystemTime::now().duration_since(last_touched(&entry.path())?);
            if age.is_ok_and(|age| age >= stale_after) {
                fs::remove_dir_all(entry.path())?;
            }
        }
    }
    Ok(())
}

/// Removes those of these folders, the innermost last, that are empty.
pub(crate) fn remove_empty_folders(folders: &[PathBuf]) {
    for folder in folders.iter().rev() {
        // What somebody else has put into it meanwhile keeps it there.
        let _ = fs::remove_dir(folder);
    }
}

/// Removes a folder and all that is in it.
pub(crate) fn remove_folder(folder: &Path) -> io::Result<()> {
    fs::remove_dir_all(folder)
}

/// Makes a folder and those it is in; tells which of them are new, the outermost first.
pub(crate) fn make_new_folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut missing = Vec::new();
    for folder in folder.ancestors().filter(|folder| !folder.as_os_str().is_empty()) {
        if folder.is_dir() {
            break;
        }
        missing.push(folder.to_owned());
    }
    missing.reverse();
    fs::create_dir_all(folder)?;
    Ok(missing)
}

/// Milliseconds since 1970; 0 for what is before.
pub(crate) fn unix_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The time so many milliseconds after 1970 began; now, if there is no such time.
pub(crate) fn from_unix_ms(ms: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_millis(ms)).unwrap_or_else(SystemTime::now)
}

/// Gives a new file its time, and waits until all of it is on the disk.
pub(crate) fn finish(file: &File, modified: SystemTime) -> io::Result<()> {
    // Not every disk can hold every time.
    if file.set_modified(modified).is_err() {
        file.set_modified(SystemTime::now())?;
    }
    file.sync_all()
}

/// Gives a new file the time and the permissions of the one it stands for, and waits until all of it
/// is on the disk.
pub(crate) fn dress(file: &File, like: &Stamp) -> io::Result<()> {
    file.set_times(FileTimes::new().set_modified(like.modified))?;
    file.set_permissions(like.permissions.clone())?;
    file.sync_all()
}

/// Gives a file another name that nothing has yet.
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    let mut name = tempfile::TempPath::try_from_path(from)?;
    name.disable_cleanup(true);
    name.persist_noclobber(to).map_err(|failed| failed.error)
}

/// Makes a folder and those it is in, unless they are there.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// The path without links, of something that is there.
pub(crate) fn real_path(path: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(path)
}

/// Waits until the names in a folder are on the disk, where folders can be waited for.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    return File::open(folder)?.sync_all();
    #[cfg(not(unix))]
    return folder.metadata().map(drop);
}

/// Removes a file; one that is not there is no error.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Appends what a file has from a place on to another file, unless that ends in it already, and
/// tells how much that is. While the file may be written, only its whole lines are taken.
pub(crate) fn append_rest(
    from: &Path,
    start_bytes: u64,
    to: &Path,
    is_final: bool,
) -> io::Result<u64> {
    let mut rest = Vec::new();
    let mut from = File::open(from)?;
    from.seek(SeekFrom::Start(start_bytes))?;
    from.read_to_end(&mut rest)?;
    if !is_final {
        rest.truncate(memchr::memrchr(b'\n', &rest).map_or(0, |end| end + 1));
    }
    let added = rest.len() as u64;
    if rest.is_empty() {
        return Ok(0);
    }
    let mut to = OpenOptions::new().read(true).append(true).open(to)?;
    let mut end = vec![0; rest.len()];
    if let Some(start) = to.metadata()?.len().checked_sub(added) {
        to.seek(SeekFrom::Start(start))?;
        to.read_exact(&mut end)?;
        if end == rest {
            return Ok(added);
        }
    }
    let len_bytes = to.metadata()?.len();
    if len_bytes > 0 {
        let mut last = [0];
        to.seek(SeekFrom::Start(len_bytes - 1))?;
        to.read_exact(&mut last)?;
        if last != *b"\n" {
            rest.insert(0, b'\n');
        }
    }
    to.write_all(&rest)?;
    to.sync_all()?;
    Ok(added)
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
