//! The end of a log from which alone a context can be rebuilt (A26): for readers that do not want
//! the whole of a long one.

use super::bodies::{Bodies, ContextError, read};
use super::reverse::SegmentId;
use crate::decode::Body;
use crate::format::{EventKind, Kind, ResponseKind, TurnItem};
use crate::records::{RecordClass, RecordEntry, RecordIndex};

/// The head of the log and its last records, from which [`reconstruct`](super::reconstruct) makes
/// what it makes of all. The records begin with a turn, such that behind that place there is a
/// checkpoint with both a history and a window's number, and a turn of a user that tells its
/// settings. Where a checkpoint that lacks either, or a rollback, comes first, all records are
/// needed, and given.
///
/// The reference may begin at the checkpoint, in the middle of a turn; a rollback earlier in that
/// turn, which takes the checkpoint along, then goes unseen.
///
/// # Errors
/// When an item that may be a user's message cannot be read; of other records no body is.
pub fn bounded<B: Bodies + ?Sized>(
    records: &RecordIndex,
    bodies: &B,
) -> Result<RecordIndex, ContextError<B::Error>> {
    let mut scan = Scan::default();
    for (place, entry) in records.iter().enumerate().rev() {
        match scan.see(entry, bodies)? {
            Seen::NeedsAll => break,
            Seen::Enough => {
                let is_head = |entry: &&RecordEntry| entry.kind == Kind::SessionMeta;
                let head = records.iter().take(place).find(is_head).cloned();
                let rest = records.from_place(place);
                return Ok(head.into_iter().chain(rest.iter().cloned()).collect());
            }
            Seen::NotYet => {}
        }
    }
    Ok(records.clone())
}

enum Seen {
    NotYet,
    Enough,
    NeedsAll,
}

/// The scan, newest record first.
#[derive(Default)]
struct Scan {
    has_checkpoint: bool,
    has_turn: bool,
    segment: Segment,
}

/// About a turn, as in R80.
#[derive(Default)]
struct Segment {
    id: SegmentId,
    has_checkpoint: bool,
    has_context: bool,
    has_user: bool,
}

impl Scan {
    fn see<B: Bodies + ?Sized>(
        &mut self,
        entry: &RecordEntry,
        bodies: &B,
    ) -> Result<Seen, ContextError<B::Error>> {
        match &entry.class {
            RecordClass::Rollback { .. } => return Ok(Seen::NeedsAll),
            RecordClass::Compacted(facts) => {
                if facts.replacement.is_none() || facts.window.is_none() {
                    return Ok(Seen::NeedsAll);
                }
                self.segment.has_checkpoint = true;
            }
            RecordClass::TurnEnd { turn_id } | RecordClass::TurnAbort { turn_id } => {
                self.segment.id.learn(turn_id.as_ref());
            }
            RecordClass::TurnContext(facts) => {
                self.segment.id.learn(facts.turn_id.as_ref());
                self.segment.has_context |= self.segment.id.admits(facts.turn_id.as_ref());
            }
            RecordClass::TurnStart { turn_id } if self.segment.id.admits(Some(turn_id)) => {
                let segment = std::mem::take(&mut self.segment);
                self.has_checkpoint |= segment.has_checkpoint;
                self.has_turn |= segment.has_context && segment.has_user;
            }
            _ => {}
        }
        let may_count = !self.has_turn && !self.segment.has_user;
        if may_count && is_users(entry, bodies)? {
            self.segment.has_user = true;
        }
        Ok(if self.has_checkpoint && self.has_turn { Seen::Enough } else { Seen::NotYet })
    }
}

/// Whether a record makes its turn one of a user, or of another agent. A user's message to the
/// model does not: a client may have put it there.
fn is_users<B: Bodies + ?Sized>(
    entry: &RecordEntry,
    bodies: &B,
) -> Result<bool, ContextError<B::Error>> {
    Ok(match (entry.kind, &entry.class) {
        (_, RecordClass::UserMessage | RecordClass::Communication { .. }) => true,
        (Kind::Response(ResponseKind::AgentMessage), _) => true,
        (_, RecordClass::Response(flags)) => flags.is_boundary() && !flags.is_real_user(),
        (Kind::Event(EventKind::ItemCompleted), _) => {
            read(bodies, entry.reference(), |record| match &record.body {
                Body::ItemLifecycle(item) => {
                    matches!(item.item.get(), Some(TurnItem::UserMessage(_)))
                }
                _ => false,
            })?
        }
        _ => false,
    })
}
