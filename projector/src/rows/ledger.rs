//! The token ledger, packed many entries to a row. A row begins with the sums of what stands
//! before it.

use std::sync::Arc;

use redb::Table;
use rollfold_core::Span;
use rollfold_core::model::{Ownership, Tokens, UsageEntry, UsageReset, UsageSource};

use crate::error::{CorruptProblem, StoreError};
use crate::rows::blocks::BlockWriter;
use crate::rows::codec::{self, RowAt};
use crate::rows::varint::{Reader, put_bytes, put_number, put_signed};
use crate::schema::{BlockKey, Bytes};

/// Sums of the entries before a place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UsageTotals {
    /// Entries.
    pub entries: u64,
    /// What the thread used itself.
    pub own: Tokens,
    /// What the entries copied from another thread tell.
    pub inherited: Tokens,
}

impl UsageTotals {
    pub(crate) fn pass(&mut self, entry: &UsageEntry) {
        self.entries += 1;
        let sum = match entry.ownership {
            Ownership::Own => &mut self.own,
            Ownership::Inherited => &mut self.inherited,
        };
        *sum = sum.plus(entry.delta);
    }
}

/// Writes the ledger of one thread after the other.
#[derive(Debug)]
pub(crate) struct LedgerWriter<'t> {
    blocks: BlockWriter<'t>,
    before: UsageTotals,
    /// The newest entry in the row that grows.
    newest: Option<Arc<UsageEntry>>,
    entry: Vec<u8>,
}

impl<'t> LedgerWriter<'t> {
    /// A writer that has not yet been told of which thread.
    pub(crate) fn new(table: Table<'t, BlockKey, Bytes>) -> Self {
        let blocks = BlockWriter::new(table);
        Self { blocks, before: UsageTotals::default(), newest: None, entry: Vec::new() }
    }

    /// Goes on with a thread's ledger. What was held back of another must be finished.
    pub(crate) fn turn_to(&mut self, thread: u32) -> Result<(), StoreError> {
        self.blocks.turn_to(thread)?;
        (self.before, self.newest) = (UsageTotals::default(), None);
        if let Some((first, row)) = self.blocks.tail() {
            let mut entries = EntriesIn::read(row, (thread, first))?;
            for entry in entries.by_ref() {
                self.newest = Some(Arc::new(entry?));
            }
            self.before = entries.before;
        }
        Ok(())
    }

    /// Adds an entry.
    pub(crate) fn push(&mut self, entry: &Arc<UsageEntry>) -> Result<(), StoreError> {
        let at = RowAt { table: "usage", key: entry.number };
        if entry.number != self.before.entries {
            return Err(at.corrupt(CorruptProblem::Missing));
        }
        let Self { blocks, before, newest, entry: packed } = self;
        put_entry(packed, entry, newest.as_deref());
        if !blocks.has_room(packed.len()) {
            let row = blocks.begin(entry.number)?;
            put_tokens(row, before.own);
            put_tokens(row, before.inherited);
            // What begins a row speaks of nothing before it.
            put_entry(packed, entry, None);
        }
        blocks.append(packed);
        self.newest = Some(entry.clone());
        self.before.pass(entry);
        Ok(())
    }

    pub(crate) fn finish(&mut self) -> Result<(), StoreError> {
        self.blocks.finish()
    }
}

// An entry is one byte of marks, one more, and what the marks announce.
const IS_RECORD: u8 = 1;
const HAS_TURN: u8 = 1 << 1;
const SAME_TURN: u8 = 1 << 2;
const HAS_TOTAL: u8 = 1 << 3;
const HAS_LAST: u8 = 1 << 4;
const ADDS_LAST: u8 = 1 << 5;
const IS_INHERITED: u8 = 1 << 6;
const HAS_CONTEXT: u8 = 1 << 7;

const RESETS: [Option<UsageReset>; 4] =
    [None, Some(UsageReset::Compaction), Some(UsageReset::Ancestor), Some(UsageReset::OwnRecords)];

fn put_tokens(to: &mut Vec<u8>, tokens: Tokens) {
    let Tokens { input, cached_input, cache_write_input, output, reasoning_output, total } = tokens;
    for count in [input, cached_input, cache_write_input, output, reasoning_output, total] {
        put_signed(to, count);
    }
}

fn read_tokens(from: &mut Reader<'_>) -> Option<Tokens> {
    Some(Tokens {
        input: from.signed()?,
        cached_input: from.signed()?,
        cache_write_input: from.signed()?,
        output: from.signed()?,
        reasoning_output: from.signed()?,
        total: from.signed()?,
    })
}

