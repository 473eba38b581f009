//! The record index: what each record is to context, windows and forks. Depends on nothing but
//! the record.

use std::sync::Arc;

use super::messages;
use crate::decode::{Body, Record};
use crate::format::{Compacted, EventKind, Kind, SessionMeta, TurnContext, WindowName};
use crate::pos::Span;
use crate::raw::Text;
use crate::records::{
    CompactionFacts, ItemFlags, RecordClass, RecordEntry, TurnContextFacts, TurnSettings, Window,
    WindowId,
};

/// What stands for the message of a compaction that has none (R112).
pub(crate) const NO_SUMMARY: &str = "(no summary available)";

/// The entry of a record, `part` of its span, with `record_index` known records before it.
pub(crate) fn entry(record: &Record<'_>, part: u16, record_index: u64) -> RecordEntry {
    let Record { seq, span, kind, .. } = *record;
    RecordEntry { seq, span, record_index, part, kind, class: class(record, record_index) }
}

/// The entry of a piece that is no record, if it would have told of the world.
pub(crate) fn lost(seq: u64, span: Span, tag: &str, record_index: u64) -> Option<RecordEntry> {
    let class = RecordClass::WorldLost;
    super::world::is_lost_by(tag).then_some(RecordEntry {
        seq,
        span,
        record_index,
        part: 0,
        kind: Kind::Unknown,
        class,
    })
}

/// Fields that could not be read count as missing, and where nothing can be said without them,
/// the record as one that says nothing.
fn class(record: &Record<'_>, record_index: u64) -> RecordClass {
    let arc = |text: Text<'_>| Arc::<str>::from(text);
    match (&record.body, record.kind) {
        (_, Kind::WorldState) => RecordClass::WorldState,
        (_, Kind::Event(EventKind::UserMessage)) => RecordClass::UserMessage,
        (_, Kind::OtherResponse) => RecordClass::Response(ItemFlags::UNSENT),
        (Body::ResponseMessage(message), Kind::Response(kind)) => {
            RecordClass::Response(messages::of_kind(kind, Some(message)))
        }
        (_, Kind::Response(kind)) => RecordClass::Response(messages::of_kind(kind, None)),
        (Body::SessionMeta(meta), _) => RecordClass::SessionMeta { window_id: first_window(meta) },
        (Body::TaskStarted(start), _) => {
            let given = || Arc::from(format!("rollout-{record_index}"));
            RecordClass::TurnStart { turn_id: start.turn_id.get().map_or_else(given, arc) }
        }
        (Body::TaskComplete(end), _) => {
            RecordClass::TurnEnd { turn_id: end.turn_id.get().map(arc) }
        }
        (Body::TurnAborted(abort), _) => {
            RecordClass::TurnAbort { turn_id: abort.turn_id.get().map(arc) }
        }
        (Body::ThreadRolledBack(rollback), _) => match rollback.num_turns.get() {
            Some(num_turns) => RecordClass::Rollback { num_turns },
            None => RecordClass::Plain,
        },
        (Body::TurnContext(context), _) => {
            RecordClass::TurnContext(Arc::new(turn_context(context)))
        }
        (Body::Compacted(compacted), _) => RecordClass::Compacted(Arc::new(compaction(compacted))),
        (Body::Communication(it), _) => {
            RecordClass::Communication { trigger_turn: it.trigger_turn.get().unwrap_or(false) }
        }
        (Body::CommunicationMetadata(it), _) => RecordClass::CommunicationMetadata {
            trigger_turn: it.trigger_turn.get().unwrap_or(false),
        },
        _ => RecordClass::Plain,
    }
}

fn first_window(meta: &SessionMeta<'_>) -> Option<WindowId> {
    WindowId::parse(&meta.context_window.get()?.window_id.get()?)
}

fn turn_context(context: &TurnContext<'_>) -> TurnContextFacts {
    TurnContextFacts {
        turn_id: context.turn_id.get().map(Arc::from),
        settings: TurnSettings {
            model: context.model.get().map(Arc::from),
            comp_hash: context.comp_hash.get().map(Arc::from),
            realtime_active: context.realtime_active.get(),
        },
    }
}

fn compaction(compacted: &Compacted<'_>) -> CompactionFacts {
    let message = compacted.message.get().filter(|message| !message.is_empty());
    CompactionFacts {
        replacement: compacted.replacement_history.raw().and_then(messages::of_list),
        window: window(compacted),
        summary: messages::of_user_text(message.as_deref().unwrap_or(NO_SUMMARY)),
    }
}

/// A whole number in the place of the id is an older writer's window number (FORMAT T11).
fn window(compacted: &Compacted<'_>) -> Option<Window> {
    let name = compacted.window_id.get();
    let legacy_number = name.as_ref().and_then(WindowName::number);
    let id = |text: Option<Text<'_>>| text.as_deref().and_then(WindowId::parse);
    Some(Window {
        number: compacted.window_number.get().or(legacy_number)?,
        first_id: id(compacted.first_window_id.get()),
        previous_id: id(compacted.previous_window_id.get()),
        id: name.as_ref().and_then(WindowName::id).and_then(WindowId::parse),
    })
}
