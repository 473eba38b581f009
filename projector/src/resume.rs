//! Where a sync goes on: whether a log still begins with what was folded, seen at the least cost
//! that tells.

use rollfold_core::{Digest, FoldState, LongLine, Position};

use crate::cursor::Cursor;
use crate::error::SyncError;
use crate::lines::{LineReader, ReadError, read_full};
use crate::samples;
use crate::source::{Identity, LogSource, SourceNote};
use crate::store::Known;
use crate::sync::{Check, Outcome, RewriteSign, SyncOptions};

/// As much is read anew at every sync: it costs no more than a few samples.
const SMALL_BYTES: u64 = 64 * 1024;

const DRAIN_BYTES: usize = 64 * 1024;

/// A source as it is when a sync begins.
pub(crate) struct Begin<'s, S: ?Sized> {
    pub(crate) source: &'s S,
    pub(crate) identity: Option<Identity>,
    /// `None` if only reading tells.
    pub(crate) len_bytes: Option<u64>,
    pub(crate) options: &'s SyncOptions,
}

/// Where to go on, and a reader that stands there.
pub(crate) struct Plan<'s, S: ?Sized> {
    pub(crate) outcome: Outcome,
    pub(crate) generation: u32,
    pub(crate) state: FoldState,
    pub(crate) reader: LineReader<'s, S>,
    /// The newest generation the store knew.
    pub(crate) known: Option<Known>,
    /// Whether the place must be written even if there is no line to fold.
    pub(crate) is_due: bool,
    /// Bytes read apart from those that the reader read.
    pub(crate) bytes_read: u64,
}

/// What a log was found to begin with.
enum Found<'s, S: ?Sized> {
    /// What was folded; the reader stands behind it.
    Same(Box<LineReader<'s, S>>),
    Other,
    /// It ends before.
    Shorter,
}

