//! Forks that name a place in another log instead of copying it (FORMAT A.2, SEMANTICS A22-A24).

use rollfold_core::forks::CutError;
use rollfold_core::{Body, Depth, Line, Ordinal, RecordClass, Span, decode};

use super::parent::Parent;
use super::{Cut, Fork, Taken};
use crate::error::RecordError;
use crate::files::materialize;
use crate::home::{Form, Home};
use crate::lock::ThreadLock;
use crate::recorder::head::Base;
use crate::recorder::{NewThread, Recorder, RecorderOptions, ThreadMode};
use crate::source::{Chain, LogSource, RolloutName};

impl Recorder {
    /// Begins a thread whose history goes on from a place in another one's log (A24): its end, the
    /// start of a turn or of a person's message, or the end of a turn. Nothing is copied, so ids are
    /// not assigned. A place right behind the head of a log is the place that log goes on from; if
    /// there is none, nothing is kept, and the thread is a new one.
    ///
    /// # Errors
    /// When the other thread is not paginated or its log cannot be read or cut there, or the new one
    /// not be written.
    pub fn fork_by_reference(
        home: &Home,
        source: &Chain,
        thread: &NewThread,
        fork: &Fork,
        options: &RecorderOptions,
    ) -> Result<(Self, Taken), RecordError> {
        let parent = Parent::read(source)?;
        let place = place_of(&parent, source, &fork.cut)?;
        let mut thread = parent.child(thread);
        let mut taken = Taken { damaged: parent.damaged, ..Taken::default() };
        let Some((base, kept)) = place else {
            thread.forked_from_id = None;
            let mut recorder = Self::begin(home, &thread, options, None, None)?;
            recorder.persist()?;
            recorder.sync()?;
            return Ok((recorder, taken));
        };
        make_plain(home, &base.thread_id, options)?;
        let mut recorder = Self::begin(home, &thread, options, Some(&base), None)?;
        recorder.persist()?;
        recorder.sync()?;
        let (path, id) = (recorder.path().to_owned(), recorder.thread_id().to_owned());
        // From here on it is what a reader of both logs makes of it.
        drop(recorder);
        let mut recorder = Self::resume_file(home, &path, &id, options)?;
        if let Some(marker) = &fork.end_turn
            && fork.cut == Cut::Whole
        {
            recorder.end_turn(&parent, marker.as_deref())?;
        }
        taken.records = kept;
        Ok((recorder, taken))
    }
}

/// The place where a thread is cut, and how many records are before it; none if only heads are.
pub(super) fn place_of(
    parent: &Parent<'_>,
    chain: &Chain,
    cut: &Cut,
) -> Result<Option<(Base, u64)>, RecordError> {
    if parent.mode != ThreadMode::Paginated {
        return Err(RecordError::NotPaginated { key: chain.key().to_owned() });
    }
    place_before(parent, chain, end_of(parent, cut)?)
}

/// The first line that is left out, by seq.
fn end_of(parent: &Parent<'_>, cut: &Cut) -> Result<u64, RecordError> {
    let failed = |source| RecordError::Cut { key: parent.source.key().to_owned(), source };
    match cut {
        // A24: behind the record that ends it, of the newest turn with this id.
        Cut::AfterTurn(id) => {
            let records = parent.snapshot.records();
            let is_end = |class: &RecordClass| match class {
                RecordClass::TurnEnd { turn_id } | RecordClass::TurnAbort { turn_id } => {
                    turn_id.as_deref() == Some(id)
                }
                _ => false,
            };
            let is_start = |class: &RecordClass| matches!(class, RecordClass::TurnStart { turn_id } if **turn_id == **id);
            let found = records.iter().rfind(|it| is_end(&it.class) || is_start(&it.class));
            match found {
                Some(end) if is_end(&end.class) => Ok(end.seq + 1),
                Some(_) => Err(failed(CutError::InProgress)),
                None => Err(failed(CutError::NotFound)),
            }
        }
        Cut::LastTurns(_) => Err(RecordError::NoReference { key: parent.source.key().to_owned() }),
        cut => parent.range(cut).map(|range| range.end),
    }
}

/// The place behind the last kept line.
fn place_before(
    parent: &Parent<'_>,
    chain: &Chain,
    end_seq: u64,
) -> Result<Option<(Base, u64)>, RecordError> {
    let kept = parent.lines.partition_point(|(seq, _)| *seq < end_seq);
    let kept = parent.lines.get(..kept).unwrap_or_default();
    for (place, (seq, span)) in kept.iter().enumerate().rev() {
        let (ordinal, is_head) = look(parent, *seq, *span)?;
        let Some((key, within)) = chain.locate(*span) else { break };
        // A24: a place right behind a head is the one that head goes on from.
        if is_head && (place == 0 || chain.begins_at(span.offset_bytes)) {
            continue;
        }
        let end_bytes = within.end_bytes() + 1;
        let unnumbered = || RecordError::Unnumbered { key: key.to_owned(), end_bytes };
        let next = ordinal.and_then(|ordinal| ordinal.checked_add(1)).ok_or_else(unnumbered)?;
        let base = Base {
            thread_id: last_id(parent, key),
            end_ordinal_exclusive: next,
            end_byte_offset: end_bytes,
        };
        return Ok(Some((base, place as u64 + 1)));
    }
    Ok(None)
}

/// The last ordinal on a line, and whether it is a head.
fn look(parent: &Parent<'_>, seq: u64, span: Span) -> Result<(Option<u64>, bool), RecordError> {
    use rollfold_core::context::Bodies;
    let bodies = parent.bodies();
    let bytes = bodies.bytes(span).map_err(|source| RecordError::Read {
        path: parent.source.key().into(),
        offset_bytes: span.offset_bytes,
        source,
    })?;
    let mut scratch = String::new();
    let decoded = decode(Line { seq, span, bytes: &bytes }, &mut scratch, Depth::Needed);
    let last = decoded.records.as_slice().last();
    let ordinal = last.and_then(|last| match last.ordinal {
        Ordinal::Value(ordinal) => Some(ordinal),
        Ordinal::Absent | Ordinal::Unreadable => None,
    });
    Ok((ordinal, last.is_some_and(|last| matches!(last.body, Body::SessionMeta(_)))))
}

/// The id by which other logs name a log: that which its file's name ends in.
fn last_id(parent: &Parent<'_>, key: &str) -> String {
    let name = RolloutName::parse(&format!("{key}.jsonl"));
    let last = name.map(|name| name.segment_id().unwrap_or_else(|| name.thread_id()).to_owned());
    last.unwrap_or_else(|| parent.id().unwrap_or_default())
}

/// A25: what others go on from is not compressed.
fn make_plain(home: &Home, id: &str, options: &RecorderOptions) -> Result<(), RecordError> {
    let scan = home.scan()?;
    let packed = scan.by_last_id(id).filter(|found| found.form == Form::Compressed);
    let Some((found, name)) = packed.and_then(|it| Some((it, it.name.as_ref()?))) else {
        return Ok(());
    };
    let _lock = ThreadLock::acquire(home, name.thread_id(), &options.program)?;
    materialize(&found.path)?;
    Ok(())
}
