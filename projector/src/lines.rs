//! Streaming: complete lines of a source through one bounded buffer.

use std::io;

use rollfold_core::{Digest, Digester, Line, Lines, LongLine, Position, Span};

use crate::cursor::Seen;
use crate::error::SyncError;
use crate::samples::Sampler;
use crate::source::{Identity, LogSource};

/// Bytes kept behind the reader, whose digest tells whether the log is still the one folded.
pub(crate) const TAIL_BYTES: usize = 4096;

/// Bytes of a look ahead for the end of a long line.
const LOOK_BYTES: usize = 64 * 1024;

/// Of a source that cannot go back, this much is kept before looking ahead.
const KEPT_BYTES: usize = 16 * 1024 * 1024;

/// Why lines could not be read.
#[derive(Debug)]
pub(crate) enum ReadError {
    Io { offset_bytes: u64, source: io::Error },
    LongLine { offset_bytes: u64, len_bytes: u64 },
}

impl ReadError {
    /// The error of a sync of the log with this key.
    pub(crate) fn of(self, key: &str) -> SyncError {
        let key = key.to_owned();
        match self {
            Self::Io { offset_bytes, source } => SyncError::Source { key, offset_bytes, source },
            Self::LongLine { offset_bytes, len_bytes } => {
                SyncError::LongLine { key, offset_bytes, len_bytes }
            }
        }
    }
}

/// A complete line that is too long.
#[derive(Debug)]
struct Long {
    span: Span,
    head: Vec<u8>,
    digest: Digest,
}

/// Reads complete lines between two offsets of a source. Holds one buffer, larger than it was
/// asked for only while a line longer than that passes through.
#[derive(Debug)]
pub(crate) struct LineReader<'s, S: ?Sized> {
    source: &'s S,
    /// Where reading ends, as soon as it is known.
    end_bytes: Option<u64>,
    /// Whether there is no complete line any more.
    is_ended: bool,
    sampler: Sampler,
    /// Longer lines are not held.
    line_max_bytes: u64,
    /// A line that is longer, if it is the next one.
    long: Option<Long>,
    /// Never shorter than `filled`; what is beyond is room.
    buffer: Vec<u8>,
    buffer_bytes: usize,
    /// Where the buffer begins in the source.
    start_bytes: u64,
    filled: usize,
    /// Bytes of the buffer that were handed on, the tail among them.
    done: usize,
    /// End of the last complete line in the buffer.
    complete: usize,
    bytes_read: u64,
}

impl<'s, S: LogSource + ?Sized> LineReader<'s, S> {
    /// A reader at `from_bytes`, with the tail before it already read. What the source gets beyond
    /// `end_bytes` meanwhile is not read, so that a busy writer cannot keep a reader for ever.
    /// `samples` are those of what comes before.
    pub(crate) fn open(
        source: &'s S,
        from_bytes: u64,
        end_bytes: Option<u64>,
        buffer_bytes: usize,
        line_max_bytes: u64,
        samples: &[Digest],
    ) -> Result<Self, ReadError> {
        let sampler = Sampler::resume(source, samples, from_bytes)?;
        let tail_bytes = from_bytes.min(TAIL_BYTES as u64);
        let buffer_bytes = buffer_bytes.max(1) + TAIL_BYTES;
        // What is short needs no more than its length.
        let left_bytes = end_bytes.map(|end| end.saturating_sub(from_bytes - tail_bytes).max(1));
        let left_bytes = left_bytes.and_then(|left| usize::try_from(left).ok());
        let buffer_bytes = left_bytes.map_or(buffer_bytes, |left| left.min(buffer_bytes));
        let mut reader = Self {
            source,
            end_bytes,
            is_ended: false,
            sampler,
            line_max_bytes,
            long: None,
            buffer: vec![0; buffer_bytes],
            buffer_bytes,
            start_bytes: from_bytes - tail_bytes,
            filled: 0,
            done: 0,
            complete: 0,
            bytes_read: 0,
        };
        let tail_bytes = usize::try_from(tail_bytes).unwrap_or(TAIL_BYTES);
        reader.read_more(tail_bytes)?;
        reader.done = reader.filled.min(tail_bytes);
        reader.find_complete(reader.done);
        Ok(reader)
    }

