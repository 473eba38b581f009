//! Paths as people want to see them: of a log that was written elsewhere, prefixes of paths and what
//! they are called here. The log and its fold are not touched.

use std::borrow::Cow;
use std::sync::Arc;

use super::Store;
use crate::error::{CorruptProblem, QueryError, StoreError};
use crate::rows::codec::{RowAt, decode, encode};
use crate::schema;

/// Prefixes of paths as a log has them, and what is shown instead.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlay {
    prefixes: Vec<(String, String)>,
}

impl Overlay {
    /// The pairs, as they were set.
    #[must_use]
    pub fn prefixes(&self) -> &[(String, String)] {
        &self.prefixes
    }

    /// What a path is called here: its longest prefix that has a counterpart is replaced; prefixes
    /// end where a part of a path ends.
    #[must_use]
    pub fn shown<'p>(&self, path: &'p str) -> Cow<'p, str> {
        let rest = |from: &str| {
            let from = from.strip_suffix(is_separator).unwrap_or(from);
            path.strip_prefix(from).filter(|rest| rest.is_empty() || rest.starts_with(is_separator))
        };
        let fitting = self.prefixes.iter().filter_map(|(from, to)| Some((from, to, rest(from)?)));
        match fitting.max_by_key(|(from, ..)| from.len()) {
            None => Cow::Borrowed(path),
            Some((_, to, "")) => Cow::Owned(to.clone()),
            Some((_, to, rest)) => {
                Cow::Owned(format!("{}{rest}", to.strip_suffix(is_separator).unwrap_or(to)))
            }
        }
    }
}

fn is_separator(character: char) -> bool {
    matches!(character, '/' | '\\')
}

/// A path as its log has it, and as it is called here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownPath {
    /// As the log has it.
    pub recorded: Arc<str>,
    /// What it is called here; the same if nothing says otherwise.
    pub shown: String,
}

impl Store {
    /// The folder a thread works in, as its log has it and as it is called here; `None` if the log
    /// does not tell it, or is not known.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn shown_cwd(&self, key: &str) -> Result<Option<ShownPath>, QueryError> {
        let Some(thread) = self.thread(key)? else { return Ok(None) };
        let Some(recorded) = thread.thread()?.cwd else { return Ok(None) };
        let shown = self.overlay(key)?.shown(&recorded).into_owned();
        Ok(Some(ShownPath { recorded, shown }))
    }

    /// Sets which prefixes of a log's paths are shown as others; none takes them away. The log need
    /// not be known yet.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn set_overlay(&self, key: &str, prefixes: &[(String, String)]) -> Result<(), StoreError> {
        let write = self.begin_write()?;
        {
            let mut overlays = write.open_table(schema::OVERLAYS)?;
            if prefixes.is_empty() {
                overlays.remove(key.as_bytes())?;
            } else {
                let mut row = Vec::new();
                encode(&mut row, "overlays", &prefixes)?;
                overlays.insert(key.as_bytes(), &*row)?;
            }
        }
        Ok(write.commit()?)
    }

    /// Which prefixes of a log's paths are shown as others.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn overlay(&self, key: &str) -> Result<Overlay, StoreError> {
        let read = self.begin_read()?;
        let Some(row) = read.open_table(schema::OVERLAYS)?.get(key.as_bytes())? else {
            return Ok(Overlay::default());
        };
        let at = RowAt { table: "overlays", key };
        let prefixes = decode(row.value(), &at)?;
        let prefixes = prefixes.ok_or_else(|| at.corrupt(CorruptProblem::Missing))?;
        Ok(Overlay { prefixes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_of_whole_parts_is_replaced() {
        let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        let overlay = Overlay {
            prefixes: vec![
                pair("/home/a", "/Users/b"),
                pair("/home/a/work/", "/work"),
                pair("C:\\a", "/c/a/"),
            ],
        };
        for (path, shown) in [
            ("/home/a", "/Users/b"),
            ("/home/a/x", "/Users/b/x"),
            ("/home/ab", "/home/ab"),
            ("/home/a/work", "/work"),
            ("/home/a/work/x", "/work/x"),
            ("C:\\a\\x", "/c/a\\x"),
            ("", ""),
        ] {
            assert_eq!(overlay.shown(path), shown, "{path}");
        }
        assert_eq!(Overlay::default().shown("/x"), "/x");
    }
}