fn put_entry(to: &mut Vec<u8>, entry: &UsageEntry, before: Option<&UsageEntry>) {
    let mut marks = 0;
    let mut mark = |is_set: bool, mark: u8| {
        if is_set {
            marks |= mark;
        }
        is_set
    };
    let same_turn = before.is_some_and(|before| before.turn_id == entry.turn_id);
    mark(entry.source == UsageSource::UsageRecord, IS_RECORD);
    mark(entry.turn_id.is_some(), HAS_TURN);
    mark(same_turn, SAME_TURN);
    mark(entry.total.is_some(), HAS_TOTAL);
    mark(entry.last.is_some(), HAS_LAST);
    let adds_last = mark(entry.last == Some(entry.delta), ADDS_LAST);
    mark(entry.ownership == Ownership::Inherited, IS_INHERITED);
    mark(entry.model_context_window.is_some(), HAS_CONTEXT);
    to.clear();
    to.push(marks);
    let reset = RESETS.iter().position(|reset| *reset == entry.reset);
    put_number(to, reset.unwrap_or(0) as u64);
    put_number(to, entry.seq);
    put_number(to, entry.span.offset_bytes);
    put_number(to, entry.span.len_bytes);
    put_number(to, entry.window);
    put_number(to, entry.segment.into());
    if let Some(turn_id) = entry.turn_id.as_ref().filter(|_| !same_turn) {
        put_bytes(to, turn_id.as_bytes());
    }
    let delta = Some(entry.delta).filter(|_| !adds_last);
    for tokens in [entry.total, entry.last, delta].into_iter().flatten() {
        put_tokens(to, tokens);
    }
    if let Some(context) = entry.model_context_window {
        put_signed(to, context);
    }
}

fn read_entry(
    from: &mut Reader<'_>,
    number: u64,
    before: Option<&UsageEntry>,
) -> Option<UsageEntry> {
    let marks = from.byte()?;
    let has = |mark| marks & mark != 0;
    let reset = *RESETS.get(from.small::<usize>()?)?;
    let seq = from.number()?;
    let span = Span::new(from.number()?, from.number()?);
    let (window, segment) = (from.number()?, from.small()?);
    let turn_id = match (has(SAME_TURN), has(HAS_TURN)) {
        (true, _) => before?.turn_id.clone(),
        (false, true) => Some(from.text()?.into()),
        (false, false) => None,
    };
    let total = if has(HAS_TOTAL) { Some(read_tokens(from)?) } else { None };
    let last = if has(HAS_LAST) { Some(read_tokens(from)?) } else { None };
    let delta = if has(ADDS_LAST) { last? } else { read_tokens(from)? };
    let model_context_window = if has(HAS_CONTEXT) { Some(from.signed()?) } else { None };
    Some(UsageEntry {
        number,
        seq,
        span,
        source: if has(IS_RECORD) { UsageSource::UsageRecord } else { UsageSource::TokenCount },
        turn_id,
        window,
        total,
        last,
        delta,
        ownership: if has(IS_INHERITED) { Ownership::Inherited } else { Ownership::Own },
        segment,
        reset,
        model_context_window,
    })
}

/// The entries of one row, in order.
#[derive(Debug)]
pub(crate) struct EntriesIn<'r> {
    /// The sums of what stands before the next entry.
    pub(crate) before: UsageTotals,
    newest: Option<UsageEntry>,
    from: Reader<'r>,
    at: RowAt<BlockKey>,
}

impl<'r> EntriesIn<'r> {
    pub(crate) fn read(row: &'r [u8], key: BlockKey) -> Result<Self, StoreError> {
        let at = RowAt { table: "usage", key };
        let mut from = Reader::new(codec::body(row, codec::ENCODING, &at)?);
        let mut before = || {
            let (own, inherited) = (read_tokens(&mut from)?, read_tokens(&mut from)?);
            Some(UsageTotals { entries: key.1, own, inherited })
        };
        let before = before().ok_or_else(|| at.corrupt(CorruptProblem::Packing))?;
        Ok(Self { before, newest: None, from, at })
    }
}

impl Iterator for EntriesIn<'_> {
    type Item = Result<UsageEntry, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.from.is_at_end() {
            return None;
        }
        let entry = read_entry(&mut self.from, self.before.entries, self.newest.as_ref());
        if let Some(entry) = &entry {
            self.before.pass(entry);
            self.newest = Some(entry.clone());
        } else {
            self.from = Reader::new(&[]);
        }
        Some(entry.ok_or_else(|| self.at.corrupt(CorruptProblem::Packing)))
    }
}
