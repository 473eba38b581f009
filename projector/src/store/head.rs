//! The head of a store's file: what tells it from other files, and redb's own header.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::layout::{BLOCK_BYTES, FRONT_BYTES};

/// The layout of the file this build writes. Another one is another kind of file.
pub(crate) const FORMAT: u32 = 1;

/// Copies of the head.
pub(crate) const COPIES: usize = 2;

/// Bytes of the image's first block that are kept; redb uses 320.
pub(crate) const IMAGE_HEAD_BYTES: usize = 512;

/// What a copy of the head begins with. Its second line end and its end-of-file byte show what
/// programs do that take it for text.
const MAGIC: [u8; 16] = *b"rollfold\r\n\x1a\nredb";

// Offsets in a copy. Between the image's head and the checksum there are zeros.
const FORMAT_AT: usize = 16;
const SEQUENCE_AT: usize = 24;
const SALT_AT: usize = 32;
const IMAGE_LEN_AT: usize = 40;
const IMAGE_HEAD_AT: usize = 48;
const CHECKSUM_AT: usize = BLOCK_BYTES - 8;

/// A block of the file.
pub(crate) type Block = [u8; BLOCK_BYTES];

/// What a store's file says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// Counts the writes of the head: the copy with more of them is the newer.
    pub(crate) sequence: u64,
    /// Goes into every checksum, so that no block of another store is taken for one of this.
    pub(crate) salt: u64,
    pub(crate) image_len_bytes: u64,
    /// What redb wrote at the image's begin.
    pub(crate) image_head: [u8; IMAGE_HEAD_BYTES],
}

/// What stands where a copy of the head should.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Copy {
    Good(Box<Head>),
    /// A head, by its first bytes, of another layout.
    OtherFormat(u32),
    /// A head, by its first bytes, that does not match its checksum.
    Damaged,
    /// Zeros.
    Blank,
    Alien,
}

/// What a file is, by its front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Front {
    /// A store.
    Store {
        head: Box<Head>,
        /// Which copy it stands in.
        copy: usize,
        /// Whether the other copy cannot be read: a crash tore it, or the file is damaged, and
        /// then this one may be out of date.
        is_doubtful: bool,
    },
    /// A file whose making was cut off before anything was in it, or an empty one.
    New,
    /// A store of another layout.
    OtherFormat(u32),
    /// A store, but no copy of its head can be read.
    Damaged,
    /// Zeros, more of them than a new store has.
    Blank,
    /// No store.
    Alien,
}

impl Head {
    /// The head of a store with nothing in it.
    pub(crate) fn new(salt: u64) -> Self {
        Self { sequence: 1, salt, image_len_bytes: 0, image_head: [0; IMAGE_HEAD_BYTES] }
    }

    /// The bytes of copy `copy` of this head.
    pub(crate) fn encode(&self, copy: usize) -> Box<Block> {
        let mut block = Box::new([0; BLOCK_BYTES]);
        put(&mut block, 0, &MAGIC);
        put(&mut block, FORMAT_AT, &FORMAT.to_le_bytes());
        put(&mut block, SEQUENCE_AT, &self.sequence.to_le_bytes());
        put(&mut block, SALT_AT, &self.salt.to_le_bytes());
        put(&mut block, IMAGE_LEN_AT, &self.image_len_bytes.to_le_bytes());
        put(&mut block, IMAGE_HEAD_AT, &self.image_head);
        let checksum = checksum(&block, copy);
        put(&mut block, CHECKSUM_AT, &checksum.to_le_bytes());
        block
    }
}

/// What the file is whose first two blocks are these and that is so long.
pub(crate) fn front(blocks: [&Block; COPIES], len_bytes: u64) -> Front {
    let [first, second] = blocks;
    match (decode(first, 0), decode(second, 1)) {
        (Copy::Good(head), Copy::Good(other)) if other.sequence > head.sequence => {
            Front::Store { head: other, copy: 1, is_doubtful: false }
        }
        (Copy::Good(head), Copy::Good(_)) => Front::Store { head, copy: 0, is_doubtful: false },
        (Copy::Good(head), _) => Front::Store { head, copy: 0, is_doubtful: true },
        (_, Copy::Good(head)) => Front::Store { head, copy: 1, is_doubtful: true },
        _ if len_bytes <= FRONT_BYTES && blocks.into_iter().all(is_unwritten) => Front::New,
        (Copy::OtherFormat(format), _) | (_, Copy::OtherFormat(format)) => {
            Front::OtherFormat(format)
        }
        (Copy::Damaged, _) | (_, Copy::Damaged) => Front::Damaged,
        (Copy::Blank, Copy::Blank) => Front::Blank,
        _ => Front::Alien,
    }
}

