//! Writing: what folds hand over, of whatever logs, goes into one transaction after the other.

use std::ops::ControlFlow;

use crate::commit::{Batch, Bounds, Group, Target, Targets};
use crate::error::StoreError;
use crate::rows::files::FileEntry;
use crate::store::Store;

/// Logs that came to their end without anything to write, of which is told at once.
const ENDED_MAX: usize = 256;

/// What a fold hands over of one log. All but the number may be missing.
pub(crate) struct Parcel<E> {
    pub(crate) log: usize,
    /// With the first.
    pub(crate) target: Option<Box<Target>>,
    pub(crate) batch: Option<Box<Batch>>,
    /// What is known of its file.
    pub(crate) file: Option<Box<FileEntry>>,
    /// With the last: what became of it.
    pub(crate) end: Option<E>,
}

impl<E> Parcel<E> {
    /// A parcel with nothing in it.
    pub(crate) fn of(log: usize) -> Self {
        Self { log, target: None, batch: None, file: None, end: None }
    }

    fn is_written(&self) -> bool {
        self.batch.is_some() || self.file.is_some()
    }
}

/// What there is to write next.
pub(crate) enum Next<E> {
    Parcel(Parcel<E>),
    /// Nothing for a while.
    Pause,
    End,
}

/// What is done and, if it was to be, committed.
pub(crate) struct Told<'t, E> {
    /// The logs that are under way.
    pub(crate) targets: &'t Targets,
    /// The logs that came to their end.
    pub(crate) ended: Vec<(usize, Option<Target>, E)>,
}

/// Writes what it is handed.
pub(crate) struct Writer<'a, E> {
    store: &'a Store,
    bounds: Bounds,
    targets: Targets,
    ended: Vec<(usize, E)>,
    /// Told of each batch's memory when it is given back.
    give_room: &'a dyn Fn(usize),
}

impl<'a, E> Writer<'a, E> {
    pub(crate) fn new(store: &'a Store, bounds: Bounds, give_room: &'a dyn Fn(usize)) -> Self {
        Self { store, bounds, targets: Targets::new(), ended: Vec::new(), give_room }
    }

    /// Writes until there is nothing more, or `tell` breaks; it is called after each transaction,
    /// while none is open. When it fails, nothing of the transaction that was open stays.
    pub(crate) fn run(
        mut self,
        next: &mut dyn FnMut() -> Next<E>,
        tell: &mut dyn FnMut(Told<'_, E>) -> ControlFlow<()>,
    ) -> Result<Targets, StoreError> {
        let mut held = None;
        loop {
            let parcel = held.take().map_or_else(&mut *next, Next::Parcel);
            let (is_due, is_end) = match parcel {
                Next::Parcel(first) if first.is_written() => {
                    held = self.group(first, next)?;
                    (true, false)
                }
                Next::Parcel(parcel) => {
                    self.note(parcel);
                    (self.ended.len() >= ENDED_MAX, false)
                }
                Next::Pause => (!self.ended.is_empty(), false),
                Next::End => (!self.ended.is_empty(), true),
            };
            if (is_due && self.tell(tell).is_break()) || is_end {
                return Ok(self.targets);
            }
        }
    }

    /// Fills one transaction and commits it; gives what did not go into it any more.
    fn group(
        &mut self,
        first: Parcel<E>,
        next: &mut dyn FnMut() -> Next<E>,
    ) -> Result<Option<Parcel<E>>, StoreError> {
        let write = self.store.begin_write()?;
        let mut group = Group::open(&write)?;
        let mut parcel = first;
        let left = loop {
            self.put(&mut group, parcel)?;
            if group.is_full(self.bounds) {
                break None;
            }
            parcel = match next() {
                Next::Parcel(next) => next,
                Next::Pause | Next::End => break None,
            };
            let batch = parcel.batch.as_ref();
            if batch.is_some_and(|batch| !group.has_room(batch, self.bounds)) {
                break Some(parcel);
            }
        };
        let logs = group.finish(&mut self.targets)?;
        write.commit()?;
        logs.iter().filter_map(|log| self.targets.get(log)).for_each(Target::is_committed);
        Ok(left)
    }

    fn put(&mut self, group: &mut Group<'_>, mut parcel: Parcel<E>) -> Result<(), StoreError> {
        let (batch, file) = (parcel.batch.take(), parcel.file.take());
        let log = parcel.log;
        self.note(parcel);
        let mut target = self.targets.get_mut(&log);
        if let (Some(batch), Some(target)) = (batch, target.as_deref_mut()) {
            let held_bytes = batch.held_bytes;
            group.put(log, target, *batch)?;
            (self.give_room)(held_bytes);
        }
        match file {
            Some(file) if target.as_ref().is_none_or(|target| !target.is_raced) => {
                group.put_file(log, target.as_deref(), *file)
            }
            _ => Ok(()),
        }
    }

    fn note(&mut self, Parcel { log, target, end, .. }: Parcel<E>) {
        if let Some(target) = target {
            self.targets.insert(log, *target);
        }
        self.ended.extend(end.map(|end| (log, end)));
    }

    fn tell(&mut self, tell: &mut dyn FnMut(Told<'_, E>) -> ControlFlow<()>) -> ControlFlow<()> {
        let ended = std::mem::take(&mut self.ended);
        let ended = ended.into_iter().map(|(log, end)| (log, self.targets.remove(&log), end));
        let ended = ended.collect();
        tell(Told { targets: &self.targets, ended })
    }
}
