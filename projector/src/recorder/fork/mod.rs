//! Forks: threads that begin with what another one has (SEMANTICS part (e)).
//!
//! By copy: a head of its own, then the kept records, those of the other's heads among them, chosen
//! by the policy and stamped anew (R134). By reference: a head that names the place in the other's
//! log up to which its history is this thread's, too (FORMAT A.2). A fork is written under another
//! name and gets its own when it is whole, so that nobody sees half a history.

mod copy;
mod parent;
mod reference;

use rollfold_core::forks::{SpawnFork, interruption};
use rollfold_core::model::Thread;

use super::{NewRecord, NewThread, Recorder, RecorderOptions, ThreadMode};
use crate::disk::FileSource;
use crate::error::RecordError;
use crate::home::Home;
use crate::source::{Chain, LogSource};

use parent::Parent;

/// What a fork keeps of the other thread.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Cut {
    /// All of it.
    #[default]
    Whole,
    /// What stands before a message of a person, counted from 0, as R128 and R132 have it.
    BeforeUserMessage(usize),
    /// What stands before a turn (A28).
    BeforeTurn(String),
    /// What stands before the next turn after this one (R129).
    AfterTurn(String),
    /// The last turns of a user or of another agent (R130), without what the log begins with.
    LastTurns(usize),
}

/// How a thread is forked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fork {
    /// What is kept.
    pub cut: Cut,
    /// Whether response items without an id get one.
    pub assign_ids: bool,
    /// Whether a turn that goes on where it was cut is told to have been interrupted (R133), and
    /// what the model is told of it, if anything; see [`INTERRUPTED`].
    pub end_turn: Option<Option<String>>,
}

/// What the model is told of a turn that was broken off, in the markup that marks it as a client's
/// words.
pub const INTERRUPTED: &str = "<turn_aborted>\nThe turn was interrupted before it was done. \
    Commands that were running may have been stopped halfway.\n</turn_aborted>";

/// What a fork took over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// Records that were copied, or that are kept by reference.
    pub records: u64,
    /// Records that the policy leaves out.
    pub left_out: u64,
    /// Pieces of the other's log that are no record, and so are not copied.
    pub damaged: u64,
}

/// What a fork would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForkPreview {
    /// The thread that would be forked.
    pub parent: Thread,
    /// How both are written.
    pub mode: ThreadMode,
    /// What would be taken over.
    pub taken: Taken,
    /// By reference: the log that would be named, its first ordinal and its first byte that are
    /// left out. None if nothing would be kept, or of a copy.
    pub base: Option<(String, u64, u64)>,
}

/// What a fork by copy would be; nothing is written.
///
/// # Errors
/// When the log cannot be read or cut there.
pub fn preview_copy(
    source: &dyn LogSource,
    fork: &Fork,
    options: &RecorderOptions,
) -> Result<ForkPreview, RecordError> {
    let parent = Parent::read(source)?;
    let kept = parent.kept(parent.range(&fork.cut)?);
    let taken = copy::count(&parent, &kept, options)?;
    Ok(ForkPreview { parent: parent.thread(), mode: parent.mode, taken, base: None })
}

/// What a fork by reference would be; nothing is written.
///
/// # Errors
/// As [`Recorder::fork_by_reference`], but for writing.
pub fn preview_reference(source: &Chain, fork: &Fork) -> Result<ForkPreview, RecordError> {
    let parent = Parent::read(source)?;
    let place = reference::place_of(&parent, source, &fork.cut)?;
    let records = place.as_ref().map_or(0, |(_, records)| *records);
    let taken = Taken { records, damaged: parent.damaged, ..Taken::default() };
    let base =
        place.map(|(base, _)| (base.thread_id, base.end_ordinal_exclusive, base.end_byte_offset));
    Ok(ForkPreview { parent: parent.thread(), mode: parent.mode, taken, base })
}

/// The log of a thread, archived or not, with what it goes on from: to be forked.
///
/// # Errors
/// When there is none in the home, or it cannot be read.
pub fn open_thread(home: &Home, thread_id: &str) -> Result<Chain, RecordError> {
    let scan = home.scan()?;
    let newest = scan.of_thread(thread_id).max_by_key(|found| {
        let name = found.path.file_name().map(ToOwned::to_owned);
        (!found.is_archived, name, found.is_in_place)
    });
    let not_found = || RecordError::NotFound { thread_id: thread_id.to_owned() };
    let path = &newest.ok_or_else(not_found)?.path;
    let file = FileSource::open(path).map_err(RecordError::Open)?;
    Chain::open(Box::new(file), &scan).map_err(|source| RecordError::Read {
        path: path.clone(),
        offset_bytes: 0,
        source,
    })
}

