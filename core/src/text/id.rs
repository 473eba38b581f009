//! Ids as logs write them.

use std::sync::Arc;

/// A thread id in any spelling of UUIDs, as hyphenated lower case; other ids as they are (FORMAT 3).
#[must_use]
pub fn canonical(id: &str) -> Arc<str> {
    match uuid::Uuid::try_parse(id) {
        Ok(uuid) => uuid.to_string().into(),
        Err(_) => id.into(),
    }
}

/// A version 7 UUID, hyphenated lower case; `None` for anything else (SEMANTICS R72).
#[must_use]
pub fn version_7(id: &str) -> Option<Arc<str>> {
    let uuid = uuid::Uuid::try_parse(id).ok()?;
    (uuid.get_version_num() == 7).then(|| uuid.to_string().into())
}

/// When a version 7 UUID was made, in milliseconds since 1970.
#[must_use]
pub fn made_at_ms(id: &str) -> Option<i64> {
    let uuid = uuid::Uuid::try_parse(id).ok()?;
    let ms = i64::try_from(uuid.as_u128() >> 80).ok()?;
    (uuid.get_version_num() == 7).then_some(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_of_any_spelling() {
        let plain = "019bb0c0-0000-7000-8000-0000000000aa";
        for id in [
            plain,
            "019BB0C00000700080000000000000AA",
            "urn:uuid:019bb0c0-0000-7000-8000-0000000000aa",
        ] {
            assert_eq!(&*canonical(id), plain);
            assert_eq!(version_7(id).as_deref(), Some(plain));
            assert_eq!(made_at_ms(id), Some(0x019b_b0c0_0000));
        }
        assert_eq!(&*canonical("thread-1"), "thread-1");
        for id in ["thread-1", "", "3", "019bb0c0-0000-4000-8000-0000000000aa"] {
            assert_eq!((version_7(id), made_at_ms(id)), (None, None), "{id}");
        }
    }
}
