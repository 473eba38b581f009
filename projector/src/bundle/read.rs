//! Reading a bundle: it is believed nothing that its bytes do not show.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Take, Write};
use std::path::Path;

use super::manifest::{BundledLog, Limits, Manifest};
use super::{END, HEAD_BYTES, MAGIC, TAIL_BYTES, VERSION};
use crate::error::{BundleProblem, ImportError, OnFile};

/// Bytes of a list of contents: as many logs as are taken in need less.
const MANIFEST_BYTES_MAX: u64 = 64 * 1024 * 1024;

const LOGS_MAX: u64 = 100_000;

/// The largest window of a decoder, as a power of two: what level 3 needs, and some.
const WINDOW_LOG_MAX: u32 = 23;

const BUFFER_BYTES: usize = 256 * 1024;

/// Reads the list of contents, which tells whether the file is a whole bundle.
pub(super) fn manifest(
    mut file: &File,
    path: &Path,
    bytes_max: u64,
) -> Result<Manifest, ImportError> {
    let refused = |problem| ImportError::Bundle { path: path.to_owned(), problem };
    let len_bytes = file.metadata().on(path, "looked at")?.len();
    let mut head = [0; HEAD_BYTES as usize];
    let head_len = read_full(&mut file, &mut head).on(path, "read")?;
    let (magic, version) = head.split_at(MAGIC.len());
    if head_len < MAGIC.len() || magic != MAGIC {
        return Err(refused(BundleProblem::NoBundle));
    }
    let found = <[u8; 4]>::try_from(version).map_or(0, u32::from_le_bytes);
    if found != VERSION && head_len == head.len() {
        return Err(refused(BundleProblem::Version { found, expected: VERSION }));
    }
    let cut_off = || refused(BundleProblem::CutOff);
    let tail_start = len_bytes.checked_sub(TAIL_BYTES).filter(|start| *start >= HEAD_BYTES);
    let tail_start = tail_start.ok_or_else(cut_off)?;
    let mut tail = [0; TAIL_BYTES as usize];
    file.seek(SeekFrom::Start(tail_start)).on(path, "read")?;
    read_full(&mut file, &mut tail).on(path, "read")?;
    let (digest, rest) = tail.split_at(32);
    let (len, end) = rest.split_at(8);
    if end != END {
        return Err(cut_off());
    }
    let len = <[u8; 8]>::try_from(len).map_or(0, u64::from_le_bytes);
    let logs_end = tail_start.checked_sub(len).filter(|end| *end >= HEAD_BYTES);
    let logs_end = logs_end.ok_or_else(|| refused(BundleProblem::Layout))?;
    if len > MANIFEST_BYTES_MAX {
        let (what, declared, limit) = ("bytes of its list of contents", len, MANIFEST_BYTES_MAX);
        return Err(refused(BundleProblem::TooMuch { what, declared, limit }));
    }
    let mut json = Vec::new();
    file.seek(SeekFrom::Start(logs_end)).on(path, "read")?;
    file.take(len).read_to_end(&mut json).on(path, "read")?;
    if blake3::hash(&json).as_bytes() != digest {
        return Err(refused(BundleProblem::ManifestDigest));
    }
    let limits = Limits { logs: LOGS_MAX, bytes: bytes_max };
    Manifest::read(&json, logs_end, limits).map_err(refused)
}

fn read_full(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(len) => filled += len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Decompresses a log, not one byte more than it is said to have.
pub(super) fn unpack_log(
    packed: Take<&File>,
    log: &BundledLog,
    out: &mut impl Write,
    path: &Path,
    refused: &dyn Fn(BundleProblem) -> ImportError,
) -> Result<(), ImportError> {
    let name = || log.name.clone();
    let undecodable = |source| refused(BundleProblem::Undecodable { name: name(), source });
    let mut packed = BufReader::new(packed);
    let mut decoder = zstd::stream::read::Decoder::with_buffer(&mut packed).map_err(undecodable)?;
    decoder.window_log_max(WINDOW_LOG_MAX).map_err(undecodable)?;
    let mut digester = blake3::Hasher::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut len_bytes = 0;
    loop {
        let len = match decoder.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(undecodable)?,
        };
        let bytes = buffer.get(..len).unwrap_or_default();
        len_bytes += len as u64;
        if bytes.is_empty() || len_bytes > log.len_bytes {
            break;
        }
        digester.update(bytes);
        out.write_all(bytes).on(path, "written")?;
    }
    if len_bytes != log.len_bytes {
        let declared = log.len_bytes;
        return Err(refused(BundleProblem::Length { name: name(), declared }));
    }
    match digester.finalize().to_hex().eq_ignore_ascii_case(&log.blake3) {
        true => Ok(()),
        false => Err(refused(BundleProblem::Digest { name: name() })),
    }
}
