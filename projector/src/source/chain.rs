//! Segments: a log that goes on where another one was left names it in its first record
//! (`history_base`, FORMAT A.2). The base's bytes up to the place it names, and before these its
//! own base's, and then its own: one log.

use std::fmt;
use std::io;

use rollfold_core::model::{HistoryMode, Origin};
use rollfold_core::{Body, Depth, Line, Ordinal, Span, decode};
use serde::{Deserialize, Serialize};

use super::{Identity, LogSource, SourceNote};
use crate::lines::{ReadError, read_full};

/// Bases one behind the other that are followed.
const DEPTH_MAX: usize = 64;

/// A record that names a base, or the last one before a cut, is looked for in as many bytes.
const RECORD_BYTES_MAX: usize = 8 * 1024 * 1024;

const LOOK_BYTES: usize = 64 * 1024;

/// Most heads are no longer.
const FIRST_LOOK_BYTES: usize = 4 * 1024;

/// Finds logs by what they are named in others.
pub trait Resolve {
    /// The log of the file whose name ends in this id: of a thread's first file its own, of a later
    /// one that of the segment.
    ///
    /// # Errors
    /// When it cannot be told whether there is one.
    fn find(&self, id: &str) -> io::Result<Option<Box<dyn LogSource>>>;
}

/// Why a base was not followed. The log's own records are then folded alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BaseProblem {
    /// The record names no place, or no log.
    Unreadable,
    /// There is no such log.
    Missing,
    /// The place is behind the base's end.
    BeyondEnd {
        /// The place.
        end_byte_offset: u64,
    },
    /// The place is not between two lines.
    MidRecord {
        /// The place.
        end_byte_offset: u64,
    },
    /// The last record before the place has not the ordinal that it should.
    OtherOrdinal {
        /// The ordinal that should come next.
        end_ordinal_exclusive: u64,
        /// That of the last record before.
        found: u64,
    },
    /// The base goes on from the log itself, perhaps over others.
    Cycle,
    /// More bases behind one another than are followed.
    TooDeep,
    /// Its history is written in another mode (A22).
    OtherMode,
}

impl fmt::Display for BaseProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => f.write_str("is not named so that it can be read"),
            Self::Missing => f.write_str("is not there"),
            Self::BeyondEnd { end_byte_offset } => write!(f, "has no byte {end_byte_offset}"),
            Self::MidRecord { end_byte_offset } => {
                write!(f, "has no line end before byte {end_byte_offset}")
            }
            Self::OtherOrdinal { end_ordinal_exclusive, found } => {
                write!(f, "has ordinal {found} before {end_ordinal_exclusive}")
            }
            Self::Cycle => f.write_str("goes on from this log"),
            Self::TooDeep => f.write_str("has too many bases behind it"),
            Self::OtherMode => f.write_str("is written in another history mode"),
        }
    }
}

/// A log and what it goes on from, as one log under its own key.
pub struct Chain {
    /// The oldest first; the last is the log itself.
    parts: Vec<Part>,
    problem: Option<SourceNote>,
    origin: Option<Origin>,
}

struct Part {
    source: Box<dyn LogSource>,
    /// Where it begins in the chain.
    start_bytes: u64,
    /// How much of it is in the chain; of the log itself all there is.
    len_bytes: Option<u64>,
}

/// What the first record of a log says, if it is a `session_meta`.
#[derive(Default)]
struct Head {
    thread_id: Option<String>,
    mode: Option<HistoryMode>,
    base: Option<Result<Base, BaseProblem>>,
}

/// What the first record of a log names.
struct Base {
    id: String,
    end_byte_offset: u64,
    end_ordinal_exclusive: Option<u64>,
}

