//! The writing side: threads are begun, gone on with, forked; their records are written as the
//! reference writes them, and nothing that was acknowledged is lost.

mod clock;
mod disk;
mod fold;
mod fork;
mod head;
mod journal;
mod options;
mod record;
mod resume;
mod world;

use std::fmt;
use std::path::{Path, PathBuf};

use rollfold_core::{Depth, Frontier, Kind, Line, Policy, Span, Step, Window, WindowId, decode};

use crate::error::RecordError;
use crate::home::Home;
use crate::lock::ThreadLock;

pub use clock::{Clock, Ids, Moment, RandomIds, SystemClock};
pub use disk::{LogDisk, LogFile, SystemDisk};
pub use fork::{
    Cut, Fork, ForkPreview, INTERRUPTED, Taken, open_thread, preview_copy, preview_reference,
};
pub use head::{GitState, NewThread, ThreadMode};
pub use journal::RecordNote;
pub use options::RecorderOptions;
pub use record::{NewRecord, RecordTag};
pub use world::{Compaction, WorldWritten};

use head::{Base, Own};
use journal::{Journal, JournalError};
use options::policy_of;
use resume::read_error;

/// What became of a record that was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offered {
    /// It will be written, with this ordinal if the thread has them.
    Kept {
        /// The ordinal.
        ordinal: Option<u64>,
    },
    /// The policy leaves it out.
    LeftOut,
}

/// What stands in the log for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledged {
    /// Records written by this recorder, its `session_meta` included.
    pub records: u64,
    /// Bytes of the log.
    pub end_bytes: u64,
}

/// A recorder could not be closed: not all of it could be written.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Unclosed {
    /// The recorder, with what was not written.
    pub recorder: Recorder,
    /// Why.
    #[source]
    pub error: RecordError,
}

/// Writes one thread.
///
/// ```
/// use rollfold_projector::{Home, NewRecord, NewThread, Recorder, RecorderOptions};
///
/// let folder = tempfile::tempdir()?;
/// let home = Home::at(folder.path());
/// let options = RecorderOptions::default();
/// let thread = NewThread::new("/work", "example", "1.0");
/// let mut recorder = Recorder::create(&home, &thread, &options)?;
/// recorder.append(NewRecord::turn_started("t1", None))?;
/// recorder.append(NewRecord::user_message("hello"))?;
/// recorder.world_state(&serde_json::json!({"agents_md": {"text": "use tabs"}}))?;
/// assert!(!recorder.path().exists());
///
/// // From here on, a loss of power cannot take any of it.
/// let acknowledged = recorder.sync()?;
/// assert_eq!(acknowledged.records, 4);
/// let thread_id = recorder.thread_id().to_owned();
/// recorder.close()?;
///
/// let mut recorder = Recorder::resume(&home, &thread_id, &options)?;
/// recorder.append(NewRecord::turn_complete("t1", Some("hi")))?;
/// recorder.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # What holds
///
/// * Nothing is on the disk before the first [`Recorder::persist`], or flush with records (R237).
/// * [`Recorder::append`] keeps a record in memory if the policy has it written (R220-R223, A1);
///   [`Recorder::flush`] hands all to the system, in order; what [`Recorder::sync`] acknowledges
///   stays whatever happens to the program or the machine. A recorder that is dropped loses what
///   was not flushed.
/// * After an error, what was not written is kept, and the next flush writes it: whole records, once
///   each. A line that was cut off is ended and said ([`RecordNote`]), never written onto.
/// * No ordinal is given twice: each is above all that stand in the log, readable or not as the
///   last record may be.
/// * A thread has one writer ([`ThreadLock`]); the lock ends with the process.
pub struct Recorder {
    home: Home,
    thread_id: String,
    mode: ThreadMode,
    options: RecorderOptions,
    policy: Policy,
    journal: Journal,
    /// None before anything is on the disk.
    lock: Option<ThreadLock>,
    /// What a reader makes of all that was offered.
    frontier: Frontier,
    scratch: String,
    window: Window,
    /// None in a log without.
    next_ordinal: Option<u64>,
    /// Whether anything but the head was offered.
    has_records: bool,
}

