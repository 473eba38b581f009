//! Writing a bundle.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use super::manifest::{BundledLog, Manifest};
use super::{END, MAGIC, VERSION};
use crate::disk::FileSource;
use crate::error::{ExportError, OnFile, SelectError};
use crate::files::disk::{self, Stamp, unix_ms};
use crate::files::{Children, References, subtree};
use crate::home::{Found, Home, NameEntry, Scan};
use crate::source::LogSource;

/// As the logs themselves are compressed (R245).
const LEVEL: i32 = 3;

const BUFFER_BYTES: usize = 256 * 1024;

/// What goes into a bundle.
#[derive(Clone, Copy)]
pub struct ExportOptions<'o> {
    /// Which threads a thread spawned, if those are to go with it.
    pub children: Option<Children<'o>>,
    /// Only says what would go into it.
    pub is_dry_run: bool,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// What is in the bundle; in a dry run, lengths and digests are not told.
    pub manifest: Manifest,
    /// Bytes of the bundle.
    pub bundle_bytes: u64,
}

/// Writes a thread - all its logs, and those they go on from - into a new file. A log that is being
/// written goes in as far as it is written.
///
/// # Errors
/// When there is no such thread, one of its logs cannot be read as a whole, or the file cannot be
/// written.
pub fn export(
    home: &Home,
    thread_id: &str,
    to: impl AsRef<Path>,
    options: &ExportOptions<'_>,
) -> Result<Exported, ExportError> {
    let to = to.as_ref();
    let thread_id = thread_id.to_ascii_lowercase();
    let threads = match options.children {
        Some(children) => subtree(&thread_id, children),
        None => vec![thread_id.clone()],
    };
    let scan = home.scan()?;
    let found = logs(&scan, &threads);
    if !found.iter().any(|found| is_of(found, &thread_id)) {
        let home = home.root().to_owned();
        return Err(SelectError::Unknown { thread_id, home }.into());
    }
    let names = names(home, &found)?;
    let mut manifest = Manifest { thread_id, logs: Vec::new(), names };
    if options.is_dry_run {
        manifest.logs = found.iter().map(|found| listed(found, 0)).collect();
        return Ok(Exported { manifest, bundle_bytes: 0 });
    }
    if disk::is_there(to).on(to, "looked at")? {
        return Err(ExportError::Occupied { path: to.to_owned() });
    }
    let folder = disk::folder_of(to);
    let (temporary, file) = disk::new_temporary(folder, "export").on(folder, "written in")?;
    let written = write(&temporary, &file, &found, &mut manifest);
    let named = written.and_then(|bundle_bytes| match disk::rename_new(&temporary, to) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(ExportError::Occupied { path: to.to_owned() })
        }
        renamed => Ok(renamed.on(to, "named").map(|()| bundle_bytes)?),
    });
    match named {
        Ok(bundle_bytes) => {
            disk::sync_folder(folder).on(folder, "synced")?;
            Ok(Exported { manifest, bundle_bytes })
        }
        Err(error) => {
            disk::remove(&temporary).on(&temporary, "removed")?;
            Err(error)
        }
    }
}

fn is_of(found: &Found, thread_id: &str) -> bool {
    let name = found.name.as_ref();
    name.is_some_and(|name| name.thread_id().eq_ignore_ascii_case(thread_id))
}

/// The logs of these threads, and those that they go on from, each once.
fn logs<'s>(scan: &'s Scan, threads: &[String]) -> Vec<&'s Found> {
    let references = References::of(scan);
    let mut open: Vec<&Found> = threads.iter().rev().flat_map(|id| scan.of_thread(id)).collect();
    // Of copies the one that a reader would take.
    open.sort_by_key(|found| (!found.is_archived, found.is_in_place));
    let mut seen = BTreeSet::new();
    let mut logs = Vec::new();
    while let Some(found) = open.pop() {
        if seen.insert(&found.key) {
            let base = references.base_of(&found.path).and_then(|id| scan.by_last_id(id));
            open.extend(base);
            logs.push(found);
        }
    }
    logs.sort_by_key(|found| &found.key);
    logs
}

fn names(home: &Home, found: &[&Found]) -> Result<Vec<NameEntry>, ExportError> {
    let names = home.names()?;
    let is_in = |entry: &&NameEntry| found.iter().any(|found| is_of(found, &entry.id));
    let is_name = |entry: &&NameEntry| names.name(&entry.id).is_some();
    Ok(names.entries().filter(is_in).filter(is_name).cloned().collect())
}

fn listed(found: &Found, modified_unix_ms: u64) -> BundledLog {
    BundledLog {
        name: format!("{}.jsonl", found.key),
        is_archived: found.is_archived,
        modified_unix_ms,
        len_bytes: 0,
        packed_bytes: 0,
        blake3: String::new(),
    }
}

/// Writes all of a bundle into a new file, and gives its length.
fn write(
    path: &Path,
    file: &File,
    found: &[&Found],
    manifest: &mut Manifest,
) -> Result<u64, ExportError> {
    let mut out = Counted { out: BufWriter::new(file), len_bytes: 0 };
    out.write_all(MAGIC).on(path, "written")?;
    out.write_all(&VERSION.to_le_bytes()).on(path, "written")?;
    for found in found {
        manifest.logs.push(write_log(path, &mut out, found)?);
    }
    let json = serde_json::to_vec(manifest).map_err(ExportError::Manifest)?;
    let digest = blake3::hash(&json);
    let len = (json.len() as u64).to_le_bytes();
    for bytes in [&*json, digest.as_bytes(), &len, END] {
        out.write_all(bytes).on(path, "written")?;
    }
    out.flush().on(path, "written")?;
    file.sync_all().on(path, "synced")?;
    Ok(out.len_bytes)
}

fn write_log(
    path: &Path,
    out: &mut Counted<impl Write>,
    found: &Found,
) -> Result<BundledLog, ExportError> {
    let log_path = found.file_path();
    let stamp = Stamp::followed(&log_path).on(&log_path, "looked at")?;
    let source = FileSource::open(&found.path);
    let source = source.map_err(io::Error::other).on(&log_path, "read")?;
    let mut log = listed(found, unix_ms(stamp.modified));
    let start_bytes = out.len_bytes;
    let mut encoder = zstd::stream::write::Encoder::new(&mut *out, LEVEL).on(path, "written")?;
    encoder.include_checksum(true).on(path, "written")?;
    let mut digester = blake3::Hasher::new();
    let mut reader = InOrder { source: &source, offset_bytes: 0 };
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let len = reader.read(&mut buffer).on(&log_path, "read")?;
        let bytes = buffer.get(..len).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        digester.update(bytes);
        encoder.write_all(bytes).on(path, "written")?;
    }
    encoder.finish().on(path, "written")?;
    if let Some(note) = source.notes().into_iter().find(|note| note.is_partial()) {
        let source = io::Error::other(note.to_string());
        return Err(ExportError::Damaged { path: log_path, source });
    }
    log.len_bytes = reader.offset_bytes;
    log.packed_bytes = out.len_bytes - start_bytes;
    log.blake3 = digester.finalize().to_hex().to_string();
    Ok(log)
}

/// A log from its first byte on.
struct InOrder<'s> {
    source: &'s FileSource,
    offset_bytes: u64,
}

impl Read for InOrder<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = loop {
            match self.source.read_at(self.offset_bytes, buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.offset_bytes += len as u64;
        Ok(len)
    }
}

/// Counts what is written.
struct Counted<W> {
    out: W,
    len_bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = self.out.write(bytes)?;
        self.len_bytes += len as u64;
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
