//! The places of an operation where tests come in between: other writers, failures, kills.

use std::fmt;
use std::io;
use std::path::Path;

use super::holders::{Holders, holders_of};

/// What an operation has just done, or is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Step {
    /// The log was looked at, and its writer's lock is held.
    Begun,
    /// The other form is written, to a temporary file.
    Written,
    /// It holds what it should.
    Verified,
    /// It has its time and permissions and is on the disk.
    Dressed,
    /// It has its name; both forms are there.
    Published,
    /// The plain form has a hidden name.
    SetAside,
    /// Nobody has the plain form open.
    Alone,
    /// It is still what was compressed.
    Compared,
    /// The form that is no longer needed is gone.
    Removed,
    /// The plain form, which changed, has its name again.
    Restored,
    /// A file is about to be moved.
    Move,
    /// A file was copied to where it is moved.
    Copied,
    /// A file was moved.
    Moved,
    /// A file is about to be deleted.
    Delete,
    /// Nothing but rows is left of what is deleted.
    FilesGone,
    /// Nothing but the note that it is deleted is left.
    RowsGone,
    /// A file of a bundle is about to get its name.
    Place,
}

/// What comes in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), expect(dead_code, reason = "only tests come in between"))]
pub enum Interruption {
    /// Nothing; the operation goes on.
    None,
    /// The operation stops as if its process were killed: nothing more is done to the disk.
    Kill,
    /// What is about to be done fails.
    Fail(io::ErrorKind),
}

/// Who comes in between.
#[derive(Clone, Copy, Default)]
pub struct Steps<'s> {
    hook: Option<&'s (dyn Fn(Step) -> Interruption + Sync)>,
    /// Whether it is not told who has a file open, as on some systems.
    is_blind: bool,
}

impl<'s> Steps<'s> {
    /// Asks at every step what comes in between.
    #[cfg(feature = "testing")]
    pub fn new(hook: &'s (dyn Fn(Step) -> Interruption + Sync)) -> Self {
        Self { hook: Some(hook), is_blind: false }
    }

    /// The same, but as on a system that does not tell who has a file open.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn blind(self) -> Self {
        Self { is_blind: true, ..self }
    }

    pub(super) fn holders_of(&self, path: &Path) -> Holders {
        if self.is_blind { Holders::Unknown } else { holders_of(path) }
    }

    pub(crate) fn at(&self, step: Step) -> io::Result<()> {
        match self.hook.map_or(Interruption::None, |hook| hook(step)) {
            Interruption::None => Ok(()),
            Interruption::Kill => Err(io::Error::other(Killed)),
            Interruption::Fail(kind) => Err(kind.into()),
        }
    }
}

impl fmt::Debug for Steps<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.hook.is_some() { "Steps(asked)" } else { "Steps(none)" })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("killed by a test")]
struct Killed;

/// Whether an operation must stop at once and clean nothing up.
pub(crate) fn is_kill(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|error| error.is::<Killed>())
}
