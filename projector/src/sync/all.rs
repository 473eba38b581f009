//! The sync of many logs: some threads fold, each one log after the other, and the thread that calls
//! writes what they hand over, many logs in one transaction.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::available_parallelism;

use crate::commit::Target;
use crate::error::{StoreError, SyncError, SyncFileError};
use crate::rows::files::FileEntry;
use crate::source::LogSource;
use crate::store::Store;
use crate::sync::ahead::receive;
use crate::sync::begin::{Begun, Folded, Under};
use crate::sync::link::{CloseOnDrop, Link};
use crate::sync::writer::{Parcel, Told, Writer};
use crate::sync::{SyncOptions, Synced};

/// How far a sync of many logs has come, after each transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllProgress {
    /// Logs that are done, whatever became of them.
    pub logs: usize,
    /// Logs there are.
    pub total_logs: usize,
    /// Bytes of logs that are folded and kept.
    pub bytes: u64,
}

/// What a sync of many logs did.
#[derive(Debug)]
pub struct SyncedAll {
    /// What became of each log, in the order given; `None` if the sync was stopped before its end.
    /// What was committed of it stays.
    pub logs: Vec<Option<Result<Synced, SyncError>>>,
    /// Whether the caller stopped it before the end.
    pub is_stopped: bool,
}

/// What became of one log, as its fold knows it.
pub(crate) enum LogEnd {
    Unchanged(Box<Synced>),
    Folded(Box<Folded>),
    Failed(SyncError),
    Unopened(Box<SyncFileError>),
}

/// What became of one log, as the writer knows it.
pub(crate) enum Settled {
    Synced(Box<Synced>),
    Failed(SyncError),
    Unopened(Box<SyncFileError>),
}

impl LogEnd {
    pub(crate) fn settle(self, target: Option<&Target>) -> Settled {
        let synced = match (self, target) {
            (_, Some(target)) if target.is_raced => {
                Err(SyncError::Raced { key: target.key.clone() })
            }
            (Self::Unopened(error), _) => return Settled::Unopened(error),
            (Self::Failed(error), _) => Err(error),
            (Self::Unchanged(synced), _) => return Settled::Synced(synced),
            (Self::Folded(folded), Some(target)) => folded.synced(target, false),
            (Self::Folded(folded), None) => Err(folded.lost()),
        };
        synced.map_or_else(Settled::Failed, |synced| Settled::Synced(Box::new(synced)))
    }
}

/// Where a fold hands over what it has.
pub(crate) struct Hand<'l, E> {
    link: &'l Link<()>,
    parcels: Sender<Parcel<E>>,
}

impl<E> Hand<'_, E> {
    /// Waits until there is room; false if nobody takes anything any more.
    pub(crate) fn over(&self, parcel: Parcel<E>) -> bool {
        let held_bytes = parcel.batch.as_ref().map_or(0, |batch| batch.held_bytes);
        self.link.take_room(held_bytes, |()| {}) && self.parcels.send(parcel).is_ok()
    }
}

/// Folds one log, and hands over what it does. `file` gives what is to be noted of its file at the
/// end.
pub(crate) fn fold_log<S: LogSource + ?Sized>(
    store: &Store,
    source: &S,
    options: &SyncOptions,
    (log, is_new): (usize, bool),
    hand: &Hand<'_, LogEnd>,
    file: impl Fn(&LogEnd, Option<u32>) -> Option<Box<FileEntry>>,
) {
    let begun = store.begin_sync(source, options, is_new);
    let (end, thread) = match begun {
        Err(error) => (LogEnd::Failed(error), None),
        Ok(Begun::Unchanged(synced, known)) => (LogEnd::Unchanged(synced), Some(known.thread)),
        Ok(Begun::Under(mut under)) => {
            fold_under(&mut under, log, hand, &file);
            return;
        }
    };
    let file = file(&end, thread);
    hand.over(Parcel { file, end: Some(end), ..Parcel::of(log) });
}