impl Chain {
    /// Follows what `own` goes on from. What cannot be followed is a note of the source, and its
    /// own records are there alone.
    ///
    /// # Errors
    /// When a log cannot be read.
    pub fn open(own: Box<dyn LogSource>, logs: &dyn Resolve) -> io::Result<Self> {
        let mut bases = Vec::new();
        let mut keys = vec![own.key().to_owned()];
        let mut problem = None;
        let Head { thread_id, mode, base: mut named } = head_of(&*own)?;
        while let Some(base) = named {
            let found = match base {
                Ok(base) => follow(base, mode.as_ref(), logs, &mut keys)?,
                Err(problem) => Err((String::new(), problem)),
            };
            match found {
                Ok(Followed { source, len_bytes, head }) => {
                    named = head.base;
                    bases.push((source, len_bytes, head.thread_id));
                }
                Err((id, why)) => {
                    problem = Some(SourceNote::Base { id, problem: why });
                    bases.clear();
                    break;
                }
            }
        }
        let (mut parts, mut start_bytes) = (Vec::new(), 0_u64);
        // Segments of one thread are its own, as far as no other thread's stands between them.
        let mut own_start_bytes = 0;
        for (source, len_bytes, of_thread) in bases.into_iter().rev() {
            parts.push(Part { source, start_bytes, len_bytes: Some(len_bytes) });
            start_bytes = start_bytes.saturating_add(len_bytes);
            let is_own = of_thread.zip(thread_id.as_ref());
            if !is_own.is_some_and(|(its, own)| its.eq_ignore_ascii_case(own)) {
                own_start_bytes = start_bytes;
            }
        }
        parts.push(Part { source: own, start_bytes, len_bytes: None });
        let thread_id = thread_id.filter(|_| own_start_bytes > 0);
        let origin = thread_id.map(|id| Origin { thread_id: id.into(), own_start_bytes });
        Ok(Self { parts, problem, origin })
    }

    /// Bytes that are not in the log's own file: all before this offset. They may be the thread's
    /// own still, in its earlier segments; [`LogSource::origin`] tells.
    #[must_use]
    pub fn inherited_bytes(&self) -> u64 {
        self.parts.last().map_or(0, |own| own.start_bytes)
    }

    /// Whether a log of the chain begins there.
    pub(crate) fn begins_at(&self, offset_bytes: u64) -> bool {
        self.parts.iter().any(|part| part.start_bytes == offset_bytes)
    }

    /// In which log a record of the chain is, by its key, and where in that.
    #[must_use]
    pub fn locate(&self, span: Span) -> Option<(&str, Span)> {
        let part = self.parts.iter().rev().find(|it| it.start_bytes <= span.offset_bytes)?;
        let offset_bytes = span.offset_bytes - part.start_bytes;
        Some((part.source.key(), Span { offset_bytes, ..span }))
    }
}

/// A base and how much of it is meant.
struct Followed {
    source: Box<dyn LogSource>,
    len_bytes: u64,
    head: Head,
}

fn follow(
    base: Base,
    mode: Option<&HistoryMode>,
    logs: &dyn Resolve,
    keys: &mut Vec<String>,
) -> io::Result<Result<Followed, (String, BaseProblem)>> {
    let Base { id, end_byte_offset, end_ordinal_exclusive } = base;
    if keys.len() > DEPTH_MAX {
        return Ok(Err((id, BaseProblem::TooDeep)));
    }
    let Some(source) = logs.find(&id)? else { return Ok(Err((id, BaseProblem::Missing))) };
    if keys.iter().any(|key| key == source.key()) {
        return Ok(Err((id, BaseProblem::Cycle)));
    }
    keys.push(source.key().to_owned());
    let last = match last_line(&*source, end_byte_offset)? {
        Ok(last) => last,
        Err(problem) => return Ok(Err((id, problem))),
    };
    let found = ordinal_of(&last);
    if let Some((end_ordinal_exclusive, found)) = end_ordinal_exclusive.zip(found)
        && found.checked_add(1) != Some(end_ordinal_exclusive)
    {
        return Ok(Err((id, BaseProblem::OtherOrdinal { end_ordinal_exclusive, found })));
    }
    let head = head_of(&*source)?;
    if head.mode.as_ref().zip(mode).is_some_and(|(its, own)| its != own) {
        return Ok(Err((id, BaseProblem::OtherMode)));
    }
    Ok(Ok(Followed { source, len_bytes: end_byte_offset, head }))
}

/// The id by which the first record of a log names its base, if it names one; empty if that cannot
/// be read.
pub(crate) fn base_id(source: &dyn LogSource) -> io::Result<Option<String>> {
    let base = head_of(source)?.base;
    Ok(base.map(|base| base.map_or_else(|_| String::new(), |base| base.id)))
}