impl<'s, S: LogSource + ?Sized> Begin<'s, S> {
    /// Checks what is known of the log. `None` if the log cannot be read as far as it was folded,
    /// for a reason that says nothing of what was folded.
    pub(crate) fn plan(
        &self,
        known: Option<(Known, Cursor)>,
    ) -> Result<Option<Plan<'s, S>>, SyncError> {
        let key = self.source.key().to_owned();
        let failed = |error: ReadError| error.of(&key);
        let Some((known, cursor)) = known else {
            let reader = self.open(0, &[]).map_err(failed)?;
            return Ok(Some(Plan {
                outcome: Outcome::New,
                generation: 0,
                state: self.begin(),
                reader,
                known: None,
                is_due: true,
                bytes_read: 0,
            }));
        };
        let known = Some(known);
        let generation = cursor.generation;
        let (is_whole, found, bytes_read) = self.find(&cursor).map_err(failed)?;
        let sign = match found {
            Found::Same(reader) => {
                let (reader, state) = (*reader, cursor.state);
                let seen = cursor.seen.map(|seen| seen.identity);
                // Only where the next sync would else read as much again.
                let is_due = is_whole && seen != self.identity;
                let outcome = Outcome::Unchanged;
                return Ok(Some(Plan {
                    outcome,
                    generation,
                    state,
                    reader,
                    known,
                    is_due,
                    bytes_read,
                }));
            }
            Found::Other | Found::Shorter if self.is_partial().map_err(failed)? => return Ok(None),
            Found::Other => RewriteSign::OtherBytes,
            Found::Shorter => RewriteSign::Shorter,
        };
        let reader = self.open(0, &[]).map_err(failed)?;
        let outcome = Outcome::Rewritten { sign, kept: generation };
        let (generation, state) = (generation.saturating_add(1), self.begin());
        Ok(Some(Plan { outcome, generation, state, reader, known, is_due: true, bytes_read }))
    }

    /// The state before the first line.
    fn begin(&self) -> FoldState {
        match self.source.origin() {
            Some(origin) => FoldState::with_origin(self.options.fold, origin),
            None => FoldState::new(self.options.fold),
        }
    }

    fn open(&self, at_bytes: u64, samples: &[Digest]) -> Result<LineReader<'s, S>, ReadError> {
        let buffer_bytes = self.options.buffer_bytes;
        let line_max_bytes = self.options.fold.line_limit.len_bytes;
        LineReader::open(
            self.source,
            at_bytes,
            self.len_bytes,
            buffer_bytes,
            line_max_bytes,
            samples,
        )
    }

    /// Whether more than a few bytes were compared, what was found, and the bytes read apart.
    fn find(&self, cursor: &Cursor) -> Result<(bool, Found<'s, S>, u64), ReadError> {
        let at_bytes = cursor.state.position.offset_bytes;
        if cursor.state.facts().forks().origin() != self.source.origin().as_ref() {
            return Ok((false, Found::Other, 0));
        }
        if self.len_bytes.is_some_and(|len_bytes| len_bytes < at_bytes) {
            return Ok((false, Found::Shorter, 0));
        }
        if self.options.check == Check::Whole || !self.may_have_grown(cursor) {
            return Ok((true, self.compare_all(&cursor.state)?, 0));
        }
        if at_bytes <= SMALL_BYTES {
            return Ok((false, self.compare_all(&cursor.state)?, 0));
        }
        let (is_same, bytes_read) = samples::stand(self.source, &cursor.samples)?;
        if !is_same {
            return Ok((false, Found::Other, bytes_read));
        }
        let reader = self.open(at_bytes, &cursor.samples)?;
        let is_same = Digest::of(reader.tail()) == cursor.tail;
        Ok((false, if is_same { Found::Same(Box::new(reader)) } else { Found::Other }, bytes_read))
    }

    /// Whether nothing speaks for more than bytes at the end, so that samples are enough.
    fn may_have_grown(&self, cursor: &Cursor) -> bool {
        let before = cursor.seen.as_ref().map(|seen| seen.identity);
        !self.source.is_forward_only()
            && match (before, self.identity) {
                (Some(before), Some(now)) => before.may_have_grown_to(&now),
                (None, None) => true,
                _ => false,
            }
    }

    /// Compares every line that was folded.
    fn compare_all(&self, folded: &FoldState) -> Result<Found<'s, S>, ReadError> {
        let mut reader = self.open(0, &[])?;
        let (mut position, mut digest) = (Position::default(), Digest::default());
        let end_bytes = folded.position.offset_bytes;
        while position.offset_bytes < end_bytes {
            if !reader.fill()? {
                return Ok(Found::Shorter);
            }
            if let Some(LongLine { span, digest: line, .. }) = reader.long_line(position.seq) {
                digest = digest.and_line(line);
                position.seq += 1;
                position.offset_bytes = span.end_bytes() + 1;
                reader.pass_long()?;
            }
            while position.offset_bytes < end_bytes {
                let Some(line) = reader.line(position) else { break };
                let len_bytes = line.span.len_bytes;
                digest = digest.and_line(Digest::of(line.bytes));
                position.seq += 1;
                position.offset_bytes = line.span.end_bytes() + 1;
                reader.pass(len_bytes);
            }
        }
        let is_same = position.offset_bytes == end_bytes && digest == folded.digest();
        Ok(if is_same { Found::Same(Box::new(reader)) } else { Found::Other })
    }

    /// Whether the source is broken, so that what it gives may not be all there is, nor right.
    fn is_partial(&self) -> Result<bool, ReadError> {
        if self.source.is_forward_only() {
            let (mut at_bytes, mut bytes) = (0, vec![0; DRAIN_BYTES]);
            loop {
                match read_full(self.source, at_bytes, &mut bytes)? {
                    0 => break,
                    len => at_bytes += len as u64,
                }
            }
        }
        Ok(self.source.notes().iter().any(SourceNote::is_partial))
    }
}
