//! Records out of a source, by their bytes.

use std::borrow::Cow;
use std::io;

use rollfold_core::Span;
use rollfold_core::context::Bodies;
use rollfold_projector::LogSource;

/// The bytes of a source, by span.
pub(super) struct LogBodies<'s, S>(pub(super) &'s S);

impl<S: LogSource> Bodies for LogBodies<'_, S> {
    type Error = io::Error;

    fn bytes(&self, span: Span) -> Result<Cow<'_, [u8]>, io::Error> {
        let len = usize::try_from(span.len_bytes).map_err(io::Error::other)?;
        let mut bytes = vec![0; len];
        let mut read = 0;
        while let Some(rest) = bytes.get_mut(read..).filter(|rest| !rest.is_empty()) {
            match self.0.read_at(span.offset_bytes + read as u64, rest)? {
                0 => break,
                more => read += more,
            }
        }
        bytes.truncate(read);
        Ok(Cow::Owned(bytes))
    }
}
