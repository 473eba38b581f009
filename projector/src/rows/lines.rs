//! The index of lines: where each is, what records are on it, what it changed. Both the record
//! index and the change index, packed many lines to a row.
//!
//! A row begins with what stands before it: offset, record index, entries of the ledger. Each line
//! follows as its length, its records and its changes. A change is kept as the name of what it
//! changed; what it made of it is the version that the line wrote. Only of something that one line
//! changes more than once, all but the last change stand here as a whole.

use std::collections::BTreeSet;

use redb::Table;
use rollfold_core::{
    Change, ItemFlags, ItemNo, Kind, RecordClass, RecordEntry, Span, Step, TurnNo,
};

use crate::error::{CorruptProblem, StoreError};
use crate::rows::blocks::BlockWriter;
use crate::rows::codec::{self, RowAt};
use crate::rows::varint::{Reader, put_bytes, put_number};
use crate::schema::{BlockKey, Bytes};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineRow {
    pub(crate) seq: u64,
    pub(crate) span: Span,
    pub(crate) records: Vec<RecordEntry>,
    pub(crate) changes: Vec<Changed>,
}

/// What a line changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Changed {
    TurnPut(TurnNo),
    TurnRemoved(TurnNo),
    ItemPut(TurnNo, ItemNo),
    ItemRemoved(TurnNo, ItemNo),
    Fact(u8),
    Inheritance,
    World,
    Window(u64),
    Usage(u64),
    /// A change that the same line made undone or replaced.
    Replaced(Box<Change>),
}

/// What can have versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Thing {
    Turn(TurnNo),
    Item(TurnNo, ItemNo),
    Fact(u8),
    Inheritance,
    World,
    Window(u64),
    Usage(u64),
}

impl Thing {
    fn of(change: &Change) -> Self {
        match change {
            Change::TurnPut { turn, .. } | Change::TurnRemoved { turn, .. } => Self::Turn(*turn),
            Change::ItemPut { turn, item, .. } | Change::ItemRemoved { turn, item, .. } => {
                Self::Item(*turn, *item)
            }
            Change::Thread(fact) => Self::Fact(fact.number()),
            Change::Inheritance(_) => Self::Inheritance,
            Change::World(_) => Self::World,
            Change::Window(window) => Self::Window(window.number),
            Change::Usage(entry) => Self::Usage(entry.number),
        }
    }
}

impl Changed {
    /// What was changed.
    pub(crate) fn thing(&self) -> Thing {
        match self {
            Self::TurnPut(turn) | Self::TurnRemoved(turn) => Thing::Turn(*turn),
            Self::ItemPut(turn, item) | Self::ItemRemoved(turn, item) => Thing::Item(*turn, *item),
            Self::Fact(number) => Thing::Fact(*number),
            Self::Inheritance => Thing::Inheritance,
            Self::World => Thing::World,
            Self::Window(number) => Thing::Window(*number),
            Self::Usage(number) => Thing::Usage(*number),
            Self::Replaced(change) => Thing::of(change),
        }
    }

    fn of(change: &Change) -> Self {
        match change {
            Change::TurnPut { turn, .. } => Self::TurnPut(*turn),
            Change::TurnRemoved { turn, .. } => Self::TurnRemoved(*turn),
            Change::ItemPut { turn, item, .. } => Self::ItemPut(*turn, *item),
            Change::ItemRemoved { turn, item, .. } => Self::ItemRemoved(*turn, *item),
            Change::Thread(fact) => Self::Fact(fact.number()),
            Change::Inheritance(_) => Self::Inheritance,
            Change::World(_) => Self::World,
            Change::Window(window) => Self::Window(window.number),
            Change::Usage(entry) => Self::Usage(entry.number),
        }
    }

    /// The changes of one line, as they are kept.
    fn all_of(changes: &[Change]) -> Vec<Self> {
        if let [change] = changes {
            return vec![Self::of(change)];
        }
        let mut changed_once = BTreeSet::new();
        let mut changed_again = BTreeSet::new();
        for thing in changes.iter().map(Thing::of) {
            if !changed_once.insert(thing) {
                changed_again.insert(thing);
            }
        }
        let mut last = BTreeSet::new();
        let mut all: Vec<Self> = changes
            .iter()
            .rev()
            .map(|change| {
                let thing = Thing::of(change);
                // What came and went on one line has no version that tells its id.
                let is_removal =
                    matches!(change, Change::TurnRemoved { .. } | Change::ItemRemoved { .. });
                let is_kept = last.insert(thing) && !(is_removal && changed_again.contains(&thing));
                if is_kept { Self::of(change) } else { Self::Replaced(Box::new(change.clone())) }
            })
            .collect();
        all.reverse();
        all
    }