impl Recorder {
    /// Begins a thread. Its log is named by the time of now, and made with the first flush of
    /// records (R237).
    ///
    /// # Errors
    /// When its id cannot be part of a name, or what is told of it cannot be written.
    pub fn create(
        home: &Home,
        thread: &NewThread,
        options: &RecorderOptions,
    ) -> Result<Self, RecordError> {
        Self::begin(home, thread, options, None, None)
    }

    fn begin(
        home: &Home,
        thread: &NewThread,
        options: &RecorderOptions,
        base: Option<&Base>,
        subagent_start_ordinal: Option<u64>,
    ) -> Result<Self, RecordError> {
        let now = options.clock.now();
        let id = match &thread.id {
            Some(id) => uuid::Uuid::try_parse(id)
                .map_err(|_| RecordError::BadId { thread_id: id.clone() })?
                .to_string(),
            None => options.ids.next_id(now),
        };
        let window_id = options.ids.next_id(now);
        let own = Own { id: &id, window_id: &window_id, base, subagent_start_ordinal };
        let head = thread.record(&own, now).map_err(RecordError::Payload)?;
        let path = head::path_of(home, &id, now);
        let folders = new_folders(home, &path);
        let journal = Journal::create(options.disk.clone(), options.clock.clone(), path, folders);
        let first_id = WindowId::parse(&window_id);
        let is_paginated = thread.mode == ThreadMode::Paginated;
        let first_ordinal = base.map_or(0, |base| base.end_ordinal_exclusive);
        let mut recorder = Self {
            home: home.clone(),
            thread_id: id,
            mode: thread.mode,
            policy: policy_of(options, thread.mode),
            options: options.clone(),
            journal,
            lock: None,
            frontier: fold::start(None),
            scratch: String::new(),
            window: Window { number: 0, first_id, previous_id: None, id: first_id },
            next_ordinal: is_paginated.then_some(first_ordinal),
            has_records: false,
        };
        recorder.append(head)?;
        recorder.has_records = false;
        Ok(recorder)
    }

    /// Offers a record. It is kept in memory until the next flush; what the policy leaves out is
    /// not.
    ///
    /// # Errors
    /// When the payload does not read back as one record, or no ordinal is left.
    pub fn append(&mut self, record: NewRecord) -> Result<Offered, RecordError> {
        let ordinal = self.next_ordinal;
        let line = record.line(&self.provisional_stamp(), ordinal);
        let bytes = line.strip_suffix(b"\n").unwrap_or(&line);
        let position = self.frontier.state.position;
        let span = Span::new(position.offset_bytes, bytes.len() as u64);
        let line = Line { seq: position.seq, span, bytes };
        let decoded = decode(line, &mut self.scratch, Depth::Needed);
        let is_object = record.payload.trim_start().starts_with('{');
        let [found] = decoded.records.as_slice() else {
            return Err(RecordError::NoRecord { tag: record.tag.as_str() });
        };
        if !is_object {
            return Err(RecordError::NoRecord { tag: record.tag.as_str() });
        }
        if !self.policy.persists(found) {
            return Ok(Offered::LeftOut);
        }
        let kind = found.kind;
        if let Some(next) = &mut self.next_ordinal {
            let path = || self.journal.path().to_owned();
            *next = next.checked_add(1).ok_or_else(|| RecordError::Ordinals { path: path() })?;
        }
        let Frontier { state, past } = &mut self.frontier;
        let folded: Result<Step, std::convert::Infallible> =
            state.fold_line(past, line, &mut self.scratch);
        let Ok(_) = folded;
        let facts = state.facts();
        let world = facts.world().world().value().filter(|_| kind == Kind::WorldState).cloned();
        if kind == Kind::Compacted {
            self.window = world::window_after(self.window, facts.windows().current());
        }
        self.journal.push(record, ordinal, world);
        self.has_records = true;
        Ok(Offered::Kept { ordinal })
    }

    /// Unlike any before: a fold takes equal lines for one that was written again.
    fn provisional_stamp(&self) -> String {
        let unix_ms = i64::try_from(self.frontier.state.position.seq).unwrap_or(i64::MAX);
        Moment { unix_ms, utc_offset_s: 0 }.stamp()
    }

