//! Messages of the model's history as dialogue, for logs that have no other.
//!
//! Some writers leave no `user_message`, `agent_message` or canonical item, only the messages sent
//! to the model. Until the first of those comes, such messages are shown as items. When it comes
//! it may repeat the messages of the turn that is open, so these are taken back; from then on the
//! model's history is not dialogue, exactly as in the reference.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::turns::Work;
use crate::change::{Change, ItemNo};
use crate::format::{ContentPart, ResponseMessage};
use crate::model::{AgentMessageItem, ThreadItem, UserMessageItem, UserPart};
use crate::options::Dialogue;
use crate::past::Past;
use crate::raw::Text;
use crate::text::contextual::is_contextual_user_text;

/// Items of the open turn that stand in for events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Held {
    /// An event or canonical item has come: no more standing in.
    saw_dialogue: bool,
    items: Vec<(ItemNo, Arc<str>)>,
}

impl Held {
    /// No event came while the turn was open: its items stay.
    pub(super) fn keep(&mut self) {
        self.items.clear();
    }
}

impl<P: Past> Work<'_, P> {
    /// A message of the model's history, read as dialogue where nothing else is.
    pub(super) fn stand_in(&mut self, message: &ResponseMessage<'_>) {
        let is_off = self.options.dialogue == Dialogue::EventsOnly;
        if is_off || self.state.fallback.saw_dialogue {
            return;
        }
        let parts = message.content.each();
        let id = match message.id.get().filter(|id| !id.is_empty()) {
            Some(id) => id.into_owned(),
            None => format!("message-{}", self.at.record_index),
        };
        let value = match message.role.get().as_deref() {
            Some("user") if !is_contextual(&parts) => {
                self.state.fallback.keep();
                self.close_before_user_message();
                ThreadItem::UserMessage(user_message(id, &parts))
            }
            Some("assistant") => {
                let text = text_of(&parts);
                if text.is_empty() {
                    return;
                }
                let phase = message.phase.get();
                let message = AgentMessageItem { id, text, phase, memory_citation: None };
                ThreadItem::AgentMessage(message)
            }
            _ => return,
        };
        let id = Arc::from(value.id());
        let item = self.place(value);
        self.state.fallback.items.push((item, id));
    }

    /// Dialogue of another vocabulary has come: takes back what stood in for it.
    pub(super) fn dialogue_has_come(&mut self) {
        if self.state.fallback.saw_dialogue {
            return;
        }
        self.state.fallback.saw_dialogue = true;
        let held = std::mem::take(&mut self.state.fallback.items);
        let Some(open) = &mut self.state.current else { return };
        for (item, id) in held {
            open.len_items = open.len_items.saturating_sub(1);
            self.state.len_items = self.state.len_items.saturating_sub(1);
            let (turn, turn_id) = (open.turn, open.head.id.clone());
            self.changes.push(Change::ItemRemoved { turn, turn_id, item, id });
        }
        if !open.is_explicit && open.len_items == 0 && !open.saw_compaction {
            self.close();
        }
    }
}

/// Whether a message is put together for the model, not typed (SEMANTICS section 0).
fn is_contextual(parts: &[ContentPart<'_>]) -> bool {
    parts.iter().any(|part| part.text.get().is_some_and(|text| is_contextual_user_text(&text)))
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

fn text_of(parts: &[ContentPart<'_>]) -> String {
    parts.iter().filter_map(|part| part.text.get()).collect()
}
