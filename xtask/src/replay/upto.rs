//! A log that ends early.

use std::io;

use rollfold_projector::{FileSource, LogSource};

const BUFFER_BYTES: usize = 256 * 1024;

/// The first lines of a file.
pub(super) struct Upto<'f> {
    file: &'f FileSource,
    /// Where it ends; the file's own end if there is no limit.
    len_bytes: Option<u64>,
}

impl<'f> Upto<'f> {
    /// The first `lines` lines; all of the file without a limit.
    pub(super) fn new(file: &'f FileSource, lines: Option<u64>) -> io::Result<Self> {
        let len_bytes = match lines {
            None => None,
            Some(lines) => Some(end_of_line(file, lines)?),
        };
        Ok(Self { file, len_bytes })
    }
}

/// The bytes of the first `lines` lines.
fn end_of_line(file: &FileSource, lines: u64) -> io::Result<u64> {
    let mut buffer = vec![0; BUFFER_BYTES];
    let (mut offset_bytes, mut seen) = (0, 0);
    while seen < lines {
        let len = file.read_at(offset_bytes, &mut buffer)?;
        if len == 0 {
            break;
        }
        for byte in buffer.iter().take(len) {
            offset_bytes += 1;
            if *byte == b'\n' {
                seen += 1;
                if seen == lines {
                    return Ok(offset_bytes);
                }
            }
        }
    }
    Ok(offset_bytes)
}

impl LogSource for Upto<'_> {
    fn key(&self) -> &str {
        self.file.key()
    }

    fn len_bytes(&self) -> io::Result<Option<u64>> {
        let len_bytes = self.file.len_bytes()?;
        Ok(len_bytes.map(|len_bytes| self.len_bytes.map_or(len_bytes, |it| it.min(len_bytes))))
    }

    fn is_forward_only(&self) -> bool {
        self.file.is_forward_only()
    }

    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = match self.len_bytes {
            None => buffer.len(),
            Some(limit) => usize::try_from(limit.saturating_sub(offset_bytes))
                .unwrap_or(usize::MAX)
                .min(buffer.len()),
        };
        match buffer.get_mut(..left) {
            Some(buffer) if left > 0 => self.file.read_at(offset_bytes, buffer),
            _ => Ok(0),
        }
    }
}
