//! Which threads a list shows. Every filter is explicit: nothing is left out without being named.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use rollfold_core::{Convention, absolute_path, path_convention};

use super::entry::ThreadEntry;

/// Which threads by whether they were put away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Archived {
    /// Those that were not (R206).
    #[default]
    Excluded,
    /// Only those.
    Only,
    /// All.
    Included,
}

/// Which threads by who spawned them (R202).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Kin {
    /// All.
    #[default]
    Any,
    /// The direct children of a thread.
    ChildrenOf(Arc<str>),
    /// All that come from a thread at any depth; not the thread itself.
    DescendantsOf(Arc<str>),
}

/// Which time of a thread: the key of a sort or of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum ThreadTime {
    /// When it was made.
    #[default]
    Created,
    /// When something last happened in it.
    Updated,
    /// When work was last begun in it.
    Recency,
    /// When the user last said something.
    LastUser,
}

impl ThreadTime {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Created, Self::Updated, Self::Recency, Self::LastUser];

    /// Its word in cursors and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Recency => "recency",
            Self::LastUser => "last-user",
        }
    }

    /// This time of a thread.
    #[must_use]
    pub fn of(self, entry: &ThreadEntry) -> Option<i64> {
        match self {
            Self::Created => entry.created_at,
            Self::Updated => entry.updated_at,
            Self::Recency => entry.recency_at,
            Self::LastUser => entry.last_user_at,
        }
    }
}

/// Which threads a list shows. The default shows all that were not archived.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ThreadFilter {
    /// Put away or not.
    pub archived: Archived,
    /// Providers of models; none given is all. See also `default_provider`.
    pub providers: Vec<String>,
    /// The provider that a thread counts as whose log names none (R188).
    pub default_provider: Option<String>,
    /// What threads were started from: words as [`ThreadEntry::source`] has, or `subagent` for
    /// sub-agents of every kind, `custom` for every label. None given is all.
    pub sources: Vec<String>,
    /// Folders they work in, compared as paths of the system that wrote them (R188). None given is
    /// all.
    pub cwds: Vec<String>,
    /// Models; none given is all.
    pub models: Vec<String>,
    /// How histories are written: `legacy`, `paginated` or an unknown word. None given is all.
    pub history_modes: Vec<String>,
    /// Who spawned them.
    pub kin: Kin,
    /// A part of the name, the title or the preview, in whatever case.
    pub text: Option<String>,
    /// One of their times lies in a range of Unix milliseconds; a thread without it does not.
    pub time: Option<(ThreadTime, RangeInclusive<i64>)>,
}

/// Which part of a filter leaves a thread out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum FilteredBy {
    /// It was archived.
    #[error("it is archived")]
    Archived,
    /// It was not.
    #[error("it is not archived")]
    NotArchived,
    /// Its provider.
    #[error("its model's provider is another")]
    Provider,
    /// Its source.
    #[error("it was started from something else")]
    Source,
    /// Its folder.
    #[error("it works in another folder")]
    Cwd,
    /// Its model.
    #[error("its model is another")]
    Model,
    /// Its history mode.
    #[error("its history is written in another mode")]
    HistoryMode,
    /// Who spawned it.
    #[error("it was not spawned there")]
    Kin,
    /// Its texts.
    #[error("neither its name nor its title nor its preview has the text")]
    Text,
    /// Its times.
    #[error("its time is not in the range")]
    Time,
}

/// What of a thread filters look at: numbers of values that many threads share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    pub(super) provider: u32,
    pub(super) source: u32,
    pub(super) cwd: u32,
    pub(super) model: u32,
    pub(super) mode: u32,
    pub(super) is_archived: bool,
}

/// The values that threads have, by number.
#[derive(Debug, Default)]
pub(super) struct Values {
    numbers: std::collections::BTreeMap<Option<Arc<str>>, u32>,
    values: Vec<Option<Arc<str>>>,
}

impl Values {
    pub(super) fn number(&mut self, value: Option<&Arc<str>>) -> u32 {
        let value = value.cloned();
        if let Some(number) = self.numbers.get(&value) {
            return *number;
        }
        let number = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.numbers.insert(value.clone(), number);
        self.values.push(value);
        number
    }

    /// For each number whether its value is wanted.
    fn wanted(&self, is_wanted: impl Fn(Option<&str>) -> bool) -> Vec<bool> {
        self.values.iter().map(|value| is_wanted(value.as_deref())).collect()
    }
}

/// The values of all columns.
#[derive(Debug, Default)]
pub(super) struct AllValues {
    pub(super) providers: Values,
    pub(super) sources: Values,
    pub(super) cwds: Values,
    pub(super) models: Values,
    pub(super) modes: Values,
}

/// A filter made ready for many threads: each value is judged once.
pub(super) struct Sieve<'f> {
    filter: &'f ThreadFilter,
    providers: Option<Vec<bool>>,
    sources: Option<Vec<bool>>,
    cwds: Option<Vec<bool>>,
    models: Option<Vec<bool>>,
    modes: Option<Vec<bool>>,
    kin: Option<BTreeSet<u32>>,
    text: Option<memchr::memmem::Finder<'static>>,
}

