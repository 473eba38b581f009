use super::*;

fn head(sequence: u64) -> Head {
    let mut image_head = [0; IMAGE_HEAD_BYTES];
    image_head[..4].copy_from_slice(b"redb");
    Head { sequence, salt: 7, image_len_bytes: 1 << 20, image_head }
}

/// Longer than a file with nothing in it.
const LONG: u64 = 1 << 20;

#[test]
fn the_newer_copy_counts() {
    for (first, second, newer) in [(3, 4, 1), (5, 4, 0)] {
        let (a, b) = (head(first).encode(0), head(second).encode(1));
        let expected = Front::Store {
            head: Box::new(head(first.max(second))),
            copy: newer,
            is_doubtful: false,
        };
        assert_eq!(front([&a, &b], LONG), expected);
    }
}

#[test]
fn one_flipped_bit_makes_a_copy_unreadable() {
    let (a, b) = (head(4).encode(0), head(3).encode(1));
    // Every bit of what is in use, and some of every other byte.
    const USED_BITS: usize = (IMAGE_HEAD_AT + IMAGE_HEAD_BYTES) * 8;
    for bit in (0..USED_BITS).chain((USED_BITS..BLOCK_BYTES * 8).step_by(7)) {
        let mut damaged = a.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let expected = Front::Store { head: Box::new(head(3)), copy: 1, is_doubtful: true };
        assert_eq!(front([&damaged, &b], LONG), expected, "bit {bit}");
    }
}

#[test]
fn a_copy_in_the_place_of_the_other_is_none() {
    let (a, b) = (head(3).encode(0), head(4).encode(1));
    assert_eq!(front([&b, &a], LONG), Front::Damaged);
}

#[test]
fn files_are_told_apart_by_their_fronts() {
    let blank = [0; BLOCK_BYTES];
    let text = [b'x'; BLOCK_BYTES];
    let mut damaged = head(1).encode(0);
    damaged[100] ^= 1;
    let mut later = head(1).encode(0);
    later[FORMAT_AT] = 9;
    assert_eq!(front([&blank, &blank], 0), Front::New);
    assert_eq!(front([&blank, &blank], FRONT_BYTES), Front::New);
    assert_eq!(front([&blank, &blank], LONG), Front::Blank);
    assert_eq!(front([&text, &blank], LONG), Front::Alien);
    assert_eq!(front([&text, &text], 10), Front::Alien);
    assert_eq!(front([&damaged, &blank], LONG), Front::Damaged);
    assert_eq!(front([&text, &damaged], LONG), Front::Damaged);
    assert_eq!(front([&later, &blank], LONG), Front::OtherFormat(9));
}

#[test]
fn whatever_is_left_of_a_first_write_is_a_new_file() {
    let (a, b) = (Head::new(7).encode(0), Head::new(7).encode(1));
    // Sectors reach the disk in any order, the first copy's before or after the second's.
    for sectors in 0..1_u32 << (COPIES * BLOCK_BYTES / 512) {
        let mut torn = [[0; BLOCK_BYTES]; COPIES];
        for (copy, whole) in [&a, &b].into_iter().enumerate() {
            for (sector, bytes) in whole.chunks(512).enumerate() {
                if sectors >> (copy * BLOCK_BYTES / 512 + sector) & 1 == 1 {
                    torn[copy][sector * 512..][..512].copy_from_slice(bytes);
                }
            }
        }
        let found = front([&torn[0], &torn[1]], FRONT_BYTES);
        assert!(matches!(found, Front::New | Front::Store { .. }), "{sectors:b}: {found:?}");
    }
    // Or from the first byte to any other.
    for len in 0..BLOCK_BYTES {
        let mut torn = [0; BLOCK_BYTES];
        torn[..len].copy_from_slice(&a[..len]);
        assert_eq!(front([&torn, &[0; BLOCK_BYTES]], len as u64), Front::New, "{len} bytes");
    }
}

#[test]
fn the_bytes_stay_the_same_for_ever() {
    let block = head(4).encode(1);
    assert_eq!(&block[..16], b"rollfold\r\n\x1a\nredb");
    assert_eq!(block[16..24], [1, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(block[24..32], 4_u64.to_le_bytes());
    assert_eq!(block[32..40], 7_u64.to_le_bytes());
    assert_eq!(block[40..48], (1_u64 << 20).to_le_bytes());
    assert_eq!(&block[48..52], b"redb");
    assert!(block[52..CHECKSUM_AT].iter().all(|byte| *byte == 0));
    assert_eq!(
        format!("{:016x}", u64::from_le_bytes(get(&block, CHECKSUM_AT))),
        "0a22fe05fdeff2a7"
    );
}

#[test]
fn a_store_cut_off_in_its_head_is_no_new_file() {
    let whole = head(9).encode(0);
    for len in 48..BLOCK_BYTES {
        let mut cut = [0; BLOCK_BYTES];
        cut[..len].copy_from_slice(&whole[..len]);
        let blank = [0; BLOCK_BYTES];
        assert_eq!(front([&cut, &blank], len as u64), Front::Damaged, "{len} bytes");
    }
}
