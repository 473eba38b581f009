//! Where logs come from: bytes at offsets, never more than asked for.

use std::borrow::Cow;
use std::io;

use rollfold_core::Span;
use rollfold_core::context::Bodies;

/// A log: bytes that are read from an offset. Reading never changes it.
pub trait LogSource {
    /// The name by which a store knows the log.
    fn key(&self) -> &str;

    /// Its length at this moment; it may grow, shrink or be replaced afterwards.
    ///
    /// # Errors
    /// When the length cannot be told.
    fn len_bytes(&self) -> io::Result<u64>;

    /// Reads at most `buffer.len()` bytes at `offset_bytes`; 0 at the end and beyond.
    ///
    /// # Errors
    /// When the bytes cannot be read.
    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

/// A log in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemSource {
    key: String,
    /// The log's bytes, for the caller to change between syncs.
    pub bytes: Vec<u8>,
}

impl MemSource {
    /// A log that stores know as `key`.
    #[must_use]
    pub fn new(key: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { key: key.into(), bytes: bytes.into() }
    }
}

impl LogSource for MemSource {
    fn key(&self) -> &str {
        &self.key
    }

    fn len_bytes(&self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }

    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let start = usize::try_from(offset_bytes).unwrap_or(usize::MAX);
        let rest = self.bytes.get(start..).unwrap_or_default();
        let len = rest.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(rest) {
            *to = *from;
        }
        Ok(len)
    }
}

/// The bytes of a log for [`rollfold_core::context`], read when they are asked for.
#[derive(Debug)]
pub struct SourceBodies<'s, S: ?Sized>(pub &'s S);

impl<S: LogSource + ?Sized> Bodies for SourceBodies<'_, S> {
    type Error = io::Error;

    fn bytes(&self, span: Span) -> io::Result<Cow<'_, [u8]>> {
        let len = usize::try_from(span.len_bytes).map_err(io::Error::other)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len).map_err(io::Error::other)?;
        bytes.resize(len, 0);
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.0.read_at(span.offset_bytes + filled as u64, rest) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(Cow::Owned(bytes))
    }
}