impl<'f> Sieve<'f> {
    /// `kin` are the slots of the threads that the filter's relation names.
    pub(super) fn new(
        filter: &'f ThreadFilter,
        values: &AllValues,
        kin: Option<BTreeSet<u32>>,
    ) -> Self {
        let is_any = |wanted: &[String], value: Option<&str>| {
            value.is_some_and(|value| wanted.iter().any(|wanted| wanted == value))
        };
        let sieve = |wanted: &[String], values: &Values| {
            (!wanted.is_empty()).then(|| values.wanted(|value| is_any(wanted, value)))
        };
        let default = filter.default_provider.as_deref();
        let provider = |value: Option<&str>| {
            let named = value.filter(|value| !value.is_empty());
            is_any(&filter.providers, named.or(default))
        };
        let cwds: Vec<Comparable> = filter.cwds.iter().map(|cwd| Comparable::of(cwd)).collect();
        let cwd =
            |value: Option<&str>| value.is_some_and(|value| cwds.contains(&Comparable::of(value)));
        let source = |value: Option<&str>| {
            value.is_some_and(|value| filter.sources.iter().any(|wanted| is_source(wanted, value)))
        };
        let text = filter.text.as_deref().filter(|text| !text.is_empty());
        Self {
            filter,
            providers: (!filter.providers.is_empty()).then(|| values.providers.wanted(provider)),
            sources: (!filter.sources.is_empty()).then(|| values.sources.wanted(source)),
            cwds: (!filter.cwds.is_empty()).then(|| values.cwds.wanted(cwd)),
            models: sieve(&filter.models, &values.models),
            modes: sieve(&filter.history_modes, &values.modes),
            kin,
            text: text.map(|text| {
                memchr::memmem::Finder::new(text.to_lowercase().as_bytes()).into_owned()
            }),
        }
    }

    /// What leaves a thread out; `None` if nothing does. Cheap looks come first.
    pub(super) fn leaves_out(
        &self,
        slot: u32,
        columns: &Columns,
        text: &str,
        entry: &ThreadEntry,
    ) -> Option<FilteredBy> {
        use FilteredBy as By;
        let is_out = |wanted: &Option<Vec<bool>>, number: u32| {
            let wanted = wanted.as_ref();
            wanted.is_some_and(|wanted| wanted.get(number as usize) != Some(&true))
        };
        match (self.filter.archived, columns.is_archived) {
            (Archived::Excluded, true) => return Some(By::Archived),
            (Archived::Only, false) => return Some(By::NotArchived),
            _ => {}
        }
        let by_value = [
            (By::Provider, is_out(&self.providers, columns.provider)),
            (By::Source, is_out(&self.sources, columns.source)),
            (By::Cwd, is_out(&self.cwds, columns.cwd)),
            (By::Model, is_out(&self.models, columns.model)),
            (By::HistoryMode, is_out(&self.modes, columns.mode)),
            (By::Kin, self.kin.as_ref().is_some_and(|kin| !kin.contains(&slot))),
        ];
        if let Some((by, _)) = by_value.into_iter().find(|(_, is_out)| *is_out) {
            return Some(by);
        }
        if let Some((time, range)) = &self.filter.time
            && !time.of(entry).is_some_and(|at| range.contains(&at))
        {
            return Some(By::Time);
        }
        let is_found = |finder: &memchr::memmem::Finder<'_>| finder.find(text.as_bytes()).is_some();
        self.text.as_ref().is_some_and(|finder| !is_found(finder)).then_some(By::Text)
    }
}

fn is_source(wanted: &str, source: &str) -> bool {
    let is_kind = matches!(wanted, "subagent" | "custom" | "internal" | "subagent:other");
    source == wanted
        || is_kind && source.strip_prefix(wanted).is_some_and(|rest| rest.starts_with(':'))
}

/// A path as it is compared: without dot segments and last separators, on Windows without case.
#[derive(Debug, PartialEq, Eq)]
struct Comparable(String);

impl Comparable {
    fn of(path: &str) -> Self {
        let normal = absolute_path(path);
        Self(match path_convention(path) {
            Convention::Posix => {
                let trimmed = normal.trim_end_matches('/');
                if trimmed.is_empty() { normal } else { trimmed.to_owned() }
            }
            Convention::Windows => {
                let plain = normal.strip_prefix(r"\\?\").unwrap_or(&normal);
                plain.replace('/', r"\").trim_end_matches('\\').to_lowercase()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_compared_as_their_system_does() {
        let same = |one: &str, other: &str| Comparable::of(one) == Comparable::of(other);
        assert!(same("/a/b", "/a/./c/../b/"));
        assert!(same("/", "/"));
        assert!(!same("/a/b", "/a/B"));
        assert!(same(r"C:\Work\x", "c:/work/X/"));
        assert!(same(r"\\?\C:\Work", r"C:\work"));
        assert!(!same(r"C:\Work", "/Work"));
    }

    #[test]
    fn sources_have_kinds() {
        assert!(is_source("cli", "cli") && !is_source("cli", "cli:x"));
        assert!(is_source("subagent", "subagent:spawn") && is_source("custom", "custom:atlas"));
        assert!(is_source("custom:atlas", "custom:atlas") && !is_source("custom", "customs"));
        assert!(is_source("subagent:other", "subagent:other:x"));
    }
}
