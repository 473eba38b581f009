//! A log in memory.

use std::io;

use super::LogSource;

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

    fn len_bytes(&self) -> io::Result<Option<u64>> {
        Ok(Some(self.bytes.len() as u64))
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
