//! What a file is known by without reading it.

use serde::{Deserialize, Serialize};

/// What the system says of a file. Two that are equal are of the same bytes, unless the file was
/// written twice within one tick of the file system's clock: see [`Identity::is_settled`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The file's length.
    pub len_bytes: u64,
    /// When its bytes were last written, in nanoseconds of the Unix epoch.
    pub modified_ns: Option<i128>,
    /// When anything of it was last changed; unlike the other time, no program can set it.
    pub changed_ns: Option<i128>,
    /// Volume and number of the file, where the system has them.
    pub file: Option<(u64, u64)>,
    /// Whether the file had been left alone for longer than its clock's tick, so that a later
    /// change cannot go unseen.
    pub is_settled: bool,
}

/// Longest tick of a clock that counts fractions of a millisecond.
const FINE_TICK_NS: i128 = 20_000_000;

/// Longest tick of any other: FAT counts every other second.
const COARSE_TICK_NS: i128 = 2_500_000_000;

impl Identity {
    /// Sets whether the file is settled, seen at `now_ns`. A file from the future is not.
    #[must_use]
    pub fn seen_at(self, now_ns: Option<i128>) -> Self {
        let newest = self.modified_ns.max(self.changed_ns);
        let is_settled = newest.zip(now_ns).is_some_and(|(newest, now)| {
            let is_fine = newest % 1_000_000 != 0;
            now.saturating_sub(newest) > if is_fine { FINE_TICK_NS } else { COARSE_TICK_NS }
        });
        Self { is_settled, ..self }
    }

    /// Whether a file that was `self` when it was folded is certain to be the same now.
    pub(crate) fn vouches_for(&self, now: &Self) -> bool {
        self.is_settled && Self { is_settled: true, ..*now } == *self
    }

    /// Whether this is the same file, with nothing but bytes added as far as can be told.
    pub(crate) fn may_have_grown_to(&self, now: &Self) -> bool {
        let is_same = self.file == now.file;
        is_same
            && (now.len_bytes > self.len_bytes
                || Self { is_settled: self.is_settled, ..*now } == *self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(modified_ns: i128, now_ns: i128) -> Identity {
        let file = Some((1, 2));
        let modified_ns = Some(modified_ns);
        Identity { len_bytes: 5, modified_ns, changed_ns: None, file, is_settled: false }
            .seen_at(Some(now_ns))
    }

    #[test]
    fn fresh_files_vouch_for_nothing() {
        let second = 1_000_000_000;
        assert!(seen(7, 2 * second).is_settled);
        assert!(!seen(7, 1_000_000).is_settled);
        // A clock of whole seconds needs longer.
        assert!(!seen(second, 3 * second).is_settled);
        assert!(seen(second, 4 * second).is_settled);
        // A clock that went back.
        assert!(!seen(9 * second + 7, second).is_settled);
    }

    #[test]
    fn only_a_settled_equal_vouches() {
        let settled = seen(7, 1_000_000_000);
        let fresh = Identity { is_settled: false, ..settled };
        assert!(settled.vouches_for(&settled) && settled.vouches_for(&fresh));
        assert!(!fresh.vouches_for(&settled));
        assert!(!settled.vouches_for(&Identity { len_bytes: 6, ..settled }));
        assert!(!settled.vouches_for(&Identity { changed_ns: Some(8), ..settled }));
        assert!(!settled.vouches_for(&Identity { file: Some((1, 3)), ..settled }));
    }
}
