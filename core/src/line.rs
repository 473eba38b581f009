//! Framing: bytes to lines. Knows LF and nothing else.

use crate::digest::Digest;
use crate::pos::{Position, Span};

/// One complete line, without its LF (a CR before it is still there).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Complete lines before this one.
    pub seq: u64,
    /// The line's bytes in the source, without the LF.
    pub span: Span,
    /// The bytes themselves.
    pub bytes: &'a [u8],
}

/// One complete line that is longer than lines may be, so that nobody has to hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LongLine<'a> {
    /// Complete lines before this one.
    pub seq: u64,
    /// The line's bytes in the source, without the LF.
    pub span: Span,
    /// Its first [`LongLine::HEAD_BYTES`] bytes.
    pub head: &'a [u8],
    /// The digest of all of them.
    pub digest: Digest,
}

impl<'a> LongLine<'a> {
    /// In as many bytes a record says of what kind it is.
    pub const HEAD_BYTES: usize = 256;

    /// What is looked at of this line.
    #[must_use]
    pub fn of(line: Line<'a>) -> Self {
        let Line { seq, span, bytes } = line;
        let head = bytes.get(..Self::HEAD_BYTES).unwrap_or(bytes);
        Self { seq, span, head, digest: Digest::of(bytes) }
    }
}

/// Cuts bytes into complete lines and keeps what has no line end yet.
///
/// ```
/// use rollfold_core::{Lines, Position};
///
/// let mut lines = Lines::new(b"one\ntwo\nto", Position::default());
/// assert_eq!(lines.next().unwrap().bytes, b"one");
/// assert_eq!(lines.next().unwrap().seq, 1);
/// assert!(lines.next().is_none());
/// assert_eq!(lines.torn_tail(), b"to");
/// ```
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    rest: &'a [u8],
    seq: u64,
    offset_bytes: u64,
}

impl<'a> Lines<'a> {
    /// The lines of `bytes`, which start at `start` in their source.
    #[must_use]
    pub fn new(bytes: &'a [u8], start: Position) -> Self {
        Self { rest: bytes, seq: start.seq, offset_bytes: start.offset_bytes }
    }

    /// What follows the last line end read so far: after the last line, the torn tail.
    #[must_use]
    pub fn torn_tail(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let len = memchr::memchr(b'\n', self.rest)?;
        let (bytes, rest) = self.rest.split_at_checked(len)?;
        let line = Line { seq: self.seq, span: Span::new(self.offset_bytes, len as u64), bytes };
        self.rest = rest.get(1..).unwrap_or_default();
        self.seq += 1;
        self.offset_bytes += len as u64 + 1;
        Some(line)
    }
}
