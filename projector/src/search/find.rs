//! Finding: candidates from the index, the newest first, each looked at in its rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata};
use rollfold_core::model::{ThreadItem, TurnHead};
use rollfold_core::{ItemNo, Span, TurnNo};

use super::cursor::{Anchor, digest_of};
use super::docs::{Doc, DocRow};
use super::index::time_of;
use super::matches::Folded;
use super::query::{Entry, Term, parse};
use super::segment;
use super::snippet::{Place, Snippet, snippet};
use super::terms::{docs_of, docs_of_prefix};
use super::texts::{TextKind, TextKinds, each_text};
use super::threads::{Due, Indexed, is_newest};
use crate::error::{CorruptProblem, SearchError, StoreError};
use crate::page::ItemAt;
use crate::rows::codec::RowAt;
use crate::schema::{self, BlockKey, Bytes, SearchTermKey};
use crate::store::Store;
use crate::view::View;

/// Places of one term in one text that are looked for.
const PLACES_MAX: usize = 64;

/// Logs that are named as being behind.
const BEHIND_NAMED_MAX: usize = 100;

/// What to search for, and where.
#[derive(Debug, Clone, Copy)]
pub struct SearchRequest<'r> {
    /// Words; `"phrases"`; `beginnings*`. An item must have them all.
    pub query: &'r str,
    /// Only in these logs, by key; none for all.
    pub threads: Option<&'r [&'r str]>,
    /// Only in texts of these kinds.
    pub kinds: TextKinds,
    /// Hits of a page; at least one.
    pub limit: usize,
    /// The cursor of the page before; none for the first.
    pub cursor: Option<&'r str>,
    /// Items that are read for one page, at most: a page that ends for that has a cursor, and
    /// perhaps no hit. None for no bound.
    pub items_max: Option<u64>,
}

impl<'r> SearchRequest<'r> {
    /// A request for the first page of all that is not injected.
    #[must_use]
    pub fn new(query: &'r str) -> Self {
        let kinds = TextKinds::default();
        Self { query, threads: None, kinds, limit: 20, cursor: None, items_max: None }
    }
}

/// Part of what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPage {
    /// The hits: those of the newest turns first, within a turn the last item first.
    pub hits: Vec<Hit>,
    /// Goes on behind the last hit; none if there is no more.
    pub next_cursor: Option<String>,
    /// Logs of which the newest lines were not searched.
    pub behind: Behind,
    /// Items that were read.
    pub items_read: u64,
}

/// Logs that the index does not have up to their end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Behind {
    /// How many, among those that were asked for.
    pub len: u64,
    /// The keys of some: all if they are few.
    pub keys: Vec<String>,
}

/// An item that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The log's key.
    pub key: Arc<str>,
    /// Which generation of the log.
    pub generation: u32,
    /// Which item.
    pub at: ItemAt,
    /// Its turn's id.
    pub turn_id: Arc<str>,
    /// When its turn began, in Unix seconds; none if the log does not say.
    pub started_at: Option<i64>,
    /// The line that made the item what it is.
    pub seq: u64,
    /// That line's bytes.
    pub span: Span,
    /// The item.
    pub item: Arc<ThreadItem>,
    /// What kind of text the snippet is of.
    pub kind: TextKind,
    /// The text around what was found.
    pub snippet: Snippet,
}

impl Store {
    /// Searches what every thread says now, in the newest generation of its log.
    ///
    /// Hits come in a total order that no sync changes: the newest turn first, by when it began,
    /// then by thread, turn and item. A page goes on behind the hit that its cursor names, whatever
    /// was added meanwhile.
    ///
    /// # Errors
    /// When there is nothing to look for, when the cursor is not good for this search, or when the
    /// store cannot be read.
    pub fn search(&self, request: &SearchRequest<'_>) -> Result<SearchPage, SearchError> {
        let terms = parse(request.query);
        if terms.is_empty() {
            return Err(SearchError::Nothing { query: request.query.to_owned() });
        }
        let digest = digest_of(request);
        let anchor = request.cursor.map(|cursor| Anchor::parse(cursor, digest)).transpose()?;
        let read = self.begin_read()?;
        let mut search = Search::open(&read, request, &terms, anchor)?;
        let mut candidates = Candidates::open(&read, &terms)?;
        while let Some(turn) = candidates.next(&search)? {
            if !search.turn(&turn)? {
                break;
            }
        }
        let next_cursor = search.next.map(|anchor| anchor.text(digest));
        let behind = behind(&read, &search)?;
        Ok(SearchPage { hits: search.hits, next_cursor, behind, items_read: search.items_read })
    }
}

fn behind(read: &ReadTransaction, search: &Search<'_>) -> Result<Behind, StoreError> {
    let due = read.open_table(schema::SEARCH_DUE)?;
    let mut behind = Behind::default();
    match &search.wanted {
        None => {
            behind.len = due.len()?;
            for row in due.iter()?.take(BEHIND_NAMED_MAX) {
                let (thread, row) = row?;
                behind.keys.push(Due::read(thread.value(), row.value())?.key);
            }
        }
        Some(wanted) => {
            for thread in wanted {
                let Some(row) = due.get(*thread)? else { continue };
                behind.len += 1;
                if behind.keys.len() < BEHIND_NAMED_MAX {
                    behind.keys.push(Due::read(*thread, row.value())?.key);
                }
            }
        }
    }
    Ok(behind)
}

