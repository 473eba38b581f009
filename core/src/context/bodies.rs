//! Bodies by span: the one door through which a context reads the log.

use std::borrow::Cow;
use std::convert::Infallible;

use crate::decode::{Depth, Record, decode};
use crate::line::Line;
use crate::pos::Span;
use crate::records::RecordRef;

/// The bytes of a log, by span.
pub trait Bodies {
    /// Why bytes could not be read.
    type Error: std::error::Error + 'static;

    /// The bytes of a span; fewer where the log ends before it.
    ///
    /// # Errors
    /// When they could not be read.
    fn bytes(&self, span: Span) -> Result<Cow<'_, [u8]>, Self::Error>;
}

/// A whole log in memory.
impl Bodies for [u8] {
    type Error = Infallible;

    fn bytes(&self, span: Span) -> Result<Cow<'_, [u8]>, Infallible> {
        let place = |bytes| usize::try_from(bytes).unwrap_or(usize::MAX);
        let (start, end) = (place(span.offset_bytes), place(span.end_bytes()));
        let bytes = self.get(start..).unwrap_or_default();
        Ok(Cow::Borrowed(bytes.get(..end.saturating_sub(start)).unwrap_or(bytes)))
    }
}

/// Why a context could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContextError<E: std::error::Error + 'static> {
    /// The bytes of a record could not be read.
    #[error("line {}, byte {}: could not be read", .record.seq, .record.span.offset_bytes)]
    Unreadable {
        /// The record.
        record: RecordRef,
        /// Why.
        source: E,
    },
    /// The log no longer holds the record there: it was rewritten; fold it again.
    #[error("line {}, byte {}: the record is gone", .record.seq, .record.span.offset_bytes)]
    Gone {
        /// The record.
        record: RecordRef,
    },
}

/// Reads a record and what `look` wants of it.
pub(crate) fn read<B: Bodies + ?Sized, T>(
    bodies: &B,
    record: RecordRef,
    look: impl FnOnce(&Record<'_>) -> T,
) -> Result<T, ContextError<B::Error>> {
    let RecordRef { seq, span, part, kind } = record;
    let bytes = bodies.bytes(span).map_err(|source| ContextError::Unreadable { record, source })?;
    let mut scratch = String::new();
    let decoded = decode(Line { seq, span, bytes: &bytes }, &mut scratch, Depth::Full);
    match decoded.records.as_slice().get(usize::from(part)) {
        Some(found) if found.kind == kind => Ok(look(found)),
        _ => Err(ContextError::Gone { record }),
    }
}
