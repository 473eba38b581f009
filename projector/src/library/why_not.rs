//! Why a list does not show what lies in a home.

use std::path::PathBuf;
use std::sync::Arc;

use super::Library;
use super::filter::{FilteredBy, ThreadFilter};
use crate::home::{Scan, StrayReason};

/// What a list makes of something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Where it is.
    pub path: PathBuf,
    /// The thread it is of, as far as that is known.
    pub thread_id: Option<Arc<str>>,
    /// Why the list does not show it; none if it does.
    pub reason: Option<NotListed>,
}

/// Why a list does not show a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotListed {
    /// It is no rollout.
    #[error("{0}")]
    Stray(StrayReason),
    /// The store does not know it.
    #[error("it was not synced yet, or could not be; sync and see what that says")]
    NotSynced,
    /// It has the name of a rollout that lies elsewhere, too, and that one is read.
    #[error("it is a copy of {}, which is read instead", .0.display())]
    CopyOf(PathBuf),
    /// The thread goes on in another file, and is listed with that one.
    #[error("it is an earlier part, or a copy, of a thread that is told by {0}")]
    OtherLog(Arc<str>),
    /// A filter leaves the thread out.
    #[error("{0}")]
    Filtered(FilteredBy),
}

impl Library {
    /// For everything found in a home, in the order of the paths: whether a list with this filter
    /// shows it, and if not, why.
    #[must_use]
    pub fn why_not(&self, scan: &Scan, filter: &ThreadFilter) -> Vec<Verdict> {
        let catalog = self.catalog();
        let sieve = catalog.sieve(filter);
        let logs = scan.logs();
        let mut verdicts = Vec::new();
        for file in &scan.files {
            let entry = catalog.of_log(&file.key);
            let read = logs.get(&*file.key).filter(|read| read.path != file.path);
            let reason = match (read, entry) {
                (Some(read), _) => Some(NotListed::CopyOf(read.path.clone())),
                (None, None) => Some(NotListed::NotSynced),
                (None, Some(entry)) if *entry.log.key != *file.key => {
                    Some(NotListed::OtherLog(entry.log.key.clone()))
                }
                (None, Some(entry)) => catalog.left_out(&entry.id, &sieve).map(NotListed::Filtered),
            };
            let thread_id = entry.map(|entry| entry.id.clone());
            verdicts.push(Verdict { path: file.path.clone(), thread_id, reason });
        }
        for stray in &scan.strays {
            let reason = Some(NotListed::Stray(stray.reason.clone()));
            verdicts.push(Verdict { path: stray.path.clone(), thread_id: None, reason });
        }
        verdicts.sort_by(|one, other| one.path.cmp(&other.path));
        verdicts
    }
}