/// Candidates of one turn.
struct TurnDocs {
    time: i64,
    thread: u32,
    turn: u32,
    /// First and last items of documents.
    items: Vec<(u32, u32)>,
}

/// Documents that may have all that is asked for, the newest first.
struct Candidates {
    docs: ReadOnlyTable<BlockKey, Bytes>,
    segments: Vec<InSegment>,
}

/// Candidates of one segment.
struct InSegment {
    segment: u32,
    /// Those that are left; the next one is the last.
    docs: Vec<u32>,
    row: DocRow,
    next: Option<Doc>,
}

impl Candidates {
    fn open(read: &ReadTransaction, terms: &[Term]) -> Result<Self, StoreError> {
        let table = read.open_table(schema::SEARCH_TERMS)?;
        let docs = read.open_table(schema::SEARCH_DOCS)?;
        let entries: BTreeSet<&Entry> = terms.iter().flat_map(|term| &term.entries).collect();
        let mut candidates = Self { docs, segments: Vec::new() };
        for segment in segment::all(&read.open_table(schema::SEARCH_SEGMENTS)?)? {
            let number = segment.number;
            let docs = match matching(&table, number, &entries)? {
                Some(docs) => docs,
                // Nothing that the index knows: every document may do.
                None => (0..u32::try_from(segment.len_docs).unwrap_or(u32::MAX)).collect(),
            };
            let row = DocRow::default();
            let mut in_segment = InSegment { segment: number, docs, row, next: None };
            in_segment.advance(&candidates.docs)?;
            candidates.segments.push(in_segment);
        }
        Ok(candidates)
    }

    /// The documents of the next turn that the search may want.
    fn next(&mut self, search: &Search<'_>) -> Result<Option<TurnDocs>, StoreError> {
        loop {
            let next = self.segments.iter().filter_map(|segment| segment.next).max_by_key(turn_of);
            let Some(first) = next else { return Ok(None) };
            let (time, thread, turn) = turn_of(&first);
            let mut docs = TurnDocs { time, thread, turn, items: Vec::new() };
            for segment in &mut self.segments {
                while let Some(doc) = segment.next.filter(|doc| doc.is_beside(&first)) {
                    if doc.kinds.0 & search.request.kinds.0 != 0 {
                        docs.items.push((doc.first_item, doc.last_item));
                    }
                    segment.advance(&self.docs)?;
                }
            }
            if !docs.items.is_empty() && search.may_want(&docs) {
                return Ok(Some(docs));
            }
        }
    }
}

fn turn_of(doc: &Doc) -> (i64, u32, u32) {
    (doc.time, doc.thread, doc.turn)
}

impl InSegment {
    fn advance(&mut self, table: &ReadOnlyTable<BlockKey, Bytes>) -> Result<(), StoreError> {
        self.next = None;
        let Some(number) = self.docs.pop() else { return Ok(()) };
        if self.row.get(number).is_none() {
            self.row = DocRow::with(table, self.segment, number)?;
        }
        let doc = self.row.get(number).copied();
        let missing = || super::docs::at(self.segment, number);
        let doc = doc.ok_or_else(|| missing().corrupt(CorruptProblem::Contradiction))?;
        self.next = Some(doc);
        Ok(())
    }
}

/// The documents of a segment that have every entry; `None` if there is none to have.
fn matching(
    table: &ReadOnlyTable<SearchTermKey, Bytes>,
    segment: u32,
    entries: &BTreeSet<&Entry>,
) -> Result<Option<Vec<u32>>, StoreError> {
    let mut all: Option<Vec<u32>> = None;
    for entry in entries {
        let mut docs = Vec::new();
        if entry.is_prefix {
            docs_of_prefix(table, segment, &entry.bytes, &mut docs)?;
            docs.sort_unstable();
            docs.dedup();
        } else {
            docs_of(table, segment, &entry.bytes, &mut docs)?;
        }
        let both = match all {
            None => docs,
            Some(mut before) => {
                let mut docs = docs.into_iter().peekable();
                before.retain(|doc| {
                    while docs.next_if(|next| next < doc).is_some() {}
                    docs.peek() == Some(doc)
                });
                before
            }
        };
        if both.is_empty() {
            return Ok(Some(both));
        }
        all = Some(both);
    }
    Ok(all)
}

/// A thread in which candidates are.
struct Thread {
    key: Arc<str>,
    indexed: Indexed,
    view: View,
}

/// Looks at candidates.
struct Search<'r> {
    request: &'r SearchRequest<'r>,
    terms: &'r [Term],
    anchor: Option<Anchor>,
    /// The threads asked for; none for all.
    wanted: Option<BTreeSet<u32>>,
    view: View,
    indexed: ReadOnlyTable<u32, Bytes>,
    numbers: ReadOnlyTable<schema::ThreadKey, u32>,
    /// None if the thread is not to be searched.
    threads: BTreeMap<u32, Option<Thread>>,
    folded: Folded,
    hits: Vec<Hit>,
    items_read: u64,
    newest_read: Option<Anchor>,
    newest_hit: Option<Anchor>,
    next: Option<Anchor>,
}

impl<'r> Search<'r> {
    fn open(
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

    fn may_want(&self, docs: &TurnDocs) -> bool {
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
    fn turn(&mut self, docs: &TurnDocs) -> Result<bool, StoreError> {
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
