//! Logs where they were found last, to be read again with what they go on from.

use std::cell::OnceCell;
use std::io;

use rollfold_projector::{Chain, FileSource, Home, LogEntry, LogSource, Resolve, Scan};

use crate::context::Failure;

/// Opens logs; a home is scanned when a log in it goes on from another one, once.
pub struct Logs {
    homes: Vec<(Home, OnceCell<Scan>)>,
}

impl Logs {
    pub fn of(homes: impl IntoIterator<Item = Home>) -> Self {
        Self { homes: homes.into_iter().map(|home| (home, OnceCell::new())).collect() }
    }

    /// The log as it was synced; `None` if it was not found in a home, or is not there any more.
    pub fn open(&self, log: &LogEntry) -> Result<Option<Chain>, Failure> {
        let Some(place) = log.place.as_ref().filter(|place| !place.is_gone) else {
            return Ok(None);
        };
        let source = FileSource::open(&place.path)?.with_key(log.key.to_string());
        let known = self.homes.iter().position(|(home, _)| home.root() == place.home);
        let own = match known {
            Some(_) => None,
            None => Some((Home::at(&place.home), OnceCell::new())),
        };
        let bases = Bases { logs: self, known, own };
        let chain = Chain::open(Box::new(source), &bases).map_err(|error| {
            Failure::unreadable(format!("{}: cannot be read: {error}", place.path.display()))
        })?;
        Ok(Some(chain))
    }
}

/// What logs of one home go on from: logs of the same home before those of others.
struct Bases<'l> {
    logs: &'l Logs,
    known: Option<usize>,
    own: Option<(Home, OnceCell<Scan>)>,
}

impl Resolve for Bases<'_> {
    fn find(&self, id: &str) -> io::Result<Option<Box<dyn LogSource>>> {
        let known = self.known.and_then(|place| self.logs.homes.get(place));
        for (home, scanned) in self.own.iter().chain(known).chain(&self.logs.homes) {
            let scan = match scanned.get() {
                Some(scan) => scan,
                None => {
                    let scan = home.scan().map_err(io::Error::other)?;
                    scanned.get_or_init(|| scan)
                }
            };
            if let Some(found) = scan.find(id)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}
