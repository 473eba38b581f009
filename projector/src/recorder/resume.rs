//! Going on with a thread (R239, A17, A19).

use std::io;
use std::path::Path;

use rollfold_core::context::{ContextMode, reconstruct};
use rollfold_core::model::HistoryMode;
use rollfold_core::{Frontier, Kind, RecordEntry, RecordIndex, Step, Window, WindowId};

use super::fold;
use super::journal::{Journal, Place, RecordNote};
use super::options::policy_of;
use super::{Recorder, RecorderOptions, ThreadMode, new_folders};
use crate::disk::FileSource;
use crate::error::RecordError;
use crate::files::materialize;
use crate::home::{Found, Home};
use crate::lines::ReadError;
use crate::lock::ThreadLock;
use crate::source::{Chain, LogSource, Resolve, SourceBodies};

/// The logs of a home, looked for when one is asked for.
pub(super) struct Bases<'h>(pub(super) &'h Home);

impl Resolve for Bases<'_> {
    fn find(&self, id: &str) -> io::Result<Option<Box<dyn LogSource>>> {
        self.0.scan().map_err(io::Error::other)?.find(id)
    }
}

impl Recorder {
    /// Goes on with a thread: with its newest log that is not archived. Nothing is written before
    /// the first flush; a line that was cut off is said in [`Self::notes`] and ended then.
    ///
    /// # Errors
    /// When there is no such log or it cannot be gone on with: another thread's by its first record,
    /// of an unknown history mode, compressed and not to be made plain, written by somebody else.
    pub fn resume(
        home: &Home,
        thread_id: &str,
        options: &RecorderOptions,
    ) -> Result<Self, RecordError> {
        let found = newest(home, thread_id)?;
        Self::resume_file(home, &found.path, thread_id, options)
    }

    /// Goes on with a thread whose log is known, in its plain form or compressed.
    ///
    /// # Errors
    /// As [`Self::resume`].
    pub fn resume_file(
        home: &Home,
        path: &Path,
        thread_id: &str,
        options: &RecorderOptions,
    ) -> Result<Self, RecordError> {
        let lock = ThreadLock::acquire(home, thread_id, &options.program)?;
        let path = materialize(path)?.path().to_owned();
        let own = FileSource::open(&path).map_err(RecordError::Open)?;
        let unread = |source| RecordError::Read { path: path.clone(), offset_bytes: 0, source };
        let chain = Chain::open(Box::new(own), &Bases(home)).map_err(unread)?;
        let mut frontier = fold::start(chain.origin());
        let mut entries: Vec<RecordEntry> = Vec::new();
        let mut take = |step: Step| entries.extend(step.records.iter().cloned());
        let folded = fold::fold(&chain, &mut frontier, &mut take).and_then(|torn_bytes| {
            if torn_bytes > 0 {
                fold::fold_torn(&chain, &mut frontier, torn_bytes, &mut take)?;
            }
            Ok(torn_bytes)
        });
        let torn_bytes = folded.map_err(|error| read_error(&path, error))?;
        let mode = check(&path, thread_id, &frontier, entries.first())?;
        let records: RecordIndex = entries.into_iter().collect();
        let window = window(&records, &chain, options);
        let inherited_bytes = chain.inherited_bytes();
        let end_bytes = frontier.state.position.offset_bytes - inherited_bytes;
        let is_torn = torn_bytes > 0;
        // The fold has taken the line end for given.
        let place = Place { end_bytes: end_bytes - u64::from(is_torn), is_torn };
        let (disk, clock) = (options.disk.clone(), options.clock.clone());
        let mut journal =
            Journal::resume(disk, clock, path.clone(), new_folders(home, &path), place);
        if is_torn {
            let offset_bytes = place.end_bytes - torn_bytes;
            journal.note(RecordNote::TornLine { offset_bytes, len_bytes: torn_bytes });
        }
        let next = frontier.state.next_ordinal();
        let next_ordinal = match mode {
            ThreadMode::Legacy => None,
            ThreadMode::Paginated => Some(next.ok_or(RecordError::Ordinals { path })?),
        };
        Ok(Self {
            home: home.clone(),
            thread_id: thread_id.to_ascii_lowercase(),
            mode,
            policy: policy_of(options, mode),
            options: options.clone(),
            journal,
            lock: Some(lock),
            frontier,
            scratch: String::new(),
            window,
            next_ordinal,
            has_records: true,
        })
    }
}

/// The newest log of a thread that is not archived.
pub(super) fn newest(home: &Home, thread_id: &str) -> Result<Found, RecordError> {
    let scan = home.scan()?;
    let name = |found: &&Found| found.path.file_name().map(ToOwned::to_owned);
    let active = scan.of_thread(thread_id).filter(|found| !found.is_archived);
    if let Some(found) = active.max_by_key(|found| (name(found), found.is_in_place)) {
        return Ok(found.clone());
    }
    let thread_id = thread_id.to_owned();
    let archived = scan.of_thread(&thread_id).next().map(|found| found.path.clone());
    Err(match archived {
        Some(path) => RecordError::Archived { thread_id, path },
        None => RecordError::NotFound { thread_id },
    })
}

pub(super) fn read_error(path: &Path, error: ReadError) -> RecordError {
    let path = path.to_owned();
    match error {
        ReadError::Io { offset_bytes, source } => RecordError::Read { path, offset_bytes, source },
        ReadError::LongLine { offset_bytes, .. } => {
            RecordError::Read { path, offset_bytes, source: io::ErrorKind::OutOfMemory.into() }
        }
    }
}

/// Whether the log may be gone on with, and how.
fn check(
    path: &Path,
    thread_id: &str,
    frontier: &Frontier,
    first: Option<&RecordEntry>,
) -> Result<ThreadMode, RecordError> {
    let state = &frontier.state;
    let path = || path.to_owned();
    let found = state.facts().thread().short().id().cloned();
    let Some(found) = found else { return Err(RecordError::NoHead { path: path() }) };
    if !found.eq_ignore_ascii_case(thread_id) {
        let (expected, found) = (thread_id.to_owned(), found.to_string());
        return Err(RecordError::OtherThread { path: path(), expected, found });
    }
    match state.history().mode() {
        None | Some(HistoryMode::Legacy) => Ok(ThreadMode::Legacy),
        Some(HistoryMode::Paginated) => {
            // A17: what does not begin with its head, no reader goes on with.
            if first.is_none_or(|first| first.kind != Kind::SessionMeta) {
                return Err(RecordError::NoHead { path: path() });
            }
            let claim = state.facts().forks().inheritance().unreached_claim();
            let next_ordinal = state.next_ordinal().unwrap_or(u64::MAX);
            match claim.filter(|start_ordinal| next_ordinal < *start_ordinal) {
                Some(start_ordinal) => Err(RecordError::Unfinished { path: path(), start_ordinal }),
                None => Ok(ThreadMode::Paginated),
            }
        }
        Some(HistoryMode::Other(mode)) => {
            Err(RecordError::UnknownMode { path: path(), mode: mode.to_string() })
        }
    }
}

/// R73-R76.
fn window(records: &RecordIndex, source: &Chain, options: &RecorderOptions) -> Window {
    let rebuilt = reconstruct(records, &SourceBodies(source), ContextMode::Sound, None);
    let window = rebuilt.map(|context| context.window).unwrap_or_default();
    let fresh = || WindowId::parse(&options.ids.next_id(options.clock.now()));
    let id = window.id.or_else(fresh);
    Window { id, first_id: window.first_id.or(id), ..window }
}
