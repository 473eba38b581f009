//! Lists of documents: ascending numbers, their gaps in as few bits as their mean asks for.
//!
//! A list is its length and its first number; behind these, when there are more, the parameter and
//! the bytes of the gaps. A gap is its upper part in ones and a zero, then its lower bits (Golomb
//! and Rice). A gap that would be too many ones is told as a whole.

use crate::rows::varint::{Reader, put_bytes, put_number};

/// As many ones say that the whole gap follows.
const ONES_MAX: u32 = 24;

/// Appends a list; `docs` ascends.
pub(super) fn put_docs(to: &mut Vec<u8>, docs: &[u32]) {
    put_number(to, docs.len() as u64);
    let (Some(first), Some(last)) = (docs.first(), docs.last()) else { return };
    put_number(to, u64::from(*first));
    let gaps = || docs.iter().zip(docs.iter().skip(1)).map(|(one, next)| next - one - 1);
    if docs.len() > 1 {
        let mean = (last - first) / docs.len() as u32;
        let low = best_parameter(mean.max(1).ilog2(), gaps);
        to.push(low);
        let mut bits = BitWriter::default();
        gaps().for_each(|gap| bits.put_gap(gap, u32::from(low)));
        put_bytes(to, &bits.finish());
    }
}

/// The number of lower bits with which the gaps take the least room.
fn best_parameter<I: Iterator<Item = u32>>(near: u32, gaps: impl Fn() -> I) -> u8 {
    let cost = |low: u32| -> u64 {
        let bits = |gap: u32| match gap >> low {
            ones if ones < ONES_MAX => u64::from(ones + 1 + low),
            _ => u64::from(ONES_MAX + 32),
        };
        gaps().map(bits).sum()
    };
    let near = near.min(30);
    let all = near.saturating_sub(2)..=near + 1;
    all.min_by_key(|low| cost(*low)).unwrap_or(near) as u8
}

/// Reads a list and adds its numbers to `docs`; `None` if it is none.
pub(super) fn read_docs(from: &mut Reader<'_>, docs: &mut Vec<u32>) -> Option<()> {
    let len = from.number()?;
    if len == 0 {
        return Some(());
    }
    let mut doc: u32 = from.small()?;
    docs.push(doc);
    if len > 1 {
        let low = u32::from(from.byte()?);
        let mut bits = BitReader { rest: from.bytes()?, held: 0, len: 0 };
        if low >= 32 {
            return None;
        }
        for _ in 1..len {
            doc = doc.checked_add(bits.gap(low)?)?.checked_add(1)?;
            docs.push(doc);
        }
    }
    Some(())
}

/// Passes over a list.
pub(super) fn skip_docs(from: &mut Reader<'_>) -> Option<()> {
    let len = from.number()?;
    if len > 0 {
        from.number()?;
    }
    if len > 1 {
        from.byte()?;
        from.bytes()?;
    }
    Some(())
}

/// Bits, the lowest of a byte first.
#[derive(Default)]
struct BitWriter {
    bytes: Vec<u8>,
    held: u64,
    len: u32,
}

impl BitWriter {
    fn put_gap(&mut self, gap: u32, low: u32) {
        let ones = gap >> low;
        if ones < ONES_MAX {
            self.put((1 << ones) - 1, ones + 1);
            self.put(u64::from(gap) & ((1 << low) - 1), low);
        } else {
            self.put((1 << ONES_MAX) - 1, ONES_MAX);
            self.put(u64::from(gap), 32);
        }
    }

    fn put(&mut self, bits: u64, len: u32) {
        self.held |= bits << self.len;
        self.len += len;
        while self.len >= 8 {
            self.bytes.push(self.held as u8);
            self.held >>= 8;
            self.len -= 8;
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.len > 0 {
            self.bytes.push(self.held as u8);
        }
        self.bytes
    }
}

struct BitReader<'b> {
    rest: &'b [u8],
    held: u64,
    len: u32,
}

impl BitReader<'_> {
    fn gap(&mut self, low: u32) -> Option<u32> {
        let mut ones = 0;
        while ones < ONES_MAX && self.take(1)? == 1 {
            ones += 1;
        }
        if ones == ONES_MAX {
            return u32::try_from(self.take(32)?).ok();
        }
        let gap = u64::from(ones) << low | self.take(low)?;
        u32::try_from(gap).ok()
    }

    fn take(&mut self, len: u32) -> Option<u64> {
        while self.len < len {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            self.held |= u64::from(*byte) << self.len;
            self.len += 8;
        }
        let bits = self.held & ((1 << len) - 1);
        self.held >>= len;
        self.len -= len;
        Some(bits)
    }
}

#[cfg(test)]
mod tests {
    use rollfold_core::testing::Prng;

    use super::*;

    fn back(bytes: &[u8]) -> Option<Vec<u32>> {
        let mut docs = Vec::new();
        let mut from = Reader::new(bytes);
        read_docs(&mut from, &mut docs)?;
        from.is_at_end().then_some(docs)
    }

    #[test]
    fn lists_come_back() {
        let mut rng = Prng::new(1);
        let mut lists: Vec<Vec<u32>> = vec![
            vec![],
            vec![0],
            vec![u32::MAX],
            vec![0, u32::MAX],
            (0..5000).collect(),
            (0..64).map(|bit| bit * 3).chain([1 << 30, u32::MAX - 1, u32::MAX]).collect(),
        ];
        for _ in 0..200 {
            let spread = rng.between(1, 24);
            let mut doc = 0u32;
            let len = rng.below(300);
            let mut list = Vec::new();
            for _ in 0..len {
                doc += 1 + rng.below(1 << spread) as u32;
                list.push(doc);
            }
            lists.push(list);
        }
        for docs in lists {
            let mut bytes = Vec::new();
            put_docs(&mut bytes, &docs);
            assert_eq!(back(&bytes).as_ref(), Some(&docs));
            let mut from = Reader::new(&bytes);
            assert_eq!(skip_docs(&mut from), Some(()));
            assert!(from.is_at_end());
        }
    }

    #[test]
    fn any_bytes_give_a_list_or_none() {
        let mut rng = Prng::new(2);
        for _ in 0..5000 {
            let bytes: Vec<u8> = (0..rng.below(40)).map(|_| rng.next_u64() as u8).collect();
            let _ = back(&bytes);
            let _ = skip_docs(&mut Reader::new(&bytes));
        }
    }
}
