//! Cursors: a place in the order of hits, as text.

use xxhash_rust::xxh3::Xxh3Default;

use super::find::SearchRequest;
use crate::error::SearchError;
use crate::query::CursorProblem;

/// The first part of every cursor; another number is another spelling.
const SPELLING: &str = "s1";

/// An item among all, in the order of hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Anchor {
    pub(super) time: i64,
    pub(super) thread: u32,
    pub(super) turn: u32,
    pub(super) item: u32,
}

impl Anchor {
    pub(super) fn turn(self) -> (i64, u32, u32) {
        (self.time, self.thread, self.turn)
    }

    pub(super) fn text(self, digest: u64) -> String {
        let Self { time, thread, turn, item } = self;
        format!("{SPELLING}.{digest:016x}.{time}.{thread}.{turn}.{item}")
    }

    /// Reads a cursor of the search with this digest.
    pub(super) fn parse(cursor: &str, digest: u64) -> Result<Self, SearchError> {
        let bad = |problem| SearchError::Cursor { cursor: cursor.to_owned(), problem };
        let parts: Vec<&str> = cursor.split('.').collect();
        let [SPELLING, search, time, thread, turn, item] = *parts else {
            return Err(bad(CursorProblem::Malformed));
        };
        let parse = || {
            let search = u64::from_str_radix(search, 16).ok()?;
            let time = time.parse().ok()?;
            let (thread, turn) = (thread.parse().ok()?, turn.parse().ok()?);
            Some((search, Self { time, thread, turn, item: item.parse().ok()? }))
        };
        match parse() {
            None => Err(bad(CursorProblem::Malformed)),
            Some((search, _)) if search != digest => Err(bad(CursorProblem::OtherList)),
            Some((_, anchor)) => Ok(anchor),
        }
    }
}

/// What tells the cursors of this search from those of others.
pub(super) fn digest_of(request: &SearchRequest<'_>) -> u64 {
    let mut hasher = Xxh3Default::new();
    let mut put = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    put(request.query.as_bytes());
    put(&request.kinds.0.to_le_bytes());
    let mut keys = request.threads.map(<[&str]>::to_vec);
    if let Some(keys) = &mut keys {
        keys.sort_unstable();
        keys.iter().for_each(|key| put(key.as_bytes()));
    }
    put(&[u8::from(keys.is_some())]);
    hasher.digest()
}
