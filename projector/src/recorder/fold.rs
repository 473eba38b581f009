//! What a reader makes of a log: from it a recorder goes on.

use std::convert::Infallible;

use rollfold_core::{FoldState, model::Origin};
use rollfold_core::{Frontier, Index, Line, LongLine, Options, Span, Step};

use crate::lines::{LineReader, ReadError, read_full};
use crate::source::LogSource;

const BUFFER_BYTES: usize = 256 * 1024;

/// The state before the first line.
pub(super) fn start(origin: Option<Origin>) -> Frontier {
    let options = Options::default();
    let state = match origin {
        Some(origin) => FoldState::with_origin(options, origin),
        None => FoldState::new(options),
    };
    Frontier { state, past: Index::default() }
}

/// Folds the complete lines of a log; `take` is given every one. Gives the bytes behind the last.
pub(super) fn fold<S: LogSource + ?Sized>(
    source: &S,
    frontier: &mut Frontier,
    mut take: impl FnMut(Step),
) -> Result<u64, ReadError> {
    let Frontier { state, past } = frontier;
    let mut scratch = String::new();
    let len_bytes =
        source.len_bytes().map_err(|source| ReadError::Io { offset_bytes: 0, source })?;
    let line_max_bytes = state.options.line_limit.len_bytes;
    let mut reader = LineReader::open(source, 0, len_bytes, BUFFER_BYTES, line_max_bytes, &[])?;
    while reader.fill()? {
        while let Some(long) = reader.long_line(state.position.seq) {
            let step: Result<Step, Infallible> = state.fold_long_line(past, long);
            let Ok(step) = step;
            take(step);
            reader.pass_long()?;
        }
        while let Some(line) = reader.line(state.position) {
            let step: Result<Step, Infallible> = state.fold_line(past, line, &mut scratch);
            let Ok(step) = step;
            reader.pass(step.span.len_bytes);
            take(step);
        }
    }
    Ok(reader.pending_bytes())
}

/// Folds what stands behind the last line end as if it had one: so it will, before anything
/// follows it.
pub(super) fn fold_torn<S: LogSource + ?Sized>(
    source: &S,
    frontier: &mut Frontier,
    torn_bytes: u64,
    mut take: impl FnMut(Step),
) -> Result<(), ReadError> {
    let Frontier { state, past } = frontier;
    let (seq, offset_bytes) = (state.position.seq, state.position.offset_bytes);
    let span = Span::new(offset_bytes, torn_bytes);
    let is_long = torn_bytes > state.options.line_limit.len_bytes;
    let held_bytes = if is_long { LongLine::HEAD_BYTES as u64 } else { torn_bytes };
    let mut bytes = vec![0; usize::try_from(held_bytes).unwrap_or(LongLine::HEAD_BYTES)];
    let len = read_full(source, offset_bytes, &mut bytes)?;
    bytes.truncate(len);
    let line = Line { seq, span, bytes: &bytes };
    let step: Result<Step, Infallible> = state.fold_line(past, line, &mut String::new());
    let Ok(step) = step;
    take(step);
    Ok(())
}
