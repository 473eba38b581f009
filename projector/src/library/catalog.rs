//! All threads of a store in memory, in each order: lists are walks of it. It follows the store by
//! reading the summaries that changed since.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata};

use super::entry::{LogEntry, LogPlace, ThreadEntry, Told, entry};
use super::filter::{AllValues, Columns, Kin, Sieve, ThreadFilter, ThreadTime};
use crate::error::StoreError;
use crate::page::Order;
use crate::rows::summary::{self, Summary};
use crate::schema;
use crate::store::len_forgotten;

/// A thread's place in an order: by time - one that has none comes before all that have - then by
/// id, so that every thread has one place of its own.
pub(super) type Rank = (Option<i64>, Arc<str>);

/// All threads of a store.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    /// The newest change of a summary that is in here.
    touched: Option<u64>,
    /// Summaries read, older generations included.
    len_summaries: u64,
    /// How often the store had forgotten logs.
    len_forgotten: u32,
    /// The newest generation of each log.
    logs: BTreeMap<Arc<str>, Told>,
    places: BTreeMap<Arc<str>, LogPlace>,
    names: BTreeMap<Arc<str>, Arc<str>>,
    threads: BTreeMap<Arc<str>, Group>,
    shown: Vec<Option<Shown>>,
    values: AllValues,
    orders: [BTreeMap<Rank, u32>; ThreadTime::ALL.len()],
    /// By the thread that others name as their parent, these others.
    children: BTreeMap<Arc<str>, BTreeSet<u32>>,
    /// By the thread that others name as their origin, these others.
    forks: BTreeMap<Arc<str>, BTreeSet<u32>>,
}

/// The logs of a thread, and its number in here.
#[derive(Debug)]
struct Group {
    slot: u32,
    keys: BTreeSet<Arc<str>>,
}

/// A thread that is in the orders.
#[derive(Debug)]
struct Shown {
    entry: Arc<ThreadEntry>,
    columns: Columns,
    /// Name, title and preview in lower case.
    text: Box<str>,
}

/// Threads to put together anew.
type Due = BTreeSet<Arc<str>>;

impl Catalog {
    /// Takes in what changed in the store. `places` by key and `names` by thread are given whole,
    /// if they changed.
    pub(super) fn follow(
        &mut self,
        read: &ReadTransaction,
        places: Option<BTreeMap<Arc<str>, LogPlace>>,
        names: Option<BTreeMap<Arc<str>, Arc<str>>>,
    ) -> Result<(), StoreError> {
        let summaries = read.open_table(schema::SUMMARIES)?;
        let mut due = Due::new();
        self.take_in_places(places, &mut due);
        self.take_in_names(names, &mut due);
        let len_forgotten = len_forgotten(read)?;
        let is_known = self.len_forgotten == len_forgotten;
        if is_known {
            self.take_in_summaries(read, &summaries, &mut due)?;
        }
        if !is_known || self.len_summaries != summaries.len()? {
            // Some were removed: which ones is not kept.
            let (places, names) =
                (std::mem::take(&mut self.places), std::mem::take(&mut self.names));
            *self = Self { places, names, len_forgotten, ..Self::default() };
            due.clear();
            self.take_in_summaries(read, &summaries, &mut due)?;
        }
        for id in due {
            self.put_together(&id);
        }
        Ok(())
    }

    fn take_in_places(&mut self, places: Option<BTreeMap<Arc<str>, LogPlace>>, due: &mut Due) {
        let Some(places) = places else { return };
        let before = std::mem::replace(&mut self.places, places);
        for key in before.keys().chain(self.places.keys()) {
            let now = self.places.get(key);
            if before.get(key) != now
                && let Some(told) = self.logs.get_mut(key)
            {
                told.log.place = now.cloned();
                due.insert(told.thread_id());
            }
        }
    }

    fn take_in_names(&mut self, names: Option<BTreeMap<Arc<str>, Arc<str>>>, due: &mut Due) {
        let Some(names) = names else { return };
        let before = std::mem::replace(&mut self.names, names);
        for id in before.keys().chain(self.names.keys()) {
            if before.get(id) != self.names.get(id) && self.threads.contains_key(id) {
                due.insert(id.clone());
            }
        }
    }

