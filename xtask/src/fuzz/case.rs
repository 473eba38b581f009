//! A case: what a target is given, in parts that can be left out - lines of a log, or operations.

/// What a target is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    /// The target's name.
    pub(crate) target: String,
    /// Decides what the target does by chance.
    pub(crate) seed: u64,
    /// Lines of a log with their ends, or operations as text with LF.
    pub(crate) parts: Vec<Vec<u8>>,
}

/// The first word of a kept case.
const MAGIC: &str = "rollfold-case";

impl Case {
    pub(crate) fn new(target: &str, seed: u64, bytes: Vec<u8>) -> Self {
        let parts = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        Self { target: target.to_owned(), seed, parts }
    }

    /// All parts as one.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.parts.concat()
    }

    pub(crate) fn len_bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.len() as u64).sum()
    }

    /// As it is kept: a line that says what it is, then the bytes as they are.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = format!("{MAGIC} {} {}\n", self.target, self.seed).into_bytes();
        bytes.extend(self.bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let (head, rest) = bytes.split_at_checked(end + 1)?;
        let head = std::str::from_utf8(head).ok()?;
        let [MAGIC, target, seed] = *head.split_whitespace().collect::<Vec<_>>() else {
            return None;
        };
        Some(Self::new(target, seed.parse().ok()?, rest.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_kept_as_they_are() {
        for bytes in [&b""[..], b"a\nb", b"\xff\0\n\n", b"x\n"] {
            let case = Case::new("fold", 7, bytes.to_vec());
            assert_eq!(Case::decode(&case.encode()), Some(case.clone()));
            assert_eq!(case.bytes(), bytes);
        }
        assert_eq!(Case::decode(b"{}\n"), None);
    }
}
