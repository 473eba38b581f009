//! Words of documents, gathered in memory until there are enough for a segment.

use std::collections::HashMap;

use redb::WriteTransaction;
use rollfold_core::model::ThreadItem;

use super::docs::{DOC_BYTES, Doc};
use super::segment::{self, Segment};
use super::texts::{TextKinds, each_text};
use super::words::each_word;
use crate::error::StoreError;

/// What a word takes beside its bytes, more or less.
const TERM_BYTES: usize = 64;

/// Gathers words.
#[derive(Debug, Default)]
pub(super) struct Builder {
    /// The hash is keyed: who writes a log cannot choose words that make this slow.
    terms: HashMap<Box<[u8]>, Term>,
    term_bytes: usize,
    /// Words and the documents that they are in.
    postings: Vec<(u32, u32)>,
    docs: Vec<Doc>,
    /// Bytes of text taken in.
    pub(super) text_bytes: u64,
}

#[derive(Debug)]
struct Term {
    number: u32,
    newest_doc: u32,
}

/// Where an item is, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) time: i64,
    pub(super) thread: u32,
    pub(super) turn: u32,
    pub(super) item: u32,
}

impl Builder {
    pub(super) fn is_empty(&self) -> bool {
        self.docs.is_empty()
    }

    /// Documents gathered so far.
    pub(super) fn len_docs(&self) -> u64 {
        self.docs.len() as u64
    }

    /// Memory that is taken, more or less.
    pub(super) fn len_bytes(&self) -> usize {
        self.term_bytes
            + self.postings.len() * size_of::<(u32, u32)>()
            + self.docs.len() * size_of::<Doc>()
    }

    /// Takes in an item; nothing if it has no text.
    pub(super) fn push(&mut self, place: Place, item: &ThreadItem) {
        let mut is_new = true;
        each_text(item, |kind, text| {
            if std::mem::take(&mut is_new) {
                self.begin(place);
            }
            if let Some(doc) = self.docs.last_mut() {
                doc.kinds = doc.kinds.with(kind);
                let text_bytes = u32::try_from(text.len()).unwrap_or(u32::MAX);
                doc.text_bytes = doc.text_bytes.saturating_add(text_bytes);
            }
            self.text_bytes += text.len() as u64;
            each_word(text, |word| self.push_word(word));
        });
    }

    /// Begins a document with an item, unless the last one has room for it.
    fn begin(&mut self, place: Place) {
        let Place { time, thread, turn, item } = place;
        let (kinds, text_bytes) = (TextKinds::NONE, 0);
        let doc = Doc { time, thread, turn, first_item: item, last_item: item, kinds, text_bytes };
        match self.docs.last_mut() {
            Some(last) if last.is_beside(&doc) && last.text_bytes < DOC_BYTES => {
                last.first_item = last.first_item.min(item);
                last.last_item = last.last_item.max(item);
            }
            _ => self.docs.push(doc),
        }
    }

    fn push_word(&mut self, word: &[u8]) {
        let doc = self.docs.len() as u32;
        let number = match self.terms.get_mut(word) {
            Some(term) if term.newest_doc == doc => return,
            Some(term) => {
                term.newest_doc = doc;
                term.number
            }
            None => {
                let number = self.terms.len() as u32;
                self.terms.insert(word.into(), Term { number, newest_doc: doc });
                self.term_bytes += word.len() + TERM_BYTES;
                number
            }
        };
        self.postings.push((number, doc - 1));
    }

    /// Writes all as a segment; nothing is left here.
    pub(super) fn write(&mut self, write: &WriteTransaction) -> Result<Segment, StoreError> {
        let Self { terms, postings, docs, .. } = std::mem::take(self);
        let mut order: Vec<u32> = (0..docs.len() as u32).collect();
        let doc = |number: u32| docs.get(number as usize).map(Doc::order);
        order.sort_by_key(|number| doc(*number));
        let mut numbers = vec![0; docs.len()];
        for (number, old) in (0..).zip(&order) {
            if let Some(slot) = numbers.get_mut(*old as usize) {
                *slot = number;
            }
        }
        let sorted: Vec<Doc> =
            order.iter().filter_map(|old| docs.get(*old as usize).copied()).collect();
        let mut lists = Lists::new(terms.len(), &postings, &numbers);
        drop(postings);
        let mut terms: Vec<(Box<[u8]>, u32)> =
            terms.into_iter().map(|(word, term)| (word, term.number)).collect();
        terms.sort_unstable();
        segment::write(write, &sorted, |writer| {
            terms.iter().try_for_each(|(word, number)| writer.push(word, lists.of(*number)))
        })
    }
}

/// The documents of each word, one list behind the other.
struct Lists {
    ends: Vec<usize>,
    docs: Vec<u32>,
}

impl Lists {
    fn new(len_terms: usize, postings: &[(u32, u32)], numbers: &[u32]) -> Self {
        let mut starts = vec![0; len_terms + 1];
        for (term, _) in postings {
            if let Some(len) = starts.get_mut(*term as usize + 1) {
                *len += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        // Each start moves to the end of its list while the list is filled.
        let mut docs = vec![0; postings.len()];
        for (term, doc) in postings {
            if let Some(at) = starts.get_mut(*term as usize)
                && let Some(slot) = docs.get_mut(*at)
            {
                *slot = numbers.get(*doc as usize).copied().unwrap_or_default();
                *at += 1;
            }
        }
        Self { ends: starts, docs }
    }

    fn of(&mut self, term: u32) -> &[u32] {
        let end_of = |term: usize| self.ends.get(term).copied().unwrap_or_default();
        let term = term as usize;
        let start = term.checked_sub(1).map_or(0, end_of);
        let list = self.docs.get_mut(start..end_of(term)).unwrap_or_default();
        list.sort_unstable();
        list
    }
}