    fn take_in_summaries(
        &mut self,
        read: &ReadTransaction,
        summaries: &impl ReadableTable<u32, schema::Bytes>,
        due: &mut Due,
    ) -> Result<(), StoreError> {
        if self.touched.is_none() {
            for row in summaries.iter()? {
                let (thread, row) = row?;
                self.take_in(summary::read(thread.value(), row.value())?, due);
            }
            return Ok(());
        }
        let behind = (self.touched.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        for row in read.open_table(schema::TOUCHED)?.range::<u64>(behind)? {
            let (touched, thread) = row?;
            self.touched = Some(touched.value());
            if let Some(summary) = summary::of(summaries, thread.value())? {
                self.take_in(summary, due);
            }
        }
        Ok(())
    }

    fn take_in(&mut self, summary: Summary, due: &mut Due) {
        let Summary { key, generation, touched, .. } = &summary;
        self.touched = self.touched.max(Some(*touched));
        let known = self.logs.get(key);
        let before = known.map(|told| (told.log.generation, told.thread_id()));
        self.len_summaries +=
            u64::from(before.as_ref().is_none_or(|(known, _)| known != generation));
        if before.as_ref().is_some_and(|(known, _)| known > generation) {
            return;
        }
        let place = self.places.get(key).cloned();
        let told = Told {
            log: LogEntry { key: key.clone(), generation: *generation, place },
            thread: summary.thread(),
            base_thread_id: summary.base_thread_id.clone(),
        };
        let id = told.thread_id();
        if let Some((_, before)) = before.filter(|(_, before)| *before != id) {
            if let Some(group) = self.threads.get_mut(&before) {
                group.keys.remove(key);
            }
            due.insert(before);
        }
        let slot = u32::try_from(self.shown.len()).unwrap_or(u32::MAX);
        let group = self.threads.entry(id.clone()).or_insert_with(|| {
            self.shown.push(None);
            Group { slot, keys: BTreeSet::new() }
        });
        group.keys.insert(key.clone());
        self.logs.insert(key.clone(), told);
        due.insert(id);
    }

    /// Makes a thread's entry anew and gives it its places.
    fn put_together(&mut self, id: &Arc<str>) {
        let Some(Group { slot, keys }) = self.threads.get(id) else { return };
        let slot = *slot;
        let logs = keys.iter().filter_map(|key| self.logs.get(key)).collect();
        let name = self.names.get(id).cloned();
        let entry = entry(id.clone(), logs, name).map(Arc::new);
        let Some(place) = self.shown.get_mut(slot as usize) else { return };
        if let Some(Shown { entry, .. }) = place.take() {
            for (time, order) in ThreadTime::ALL.into_iter().zip(&mut self.orders) {
                order.remove(&rank(time, &entry));
            }
            let relations =
                [(&mut self.children, &entry.parent_id), (&mut self.forks, &entry.forked_from_id)];
            for (relation, other) in relations {
                if let Some(others) = other.as_ref().and_then(|other| relation.get_mut(other)) {
                    others.remove(&slot);
                }
            }
        }
        let Some(entry) = entry else { return };
        for (time, order) in ThreadTime::ALL.into_iter().zip(&mut self.orders) {
            order.insert(rank(time, &entry), slot);
        }
        let relations =
            [(&mut self.children, &entry.parent_id), (&mut self.forks, &entry.forked_from_id)];
        for (relation, other) in relations {
            if let Some(other) = other {
                relation.entry(other.clone()).or_default().insert(slot);
            }
        }
        let columns = Columns {
            provider: self.values.providers.number(entry.provider.as_ref()),
            source: self.values.sources.number(entry.source.as_ref()),
            cwd: self.values.cwds.number(entry.cwd.as_ref()),
            model: self.values.models.number(entry.model.as_ref()),
            mode: self.values.modes.number(entry.history_mode.as_ref()),
            is_archived: entry.is_archived(),
        };
        let texts = [&entry.name, &entry.title, &entry.preview];
        let texts: Vec<&str> = texts.into_iter().flatten().map(|text| &**text).collect();
        let text = texts.join("\n").to_lowercase().into_boxed_str();
        *place = Some(Shown { entry, columns, text });
    }

    /// The threads that a filter lets through, from a place on.
    pub(super) fn walk<'c>(
        &'c self,
        time: ThreadTime,
        order: Order,
        after: Option<&Rank>,
        sieve: &'c Sieve<'_>,
    ) -> impl Iterator<Item = &'c Arc<ThreadEntry>> {
        let ranks = ThreadTime::ALL.into_iter().zip(&self.orders);
        let ranks = ranks.filter(move |(it, _)| *it == time).map(|(_, order)| order);
        let bound = after.map_or(Bound::Unbounded, |after| Bound::Excluded(after.clone()));
        ranks
            .flat_map(move |ranks| {
                let (from, to) = match order {
                    Order::OldestFirst => (bound.clone(), Bound::Unbounded),
                    Order::NewestFirst => (Bound::Unbounded, bound.clone()),
                };
                let mut range = ranks.range((from, to)).map(|(_, slot)| *slot);
                std::iter::from_fn(move || match order {
                    Order::OldestFirst => range.next(),
                    Order::NewestFirst => range.next_back(),
                })
            })
            .filter_map(move |slot| {
                let shown = self.shown.get(slot as usize)?.as_ref()?;
                let out = sieve.leaves_out(slot, &shown.columns, &shown.text, &shown.entry);
                out.is_none().then_some(&shown.entry)
            })
    }

    /// A filter made ready for these threads.
    pub(super) fn sieve<'f>(&self, filter: &'f ThreadFilter) -> Sieve<'f> {
        let kin = match &filter.kin {
            Kin::Any => None,
            Kin::ChildrenOf(id) => Some(self.children.get(id).cloned().unwrap_or_default()),
            Kin::DescendantsOf(id) => Some(self.descendants(id)),
        };
        Sieve::new(filter, &self.values, kin)
    }

    /// What leaves a thread out of a list.
    pub(super) fn left_out(&self, id: &str, sieve: &Sieve<'_>) -> Option<super::FilteredBy> {
        let slot = self.threads.get(id)?.slot;
        let shown = self.shown.get(slot as usize)?.as_ref()?;
        sieve.leaves_out(slot, &shown.columns, &shown.text, &shown.entry)
    }

    /// All that come from a thread, not the thread itself, whatever rounds they go (R202).
    fn descendants(&self, id: &Arc<str>) -> BTreeSet<u32> {
        let root = self.threads.get(id).map(|group| group.slot);
        let mut found = BTreeSet::new();
        let mut due = vec![id.clone()];
        while let Some(id) = due.pop() {
            for slot in self.children.get(&id).into_iter().flatten() {
                if Some(*slot) != root
                    && found.insert(*slot)
                    && let Some(entry) = self.entry(*slot)
                {
                    due.push(entry.id.clone());
                }
            }
        }
        found
    }

    fn entry(&self, slot: u32) -> Option<&Arc<ThreadEntry>> {
        self.shown.get(slot as usize)?.as_ref().map(|shown| &shown.entry)
    }

    /// A thread by its id.
    pub(super) fn thread(&self, id: &str) -> Option<&Arc<ThreadEntry>> {
        self.entry(self.threads.get(id)?.slot)
    }

    /// The thread that a log is of.
    pub(super) fn of_log(&self, key: &str) -> Option<&Arc<ThreadEntry>> {
        self.thread(&self.logs.get(key)?.thread_id())
    }

    /// The threads whose ids begin so.
    pub(super) fn by_prefix<'c>(
        &'c self,
        prefix: &'c str,
    ) -> impl Iterator<Item = &'c Arc<ThreadEntry>> {
        let from = self.threads.range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        let named = from.take_while(move |(id, _)| id.starts_with(prefix));
        named.filter_map(|(_, group)| self.entry(group.slot))
    }

    /// All threads, by id.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<ThreadEntry>> {
        self.threads.values().filter_map(|group| self.entry(group.slot))
    }

    /// The threads that name this one as their parent or origin, by id.
    pub(super) fn related(&self, relation: Relation, id: &str) -> Vec<Arc<ThreadEntry>> {
        let relations = match relation {
            Relation::Spawn => &self.children,
            Relation::Fork => &self.forks,
        };
        let slots = relations.get(id).into_iter().flatten();
        let mut entries: Vec<_> = slots.filter_map(|slot| self.entry(*slot).cloned()).collect();
        entries.sort_by(|one, other| one.id.cmp(&other.id));
        entries
    }
}

/// How threads come from one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Relation {
    /// A thread spawned the other as its agent.
    #[default]
    Spawn,
    /// The other goes on from a part of the thread's history.
    Fork,
}

/// A thread's place in an order.
pub(super) fn rank(time: ThreadTime, entry: &ThreadEntry) -> Rank {
    (time.of(entry), entry.id.clone())
}
