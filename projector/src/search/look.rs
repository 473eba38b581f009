//! Looking at candidates: what the index only promises, rows must hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use redb::{ReadOnlyTable, ReadTransaction};
use rollfold_core::model::{ThreadItem, TurnHead};
use rollfold_core::{ItemNo, TurnNo};

use super::candidates::TurnDocs;
use super::cursor::Anchor;
use super::find::{Hit, SearchRequest};
use super::items::time_of;
use super::matches::Folded;
use super::query::Term;
use super::snippet::{Place, Snippet, snippet};
use super::texts::{TextKind, TextKinds, each_text};
use super::threads::{Indexed, is_newest};
use crate::error::{CorruptProblem, StoreError};
use crate::page::ItemAt;
use crate::rows::codec::RowAt;
use crate::schema::{self, Bytes};
use crate::view::View;

/// Places of one term in one text that are looked for.
const PLACES_MAX: usize = 64;

/// A thread in which candidates are.
struct Thread {
    key: Arc<str>,
    indexed: Indexed,
    view: View,
}

/// Looks at candidates.
pub(super) struct Search<'r> {
    request: &'r SearchRequest<'r>,
    terms: &'r [Term],
    anchor: Option<Anchor>,
    /// The threads asked for; none for all.
    pub(super) wanted: Option<BTreeSet<u32>>,
    view: View,
    indexed: ReadOnlyTable<u32, Bytes>,
    numbers: ReadOnlyTable<schema::ThreadKey, u32>,
    /// None if the thread is not to be searched.
    threads: BTreeMap<u32, Option<Thread>>,
    folded: Folded,
    pub(super) hits: Vec<Hit>,
    pub(super) items_read: u64,
    newest_read: Option<Anchor>,
    newest_hit: Option<Anchor>,
    pub(super) next: Option<Anchor>,
}

impl<'r> Search<'r> {
    pub(super) fn open(
        read: &ReadTransaction,
        request: &'r SearchRequest<'r>,
        terms: &'r [Term],
        anchor: Option<Anchor>,
    ) -> Result<Self, StoreError> {
        let numbers = read.open_table(schema::THREADS)?;
        let mut wanted = request.threads.map(|_| BTreeSet::new());
        for key in request.threads.unwrap_or_default() {
            let key = key.as_bytes();
            let newest = numbers.range((key, 0)..=(key, u32::MAX))?.next_back().transpose()?;
            if let (Some(wanted), Some((_, thread))) = (&mut wanted, newest) {
                wanted.insert(thread.value());
            }
        }
        Ok(Self {
            request,
            terms,
            anchor,
            wanted,
            view: View::open(read, 0)?,
            indexed: read.open_table(schema::SEARCH_THREADS)?,
            numbers,
            threads: BTreeMap::new(),
            folded: Folded::default(),
            hits: Vec::new(),
            items_read: 0,
            newest_read: None,
            newest_hit: None,
            next: None,
        })
    }

    pub(super) fn may_want(&self, docs: &TurnDocs) -> bool {
        let turn = (docs.time, docs.thread, docs.turn);
        self.wanted.as_ref().is_none_or(|wanted| wanted.contains(&docs.thread))
            && self.anchor.is_none_or(|anchor| turn <= anchor.turn())
    }

    fn open_thread(&mut self, thread: u32) -> Result<(), StoreError> {
        if self.threads.contains_key(&thread) {
            return Ok(());
        }
        let row = self.indexed.get(thread)?;
        let indexed = row.map(|row| Indexed::read(thread, row.value())).transpose()?;
        let indexed = match indexed {
            Some(indexed) if is_newest(&self.numbers, &indexed.key, thread)? => Some(indexed),
            _ => None,
        };
        let view = self.view.of_thread(thread);
        let thread_of = |indexed: Indexed| Thread { key: (*indexed.key).into(), indexed, view };
        self.threads.insert(thread, indexed.map(thread_of));
        Ok(())
    }

