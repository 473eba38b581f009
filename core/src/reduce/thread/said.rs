//! Preview, title and first message (R153, A30), in all three vocabularies.

use super::{Standing, Work};
use crate::format::{ContentPart, ItemLifecycle, ResponseMessage, TurnItem, UserMessage};
use crate::model::Fact;
use crate::options::{Dialogue, Facts};
use crate::records::RecordClass;

/// What stands behind this in a message is what the user asked for; before it, what a client
/// added.
const REQUEST_MARKER: &str = "## My request for Codex:";

/// What a user message holds, as far as lists show it.
struct Said {
    text: String,
    has_image: bool,
    has_audio: bool,
}

impl Said {
    /// R153: the request, without what a client put before it.
    fn request(&self) -> &str {
        let marker = memchr::memmem::find(self.text.as_bytes(), REQUEST_MARKER.as_bytes());
        let request = marker.and_then(|at| self.text.get(at + REQUEST_MARKER.len()..));
        request.unwrap_or(&self.text).trim()
    }

    /// What a list shows; a message of nothing but pictures or sounds shows a placeholder.
    fn preview(&self) -> Option<&str> {
        match self.request() {
            "" if self.has_image => Some("[Image]"),
            "" if self.has_audio => Some("[Audio]"),
            "" => None,
            request => Some(request),
        }
    }
}

impl Work<'_> {
    pub(super) fn user_message(&mut self, message: &UserMessage<'_>) {
        if self.knows_all() {
            self.heard = true;
            return;
        }
        let knows_audio = self.options.facts == Facts::All;
        let said = Said {
            text: message.message.get().unwrap_or_default().into_owned(),
            has_image: !message.images.each().is_empty() || !message.local_images.each().is_empty(),
            has_audio: knows_audio
                && (!message.audio.each().is_empty() || !message.local_audio.each().is_empty()),
        };
        self.dialogue(&said);
    }

    /// A30: a canonical message.
    pub(super) fn said_item(&mut self, lifecycle: &ItemLifecycle<'_>) {
        let message = match lifecycle.item.get() {
            Some(TurnItem::UserMessage(message)) => message,
            item => {
                self.answered = matches!(item, Some(TurnItem::AgentMessage(_)));
                return;
            }
        };
        if self.knows_all() {
            self.heard = true;
            return;
        }
        let mut said = Said { text: String::new(), has_image: false, has_audio: false };
        for part in message.content.each() {
            match part.r#type.get().as_deref() {
                Some("text" | "Text" | "input_text") => {
                    said.text.push_str(&part.text.get().unwrap_or_default());
                }
                Some("image" | "local_image") => said.has_image = true,
                Some("audio" | "local_audio") => said.has_audio = true,
                _ => {}
            }
        }
        self.dialogue(&said);
    }

    /// A message of the model's history, as long as no dialogue was told otherwise.
    pub(super) fn stand_in(&mut self, message: &ResponseMessage<'_>) {
        if self.options.dialogue == Dialogue::EventsOnly || self.state.saw_dialogue {
            return;
        }
        self.answered = message.role.get().as_deref() == Some("assistant");
        if !matches!(self.class, RecordClass::Response(flags) if flags.is_real_user()) {
            return;
        }
        let parts = message.content.each();
        let text = |part: &ContentPart<'_>| part.text.get().map(|text| text.into_owned());
        let has = |kind: &str| parts.iter().any(|part| part.r#type.get().as_deref() == Some(kind));
        let said = Said {
            text: parts.iter().filter_map(text).collect(),
            has_image: has("input_image"),
            has_audio: has("input_audio"),
        };
        self.hear(&said, Standing::StandIn);
    }

    /// Whether nothing more can be learned of what the user said first.
    fn knows_all(&self) -> bool {
        let state = &self.state;
        let least = state.first_user_message.min(state.preview).min(state.title);
        state.saw_dialogue && least == Standing::Known
    }

    fn dialogue(&mut self, said: &Said) {
        self.state.saw_dialogue = true;
        self.hear(said, Standing::Known);
    }

    fn hear(&mut self, said: &Said, standing: Standing) {
        if let Some(preview) = said.preview() {
            if self.state.first_user_message < standing {
                self.state.first_user_message = standing;
                self.facts.push(Fact::FirstUserMessage(Some(preview.into())));
            }
            if self.state.preview < standing {
                self.state.preview = standing;
                self.facts.push(Fact::Preview(Some(preview.into())));
            }
        }
        let title = said.request();
        if !title.is_empty() && self.state.title < standing {
            self.state.title = standing;
            self.facts.push(Fact::Title(Some(title.into())));
        }
        self.heard = true;
    }

    /// R152: a goal is the preview of a thread in which nothing was said yet.
    pub(super) fn goal(&mut self, objective: &str) {
        if objective.is_empty() {
            return;
        }
        if self.state.preview < Standing::Known {
            self.state.preview = Standing::Known;
            self.facts.push(Fact::Preview(Some(objective.into())));
        }
        self.set(Fact::Goal(Some(objective.into())));
    }
}