    /// The newest bytes before the next line, as many as a digest takes.
    pub(crate) fn tail(&self) -> &[u8] {
        self.buffer.get(self.done.saturating_sub(TAIL_BYTES)..self.done).unwrap_or_default()
    }

    /// Bytes read from the source so far.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Bytes between the last line that was handed on and the end, as far as it is known.
    pub(crate) fn pending_bytes(&self) -> u64 {
        let read_bytes = self.start_bytes + self.filled as u64;
        let end_bytes = self.end_bytes.unwrap_or(read_bytes);
        end_bytes.saturating_sub(self.start_bytes + self.done as u64)
    }

    /// The source, which was `identity` before reading, as it was found.
    pub(crate) fn seen(&self, identity: Option<Identity>) -> Option<Seen> {
        let end_bytes = self.end_bytes.filter(|_| self.is_ended);
        Some(Seen { identity: identity?, end_bytes, notes: self.source.notes() })
    }

    /// Whether there is no complete line any more.
    pub(crate) fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Digests of the blocks at fixed places before the next line.
    pub(crate) fn samples(&self) -> &[Digest] {
        self.sampler.blocks()
    }

    /// The next complete line in the buffer, which is at `position`.
    pub(crate) fn line(&self, position: Position) -> Option<Line<'_>> {
        Lines::new(self.buffer.get(self.done..self.complete)?, position).next()
    }

    /// The next line, which has this seq, if it is complete and too long to be held.
    pub(crate) fn long_line(&self, seq: u64) -> Option<LongLine<'_>> {
        let Long { span, head, digest } = self.long.as_ref()?;
        Some(LongLine { seq, span: *span, head, digest: *digest })
    }

    /// Goes on behind the line that [`Self::long_line`] gave.
    pub(crate) fn pass_long(&mut self) -> Result<(), ReadError> {
        let Some(Long { span, .. }) = self.long.take() else { return Ok(()) };
        let next_bytes = span.end_bytes() + 1;
        self.start_bytes = next_bytes.saturating_sub(TAIL_BYTES as u64);
        (self.filled, self.done, self.complete) = (0, 0, 0);
        let tail_bytes = usize::try_from(next_bytes - self.start_bytes).unwrap_or(TAIL_BYTES);
        self.read_more(tail_bytes)?;
        self.done = self.filled.min(tail_bytes);
        self.complete = self.done;
        self.find_complete(self.done);
        Ok(())
    }

    /// Goes on behind the line that [`Self::line`] gave.
    pub(crate) fn pass(&mut self, line_bytes: u64) {
        let len = usize::try_from(line_bytes).unwrap_or(usize::MAX).saturating_add(1);
        let end = self.done.saturating_add(len).min(self.complete);
        let passed = self.buffer.get(self.done..end).unwrap_or_default();
        self.sampler.push(self.start_bytes + self.done as u64, passed);
        self.done = end;
    }

    /// Sees to it that a complete line is in the buffer, or [`Self::long_line`]; false if there is
    /// none before the end.
    pub(crate) fn fill(&mut self) -> Result<bool, ReadError> {
        if self.long.is_some() {
            return Ok(true);
        }
        while self.done >= self.complete {
            let read_bytes = self.start_bytes + self.filled as u64;
            if self.end_bytes.is_some_and(|end_bytes| read_bytes >= end_bytes) {
                self.is_ended = true;
                return Ok(false);
            }
            self.make_room();
            if self.filled >= self.buffer.len() {
                let kept_bytes = if self.source.is_forward_only() { KEPT_BYTES } else { 0 };
                if self.filled >= self.buffer_bytes.max(kept_bytes) {
                    self.is_ended = !self.fill_long_line()?;
                    return Ok(!self.is_ended);
                }
                self.buffer.resize(self.filled.saturating_mul(2).min(kept_bytes), 0);
            }
            let searched = self.filled;
            if self.read_more(1)? == 0 {
                let read_bytes = self.start_bytes + self.filled as u64;
                self.end_bytes.get_or_insert(read_bytes);
                self.is_ended = true;
                return Ok(false);
            }
            self.find_complete(searched);
        }
        Ok(true)
    }

    /// Drops what was handed on, but the tail; gives back the room of a long line.
    fn make_room(&mut self) {
        let passed = self.done.saturating_sub(TAIL_BYTES);
        self.buffer.copy_within(passed..self.filled, 0);
        self.start_bytes += passed as u64;
        self.filled -= passed;
        self.done -= passed;
        self.complete = self.done;
        let keep = self.buffer_bytes.max(self.filled);
        if self.buffer.len() > keep {
            self.buffer.truncate(keep);
            self.buffer.shrink_to_fit();
        }
    }

    fn find_complete(&mut self, searched: usize) {
        let fresh = self.buffer.get(searched..self.filled).unwrap_or_default();
        if let Some(end) = memchr::memrchr(b'\n', fresh) {
            self.complete = searched + end + 1;
        }
    }

    fn bytes_before_end(&self, offset_bytes: u64) -> usize {
        let end_bytes = self.end_bytes.unwrap_or(u64::MAX);
        usize::try_from(end_bytes.saturating_sub(offset_bytes)).unwrap_or(usize::MAX)
    }

    /// Fills the buffer. If reading fails behind so many bytes that are needed, it gives what it has:
    /// the next time it fails again, or does not.
    fn read_more(&mut self, needed_bytes: usize) -> Result<usize, ReadError> {
        let offset_bytes = self.start_bytes + self.filled as u64;
        let wanted = self.bytes_before_end(offset_bytes);
        let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
        let len = room.len().min(wanted);
        let room = room.get_mut(..len).unwrap_or_default();
        let mut len = 0;
        if let Err(error) = read_into(self.source, offset_bytes, room, &mut len)
            && len < needed_bytes.max(1)
        {
            return Err(error);
        }
        self.filled += len;
        self.bytes_read += len as u64;
        Ok(len)
    }

    /// Looks for the line's end first, so that only complete lines ever take memory, and no more
    /// than they are long.
    fn fill_long_line(&mut self) -> Result<bool, ReadError> {
        let mut look = vec![0; LOOK_BYTES];
        let mut ahead_bytes = self.start_bytes + self.filled as u64;
        let line_end = loop {
            let len = LOOK_BYTES.min(self.bytes_before_end(ahead_bytes));
            let room = look.get_mut(..len).unwrap_or_default();
            let mut len = 0;
            if let Err(error) = read_into(self.source, ahead_bytes, room, &mut len)
                && len == 0
            {
                return Err(error);
            }
            if len == 0 {
                self.end_bytes.get_or_insert(ahead_bytes);
                return Ok(false);
            }
            self.bytes_read += len as u64;
            let found = memchr::memchr(b'\n', look.get(..len).unwrap_or_default());
            if let Some(end) = found {
                break ahead_bytes + end as u64 + 1;
            }
            ahead_bytes += len as u64;
        };
        let offset_bytes = self.start_bytes + self.done as u64;
        if line_end - 1 - offset_bytes > self.line_max_bytes {
            self.long = Some(self.read_long(Span::new(offset_bytes, line_end - 1 - offset_bytes))?);
            return Ok(true);
        }
        let too_long = ReadError::LongLine { offset_bytes, len_bytes: line_end - offset_bytes };
        let Ok(len) = usize::try_from(line_end - self.start_bytes) else { return Err(too_long) };
        if self.buffer.try_reserve_exact(len.saturating_sub(self.buffer.len())).is_err() {
            return Err(too_long);
        }
        self.buffer.resize(len, 0);
        let searched = self.filled;
        self.read_more(len - searched)?;
        self.find_complete(searched);
        Ok(self.done < self.complete)
    }

    /// Reads a line for its head and its digests, holding none of it.
    fn read_long(&mut self, span: Span) -> Result<Long, ReadError> {
        let (mut head, mut digester) = (Vec::new(), Digester::default());
        let mut piece = vec![0; LOOK_BYTES];
        let mut at_bytes = span.offset_bytes;
        // With its line end, which is not of the line but of the log.
        while at_bytes <= span.end_bytes() {
            let left = usize::try_from(span.end_bytes() + 1 - at_bytes).unwrap_or(LOOK_BYTES);
            let room = piece.get_mut(..left.min(LOOK_BYTES)).unwrap_or_default();
            let len = read_full(self.source, at_bytes, room)?;
            if len == 0 {
                // It shrinks as it is read: the next sync sees what became of it.
                let source = io::ErrorKind::UnexpectedEof.into();
                return Err(ReadError::Io { offset_bytes: at_bytes, source });
            }
            self.bytes_read += len as u64;
            let bytes = piece.get(..len).unwrap_or_default();
            self.sampler.push(at_bytes, bytes);
            at_bytes += len as u64;
            let is_last = at_bytes > span.end_bytes();
            let bytes = bytes.get(..len - usize::from(is_last)).unwrap_or_default();
            digester.push(bytes);
            let wanted = LongLine::HEAD_BYTES.saturating_sub(head.len());
            head.extend_from_slice(bytes.get(..wanted).unwrap_or(bytes));
        }
        Ok(Long { span, head, digest: digester.finish() })
    }
}

