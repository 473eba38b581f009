//! What a loss of power does to what was written since the last sync.

use std::sync::Arc;

use super::Image;

/// A disk writes sectors of these bytes whole, or not at all.
const SECTOR_BYTES: usize = 512;

/// Something that was done to a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Bytes were read, or the length was asked for.
    Read,
    /// Bytes were written at a place.
    Write(u64, Arc<[u8]>),
    /// The length was changed.
    SetLen(u64),
    /// All that was done before is on the disk for good.
    Sync,
}

/// What becomes of one write that no sync has followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// It is there.
    Kept,
    /// It is not.
    Lost,
    /// Only its first bytes are there.
    Prefix(usize),
    /// Only its last bytes are there.
    Suffix(usize),
    /// Of its sectors, those are there whose bit is set; the 64 bits repeat.
    Sectors(u64),
}

impl Operation {
    /// Whether it changes what is read.
    #[must_use]
    pub fn is_change(&self) -> bool {
        matches!(self, Self::Write(..) | Self::SetLen(_))
    }

    /// Does it, as far as its fate lets it. A change of length is there or is not.
    pub fn apply(&self, image: &mut Image, fate: Fate) {
        match (self, fate) {
            (Self::Read | Self::Sync, _) | (_, Fate::Lost) => {}
            (Self::SetLen(len_bytes), _) => image.set_len(*len_bytes),
            (Self::Write(offset_bytes, data), Fate::Kept) => image.write(*offset_bytes, data),
            (Self::Write(offset_bytes, data), Fate::Prefix(len)) => {
                image.write(*offset_bytes, data.get(..len).unwrap_or(data));
            }
            (Self::Write(offset_bytes, data), Fate::Suffix(len)) => {
                let start = data.len().saturating_sub(len);
                let bytes = data.get(start..).unwrap_or_default();
                image.write(offset_bytes + start as u64, bytes);
            }
            (Self::Write(offset_bytes, data), Fate::Sectors(bits)) => {
                for (sector, bytes) in data.chunks(SECTOR_BYTES).enumerate() {
                    if bits >> (sector % 64) & 1 == 1 {
                        image.write(offset_bytes + (sector * SECTOR_BYTES) as u64, bytes);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fates_keep_what_they_say() {
        let data: Vec<u8> = (0..1300).map(|byte| (byte % 250) as u8 + 1).collect();
        let write = Operation::Write(10, data.clone().into());
        let after = |fate| {
            let mut image = Image::new();
            image.set_len(1310);
            write.apply(&mut image, fate);
            image.read(10, 1300).unwrap()
        };
        let only = |ranges: &[std::ops::Range<usize>]| {
            let mut bytes = vec![0; 1300];
            for range in ranges {
                bytes[range.clone()].copy_from_slice(&data[range.clone()]);
            }
            bytes
        };
        assert_eq!(after(Fate::Kept), data);
        assert_eq!(after(Fate::Lost), only(&[]));
        assert_eq!(after(Fate::Prefix(700)), only(&[0..700, 0..0]));
        assert_eq!(after(Fate::Suffix(300)), only(&[1000..1300, 0..0]));
        assert_eq!(after(Fate::Suffix(9000)), data);
        assert_eq!(after(Fate::Sectors(0b101)), only(&[0..512, 1024..1300]));
    }
}
