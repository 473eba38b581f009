//! What joins reasoning: texts behind those that were there.

use rollfold_core::model::{ReasoningItem, Texts};
use serde::{Deserialize, Serialize};

/// Texts that joined, of either list.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Joined<T> {
    summary: Vec<T>,
    content: Vec<T>,
}

impl<'n> Joined<&'n str> {
    /// What joined `before` to make `now`; `None` if something else changed.
    pub(crate) fn of(before: &ReasoningItem, now: &'n ReasoningItem) -> Option<Self> {
        if before.id != now.id {
            return None;
        }
        let summary = behind(&before.summary, &now.summary)?;
        Some(Self { summary, content: behind(&before.content, &now.content)? })
    }
}

/// The texts of `now` behind those of `before`, if it begins with these.
fn behind<'n>(before: &Texts, now: &'n Texts) -> Option<Vec<&'n str>> {
    let mut now = now.iter();
    for text in before.iter() {
        let same = now.next()?;
        // Texts that joined one another are the same in memory, too.
        if !std::ptr::eq(text, same) && text != same {
            return None;
        }
    }
    Some(now.collect())
}

/// Reasoning with all that joined it, in order.
pub(crate) fn join(
    whole: &ReasoningItem,
    joined: impl DoubleEndedIterator<Item = Joined<String>>,
) -> ReasoningItem {
    let texts = |texts: &Texts| texts.iter().map(str::to_owned).collect::<Vec<_>>();
    let (mut summary, mut content) = (texts(&whole.summary), texts(&whole.content));
    for more in joined {
        summary.extend(more.summary);
        content.extend(more.content);
    }
    ReasoningItem {
        id: whole.id.clone(),
        summary: summary.into_iter().collect(),
        content: content.into_iter().collect(),
    }
}
