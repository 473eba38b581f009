//! Digests of content: what a line, and a run of lines from the first on, is known by. Not
//! cryptographic: they tell accidents and rewrites, not forgeries.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// An XXH3-128 digest. The same bytes give the same digest on every host and in every version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest(u128);

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(xxh3_128(bytes))
    }

    /// The digest of a run of lines and one more line, from the run's digest and the line's. The
    /// run of no lines has [`Digest::default`].
    #[must_use]
    pub fn and_line(self, line: Self) -> Self {
        let mut both = [0; 32];
        let (before, after) = both.split_at_mut(16);
        before.copy_from_slice(&self.0.to_be_bytes());
        after.copy_from_slice(&line.0.to_be_bytes());
        Self::of(&both)
    }
}

/// As hex.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Hex;
        impl de::Visitor<'_> for Hex {
            type Value = Digest;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("32 hex digits")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Digest, E> {
                let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
                let digest = is_hex.then(|| u128::from_str_radix(text, 16).ok()).flatten();
                digest.map(Digest).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Hex)
    }
}

/// A digest of bytes that come in pieces; how they are cut does not show.
#[derive(Clone, Default)]
pub struct Digester(Xxh3);

impl Digester {
    /// Takes in the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes so far.
    #[must_use]
    pub fn finish(&self) -> Digest {
        Digest(self.0.digest128())
    }
}

impl fmt::Debug for Digester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digester({})", self.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_stay_the_same_for_ever() {
        let line = Digest::of(b"{\"type\":\"x\"}");
        assert_eq!(Digest::of(b"").to_string(), "99aa06d3014798d86001c324468d497f");
        assert_eq!(line.to_string(), "d1ab418ce76971d2b0388a7cbcdd2394");
        let run = Digest::default().and_line(line);
        assert_eq!(run.to_string(), "653c02bb567d06840298df5293676f31");
        assert_ne!(run.and_line(line), run);
        let spelled = serde_json::to_string(&run).unwrap();
        assert_eq!(serde_json::from_str::<Digest>(&spelled).unwrap(), run);
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        for text in ["", "12", "+9aa06d3014798d86001c324468d497f", "zz", "é"] {
            assert!(serde_json::from_str::<Digest>(&format!("{text:?}")).is_err(), "{text}");
        }
    }

    #[test]
    fn pieces_give_the_digest_of_the_whole() {
        let bytes: Vec<u8> = (0..5000_u32).map(|place| (place * 7 % 251) as u8).collect();
        for len in [1, 7, 240, 256, 1024, 4999] {
            let mut digester = Digester::default();
            bytes.chunks(len).for_each(|piece| digester.push(piece));
            assert_eq!(digester.finish(), Digest::of(&bytes), "pieces of {len}");
        }
    }
}
