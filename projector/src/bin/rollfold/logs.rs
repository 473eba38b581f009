//! Logs where they were found last, to be read again with what they go on from.

use std::cell::OnceCell;
use std::io;
use std::path::Path;

use rollfold_projector::{Chain, FileSource, Home, LogEntry, LogSource, Resolve, Scan};

use crate::context::{Context, Failure};

/// Opens logs. A home is scanned once, and only when a log goes on from another one.
pub struct Logs {
    homes: Vec<(Home, OnceCell<Scan>)>,
}

impl Logs {
    /// Of the homes that these logs are in, and those that were named.
    pub fn of<'l>(context: &Context, logs: impl IntoIterator<Item = &'l LogEntry>) -> Self {
        let mut homes: Vec<(Home, OnceCell<Scan>)> = Vec::new();
        let places = logs.into_iter().filter_map(|log| log.place.as_ref());
        let found = places.map(|place| Home::at(&place.home));
        // Without a home that is named, those of the logs are all there are.
        for home in found.chain(context.homes().unwrap_or_default()) {
            if !homes.iter().any(|(known, _)| known.root() == home.root()) {
                homes.push((home, OnceCell::new()));
            }
        }
        Self { homes }
    }

    /// The log as it was synced; `None` if it was not found in a home, or is not there any more.
    pub fn open(&self, log: &LogEntry) -> Result<Option<Chain>, Failure> {
        let Some(place) = log.place.as_ref().filter(|place| !place.is_gone) else {
            return Ok(None);
        };
        let source = FileSource::open(&place.path)?.with_key(log.key.to_string());
        let bases = Bases { logs: self, home: &place.home };
        let chain = Chain::open(Box::new(source), &bases).map_err(|error| {
            Failure::unreadable(format!("{}: cannot be read: {error}", place.path.display()))
        })?;
        Ok(Some(chain))
    }
}

/// What logs of one home go on from: logs of the same home before those of others.
struct Bases<'l> {
    logs: &'l Logs,
    home: &'l Path,
}

impl Resolve for Bases<'_> {
    fn find(&self, id: &str) -> io::Result<Option<Box<dyn LogSource>>> {
        let is_own = |(home, _): &&(Home, OnceCell<Scan>)| home.root() == self.home;
        let homes = &self.logs.homes;
        let others = homes.iter().filter(|home| !is_own(home));
        for (home, scanned) in homes.iter().filter(is_own).chain(others) {
            let scan = match scanned.get() {
                Some(scan) => scan,
                None => {
                    let scan = match home.scan() {
                        Err(error) if home.root() == self.home => {
                            return Err(io::Error::other(error));
                        }
                        // Where there is no other home, nothing can come from it.
                        scan => scan.unwrap_or_default(),
                    };
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