/// Reads until the buffer is full or the source ends.
pub(crate) fn read_full<S: LogSource + ?Sized>(
    source: &S,
    offset_bytes: u64,
    buffer: &mut [u8],
) -> Result<usize, ReadError> {
    let mut len = 0;
    read_into(source, offset_bytes, buffer, &mut len)?;
    Ok(len)
}

/// As [`read_full`], and tells in `len` how much was read before an error.
fn read_into<S: LogSource + ?Sized>(
    source: &S,
    offset_bytes: u64,
    buffer: &mut [u8],
    len: &mut usize,
) -> Result<(), ReadError> {
    while let Some(rest) = buffer.get_mut(*len..).filter(|rest| !rest.is_empty()) {
        let offset_bytes = offset_bytes + *len as u64;
        match source.read_at(offset_bytes, rest) {
            Ok(0) => break,
            Ok(read) => *len += read.min(rest.len()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(ReadError::Io { offset_bytes, source }),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::MemSource;

    fn read(bytes: &[u8], from: u64, buffer_bytes: usize) -> (Vec<Vec<u8>>, u64, usize) {
        let source = MemSource::new("log", bytes);
        let mut reader =
            LineReader::open(&source, from, Some(bytes.len() as u64), buffer_bytes, u64::MAX, &[])
                .unwrap();
        let mut position = Position { offset_bytes: from, ..Position::default() };
        let (mut lines, mut largest) = (Vec::new(), 0);
        while reader.fill().unwrap() {
            while let Some(line) = reader.line(position) {
                lines.push(line.bytes.to_vec());
                let len = line.span.len_bytes;
                position = Position {
                    seq: position.seq + 1,
                    offset_bytes: position.offset_bytes + len + 1,
                    ..position
                };
                reader.pass(len);
                let end = position.offset_bytes as usize;
                assert_eq!(reader.tail(), &bytes[end.saturating_sub(TAIL_BYTES)..end]);
            }
            largest = largest.max(reader.buffer.capacity());
        }
        assert!(reader.buffer.capacity() <= reader.buffer_bytes, "the buffer stayed large");
        (lines, reader.pending_bytes(), largest)
    }

    #[test]
    fn any_buffer_gives_the_same_lines() {
        let mut bytes = Vec::new();
        for len in [0, 1, 5, 3000, 0, 9000, 2, 70_000, 4096, 4097, 1] {
            bytes.extend(std::iter::repeat_n(b'a' + (len % 26) as u8, len));
            bytes.push(b'\n');
        }
        bytes.extend(b"torn");
        let expected: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        let expected = &expected[..expected.len() - 1];
        for buffer_bytes in [1, 2, 7, 100, 4096, 10_000, 1 << 20] {
            let (lines, pending, _) = read(&bytes, 0, buffer_bytes);
            assert!(lines == expected, "buffer of {buffer_bytes}");
            assert_eq!(pending, 4);
            let (lines, ..) = read(&bytes, 3010, buffer_bytes);
            assert!(lines == expected[4..], "buffer of {buffer_bytes}");
        }
    }

    #[test]
    fn a_long_line_takes_its_own_length_and_gives_it_back() {
        let mut bytes = vec![b'x'; 1 << 20];
        bytes.push(b'\n');
        bytes.extend(b"short\n".repeat(10_000));
        let (lines, _, largest) = read(&bytes, 0, 1000);
        assert_eq!(lines.len(), 10_001);
        assert!(largest <= (1 << 20) + 1, "{largest}");
    }

    #[test]
    fn a_long_torn_tail_takes_no_memory() {
        let bytes = vec![b'x'; 1 << 20];
        let (lines, pending, largest) = read(&bytes, 0, 1000);
        assert_eq!((lines.len(), pending, largest), (0, 1 << 20, 0));
    }
}
