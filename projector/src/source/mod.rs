//! Where logs come from: bytes at offsets, never more than asked for.

mod chain;
mod compressed;
mod identity;
mod key;
mod memory;

use std::borrow::Cow;
use std::fmt;
use std::io;

use rollfold_core::Span;
use rollfold_core::context::Bodies;
use rollfold_core::model::Origin;
use serde::{Deserialize, Serialize};

pub(crate) use chain::base_id;
pub use chain::{BaseProblem, Chain, Resolve};
pub(crate) use compressed::Compressed;
pub use identity::Identity;
pub use key::RolloutName;
pub(crate) use key::{is_id, rollout_name};
pub use memory::MemSource;

/// A log: bytes that are read from an offset. Reading never changes it.
pub trait LogSource {
    /// The name by which a store knows the log.
    fn key(&self) -> &str;

    /// Its length at this moment; it may grow, shrink or be replaced afterwards. `None` if only
    /// reading all of it would tell.
    ///
    /// # Errors
    /// When the length cannot be told.
    fn len_bytes(&self) -> io::Result<Option<u64>>;

    /// Reads at most `buffer.len()` bytes at `offset_bytes`; 0 at the end and beyond.
    ///
    /// # Errors
    /// When the bytes cannot be read.
    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// What tells without reading that the log is as it was; `None` if nothing does.
    ///
    /// # Errors
    /// When the system does not say.
    fn identity(&self) -> io::Result<Option<Identity>> {
        Ok(None)
    }

    /// Whose the log is, if another thread's stands in front of it.
    fn origin(&self) -> Option<Origin> {
        None
    }

    /// Whether reading at an earlier offset begins from the first byte again.
    fn is_forward_only(&self) -> bool {
        false
    }

    /// What is odd about the source itself, as far as it was read.
    fn notes(&self) -> Vec<SourceNote> {
        Vec::new()
    }
}

/// Something odd about a source, not about the lines in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SourceNote {
    /// The file has no bytes.
    Empty,
    /// The compressed file breaks off; what comes before that is read. It may be in the making.
    Truncated {
        /// Bytes of the log that can be read.
        decoded_bytes: u64,
    },
    /// The compressed file cannot be decoded beyond this; what comes before that is read.
    Damaged {
        /// Bytes of the log that can be read.
        decoded_bytes: u64,
        /// What the decoder says.
        reason: String,
    },
    /// The log is there plain and compressed; the plain one is read.
    BothForms,
    /// What the log goes on from was not followed.
    Base {
        /// The id it is named by; empty if that cannot be read.
        id: String,
        /// Why.
        problem: BaseProblem,
    },
    /// What waits for its line end is longer than most logs.
    LongTail {
        /// Its bytes so far.
        pending_bytes: u64,
    },
}

impl SourceNote {
    /// Whether the log may have more than can be read.
    pub(crate) fn is_partial(&self) -> bool {
        matches!(self, Self::Truncated { .. } | Self::Damaged { .. })
    }
}

impl fmt::Display for SourceNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("no bytes in it"),
            Self::Truncated { decoded_bytes } => {
                write!(f, "compressed file breaks off after {decoded_bytes} bytes of the log")
            }
            Self::Damaged { decoded_bytes, reason } => {
                write!(
                    f,
                    "compressed file damaged after {decoded_bytes} bytes of the log: {reason}"
                )
            }
            Self::Base { id, problem } => write!(f, "the log it goes on from, {id:?}, {problem}"),
            Self::LongTail { pending_bytes } => {
                write!(f, "{pending_bytes} bytes at the end without a line end")
            }
            Self::BothForms => f.write_str("plain and compressed at once; the plain one is read"),
        }
    }
}

/// The bytes of a log for [`rollfold_core::context`], read when they are asked for.
#[derive(Debug)]
pub struct SourceBodies<'s, S: ?Sized>(pub &'s S);

impl<S: LogSource + ?Sized> Bodies for SourceBodies<'_, S> {
    type Error = io::Error;

    fn bytes(&self, span: Span) -> io::Result<Cow<'_, [u8]>> {
        let len = usize::try_from(span.len_bytes).map_err(io::Error::other)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len).map_err(io::Error::other)?;
        bytes.resize(len, 0);
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.0.read_at(span.offset_bytes + filled as u64, rest) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(Cow::Owned(bytes))
    }
}
