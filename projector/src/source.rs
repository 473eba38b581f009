//! Where logs come from: bytes at offsets, never more than asked for.

use std::io;

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