    /// Hands all that was offered to the system, in order; then a crash of this program cannot
    /// take it. A thread without records is not written yet.
    ///
    /// # Errors
    /// When not all could be written. What was not is kept, and the next flush writes it.
    pub fn flush(&mut self) -> Result<(), RecordError> {
        if !self.has_records && !self.journal.is_made() {
            return Ok(());
        }
        self.take_lock()?;
        self.journal.flush().map_err(|error| self.failed(error))
    }

    /// Writes the thread even if it has no records yet.
    ///
    /// # Errors
    /// As [`Self::flush`].
    pub fn persist(&mut self) -> Result<(), RecordError> {
        self.take_lock()?;
        self.journal.flush().map_err(|error| self.failed(error))
    }

    /// Flushes, and sees to it that all of it stays after a loss of power: the acknowledgement.
    ///
    /// # Errors
    /// As [`Self::flush`]; or when the system cannot say that it stays, see
    /// [`RecordError::SyncLost`].
    pub fn sync(&mut self) -> Result<Acknowledged, RecordError> {
        self.flush()?;
        if self.journal.is_made() {
            self.journal.sync().map_err(|error| self.failed(error))?;
        }
        let (records, end_bytes) = (self.journal.written(), self.journal.end_bytes());
        Ok(Acknowledged { records, end_bytes })
    }

    /// Syncs, and gives the thread back to other writers.
    ///
    /// # Errors
    /// When not all could be written: then the recorder is given back with the error.
    pub fn close(mut self) -> Result<Acknowledged, Box<Unclosed>> {
        match self.sync() {
            Ok(acknowledged) => Ok(acknowledged),
            Err(error) => Err(Box::new(Unclosed { recorder: self, error })),
        }
    }

    fn take_lock(&mut self) -> Result<(), RecordError> {
        if self.lock.is_none() {
            let program = &self.options.program;
            self.lock = Some(ThreadLock::acquire(&self.home, &self.thread_id, program)?);
        }
        Ok(())
    }

    fn failed(&self, error: JournalError) -> RecordError {
        let path = self.journal.path().to_owned();
        match error {
            JournalError::Io(source) => {
                RecordError::Write { path, pending_records: self.journal.pending().0, source }
            }
            JournalError::Shrunk { expected_bytes, found_bytes } => {
                RecordError::Shrunk { path, expected_bytes, found_bytes }
            }
            JournalError::Foreign { offset_bytes, len_bytes } => {
                RecordError::Foreign { path, offset_bytes, len_bytes }
            }
            JournalError::SyncLost { from_bytes } => RecordError::SyncLost { path, from_bytes },
        }
    }

    /// The thread's id.
    #[must_use]
    pub fn thread_id(&self) -> &str {
        &self.thread_id
    }

    /// How its history is written.
    #[must_use]
    pub fn mode(&self) -> ThreadMode {
        self.mode
    }

    /// Where its log is, or will be.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.journal.path()
    }

    /// Whether its log is on the disk.
    #[must_use]
    pub fn is_persisted(&self) -> bool {
        self.journal.is_made()
    }

    /// Records that were offered and do not stand in the log yet.
    #[must_use]
    pub fn pending_records(&self) -> usize {
        self.journal.pending().0
    }

    /// Bytes of their payloads.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.journal.pending().1
    }

    /// What does not stand in the log yet, in order: to be offered to another recorder.
    #[must_use]
    pub fn into_pending(mut self) -> Vec<NewRecord> {
        self.journal.take_pending()
    }

    /// The context window that records are in now.
    #[must_use]
    pub fn window(&self) -> Window {
        self.window
    }

    /// What was odd about the log so far.
    #[must_use]
    pub fn notes(&self) -> &[RecordNote] {
        self.journal.notes()
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("thread_id", &self.thread_id)
            .field("mode", &self.mode)
            .field("journal", &self.journal)
            .field("lock", &self.lock)
            .finish_non_exhaustive()
    }
}

/// The folders that may be made with a log, the home's included: the innermost last.
fn new_folders(home: &Home, path: &Path) -> Vec<PathBuf> {
    let inside = path.ancestors().skip(1).take_while(|folder| folder.starts_with(home.root()));
    let mut folders: Vec<PathBuf> = inside.map(Path::to_owned).collect();
    folders.reverse();
    folders
}
