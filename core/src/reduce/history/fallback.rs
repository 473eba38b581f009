//! Dialogue of lesser vocabularies, for logs that have no better one.
//!
//! Some logs have no `user_message` and `agent_message`, only canonical items, or only the messages
//! sent to the model. Until a better vocabulary speaks, these stand in as items. When it does, it
//! may repeat what has just been said, so the stand-ins since the last reply are taken back; from
//! then on the lesser vocabulary is silent, exactly as in the reference.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::turns::{Target, Work};
use crate::change::{Change, ItemNo, TurnNo};
use crate::coll::Vector;
use crate::format::{ContentPart, InterAgentCommunication, ResponseMessage};
use crate::model::{AgentMessageItem, ThreadItem, UserMessageItem, UserPart};
use crate::options::Dialogue;
use crate::past::Past;
use crate::raw::{Raw, Text};
use crate::text::contextual::is_contextual_user_text;

/// In what a log writes dialogue, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub(super) enum Vocabulary {
    /// Messages of the model's history.
    #[default]
    Messages,
    /// Canonical items.
    Canonical,
    /// Events.
    Events,
}

/// Items that stand in for what a better vocabulary may still say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StandIns {
    /// The best vocabulary that has spoken.
    spoken: Vocabulary,
    held: Vector<Held>,
    /// There is an answer among them: better vocabularies would have spoken before it.
    has_reply: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    turn: TurnNo,
    item: ItemNo,
    id: Arc<str>,
    /// Its turn was opened for it.
    opened_turn: bool,
}

impl StandIns {
    /// A turn or a question ends what was said: with an answer, it was said in this vocabulary.
    pub(super) fn settle(&mut self) {
        if self.has_reply {
            self.held = Vector::new();
            self.has_reply = false;
        }
    }

    fn holds(&self, turn: TurnNo, item: ItemNo) -> bool {
        self.held.iter().any(|held| (held.turn, held.item) == (turn, item))
    }

    /// The item was replaced by one that stands for itself.
    pub(super) fn release(&mut self, turn: TurnNo, item: ItemNo) {
        if self.holds(turn, item) {
            self.held.retain(|held| (held.turn, held.item) != (turn, item));
        }
    }
}

