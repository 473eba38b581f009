//! Samples: blocks at fixed places of a log, by which a log that grew is told from one that was
//! rewritten at a cost that hardly grows with it.

use std::io;

use rollfold_core::{Digest, Digester};

use crate::lines::{ReadError, read_full};
use crate::source::LogSource;

/// Bytes of a block.
const BLOCK_BYTES: u64 = 4096;

/// Where the second block is; the first is at the log's head, and from the third on each is four
/// times as far as the one before.
const SECOND_BLOCK_BYTES: u64 = 64 * 1024;

/// Where the block of this number begins; `None` beyond what offsets reach.
fn block_start(number: usize) -> Option<u64> {
    match number.checked_sub(1) {
        None => Some(0),
        Some(after) => {
            let times = u32::try_from(after).ok().and_then(|after| 4_u64.checked_pow(after))?;
            SECOND_BLOCK_BYTES.checked_mul(times)
        }
    }
}

/// Takes the digests of blocks as their bytes pass.
#[derive(Debug, Default)]
pub(crate) struct Sampler {
    blocks: Vec<Digest>,
    block: Digester,
}

impl Sampler {
    /// Goes on at `at_bytes`, behind these blocks.
    pub(crate) fn resume<S: LogSource + ?Sized>(
        source: &S,
        blocks: &[Digest],
        at_bytes: u64,
    ) -> Result<Self, ReadError> {
        let mut sampler = Self { blocks: blocks.to_vec(), block: Digester::default() };
        if let Some(start) = block_start(blocks.len()).filter(|start| *start < at_bytes) {
            let len = usize::try_from((at_bytes - start).min(BLOCK_BYTES)).unwrap_or_default();
            let mut bytes = vec![0; len];
            let len = read_full(source, start, &mut bytes)?;
            sampler.push(start, bytes.get(..len).unwrap_or_default());
        }
        Ok(sampler)
    }

    /// The blocks that have passed as a whole.
    pub(crate) fn blocks(&self) -> &[Digest] {
        &self.blocks
    }

    /// The next bytes of the log, which are at `at_bytes`.
    pub(crate) fn push(&mut self, at_bytes: u64, bytes: &[u8]) {
        let end_bytes = at_bytes + bytes.len() as u64;
        while let Some(start) = block_start(self.blocks.len()).filter(|it| *it < end_bytes) {
            let end = start + BLOCK_BYTES;
            let within = |offset: u64| usize::try_from(offset.saturating_sub(at_bytes));
            let (Ok(from), Ok(to)) = (within(start), within(end.min(end_bytes))) else { return };
            self.block.push(bytes.get(from..to).unwrap_or_default());
            if end > end_bytes {
                return;
            }
            self.blocks.push(std::mem::take(&mut self.block).finish());
        }
    }
}

/// Whether the blocks stand in the log as they did, and the bytes read to see it.
pub(crate) fn stand<S: LogSource + ?Sized>(
    source: &S,
    blocks: &[Digest],
) -> Result<(bool, u64), ReadError> {
    let mut bytes = vec![0; usize::try_from(BLOCK_BYTES).unwrap_or_default()];
    let mut bytes_read = 0;
    for (number, block) in blocks.iter().enumerate() {
        let Some(start) = block_start(number) else {
            let source = io::ErrorKind::InvalidInput.into();
            return Err(ReadError::Io { offset_bytes: u64::MAX, source });
        };
        let len = read_full(source, start, &mut bytes)?;
        bytes_read += len as u64;
        if Digest::of(bytes.get(..len).unwrap_or_default()) != *block {
            return Ok((false, bytes_read));
        }
    }
    Ok((true, bytes_read))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::MemSource;

    #[test]
    fn pieces_and_resumes_give_the_same_blocks() {
        let bytes: Vec<u8> = (0..300_000_u32).map(|place| (place % 251) as u8).collect();
        let source = MemSource::new("log", bytes.clone());
        let mut whole = Sampler::default();
        whole.push(0, &bytes);
        assert_eq!(whole.blocks().len(), 3);
        assert!(stand(&source, whole.blocks()).unwrap().0);
        for piece in [1000, 4096, 65_537, 262_144] {
            let mut sampler = Sampler::default();
            let mut at = 0;
            for piece in bytes.chunks(piece) {
                sampler.push(at, piece);
                at += piece.len() as u64;
                sampler = Sampler::resume(&source, sampler.blocks(), at).unwrap();
            }
            assert_eq!(sampler.blocks(), whole.blocks(), "pieces of {piece}");
        }
        for at in [0, 65_536, 266_239] {
            let mut source = source.clone();
            source.bytes[at] ^= 1;
            assert!(!stand(&source, whole.blocks()).unwrap().0, "{at}");
        }
    }
}
