//! Folding ahead: lines of one log into batches of what they did, for a writer to write.

use rollfold_core::{Digest, FoldState, Step};

use crate::commit::{Batch, Bounds, Done, Mark, Reached};
use crate::error::StoreError;
use crate::lines::{LineReader, ReadError};
use crate::past::{AheadPast, RowsPast};
use crate::source::{Identity, LogSource};
use crate::store::Store;

/// Bytes of log in one batch, so that a writer does not wait long for its first.
const BATCH_BYTES: u64 = 256 * 1024;

/// Changes in one batch.
const BATCH_CHANGES: u64 = 512;

/// What a step takes in memory beside its text, more or less.
const STEP_BYTES: usize = 256;
const CHANGE_BYTES: usize = 768;

/// Why a fold does not go on.
#[derive(Debug)]
pub(crate) enum FoldError {
    Read(ReadError),
    Store(StoreError),
}

impl From<ReadError> for FoldError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl From<StoreError> for FoldError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A fold of one log, batch by batch.
pub(crate) struct Folding<'s, S: ?Sized> {
    store: &'s Store,
    pub(crate) state: FoldState,
    pub(crate) reader: LineReader<'s, S>,
    pub(crate) past: AheadPast,
    /// What the source was known by before it was read.
    pub(crate) identity: Option<Identity>,
    /// Whether the place must be written even if there is no line to fold.
    pub(crate) is_due: bool,
    pub(crate) reached: Reached,
    /// The line before which the past's rows tell all.
    stood_seq: u64,
    bounds: Bounds,
    /// Steps in the batch before: the next will have as many.
    len_steps: usize,
    scratch: String,
    /// What stopped it, told behind what was folded before.
    failed: Option<FoldError>,
}

impl<'s, S: LogSource + ?Sized> Folding<'s, S> {
    /// Goes on with `state` where `reader` stands. No batch has more than `bounds`, but for one
    /// line.
    pub(crate) fn new(
        store: &'s Store,
        state: FoldState,
        reader: LineReader<'s, S>,
        past: AheadPast,
        identity: Option<Identity>,
        bounds: Bounds,
    ) -> Self {
        let bounds = Bounds {
            bytes: bounds.bytes.min(BATCH_BYTES),
            changes: bounds.changes.min(BATCH_CHANGES),
        };
        Self {
            store,
            stood_seq: state.position.seq,
            state,
            reader,
            past,
            identity,
            is_due: false,
            reached: Reached::default(),
            bounds,
            len_steps: 0,
            scratch: String::new(),
            failed: None,
        }
    }

    /// The next batch; `None` at the end.
    ///
    /// # Errors
    /// When the log cannot be read further, or its past cannot be told. What was folded before that
    /// was given.
    pub(crate) fn next_batch(&mut self) -> Result<Option<Box<Batch>>, FoldError> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        if self.past.is_heavy() {
            self.lighten()?;
        }
        let start_bytes = self.state.position.offset_bytes;
        let mut steps = Vec::with_capacity(self.len_steps);
        let (mut done, mut held_bytes) = (Done::default(), 0);
        if let Err(error) = self.fold(&mut steps, &mut done, &mut held_bytes) {
            if steps.is_empty() {
                return Err(error);
            }
            self.failed = Some(error);
        }
        if steps.is_empty() && !self.is_due {
            return Ok(None);
        }
        self.is_due = false;
        self.len_steps = steps.len();
        let mark = Mark {
            state: self.state.clone(),
            tail: Digest::of(self.reader.tail()),
            samples: self.reader.samples().to_vec(),
            seen: self.reader.seen(self.identity),
        };
        let bytes = self.state.position.offset_bytes - start_bytes;
        Ok(Some(Box::new(Batch { steps, mark, done, bytes, held_bytes })))
    }

    /// Lets go of what is committed meanwhile.
    fn lighten(&mut self) -> Result<(), StoreError> {
        let Some((thread, seq)) = self.reached.get().filter(|(_, seq)| *seq > self.stood_seq)
        else {
            return Ok(());
        };
        let rows = RowsPast::open(&self.store.begin_read()?, thread)?;
        self.past.stand_on(rows, seq);
        self.stood_seq = seq;
        Ok(())
    }

    fn fold(
        &mut self,
        steps: &mut Vec<Step>,
        done: &mut Done,
        held_bytes: &mut usize,
    ) -> Result<(), FoldError> {
        let Self { state, reader, past, scratch, bounds, .. } = self;
        let start_bytes = state.position.offset_bytes;
        while reader.fill()? {
            loop {
                let long = reader.long_line(state.position.seq);
                let is_long = long.is_some();
                if is_long && !steps.is_empty() {
                    return Ok(());
                }
                let step = match (long, reader.line(state.position)) {
                    (Some(long), _) => state.fold_long_line(past, long)?,
                    (None, Some(line)) => state.fold_line(past, line, scratch)?,
                    (None, None) => break,
                };
                let line_bytes = step.span.len_bytes;
                done.lines += 1;
                done.changes += step.changes.len() as u64;
                done.diagnostics += step.diagnostics.len() as u64;
                *held_bytes += STEP_BYTES + CHANGE_BYTES * step.changes.len();
                if !step.changes.is_empty() && !is_long {
                    *held_bytes += usize::try_from(line_bytes).unwrap_or(usize::MAX / 4);
                }
                steps.push(step);
                match is_long {
                    false => reader.pass(line_bytes),
                    true => {
                        // Behind a failure the reader cannot tell what is before the next line.
                        if let Err(error) = reader.pass_long() {
                            steps.clear();
                            return Err(error.into());
                        }
                    }
                }
                let bytes = state.position.offset_bytes - start_bytes;
                if bytes >= bounds.bytes || done.changes >= bounds.changes {
                    // So that what the cursor says of the end is known as soon as it can be.
                    reader.fill()?;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Whether nothing is left to be told.
    pub(crate) fn is_ended(&self) -> bool {
        self.reader.is_ended() && self.failed.is_none() && !self.is_due
    }
}