impl<P: Past> Work<'_, P> {
    /// A message of the model's history, read as dialogue where nothing better is.
    pub(super) fn stand_in_message(
        &mut self,
        message: &ResponseMessage<'_>,
    ) -> Result<(), P::Error> {
        if self.options.dialogue == Dialogue::EventsOnly
            || self.state.stand_ins.spoken > Vocabulary::Messages
        {
            return Ok(());
        }
        let parts = message.content.each();
        let id = match message.id.get().filter(|id| !id.is_empty()) {
            Some(id) => id.into_owned(),
            None => format!("message-{}", self.at.record_index),
        };
        let value = match message.role.get().as_deref() {
            Some("user") if !is_contextual(&parts) => {
                ThreadItem::UserMessage(user_message(id, &parts))
            }
            Some("assistant") => {
                let text: String = parts.iter().filter_map(|part| part.text.get()).collect();
                if text.is_empty() || is_agent_envelope(&parts) {
                    return Ok(());
                }
                let phase = message.phase.get();
                ThreadItem::AgentMessage(AgentMessageItem {
                    id,
                    text,
                    phase,
                    memory_citation: None,
                })
            }
            _ => return Ok(()),
        };
        self.hold(value)
    }

    /// A canonical message, where no event carries it, in the turn it names; false if one does.
    pub(super) fn stand_in_canonical(
        &mut self,
        turn_id: Option<&str>,
        value: ThreadItem,
    ) -> Result<bool, P::Error> {
        if self.options.dialogue == Dialogue::EventsOnly
            || self.state.stand_ins.spoken > Vocabulary::Canonical
        {
            return Ok(false);
        }
        self.speak(Vocabulary::Canonical)?;
        let target = match turn_id {
            Some(id) => self.find(id)?,
            None => None,
        };
        let Some(target) = target else {
            self.hold(value)?;
            return Ok(true);
        };
        let current = self.state.current.as_ref().map(|open| open.turn);
        let turn = match target {
            Target::Current => current,
            Target::Closed(turn) => Some(turn),
        };
        let Some(turn) = turn else { return Ok(true) };
        if self.item_named(turn, value.id())?.is_some() {
            self.upsert_in(&target, value)?;
            return Ok(true);
        }
        self.state.stand_ins.has_reply |= !matches!(value, ThreadItem::UserMessage(_));
        let id = Arc::from(value.id());
        let item = match self.past.turn(turn)? {
            Some(past) if current != Some(turn) => {
                let (turn_id, value) = (past.head.id.clone(), Arc::new(value));
                let item = past.next_item;
                self.state.len_items += 1;
                self.changes.push(Change::ItemPut { turn, turn_id, item, value });
                item
            }
            _ => self.place(value),
        };
        let held = Held { turn, item, id, opened_turn: false };
        self.state.stand_ins.held.push_back(held);
        Ok(true)
    }

    /// Places an item that a better vocabulary may still replace, or renews the stand-in with its
    /// id. What stands for itself keeps its place, and its id.
    fn hold(&mut self, mut value: ThreadItem) -> Result<(), P::Error> {
        match value {
            ThreadItem::UserMessage(_) => {
                self.state.stand_ins.settle();
                self.close_before_user_message();
            }
            _ => self.state.stand_ins.has_reply = true,
        }
        if let Some(turn) = self.state.current.as_ref().map(|open| open.turn)
            && let Some(place) = self.item_named(turn, value.id())?
        {
            if !self.state.stand_ins.holds(turn, place.item) {
                let id = format!("message-{}", self.at.record_index);
                match &mut value {
                    ThreadItem::UserMessage(message) => message.id = id,
                    ThreadItem::AgentMessage(message) => message.id = id,
                    _ => {}
                }
            }
            if self.item_named(turn, value.id())?.is_some() {
                self.upsert_in(&Target::Current, value)?;
                return Ok(());
            }
        }
        let opened_turn = self.state.current.is_none();
        let id = Arc::from(value.id());
        let item = self.place(value);
        if let Some(open) = &self.state.current {
            let held = Held { turn: open.turn, item, id, opened_turn };
            self.state.stand_ins.held.push_back(held);
        }
        Ok(())
    }

    /// A vocabulary speaks: takes back what stood in for it.
    pub(super) fn speak(&mut self, vocabulary: Vocabulary) -> Result<(), P::Error> {
        if self.state.stand_ins.spoken >= vocabulary {
            return Ok(());
        }
        self.state.stand_ins.spoken = vocabulary;
        self.state.stand_ins.has_reply = false;
        let held = std::mem::take(&mut self.state.stand_ins.held);
        let mut of_turn: Vec<Held> = Vec::new();
        for held in held {
            if of_turn.first().is_some_and(|first| first.turn != held.turn) {
                self.take_back(std::mem::take(&mut of_turn))?;
            }
            of_turn.push(held);
        }
        self.take_back(of_turn)
    }

    /// Takes back the stand-ins of one turn, and the turn if it was opened for them alone.
    fn take_back(&mut self, held: Vec<Held>) -> Result<(), P::Error> {
        let Some(first) = held.first() else { return Ok(()) };
        let (turn, opened_turn) = (first.turn, held.iter().any(|held| held.opened_turn));
        let Some(past) = self.past.turn(turn)? else { return Ok(()) };
        let len_held = u32::try_from(held.len()).unwrap_or(u32::MAX);
        self.state.len_items = self.state.len_items.saturating_sub(u64::from(len_held));
        let current = self.state.current.as_mut().filter(|open| open.turn == turn);
        let goes = opened_turn
            && past.len_items == len_held
            && !current.as_ref().is_some_and(|open| open.saw_compaction);
        if goes {
            if current.is_some() {
                self.state.current = None;
            }
            self.state.len_turns = self.state.len_turns.saturating_sub(1);
            self.changes.push(Change::TurnRemoved { turn, id: past.head.id.clone() });
            return Ok(());
        }
        if let Some(open) = current {
            open.len_items = open.len_items.saturating_sub(len_held);
        }
        for Held { item, id, .. } in held {
            let turn_id = past.head.id.clone();
            self.changes.push(Change::ItemRemoved { turn, turn_id, item, id });
        }
        Ok(())
    }
}

/// Whether a message is put together for the model, not typed (SEMANTICS section 0), also as older
/// writers did it.
fn is_contextual(parts: &[ContentPart<'_>]) -> bool {
    let mut texts = parts.iter().filter_map(|part| part.text.get());
    texts.any(|text| {
        is_contextual_user_text(&text) || text.trim_start().starts_with("<user_instructions>")
    })
}

/// Whether a message is another agent's, in an envelope of text (SEMANTICS section 0).
fn is_agent_envelope(parts: &[ContentPart<'_>]) -> bool {
    let [part] = parts else { return false };
    let text = part.text.get().unwrap_or_default();
    let envelope = Raw::first_of(&text).ok().and_then(|(raw, _)| {
        let envelope: InterAgentCommunication<'_> = raw.read()?;
        Some(
            envelope.author.is_some() && envelope.recipient.is_some() && envelope.content.is_some(),
        )
    });
    envelope.unwrap_or(false)
}

fn user_message(id: String, parts: &[ContentPart<'_>]) -> UserMessageItem {
    let content = parts.iter().filter_map(|part| match &*part.r#type.get()? {
        "input_text" => {
            Some(UserPart::Text { text: part.text.get()?.into_owned(), text_elements: Vec::new() })
        }
        "input_image" => Some(UserPart::Image {
            detail: part.detail.get().map(Text::into_owned),
            url: part.image_url.get()?.into_owned(),
        }),
        "input_audio" => Some(UserPart::Audio { url: part.audio_url.get()?.into_owned() }),
        _ => None,
    });
    UserMessageItem { id, client_id: None, content: content.collect() }
}