fn decode(block: &Block, copy: usize) -> Copy {
    if block.iter().all(|byte| *byte == 0) {
        return Copy::Blank;
    }
    if !block.starts_with(&MAGIC) {
        return Copy::Alien;
    }
    let format = u32::from_le_bytes(get(block, FORMAT_AT));
    if u64::from_le_bytes(get(block, CHECKSUM_AT)) != checksum(block, copy) {
        // Another layout may have its checksum elsewhere.
        return if format == FORMAT { Copy::Damaged } else { Copy::OtherFormat(format) };
    }
    if format != FORMAT {
        return Copy::OtherFormat(format);
    }
    Copy::Good(Box::new(Head {
        sequence: u64::from_le_bytes(get(block, SEQUENCE_AT)),
        salt: u64::from_le_bytes(get(block, SALT_AT)),
        image_len_bytes: u64::from_le_bytes(get(block, IMAGE_LEN_AT)),
        image_head: get(block, IMAGE_HEAD_AT),
    }))
}

/// Whether a block can be what is left of the first write of a head: any part of it, zeros else.
fn is_unwritten(block: &Block) -> bool {
    // The salt may be anything, and so may the checksum.
    let first = Head::new(u64::MAX).encode(0);
    let is_any = |at: usize| (SALT_AT..IMAGE_LEN_AT).contains(&at) || at >= CHECKSUM_AT;
    let mut bytes = block.iter().zip(first.iter()).enumerate();
    bytes.all(|(at, (byte, first))| *byte == 0 || byte == first || is_any(at))
}

fn checksum(block: &Block, copy: usize) -> u64 {
    xxh3_64_with_seed(block.get(..CHECKSUM_AT).unwrap_or_default(), copy as u64)
}

/// Bytes at a constant place of a block.
fn get<const N: usize>(block: &Block, at: usize) -> [u8; N] {
    let bytes = block.get(at..).and_then(|bytes| bytes.first_chunk::<N>());
    bytes.copied().unwrap_or([0; N])
}

fn put(block: &mut Block, at: usize, bytes: &[u8]) {
    if let Some(place) = block.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

/// What this file must know of redb's header: which of its two slots holds the last commit, and
/// how to make redb verify what it opens.
pub(crate) mod redb_header {
    use super::IMAGE_HEAD_BYTES;

    const MAGIC_BYTES: usize = 9;
    /// Flags right behind the magic bytes.
    const PRIMARY_IS_SECOND: u8 = 1;
    const NEEDS_RECOVERY: u8 = 2;
    const IS_TWO_PHASE: u8 = 4;
    const SLOTS_AT: usize = 64;
    const SLOT_BYTES: usize = 128;

    type Header = [u8; IMAGE_HEAD_BYTES];

    /// Whether redb was still making the database: its magic bytes come last.
    pub(crate) fn is_unfinished(header: &Header) -> bool {
        header.iter().take(MAGIC_BYTES).all(|byte| *byte == 0)
    }

    /// The slot of the last commit.
    pub(crate) fn commit(header: &Header) -> &[u8] {
        let is_second = header.get(MAGIC_BYTES).is_some_and(|flags| flags & PRIMARY_IS_SECOND != 0);
        let start = if is_second { SLOTS_AT + SLOT_BYTES } else { SLOTS_AT };
        header.get(start..start + SLOT_BYTES).unwrap_or_default()
    }

    /// Tells redb to trust neither slot: it takes the newer one whose whole tree matches the
    /// checksums in it.
    pub(crate) fn doubt(header: &mut Header) {
        if let Some(flags) = header.get_mut(MAGIC_BYTES) {
            *flags = *flags & !IS_TWO_PHASE | NEEDS_RECOVERY;
        }
    }
}

#[cfg(test)]
mod tests;