    /// Looks at the candidates of a turn; false if the page ends there.
    pub(super) fn turn(&mut self, docs: &TurnDocs) -> Result<bool, StoreError> {
        self.open_thread(docs.thread)?;
        let Some(Some(thread)) = self.threads.get(&docs.thread) else { return Ok(true) };
        let Some(head) = thread.view.turn_now(docs.turn)? else { return Ok(true) };
        // What was indexed at another time is indexed at this one, too.
        if time_of(&head, &thread.indexed) != docs.time {
            return Ok(true);
        }
        let turn = (docs.time, docs.thread, docs.turn);
        let before = self.anchor.filter(|anchor| anchor.turn() == turn);
        let mut end = before.map_or(u64::from(u32::MAX) + 1, |anchor| anchor.item.into());
        let mut ranges = docs.items.clone();
        ranges.sort_unstable_by_key(|(_, last)| std::cmp::Reverse(*last));
        for (first, last) in ranges {
            // Ranges overlap; what was looked at is not looked at again.
            while end > u64::from(first) {
                let number = (u64::from(last) + 1).min(end) - 1;
                let Some(item) = u32::try_from(number).ok().filter(|item| *item >= first) else {
                    break;
                };
                end = number;
                let anchor = Anchor { time: docs.time, thread: docs.thread, turn: docs.turn, item };
                if !self.item(anchor, &head)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Looks at an item; false if the page ends before it.
    fn item(&mut self, at: Anchor, head: &TurnHead) -> Result<bool, StoreError> {
        let Some(Some(thread)) = self.threads.get(&at.thread) else { return Ok(true) };
        let Some(version) = thread.view.item(at.turn, at.item)?.filter(|item| !item.is_gone())
        else {
            return Ok(true);
        };
        if self.request.items_max.is_some_and(|max| self.items_read >= max.max(1)) {
            self.next = self.newest_read;
            return Ok(false);
        }
        let Some(value) = thread.view.body(at.turn, at.item, &version)? else { return Ok(true) };
        self.items_read += 1;
        if let Some((kind, snippet)) =
            look(&value, self.request.kinds, self.terms, &mut self.folded)
        {
            // One more than the page holds says that it is not the last.
            if self.hits.len() >= self.request.limit.max(1) {
                self.next = self.newest_hit;
                return Ok(false);
            }
            let line = thread.view.line(version.seq)?;
            let missing = || RowAt { table: "lines", key: (at.thread, version.seq) };
            let line = line.ok_or_else(|| missing().corrupt(CorruptProblem::Missing))?;
            self.hits.push(Hit {
                key: thread.key.clone(),
                generation: thread.indexed.generation,
                at: ItemAt { turn: TurnNo(at.turn), item: ItemNo(at.item) },
                turn_id: head.id.clone(),
                started_at: head.started_at,
                seq: version.seq,
                span: line.span,
                item: Arc::new(value),
                kind,
                snippet,
            });
            self.newest_hit = Some(at);
        }
        self.newest_read = Some(at);
        Ok(true)
    }
}

/// What of an item was found; none if it lacks a term.
fn look(
    item: &ThreadItem,
    kinds: TextKinds,
    terms: &[Term],
    folded: &mut Folded,
) -> Option<(TextKind, Snippet)> {
    let mut found = BTreeSet::new();
    // The first of the texts that have most terms.
    let (mut best, mut best_text, mut number) = (0, 0, 0);
    each_text(item, |kind, text| {
        if !kinds.has(kind) {
            return;
        }
        folded.set(text);
        let is_in = |(_, term): &(usize, &Term)| folded.places(text, term).next().is_some();
        let here: Vec<usize> =
            terms.iter().enumerate().filter(is_in).map(|(number, _)| number).collect();
        if here.len() > best {
            (best, best_text) = (here.len(), number);
        }
        found.extend(here);
        number += 1;
    });
    if found.len() < terms.len() {
        return None;
    }
    let (mut shown, mut number) = (None, 0);
    each_text(item, |kind, text| {
        if !kinds.has(kind) {
            return;
        }
        if number == best_text {
            folded.set(text);
            let mut places = Vec::new();
            for (term_no, term) in terms.iter().enumerate() {
                let all = folded.places(text, term).take(PLACES_MAX);
                places.extend(all.map(|at| Place { at, term: term_no }));
            }
            places.sort_unstable_by_key(|place| (place.at.start, place.at.end));
            shown = Some((kind, snippet(text, &places)));
        }
        number += 1;
    });
    shown
}
