//! The sync of one log: the thread that calls folds. What is large is written by another meanwhile,
//! so that reading and folding wait for no transaction.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use rollfold_core::Position;

use crate::commit::{Bounds, Targets};
use crate::error::{StoreError, SyncError};
use crate::source::LogSource;
use crate::store::Store;
use crate::sync::begin::{Begun, Under};
use crate::sync::folding::FoldError;
use crate::sync::link::{CloseOnDrop, CloseOnPanic, Link};
use crate::sync::writer::{Next, Parcel, Writer};
use crate::sync::{Progress, SyncOptions, Synced};

/// For less, a thread costs more than it saves.
const AHEAD_BYTES_MIN: u64 = 1024 * 1024;

/// A transaction is not kept open for longer while nothing comes.
const PAUSE: Duration = Duration::from_millis(250);

/// The number of the log, where there is but one.
const LOG: usize = 0;

impl SyncOptions {
    pub(crate) fn bounds(&self) -> Bounds {
        Bounds { bytes: self.batch_bytes, changes: self.batch_changes }
    }
}

/// The next parcel of a channel, for a writer.
pub(crate) fn receive<E>(parcels: &Receiver<Parcel<E>>) -> Next<E> {
    match parcels.recv_timeout(PAUSE) {
        Ok(parcel) => Next::Parcel(parcel),
        Err(RecvTimeoutError::Timeout) => Next::Pause,
        Err(RecvTimeoutError::Disconnected) => Next::End,
    }
}

impl Store {
    /// Syncs a log; `progress` is called by the thread that calls, while no transaction is open.
    pub(super) fn sync_one<S: LogSource + ?Sized>(
        &self,
        source: &S,
        options: &SyncOptions,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Synced, SyncError> {
        let mut under = match self.begin_sync(source, options, false)? {
            Begun::Unchanged(synced, _) => return Ok(*synced),
            Begun::Under(under) => under,
        };
        let total_bytes = source.len_bytes().ok().flatten();
        let is_small = under.ahead_bytes.is_some_and(|bytes| bytes < AHEAD_BYTES_MIN);
        let mut is_stopped = false;
        let mut tell = |Position { offset_bytes: bytes, seq: lines, .. }: Position| {
            let told = progress(Progress { bytes, lines, total_bytes });
            is_stopped |= told.is_break();
            told
        };
        let (written, failed) = match options.threads {
            0 if is_small => here(self, &mut under, options.bounds(), &mut tell),
            1 => here(self, &mut under, options.bounds(), &mut tell),
            _ => ahead(self, &mut under, options.bounds(), &mut tell),
        };
        let in_store = |source| SyncError::Store { key: source_key(&under), source };
        let targets = written.map_err(in_store)?;
        if let Some(target) = targets.get(&LOG).filter(|target| target.is_raced) {
            return Err(SyncError::Raced { key: target.key.clone() });
        }
        if let Some(failed) = failed {
            return Err(under.failed(failed));
        }
        let target =
            targets.into_values().next().or_else(|| under.target.take().map(|target| *target));
        let Some(target) = target else { return Err(SyncError::Raced { key: source_key(&under) }) };
        under.folded().synced(&target, is_stopped)
    }
}

fn source_key<S: LogSource + ?Sized>(under: &Under<'_, S>) -> String {
    under.source().key().to_owned()
}

/// What was committed, and why the fold did not go on.
type Written = (Result<Targets, StoreError>, Option<FoldError>);

/// Told of the place up to which is committed.
type Tell<'a> = &'a mut dyn FnMut(Position) -> ControlFlow<()>;

/// Folds and writes in turns.
fn here<S: LogSource + ?Sized>(
    store: &Store,
    under: &mut Under<'_, S>,
    bounds: Bounds,
    tell: Tell<'_>,
) -> Written {
    let mut failed = None;
    let written = Writer::<()>::new(store, bounds, &|_| {}).run(
        &mut || match under.folding.next_batch() {
            Ok(Some(batch)) => Next::Parcel(Parcel {
                target: under.target.take(),
                batch: Some(batch),
                ..Parcel::of(LOG)
            }),
            Ok(None) => Next::End,
            Err(error) => {
                failed = Some(error);
                Next::End
            }
        },
        &mut |told| match told.targets.get(&LOG) {
            Some(target) if target.is_raced => ControlFlow::Break(()),
            Some(target) => tell(target.position),
            None => ControlFlow::Continue(()),
        },
    );
    (written, failed)
}

/// Folds while another thread writes.
fn ahead<S: LogSource + ?Sized>(
    store: &Store,
    under: &mut Under<'_, S>,
    bounds: Bounds,
    tell: Tell<'_>,
) -> Written {
    let link = Link::<Position>::new();
    std::thread::scope(|scope| {
        let (sender, parcels) = channel();
        let writing = scope.spawn(|| {
            // Moved in, so that it is gone when the writer is.
            let parcels = parcels;
            let _close = CloseOnDrop(&link);
            Writer::<()>::new(store, bounds, &|bytes| link.give_room(bytes)).run(
                &mut || receive(&parcels),
                &mut |told| match told.targets.get(&LOG) {
                    Some(target) if target.is_raced || !link.say(target.position) => {
                        ControlFlow::Break(())
                    }
                    _ => ControlFlow::Continue(()),
                },
            )
        });
        let _close = CloseOnPanic(&link);
        let mut hear = |committed: Position| {
            if tell(committed).is_break() {
                link.close();
            }
        };
        let mut failed = None;
        loop {
            let batch = match under.folding.next_batch() {
                Ok(Some(batch)) => batch,
                Ok(None) => break,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            };
            if !link.take_room(batch.held_bytes, &mut hear) {
                break;
            }
            let target = under.target.take();
            let parcel = Parcel { target, batch: Some(batch), ..Parcel::of(LOG) };
            if sender.send(parcel).is_err() {
                break;
            }
        }
        drop(sender);
        link.hear_all(&mut hear);
        let written = match writing.join() {
            Ok(written) => written,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        (written, failed)
    })
}
