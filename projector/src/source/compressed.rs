//! A zstd stream of any number of frames, read as the bytes in it. Offsets are those of the bytes.

use std::fmt;
use std::io::{self, BufReader, Read};
use std::sync::{Mutex, PoisonError};

use zstd::stream::read::Decoder;

use super::SourceNote;

/// Bytes decoded at once on the way to an offset.
const SKIP_BYTES: usize = 64 * 1024;

type Open = Box<dyn Fn() -> io::Result<Box<dyn Read + Send>> + Send + Sync>;

/// Decodes forward; an earlier offset begins anew. Holds one decoder, whatever the length.
pub(crate) struct Compressed {
    open: Open,
    reading: Mutex<Reading>,
}

#[derive(Default)]
struct Reading {
    decoder: Option<Decoder<'static, BufReader<Box<dyn Read + Send>>>>,
    /// Bytes decoded so far.
    at_bytes: u64,
    /// Why there are no more, once it is known.
    end: Option<End>,
    restarts: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    Whole,
    Partial(SourceNote),
}

impl Compressed {
    /// The stream that `open` gives, every time from its first byte.
    pub(crate) fn new(
        open: impl Fn() -> io::Result<Box<dyn Read + Send>> + Send + Sync + 'static,
    ) -> Self {
        Self { open: Box::new(open), reading: Mutex::default() }
    }

    /// Reads decoded bytes. What cannot be decoded is the end, and a note.
    pub(crate) fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if reading.decoder.is_none() || reading.at_bytes > offset_bytes {
            let decoder = Decoder::new((self.open)()?)?;
            let restarts = reading.restarts + 1;
            *reading = Reading { decoder: Some(decoder), restarts, ..Reading::default() };
        }
        let mut skipped = Vec::new();
        while reading.at_bytes < offset_bytes {
            skipped.resize(SKIP_BYTES, 0);
            let left = usize::try_from(offset_bytes - reading.at_bytes).unwrap_or(SKIP_BYTES);
            let len = left.min(SKIP_BYTES);
            if reading.read(skipped.get_mut(..len).unwrap_or_default())? == 0 {
                return Ok(0);
            }
        }
        reading.read(buffer)
    }

    /// What is wrong with the stream, as far as it was decoded.
    pub(crate) fn note(&self) -> Option<SourceNote> {
        let reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        match &reading.end {
            Some(End::Partial(note)) => Some(note.clone()),
            Some(End::Whole) | None => None,
        }
    }

    #[cfg(test)]
    fn restarts(&self) -> u64 {
        self.reading.lock().unwrap().restarts
    }
}

impl Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(decoder) = self.decoder.as_mut().filter(|_| self.end.is_none()) else {
            return Ok(0);
        };
        if buffer.is_empty() {
            return Ok(0);
        }
        let decoded_bytes = self.at_bytes;
        match decoder.read(buffer) {
            Ok(0) => self.end = Some(End::Whole),
            Ok(len) => {
                self.at_bytes += len as u64;
                return Ok(len);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.end = Some(End::Partial(SourceNote::Truncated { decoded_bytes }));
            }
            // The system's errors have numbers, the decoder's have none.
            Err(error) if error.raw_os_error().is_some() => return Err(error),
            Err(error) => {
                let reason = error.to_string();
                self.end = Some(End::Partial(SourceNote::Damaged { decoded_bytes, reason }));
            }
        }
        Ok(0)
    }
}

impl fmt::Debug for Compressed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressed").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text, since a frame holds what cannot be compressed as it is, and no damage shows in it.
    fn bytes(numbers: u32) -> Vec<u8> {
        let text = |number: u32| format!("{:03}\n", number.wrapping_mul(2_654_435_761) >> 23);
        (0..numbers)
            .flat_map(|number| text(number).into_bytes())
            .take(4 * numbers as usize)
            .collect()
    }

    fn frame(bytes: &[u8]) -> Vec<u8> {
        zstd::stream::encode_all(bytes, 3).unwrap()
    }

    fn of(stream: Vec<u8>) -> Compressed {
        Compressed::new(move || Ok(Box::new(io::Cursor::new(stream.clone()))))
    }

    fn read_all(source: &Compressed, piece: usize) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let mut buffer = vec![0; piece];
            match source.read_at(all.len() as u64, &mut buffer).unwrap() {
                0 => return all,
                len => all.extend(&buffer[..len]),
            }
        }
    }

    #[test]
    fn frames_one_behind_the_other_are_one_log() {
        let (one, other) = (bytes(60_000), bytes(3));
        let source = of([frame(&one), frame(b""), frame(&other)].concat());
        assert!(read_all(&source, 1000) == [one, other].concat());
        assert_eq!((source.note(), source.restarts()), (None, 1));
    }

    #[test]
    fn offsets_are_of_the_bytes_whatever_the_order() {
        let whole = bytes(100_000);
        let source = of(frame(&whole));
        for offset in [0, 5, 300_000, 399_999, 70_000, 400_000, 500_000, 0] {
            let mut buffer = [0; 4];
            let len = source.read_at(offset, &mut buffer).unwrap();
            let rest = whole.get(offset as usize..).unwrap_or_default();
            assert!(len > 0 || rest.is_empty(), "{offset}");
            assert_eq!(&buffer[..len], &rest[..len]);
        }
        assert_eq!(source.restarts(), 3);
    }

    #[test]
    fn a_broken_stream_gives_what_comes_before() {
        let whole = bytes(200_000);
        let stream = frame(&whole);
        for cut in [1, 3, 100, stream.len() / 2, stream.len() - 1] {
            let source = of(stream[..cut].to_vec());
            let read = read_all(&source, 4096);
            assert!(whole.starts_with(&read));
            let decoded_bytes = read.len() as u64;
            assert_eq!(source.note(), Some(SourceNote::Truncated { decoded_bytes }), "{cut}");
        }
        let mut damaged = stream.clone();
        let at = damaged.len() / 2;
        damaged[at..at + 400].fill(0xff);
        let source = of([stream.clone(), damaged].concat());
        let read = read_all(&source, 4096);
        assert!(read.starts_with(&whole));
        assert!(matches!(source.note(), Some(SourceNote::Damaged { .. })), "{:?}", source.note());
        assert!(read_all(&of(b"no zstd at all".to_vec()), 9).is_empty());
    }
}
