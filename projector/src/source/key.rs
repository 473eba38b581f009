//! By what a rollout file is known: its name, wherever it lies.

/// The parts of a rollout file's name (SEMANTICS R235, with a segment's id perhaps):
/// `rollout-<time>-<thread>[_<segment>].jsonl[.zst]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RolloutName {
    text: String,
}

impl RolloutName {
    /// Reads a file's name, with either ending; `None` if it is not that of a rollout.
    #[must_use]
    pub fn parse(file_name: &str) -> Option<Self> {
        rollout_name(file_name).map(|name| Self { text: name.to_owned() })
    }

    /// The name without its endings: the key by which a store knows the log.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// When the file was made, `YYYY-MM-DDTHH-MM-SS`, by a clock whose zone is not recorded.
    #[must_use]
    pub fn time(&self) -> &str {
        self.text.get(PREFIX.len()..PREFIX.len() + TIME.len()).unwrap_or_default()
    }

    /// Year, month and day in the name: the folders it belongs in.
    #[must_use]
    pub fn date(&self) -> (&str, &str, &str) {
        let time = self.time();
        let part = |range: std::ops::Range<usize>| time.get(range).unwrap_or_default();
        (part(0..4), part(5..7), part(8..10))
    }

    /// The thread it is of.
    #[must_use]
    pub fn thread_id(&self) -> &str {
        let start = PREFIX.len() + TIME.len() + 1;
        self.text.get(start..start + ID.len()).unwrap_or_default()
    }

    /// The segment's own id, if it is not the thread's first file.
    #[must_use]
    pub fn segment_id(&self) -> Option<&str> {
        self.text.split_once('_').map(|(_, segment)| segment)
    }
}

/// The name without its endings, if it is that of a rollout. Files that are moved, archived,
/// compressed or laid into another folder keep it.
pub(crate) fn rollout_name(file_name: &str) -> Option<&str> {
    let name = file_name.strip_suffix(".zst").unwrap_or(file_name).strip_suffix(".jsonl")?;
    let rest = name.strip_prefix(PREFIX)?;
    let (time, ids) = rest.split_at_checked(TIME.len())?;
    let ids = ids.strip_prefix('-')?;
    let (thread, segment) = match ids.split_once('_') {
        Some((thread, segment)) => (thread, Some(segment)),
        None => (ids, None),
    };
    let is_name = fits(time, TIME) && is_id(thread) && segment.is_none_or(is_id);
    is_name.then_some(name)
}

const PREFIX: &str = "rollout-";
const TIME: &str = "0000-00-00T00-00-00";
const ID: &str = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

pub(crate) fn is_id(text: &str) -> bool {
    fits(text, ID)
}

/// Whether the text is of the pattern: `0` is a digit, `x` a hex digit, all else itself.
fn fits(text: &str, pattern: &str) -> bool {
    text.len() == pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(byte, wanted)| match wanted {
            b'0' => byte.is_ascii_digit(),
            b'x' => byte.is_ascii_hexdigit(),
            _ => byte == wanted,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_parts() {
        let (thread, segment) =
            ("019bb0c0-0000-7000-8000-000000000001", "019bb0c0-0000-7000-8000-000000000002");
        let text = format!("rollout-2026-03-01T10-00-00-{thread}_{segment}.jsonl.zst");
        let name = RolloutName::parse(&text).unwrap();
        assert_eq!((name.thread_id(), name.segment_id()), (thread, Some(segment)));
        assert_eq!((name.time(), name.date()), ("2026-03-01T10-00-00", ("2026", "03", "01")));
        let first = RolloutName::parse(&text.replace(&format!("_{segment}"), "")).unwrap();
        assert_eq!((first.thread_id(), first.segment_id()), (thread, None));
    }

    #[test]
    fn rollouts_are_known_by_their_names() {
        let thread = "019bb0c0-0000-7000-8000-000000000001";
        let name = format!("rollout-2026-03-01T10-00-00-{thread}");
        assert_eq!(rollout_name(&format!("{name}.jsonl")), Some(&*name));
        assert_eq!(rollout_name(&format!("{name}.jsonl.zst")), Some(&*name));
        let segment = format!("{name}_{thread}");
        assert_eq!(rollout_name(&format!("{segment}.jsonl")), Some(&*segment));
        for other in [
            name.clone(),
            format!("{name} (1).jsonl"),
            format!("{name}_.jsonl"),
            format!("{name}_{thread}_{thread}.jsonl"),
            format!("{}.jsonl", name.replace('T', " ")),
            format!("{}.jsonl", name.replace("019b", "019g")),
            "rollout-é.jsonl".into(),
            "log.jsonl".into(),
            ".zst".into(),
        ] {
            assert_eq!(rollout_name(&other), None, "{other}");
        }
    }
}
