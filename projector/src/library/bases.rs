//! Where logs are that others go on from: by the ids their names end in.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, PoisonError};

use crate::disk::FileSource;
use crate::home::{Found, Home, Scan};
use crate::source::{LogSource, Resolve};

/// All files that can be named, by id in lower case.
pub(super) struct AllBases<'s> {
    by_id: HashMap<String, Vec<(usize, &'s Found)>>,
}

impl<'s> AllBases<'s> {
    pub(super) fn of(scans: &'s [(Home, Scan)]) -> Self {
        let mut by_id: HashMap<String, Vec<(usize, &Found)>> = HashMap::new();
        for (home, (_, scan)) in scans.iter().enumerate() {
            for found in &scan.files {
                if let Some(name) = &found.name {
                    let id = name.segment_id().unwrap_or_else(|| name.thread_id());
                    by_id.entry(id.to_ascii_lowercase()).or_default().push((home, found));
                }
            }
        }
        Self { by_id }
    }

    /// The file that a log in this home means: one in the same home before others, of copies the
    /// one that is not archived, then the one in its place.
    pub(super) fn find(&self, home: usize, id: &str) -> Option<&'s Found> {
        let named = self.by_id.get(&id.to_ascii_lowercase())?;
        let worth =
            |(of, found): &&(usize, &Found)| (*of != home, found.is_archived, !found.is_in_place);
        named.iter().min_by_key(worth).map(|(_, found)| *found)
    }
}

/// What one log asks for, and what was asked.
pub(super) struct Bases<'b, 's> {
    all: &'b AllBases<'s>,
    home: usize,
    asked: Mutex<Vec<(String, bool)>>,
}

impl<'b, 's> Bases<'b, 's> {
    pub(super) fn of(all: &'b AllBases<'s>, home: usize) -> Self {
        Self { all, home, asked: Mutex::default() }
    }

    /// The ids that were asked for, and whether there was a file of each.
    pub(super) fn asked(&self) -> Vec<(String, bool)> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Resolve for Bases<'_, '_> {
    fn find(&self, id: &str) -> io::Result<Option<Box<dyn LogSource>>> {
        let found = self.all.find(self.home, id);
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.push((id.to_owned(), found.is_some()));
        let Some(found) = found else { return Ok(None) };
        let source = FileSource::open(&found.path).map_err(io::Error::other)?;
        Ok(Some(Box::new(source)))
    }
}