    fn put(&self, to: &mut Vec<u8>) -> Result<(), StoreError> {
        let mut put = |tag: u8, numbers: &[u64]| {
            to.push(tag);
            numbers.iter().for_each(|number| put_number(to, *number));
        };
        match self {
            Self::TurnPut(turn) => put(0, &[turn.0.into()]),
            Self::TurnRemoved(turn) => put(1, &[turn.0.into()]),
            Self::ItemPut(turn, item) => put(2, &[turn.0.into(), item.0.into()]),
            Self::ItemRemoved(turn, item) => put(3, &[turn.0.into(), item.0.into()]),
            Self::Fact(number) => put(4, &[(*number).into()]),
            Self::Inheritance => put(5, &[]),
            Self::World => put(6, &[]),
            Self::Window(number) => put(7, &[*number]),
            Self::Usage(number) => put(8, &[*number]),
            Self::Replaced(change) => {
                to.push(9);
                put_json(to, change)?;
            }
        }
        Ok(())
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let turn = |from: &mut Reader<'_>| from.small().map(TurnNo);
        let item = |from: &mut Reader<'_>| from.small().map(ItemNo);
        Some(match from.byte()? {
            0 => Self::TurnPut(turn(from)?),
            1 => Self::TurnRemoved(turn(from)?),
            2 => Self::ItemPut(turn(from)?, item(from)?),
            3 => Self::ItemRemoved(turn(from)?, item(from)?),
            4 => Self::Fact(from.small()?),
            5 => Self::Inheritance,
            6 => Self::World,
            7 => Self::Window(from.number()?),
            8 => Self::Usage(from.number()?),
            9 => Self::Replaced(serde_json::from_slice(from.bytes()?).ok()?),
            _ => return None,
        })
    }
}

fn put_json(to: &mut Vec<u8>, value: &impl serde::Serialize) -> Result<(), StoreError> {
    let json = serde_json::to_vec(value);
    put_bytes(to, &json.map_err(|source| StoreError::Encode { table: "lines", source })?);
    Ok(())
}

// A record is one byte of class and marks, its kind, and what the marks and the class announce.
const OWN_SPAN: u8 = 1 << 6;
const HAS_PART: u8 = 1 << 7;
const CLASS: u8 = OWN_SPAN - 1;

fn put_record(to: &mut Vec<u8>, record: &RecordEntry, line: Span) -> Result<(), StoreError> {
    let (is_own, has_part) = (record.span != line, record.part != 0);
    let marks = if is_own { OWN_SPAN } else { 0 } | if has_part { HAS_PART } else { 0 };
    let class = match &record.class {
        RecordClass::Plain => 0,
        RecordClass::Response(_) => 1,
        RecordClass::UserMessage => 2,
        RecordClass::WorldState => 3,
        _ => 4,
    };
    to.push(class | marks);
    put_number(to, record.kind.code().into());
    if is_own {
        put_number(to, record.span.offset_bytes.saturating_sub(line.offset_bytes));
        put_number(to, record.span.len_bytes);
    }
    if has_part {
        put_number(to, record.part.into());
    }
    match &record.class {
        RecordClass::Plain | RecordClass::UserMessage | RecordClass::WorldState => {}
        RecordClass::Response(flags) => to.push(flags.bits()),
        class => put_json(to, class)?,
    }
    Ok(())
}

fn read_record(
    from: &mut Reader<'_>,
    seq: u64,
    line: Span,
    record_index: u64,
) -> Option<RecordEntry> {
    let marks = from.byte()?;
    let kind = Kind::from_code(from.small()?)?;
    let span = match marks & OWN_SPAN {
        0 => line,
        _ => Span::new(line.offset_bytes.checked_add(from.number()?)?, from.number()?),
    };
    let part = if marks & HAS_PART == 0 { 0 } else { from.small()? };
    let class = match marks & CLASS {
        0 => RecordClass::Plain,
        1 => RecordClass::Response(ItemFlags::from_bits(from.byte()?)),
        2 => RecordClass::UserMessage,
        3 => RecordClass::WorldState,
        4 => serde_json::from_slice(from.bytes()?).ok()?,
        _ => return None,
    };
    Some(RecordEntry { seq, span, record_index, part, kind, class })
}

/// What stands before a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Before {
    pub(crate) seq: u64,
    pub(crate) offset_bytes: u64,
    /// Records of a known kind.
    pub(crate) record_index: u64,
    /// Entries of the token ledger.
    pub(crate) len_usage: u64,
}

