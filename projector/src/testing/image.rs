//! What is on a disk, as a value.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes that clones share.
const BLOCK_BYTES: usize = 4096;

/// The contents of a disk. Clones share what they have in common, so that thousands of them can be
/// kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    len_bytes: u64,
    /// Blocks that are not there hold zeros.
    blocks: BTreeMap<u64, Arc<[u8; BLOCK_BYTES]>>,
}

impl Image {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Its length.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    /// Cuts it off, or makes it longer by zeros.
    pub fn set_len(&mut self, len_bytes: u64) {
        if len_bytes < self.len_bytes {
            self.zero(len_bytes, self.len_bytes - len_bytes);
            self.blocks.retain(|block, _| block * BLOCK_BYTES as u64 <= len_bytes);
        }
        self.len_bytes = len_bytes;
    }

    /// Bytes from a place on; `None` if it ends before them.
    #[must_use]
    pub fn read(&self, offset_bytes: u64, len_bytes: usize) -> Option<Vec<u8>> {
        let mut out = vec![0; len_bytes];
        self.read_into(offset_bytes, &mut out).then_some(out)
    }

    /// Fills `out` with the bytes from a place on; false if the disk ends before them.
    #[must_use]
    pub fn read_into(&self, offset_bytes: u64, out: &mut [u8]) -> bool {
        if offset_bytes.saturating_add(out.len() as u64) > self.len_bytes {
            return false;
        }
        for_each_piece(offset_bytes, out.len(), |block, at, range| {
            if let (Some(out), Some(bytes)) = (out.get_mut(range.clone()), self.blocks.get(&block))
            {
                out.copy_from_slice(bytes.get(at..at + range.len()).unwrap_or_default());
            } else if let Some(out) = out.get_mut(range) {
                out.fill(0);
            }
        });
        true
    }

    /// Puts bytes at a place; the disk grows if need be.
    pub fn write(&mut self, offset_bytes: u64, data: &[u8]) {
        self.len_bytes = self.len_bytes.max(offset_bytes.saturating_add(data.len() as u64));
        for_each_piece(offset_bytes, data.len(), |block, at, range| {
            let bytes = self.blocks.entry(block).or_insert_with(|| Arc::new([0; BLOCK_BYTES]));
            let bytes = Arc::make_mut(bytes).get_mut(at..at + range.len());
            if let (Some(bytes), Some(data)) = (bytes, data.get(range)) {
                bytes.copy_from_slice(data);
            }
        });
    }

    /// Puts zeros at a place, as far as the disk goes.
    pub fn zero(&mut self, offset_bytes: u64, len_bytes: u64) {
        let len_bytes = len_bytes.min(self.len_bytes.saturating_sub(offset_bytes));
        self.write(offset_bytes, &vec![0; usize::try_from(len_bytes).unwrap_or_default()]);
    }

    /// Flips one bit, counted from the first of the disk.
    pub fn flip(&mut self, bit: u64) {
        if let Some([byte]) = self.read(bit / 8, 1).as_deref() {
            self.write(bit / 8, &[byte ^ (1 << (bit % 8))]);
        }
    }
}

impl From<&[u8]> for Image {
    fn from(bytes: &[u8]) -> Self {
        let mut image = Self::new();
        image.write(0, bytes);
        image
    }
}

/// Calls `each` with a block, where in it, and which of the bytes, for all that a range touches.
fn for_each_piece(
    offset_bytes: u64,
    len_bytes: usize,
    mut each: impl FnMut(u64, usize, std::ops::Range<usize>),
) {
    let mut start = 0;
    while start < len_bytes {
        let offset = offset_bytes + start as u64;
        // Below 4096.
        let at = usize::try_from(offset % BLOCK_BYTES as u64).unwrap_or_default();
        let end = len_bytes.min(start + BLOCK_BYTES - at);
        each(offset / BLOCK_BYTES as u64, at, start..end);
        start = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_a_row_of_bytes() {
        let mut image = Image::new();
        let mut model: Vec<u8> = Vec::new();
        let writes = [(0, 10), (4090, 20), (3, 9000), (20_000, 1), (8192, 4096)];
        for (number, (offset, len)) in (1..).zip(writes) {
            image.write(offset as u64, &vec![number; len]);
            model.resize(model.len().max(offset + len), 0);
            model[offset..offset + len].fill(number);
            assert_eq!(image.read(0, model.len()).unwrap(), model);
        }
        image.zero(100, 5000);
        model[100..5100].fill(0);
        image.flip(8 * 7 + 2);
        model[7] ^= 4;
        for len in [9000, 8192, 5, 30_000] {
            image.set_len(len as u64);
            model.resize(len, 0);
            assert_eq!(image.read(0, len).unwrap(), model);
        }
        assert_eq!(image.read(1, 30_000), None);
        assert_eq!(Image::from(&*model).read(0, 30_000).unwrap(), model);
    }

    #[test]
    fn clones_are_values() {
        let before = Image::from(&b"before"[..]);
        let mut after = before.clone();
        after.write(0, b"after");
        assert_eq!(before.read(0, 6).unwrap(), b"before");
        assert_eq!(after.read(0, 6).unwrap(), b"aftere");
    }
}