fn fold_under<S: LogSource + ?Sized>(
    under: &mut Under<'_, S>,
    log: usize,
    hand: &Hand<'_, LogEnd>,
    file: &impl Fn(&LogEnd, Option<u32>) -> Option<Box<FileEntry>>,
) {
    loop {
        let next = under.folding.next_batch();
        let (batch, end) = match next {
            Ok(Some(batch)) if !under.folding.is_ended() => (Some(batch), None),
            Ok(batch) => (batch, Some(LogEnd::Folded(Box::new(under.folded())))),
            Err(error) => (None, Some(LogEnd::Failed(under.failed(error)))),
        };
        let is_end = end.is_some();
        let file = end.as_ref().and_then(|end| file(end, None));
        let parcel = Parcel { log, target: under.target.take(), batch, file, end };
        if !hand.over(parcel) || is_end {
            return;
        }
    }
}

/// Folds logs on as many threads as the options say; `fold` does the log of a number. `tell` is
/// called by the thread that calls, while no transaction is open.
pub(crate) fn fold_all(
    store: &Store,
    options: &SyncOptions,
    total_logs: usize,
    fold: &(dyn Fn(usize, &Hand<'_, LogEnd>) + Sync),
    tell: &mut dyn FnMut(Told<'_, LogEnd>) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let threads = match options.threads {
        // One of what the machine runs at once is left to the thread that writes.
        0 => available_parallelism().map_or(1, usize::from).saturating_sub(1).max(1),
        threads => threads,
    };
    let (link, next_log) = (Link::<()>::new(), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let _close = CloseOnDrop(&link);
        let (sender, parcels) = channel();
        for _ in 0..threads.min(total_logs) {
            let hand = Hand { link: &link, parcels: sender.clone() };
            let next_log = &next_log;
            scope.spawn(move || {
                while !hand.link.is_closed() {
                    let log = next_log.fetch_add(1, Ordering::Relaxed);
                    if log >= total_logs {
                        return;
                    }
                    fold(log, &hand);
                }
            });
        }
        drop(sender);
        Writer::new(store, options.bounds(), &|bytes| link.give_room(bytes))
            .run(&mut || receive(&parcels), tell)
            .map(drop)
    })
}

impl Store {
    /// Folds what logs have got since the last sync, several at once, with many in one transaction.
    /// A log that cannot be read keeps none of the others back; what was folded of it before stays.
    /// Each key should be there once: of two, the second is not synced ([`SyncError::Raced`]).
    /// `progress` is called after each transaction; `Break` ends the sync there.
    ///
    /// # Errors
    /// When the store cannot be read or written. What was committed before stays; the next sync
    /// goes on from there.
    pub fn sync_all<S: LogSource + Sync>(
        &self,
        sources: &[S],
        options: &SyncOptions,
        mut progress: impl FnMut(AllProgress) -> ControlFlow<()>,
    ) -> Result<SyncedAll, StoreError> {
        let mut keys = BTreeSet::new();
        let mut all = SyncedAll { logs: Vec::new(), is_stopped: false };
        let mut wanted = Vec::new();
        for (place, source) in sources.iter().enumerate() {
            let is_first = keys.insert(source.key());
            let raced = || Err(SyncError::Raced { key: source.key().to_owned() });
            all.logs.push((!is_first).then(raced));
            wanted.extend(is_first.then_some((place, source)));
        }
        let (mut done, mut done_bytes) = (sources.len() - wanted.len(), 0_u64);
        let fold = |number: usize, hand: &Hand<'_, LogEnd>| {
            if let Some((_, source)) = wanted.get(number) {
                fold_log(self, *source, options, (number, false), hand, |_, _| None);
            }
        };
        let SyncedAll { logs, is_stopped } = &mut all;
        fold_all(self, options, wanted.len(), &fold, &mut |Told { targets, ended }| {
            for (number, target, end) in ended {
                let synced = match end.settle(target.as_ref()) {
                    Settled::Synced(synced) => Ok(*synced),
                    Settled::Failed(error) => Err(error),
                    Settled::Unopened(_) => continue,
                };
                done += 1;
                done_bytes += synced.as_ref().map_or(0, |synced| synced.position.offset_bytes);
                let place = wanted.get(number).and_then(|(place, _)| logs.get_mut(*place));
                if let Some(place) = place {
                    *place = Some(synced);
                }
            }
            let bytes = targets.values().map(|target| target.position.offset_bytes).sum::<u64>();
            let bytes = done_bytes + bytes;
            let told = progress(AllProgress { logs: done, total_logs: sources.len(), bytes });
            *is_stopped |= told.is_break();
            told
        })?;
        Ok(all)
    }
}