impl Recorder {
    /// Begins a thread with copies of another one's records (R134). Its history is written in the
    /// other's mode, and it is forked from the other unless `thread` says from which; if nothing is
    /// kept, it is a new thread (R132). The other thread's writer should have flushed.
    ///
    /// # Errors
    /// When the other log cannot be read or cut there, or the new one not be written; then there is
    /// none.
    pub fn fork_by_copy(
        home: &Home,
        source: &dyn LogSource,
        thread: &NewThread,
        fork: &Fork,
        options: &RecorderOptions,
    ) -> Result<(Self, Taken), RecordError> {
        let parent = Parent::read(source)?;
        let range = parent.range(&fork.cut)?;
        let kept = parent.kept(range.clone());
        let mut thread = parent.child(thread);
        if kept.is_empty() {
            thread.forked_from_id = None;
        }
        Self::staged(home, &thread, None, options, |recorder| {
            let taken = copy::copy(recorder, &parent, &kept, fork.assign_ids)?;
            if let Some(marker) = &fork.end_turn
                && fork.cut == Cut::Whole
            {
                recorder.end_turn(&parent, marker.as_deref())?;
            }
            Ok(taken)
        })
    }

    /// Begins the thread of an agent that another thread spawned, with what such a one takes over
    /// (R136, R137); `hint` is put behind that, for the agent. Who its parent is and where among the
    /// agents it is, `thread` says. A paginated one says which is its first own record.
    ///
    /// # Errors
    /// As [`Self::fork_by_copy`].
    pub fn fork_spawned(
        home: &Home,
        source: &dyn LogSource,
        thread: &NewThread,
        spawn: &SpawnFork<'_>,
        hint: Option<&str>,
        options: &RecorderOptions,
    ) -> Result<(Self, Taken), RecordError> {
        let parent = Parent::read(source)?;
        let kept = parent.kept_for_agent(spawn)?;
        let thread = parent.child(thread);
        // The head has the first ordinal, and the copies those behind it.
        let start_ordinal = match parent.mode {
            ThreadMode::Legacy => None,
            ThreadMode::Paginated => Some(copy::count(&parent, &kept, options)?.records + 1),
        };
        Self::staged(home, &thread, start_ordinal, options, |recorder| {
            let taken = copy::copy(recorder, &parent, &kept, false)?;
            if let Some(hint) = hint {
                recorder.append(NewRecord::message("developer", hint))?;
            }
            Ok(taken)
        })
    }

    /// Writes a log under another name, and gives it its own when all is done.
    fn staged(
        home: &Home,
        thread: &NewThread,
        subagent_start_ordinal: Option<u64>,
        options: &RecorderOptions,
        fill: impl FnOnce(&mut Self) -> Result<Taken, RecordError>,
    ) -> Result<(Self, Taken), RecordError> {
        let mut recorder = Self::begin(home, thread, options, None, subagent_start_ordinal)?;
        let path = recorder.journal.stage();
        let filled = fill(&mut recorder).and_then(|taken| {
            recorder.persist()?;
            let published = recorder.journal.publish(path);
            published.map_err(|error| recorder.failed(error))?;
            recorder.has_records = true;
            Ok(taken)
        });
        match filled {
            Ok(taken) => Ok((recorder, taken)),
            Err(error) => {
                recorder.journal.discard();
                Err(error)
            }
        }
    }

    /// Tells that the turn which the parent was in the middle of was interrupted (R133).
    fn end_turn(&mut self, parent: &Parent<'_>, marker: Option<&str>) -> Result<(), RecordError> {
        let Some(interruption) = interruption(&parent.state()) else { return Ok(()) };
        if let Some(marker) = marker {
            self.append(NewRecord::message("user", marker))?;
        }
        let id = interruption.turn_id.as_deref();
        self.append(NewRecord::turn_aborted(id, "interrupted")).map(drop)
    }
}