/// What the first record of a log says.
fn head_of(source: &dyn LogSource) -> io::Result<Head> {
    let mut bytes = Vec::new();
    let line = loop {
        let start = bytes.iter().position(|byte: &u8| !byte.is_ascii_whitespace());
        let rest = start.and_then(|start| bytes.get(start..)).unwrap_or_default();
        if let Some(end) = memchr::memchr(b'\n', rest) {
            break rest.get(..end).unwrap_or_default();
        }
        let searched = bytes.len();
        if searched >= RECORD_BYTES_MAX {
            return Ok(Head::default());
        }
        bytes.resize(searched + searched.clamp(FIRST_LOOK_BYTES, LOOK_BYTES), 0);
        let room = bytes.get_mut(searched..).unwrap_or_default();
        let len = read_full(source, searched as u64, room).map_err(io_error)?;
        bytes.truncate(searched + len);
        if len == 0 {
            return Ok(Head::default());
        }
    };
    let span = Span::new(0, line.len() as u64);
    let mut scratch = String::new();
    let decoded = decode(Line { seq: 0, span, bytes: line }, &mut scratch, Depth::Full);
    let Some(Body::SessionMeta(meta)) = decoded.records.as_slice().first().map(|it| &it.body)
    else {
        return Ok(Head::default());
    };
    let base = meta.history_base.get().map(|base| {
        let (id, end_byte_offset) = (base.thread_id.get(), base.end_byte_offset.get());
        let base = id.zip(end_byte_offset).map(|(id, end_byte_offset)| Base {
            id: id.to_string(),
            end_byte_offset,
            end_ordinal_exclusive: base.end_ordinal_exclusive.get(),
        });
        base.ok_or(BaseProblem::Unreadable)
    });
    let thread_id = meta.id.get().map(|id| id.to_string());
    let mode = meta.history_mode.get().unwrap_or(HistoryMode::Legacy);
    Ok(Head { thread_id, mode: Some(mode), base })
}

/// The line that ends right before this place.
fn last_line(
    source: &dyn LogSource,
    end_byte_offset: u64,
) -> io::Result<Result<Vec<u8>, BaseProblem>> {
    let mut len = (LOOK_BYTES as u64).min(end_byte_offset);
    loop {
        let start = end_byte_offset - len;
        let mut bytes = vec![0; usize::try_from(len).map_err(io::Error::other)?];
        if read_full(source, start, &mut bytes).map_err(io_error)? < bytes.len() {
            return Ok(Err(BaseProblem::BeyondEnd { end_byte_offset }));
        }
        match bytes.pop() {
            Some(b'\n') => {}
            None => return Ok(Ok(bytes)),
            Some(_) => return Ok(Err(BaseProblem::MidRecord { end_byte_offset })),
        }
        let before = memchr::memrchr(b'\n', &bytes);
        if before.is_some() || start == 0 || bytes.len() >= RECORD_BYTES_MAX {
            let line_start = before.map_or(0, |before| before + 1);
            return Ok(Ok(bytes.split_off(line_start)));
        }
        len = len.saturating_mul(8).min(end_byte_offset);
    }
}

fn ordinal_of(line: &[u8]) -> Option<u64> {
    let span = Span::new(0, line.len() as u64);
    let mut scratch = String::new();
    let decoded = decode(Line { seq: 0, span, bytes: line }, &mut scratch, Depth::Needed);
    match decoded.records.as_slice().last()?.ordinal {
        Ordinal::Value(ordinal) => Some(ordinal),
        _ => None,
    }
}

fn io_error(error: ReadError) -> io::Error {
    match error {
        ReadError::Io { source, .. } => source,
        ReadError::LongLine { .. } => io::ErrorKind::OutOfMemory.into(),
    }
}

impl LogSource for Chain {
    fn key(&self) -> &str {
        self.parts.last().map_or("", |own| own.source.key())
    }

    fn len_bytes(&self) -> io::Result<Option<u64>> {
        let Some(own) = self.parts.last() else { return Ok(Some(0)) };
        Ok(own.source.len_bytes()?.map(|len_bytes| own.start_bytes.saturating_add(len_bytes)))
    }

    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let part = self.parts.iter().rev().find(|part| part.start_bytes <= offset_bytes);
        let Some(part) = part else { return Ok(0) };
        let within = offset_bytes - part.start_bytes;
        let left = part.len_bytes.map_or(u64::MAX, |len_bytes| len_bytes.saturating_sub(within));
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        part.source.read_at(within, buffer.get_mut(..len).unwrap_or_default())
    }

    /// That of the log itself, if it goes on from no other: bases may change as well.
    fn identity(&self) -> io::Result<Option<Identity>> {
        match &self.parts[..] {
            [own] => own.source.identity(),
            _ => Ok(None),
        }
    }

    fn origin(&self) -> Option<Origin> {
        self.origin.clone()
    }

    fn is_forward_only(&self) -> bool {
        self.parts.iter().any(|part| part.source.is_forward_only())
    }

    fn notes(&self) -> Vec<SourceNote> {
        let notes = self.parts.iter().flat_map(|part| part.source.notes());
        notes.chain(self.problem.clone()).collect()
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.parts.iter().map(|part| part.source.key());
        f.debug_list().entries(keys).finish()
    }
}
