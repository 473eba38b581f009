//! What the system is asked to tell of: the folders of homes, as far as they are there.

use std::path::PathBuf;
use std::sync::mpsc::Sender;

use super::watch::Signal;
use crate::home::Home;

/// The homes and what the system tells of them.
pub(super) struct Watched {
    homes: Vec<Home>,
    #[cfg(feature = "watch")]
    teller: Option<teller::Teller>,
}

impl Watched {
    /// Without a sender the system is not asked.
    pub(super) fn new(homes: &[Home], sender: Option<Sender<Signal>>) -> Self {
        #[cfg(not(feature = "watch"))]
        drop(sender);
        Self {
            homes: homes.to_vec(),
            #[cfg(feature = "watch")]
            teller: sender.and_then(teller::Teller::new),
        }
    }

    /// Asks to be told of folders that appeared since, under whatever name they really have; whether
    /// the system tells of all homes.
    pub(super) fn follow(&mut self) -> bool {
        let wanted: Option<Vec<[PathBuf; 3]>> = self.homes.iter().map(folders_of).collect();
        #[cfg(feature = "watch")]
        if let Some(teller) = &mut self.teller {
            let are_all = wanted.is_some();
            let folders = self.homes.iter().filter_map(folders_of).flatten();
            return teller.follow(folders.collect()) && are_all;
        }
        drop(wanted);
        false
    }
}

/// The folders of a home by their real paths; `None` if it is not there.
fn folders_of(home: &Home) -> Option<[PathBuf; 3]> {
    let real = |path: PathBuf| std::fs::canonicalize(&path).unwrap_or(path);
    let root = std::fs::canonicalize(home.root()).ok()?;
    Some([root, real(home.sessions_dir()), real(home.archived_dir())])
}

#[cfg(feature = "watch")]
mod teller {
    use std::collections::BTreeMap;
    use std::fs::Metadata;
    use std::path::{Path, PathBuf};
    use std::sync::mpsc::Sender;

    use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

    use crate::disk::identity_of;
    use crate::library::watch::Signal;

    /// What tells a folder from another of the same name.
    type FolderId = Option<(u64, u64)>;

    /// What the system has that tells of changes.
    pub(super) struct Teller {
        watcher: RecommendedWatcher,
        /// The folders it tells of, with all below.
        folders: BTreeMap<PathBuf, FolderId>,
    }

    impl Teller {
        /// `None` if the system has none to give.
        pub(super) fn new(sender: Sender<Signal>) -> Option<Self> {
            // An error may mean that changes went by untold: so look.
            let tell = move |event: notify::Result<Event>| {
                if event.map_or(true, |event| is_change(&event)) {
                    let _ = sender.send(Signal::Changed);
                }
            };
            let watcher = notify::recommended_watcher(tell).ok()?;
            Some(Self { watcher, folders: BTreeMap::new() })
        }

        /// Tells of these folders and of no others from now on; false if it cannot of all.
        pub(super) fn follow(&mut self, mut wanted: Vec<PathBuf>) -> bool {
            wanted.sort();
            wanted.dedup();
            let is_below = |path: &Path, other: &Path| path != other && path.starts_with(other);
            let all = wanted.clone();
            wanted.retain(|path| !all.iter().any(|other| is_below(path, other)));
            let mut there = BTreeMap::new();
            for path in wanted {
                if let Ok(metadata) = std::fs::metadata(&path) {
                    there.insert(path, id_of(&metadata));
                }
            }
            let gone: Vec<PathBuf> = (self.folders.iter())
                .filter(|(path, id)| there.get(*path) != Some(id))
                .map(|(path, _)| path.clone())
                .collect();
            for path in gone {
                // One that is gone is not told of any more.
                let _ = self.watcher.unwatch(&path);
                self.folders.remove(&path);
            }
            let mut is_all = true;
            for (path, id) in there {
                if self.folders.contains_key(&path) {
                    continue;
                }
                match self.watcher.watch(&path, RecursiveMode::Recursive) {
                    Ok(()) => drop(self.folders.insert(path, id)),
                    Err(_) => is_all = false,
                }
            }
            is_all
        }
    }

    fn id_of(metadata: &Metadata) -> FolderId {
        identity_of(metadata).file
    }

    /// Reading changes nothing; all else may.
    fn is_change(event: &Event) -> bool {
        !matches!(event.kind, EventKind::Access(_)) || event.need_rescan()
    }
}