impl Before {
    fn pass(&mut self, line: &LineRow) {
        self.pass_parts(line.span, &line.records, &line.changes);
    }

    fn pass_parts(&mut self, span: Span, records: &[RecordEntry], changes: &[Changed]) {
        self.seq += 1;
        self.offset_bytes = span.end_bytes().saturating_add(1);
        let indexed = records.iter().filter(|record| record.kind.is_indexed()).count();
        self.record_index += indexed as u64;
        let entries = changes.iter().filter(|change| matches!(change, Changed::Usage(_))).count();
        self.len_usage += entries as u64;
    }
}

/// Writes the index of one thread after the other.
#[derive(Debug)]
pub(crate) struct LineWriter<'t> {
    blocks: BlockWriter<'t>,
    before: Before,
    entry: Vec<u8>,
}

impl<'t> LineWriter<'t> {
    /// A writer that has not yet been told of which thread.
    pub(crate) fn new(table: Table<'t, BlockKey, Bytes>) -> Self {
        Self { blocks: BlockWriter::new(table), before: Before::default(), entry: Vec::new() }
    }

    /// Goes on with a thread's index. What was held back of another must be finished.
    pub(crate) fn turn_to(&mut self, thread: u32) -> Result<(), StoreError> {
        self.blocks.turn_to(thread)?;
        self.before = Before::default();
        if let Some((first, row)) = self.blocks.tail() {
            let mut lines = LinesIn::read(row, (thread, first))?;
            lines.by_ref().try_for_each(|line| line.map(drop))?;
            self.before = lines.before;
        }
        Ok(())
    }

    /// Adds a line.
    pub(crate) fn push(&mut self, step: &Step) -> Result<(), StoreError> {
        let Self { blocks, before, entry } = self;
        entry.clear();
        put_number(entry, step.span.len_bytes);
        let changes = Changed::all_of(&step.changes);
        let has_changes = !changes.is_empty();
        put_number(entry, (step.records.len() as u64) << 1 | u64::from(has_changes));
        for record in &step.records {
            put_record(entry, record, step.span)?;
        }
        if has_changes {
            put_number(entry, changes.len() as u64);
        }
        for change in &changes {
            change.put(entry)?;
        }
        let Before { seq, offset_bytes, record_index, len_usage } = *before;
        if !blocks.has_room(entry.len()) {
            let row = blocks.begin(seq)?;
            put_number(row, offset_bytes);
            put_number(row, record_index);
            put_number(row, len_usage);
        }
        blocks.append(entry);
        before.pass_parts(step.span, &step.records, &changes);
        Ok(())
    }

    pub(crate) fn finish(&mut self) -> Result<(), StoreError> {
        self.blocks.finish()
    }
}

/// The lines of one row, in order.
#[derive(Debug)]
pub(crate) struct LinesIn<'r> {
    /// What stands before the next line.
    pub(crate) before: Before,
    from: Reader<'r>,
    at: RowAt<BlockKey>,
}

impl<'r> LinesIn<'r> {
    pub(crate) fn read(row: &'r [u8], key: BlockKey) -> Result<Self, StoreError> {
        let at = RowAt { table: "lines", key };
        let mut from = Reader::new(codec::body(row, codec::ENCODING, &at)?);
        let mut before = || {
            Some(Before {
                seq: key.1,
                offset_bytes: from.number()?,
                record_index: from.number()?,
                len_usage: from.number()?,
            })
        };
        let before = before().ok_or_else(|| at.corrupt(CorruptProblem::Packing))?;
        Ok(Self { before, from, at })
    }

    fn line(&mut self) -> Option<LineRow> {
        let Self { before, from, .. } = self;
        let seq = before.seq;
        let span = Span::new(before.offset_bytes, from.number()?);
        let marks = from.number()?;
        let mut records = Vec::new();
        let mut record_index = before.record_index;
        for _ in 0..marks >> 1 {
            let record = read_record(from, seq, span, record_index)?;
            record_index += u64::from(record.kind.is_indexed());
            records.push(record);
        }
        let len_changes = if marks & 1 == 0 { 0 } else { from.number()? };
        let mut changes = Vec::new();
        for _ in 0..len_changes {
            changes.push(Changed::read(from)?);
        }
        Some(LineRow { seq, span, records, changes })
    }
}

impl Iterator for LinesIn<'_> {
    type Item = Result<LineRow, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.from.is_at_end() {
            return None;
        }
        let line = self.line();
        if let Some(line) = &line {
            self.before.pass(line);
        } else {
            self.from = Reader::new(&[]);
        }
        Some(line.ok_or_else(|| self.at.corrupt(CorruptProblem::Packing)))
    }
}
