//! By what a rollout file is known: its name, wherever it lies.

/// The name without its endings, if it is that of a rollout (SEMANTICS R235, with a segment's id
/// perhaps): `rollout-<time>-<thread>[_<segment>]`. Files that are moved, archived, compressed or
/// laid into another folder keep it.
pub(crate) fn rollout_name(file_name: &str) -> Option<&str> {
    let name = file_name.strip_suffix(".zst").unwrap_or(file_name).strip_suffix(".jsonl")?;
    let rest = name.strip_prefix("rollout-")?;
    let (time, ids) = rest.split_at_checked(TIME.len())?;
    let ids = ids.strip_prefix('-')?;
    let (thread, segment) = match ids.split_once('_') {
        Some((thread, segment)) => (thread, Some(segment)),
        None => (ids, None),
    };
    let is_name = fits(time, TIME) && is_id(thread) && segment.is_none_or(is_id);
    is_name.then_some(name)
}

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
