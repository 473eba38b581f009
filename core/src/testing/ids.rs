//! Timestamps and identifiers in the spellings that rollouts use.

use super::json::{push_hex, push_padded};
use super::prng::Prng;

/// 2026-03-01T10:00:00Z, where every generated thread starts.
pub(super) const EPOCH_MS: u64 = 1_772_359_200_000;

/// Appends `YYYY-MM-DDTHH:MM:SS.mmm` for milliseconds since 1970, without a zone.
pub(super) fn push_stamp(out: &mut String, ms: u64) {
    let (day, in_day) = (ms / 86_400_000, ms % 86_400_000);
    // Days to civil date with years that start in March (Hinnant).
    let shifted = day + 719_468;
    let (era, in_era) = (shifted / 146_097, shifted % 146_097);
    let year = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year + year / 4 - year / 100);
    let month = (5 * in_year + 2) / 153;
    let day_of_month = in_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    push_padded(out, era * 400 + year + u64::from(month < 3), 4);
    for (mark, number, width) in [
        ('-', month, 2),
        ('-', day_of_month, 2),
        ('T', in_day / 3_600_000, 2),
        (':', in_day / 60_000 % 60, 2),
        (':', in_day / 1_000 % 60, 2),
        ('.', in_day % 1_000, 3),
    ] {
        out.push(mark);
        push_padded(out, number, width);
    }
}

/// The timestamp as the recorder writes it.
pub(super) fn stamp(ms: u64) -> String {
    let mut out = String::with_capacity(24);
    push_stamp(&mut out, ms);
    out.push('Z');
    out
}

/// A UUID of version 7 made at the given time.
pub(super) fn uuid7(rng: &mut Prng, ms: u64) -> String {
    let bits = rng.next_u64();
    let mut out = String::with_capacity(36);
    push_hex(&mut out, ms >> 16, 8);
    out.push('-');
    push_hex(&mut out, ms, 4);
    out.push_str("-7");
    push_hex(&mut out, bits, 3);
    out.push_str("-8");
    push_hex(&mut out, bits >> 12, 3);
    out.push('-');
    push_hex(&mut out, rng.next_u64(), 12);
    out
}

/// Appends `prefix` and as many random letters and digits.
pub(super) fn push_token(out: &mut String, rng: &mut Prng, prefix: &str, len: usize) {
    const DIGITS: [u8; 32] = *b"ABCDEFGHJKLMNPQRabcdefghjkmn2345";
    out.push_str(prefix);
    let mut bits = 0;
    for place in 0..len {
        if place % 12 == 0 {
            bits = rng.next_u64();
        }
        out.push(char::from(DIGITS.get((bits & 31) as usize).copied().unwrap_or(b'x')));
        bits >>= 5;
    }
}

/// A call id such as `call_` and 24 letters.
pub(super) fn token(rng: &mut Prng, prefix: &str, len: usize) -> String {
    let mut out = String::new();
    push_token(&mut out, rng, prefix, len);
    out
}

/// Appends random base64 (a multiple of 4 characters, at least `len`).
pub(super) fn push_base64(out: &mut String, rng: &mut Prng, len: usize) {
    const DIGITS: [u8; 64] = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut left = len.div_ceil(4) * 4;
    out.reserve(left);
    while left > 0 {
        let mut bits = rng.next_u64();
        let mut group = [b'A'; 8];
        for slot in &mut group {
            *slot = DIGITS.get((bits & 63) as usize).copied().unwrap_or(b'A');
            bits >>= 6;
        }
        let take = left.min(group.len());
        let text = group.get(..take).and_then(|part| std::str::from_utf8(part).ok());
        out.push_str(text.unwrap_or_default());
        left -= take;
    }
}

/// Random base64 of at least `len` characters.
pub(super) fn base64(rng: &mut Prng, len: usize) -> String {
    let mut out = String::new();
    push_base64(&mut out, rng, len);
    out
}
