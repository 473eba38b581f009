//! Verify: folds a log anew and compares every row of it with the store's; repairs what differs.

use std::cmp::Ordering;
use std::io;

use redb::{ReadTransaction, WriteTransaction};
use rollfold_core::model::{ItemsView, Origin};
use rollfold_core::{Diagnostic, Position, Span, TurnNo};

use crate::cursor::Cursor;
use crate::error::{CorruptProblem, QueryError, StoreError, VerifyError};
use crate::page::{Order, Paging};
use crate::query::ThreadView;
use crate::rows::codec::RowAt;
use crate::rows::summary::{self, Summary, SummaryWriter};
use crate::schema::{self, newest_first};
use crate::search;
use crate::source::LogSource;
use crate::store::{Known, Store, encode_cursor, newest_generation};
use crate::sync::SyncOptions;

/// How a log is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifyOptions {
    /// Lines as of which questions are asked of both stores, spread evenly over the log.
    pub samples: u32,
    /// Whether what differs is written anew.
    pub repair: bool,
    /// Bytes read at once.
    pub buffer_bytes: usize,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self { samples: 16, repair: false, buffer_bytes: SyncOptions::default().buffer_bytes }
    }
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The generation that was compared: the newest.
    pub generation: u32,
    /// How far the log is folded; only this much of it was compared.
    pub position: Position,
    /// Rows that were compared.
    pub rows: u64,
    /// Questions as of sampled lines that were compared.
    pub questions: u64,
    /// Rows and answers that differ.
    pub differences: u64,
    /// The first of them.
    pub first: Option<Difference>,
    /// Tables that were written anew.
    pub repaired: Vec<&'static str>,
}

/// Where a store is not what a fold of the log makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The table, or the question.
    pub place: &'static str,
    /// The row's key without its thread, or what was asked.
    pub key: String,
    /// How it differs.
    pub kind: DifferenceKind,
    /// The line the row is about.
    pub line: Option<(u64, Span)>,
}

/// How a row differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DifferenceKind {
    /// The store lacks it.
    Missing,
    /// The store has it, but should not.
    Extra,
    /// The store says something else.
    Other,
}

impl Store {
    /// Folds the part of a log that was synced anew, into a scratch store beside, and compares
    /// every row. With [`VerifyOptions::repair`], tables that differ are written anew.
    ///
    /// # Errors
    /// When the log or the store cannot be read, the store does not know the log, the log is no
    /// longer what was folded (sync it first), or somebody synced it before the repair.
    pub fn verify<S: LogSource + ?Sized>(
        &self,
        source: &S,
        options: &VerifyOptions,
    ) -> Result<Verified, VerifyError> {
        let key = source.key();
        let in_store = |source: StoreError| VerifyError::Store { key: key.to_owned(), source };
        let read = self.begin_read().map_err(in_store)?;
        let known = known(&read, key).map_err(in_store)?;
        let known = known.ok_or_else(|| VerifyError::Unknown { key: key.to_owned() })?;
        let cursor = known.cursor().map_err(in_store)?;
        let prefix = Prefix { source, len_bytes: cursor.state.position.offset_bytes };
        let fresh = Store::scratch().map_err(VerifyError::Scratch)?;
        let sync = SyncOptions {
            fold: cursor.state.options,
            buffer_bytes: options.buffer_bytes,
            ..SyncOptions::default()
        };
        let synced = fresh.sync(&prefix, &sync).map_err(VerifyError::Sync)?;
        let folded = self::known(&fresh.begin_read().map_err(in_store)?, key).map_err(in_store)?;
        let folded = folded.map(|known| known.cursor()).transpose().map_err(in_store)?;
        // What was folded of other bytes is worth keeping, not repairing.
        if folded.is_none_or(|folded| folded.state.digest() != cursor.state.digest()) {
            return Err(VerifyError::Rewritten { key: key.to_owned() });
        }
        let mut check = Check {
            thread: known.thread,
            suspect: read,
            fresh: fresh.begin_read().map_err(in_store)?,
            verified: Verified {
                generation: known.generation,
                position: synced.position,
                rows: 0,
                questions: 0,
                differences: 0,
                first: None,
                repaired: Vec::new(),
            },
            differing: Vec::new(),
        };
        check.all_tables().map_err(in_store)?;
        let fresh_summary = check.summary().map_err(in_store)?;
        let fresh_cursor = check.cursor(&cursor, key).map_err(in_store)?;
        if check.differing.is_empty() {
            check.ask(self, &fresh, key, options.samples)?;
        }
        let Check { mut verified, differing, fresh, suspect, .. } = check;
        drop(suspect);
        if options.repair && !differing.is_empty() {
            let write = self.begin_write().map_err(in_store)?;
            if newest_in(&write, key).map_err(in_store)?.as_ref() != Some(&known) {
                return Err(VerifyError::Raced { key: key.to_owned() });
            }
            repair(&write, &fresh, known.thread, &differing).map_err(in_store)?;
            if differing.contains(&"summaries") {
                let mut rows = SummaryWriter::open(&write).map_err(in_store)?;
                rows.turn_to(known.thread, key, known.generation).map_err(in_store)?;
                rows.repair(fresh_summary.as_ref());
                rows.finish().map_err(in_store)?;
            }
            if let Some(fresh_cursor) = fresh_cursor.filter(|_| differing.contains(&"cursors")) {
                put_cursor(&write, known.thread, &fresh_cursor).map_err(in_store)?;
            }
            // Rows that were wrong may be in the index.
            search::forget(&write, known.thread).map_err(in_store)?;
            note_due(&write, known.thread, key, synced.position.seq).map_err(in_store)?;
            write.commit().map_err(|error| in_store(error.into()))?;
            verified.repaired = differing;
        }
        Ok(verified)
    }
}

fn known(read: &ReadTransaction, key: &str) -> Result<Option<Known>, StoreError> {
    let threads = read.open_table(schema::THREADS)?;
    let cursors = read.open_table(schema::CURSORS)?;
    newest_generation(&threads, &cursors, key)
}

fn newest_in(write: &WriteTransaction, key: &str) -> Result<Option<Known>, StoreError> {
    let threads = write.open_table(schema::THREADS)?;
    let cursors = write.open_table(schema::CURSORS)?;
    newest_generation(&threads, &cursors, key)
}

fn put_cursor(write: &WriteTransaction, thread: u32, cursor: &Cursor) -> Result<(), StoreError> {
    let mut row = Vec::new();
    encode_cursor(&mut row, thread, cursor)?;
    write.open_table(schema::CURSORS)?.insert(thread, &*row)?;
    Ok(())
}

fn note_due(
    write: &WriteTransaction,
    thread: u32,
    key: &str,
    len_lines: u64,
) -> Result<(), StoreError> {
    search::note(&mut write.open_table(schema::SEARCH_DUE)?, thread, key, len_lines)
}

/// The part of a log that was folded.
struct Prefix<'s, S: ?Sized> {
    source: &'s S,
    len_bytes: u64,
}

impl<S: LogSource + ?Sized> LogSource for Prefix<'_, S> {
    fn key(&self) -> &str {
        self.source.key()
    }

    fn len_bytes(&self) -> io::Result<Option<u64>> {
        Ok(self.source.len_bytes()?.map(|len_bytes| len_bytes.min(self.len_bytes)))
    }

    fn origin(&self) -> Option<Origin> {
        self.source.origin()
    }

    fn is_forward_only(&self) -> bool {
        self.source.is_forward_only()
    }

    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = self.len_bytes.saturating_sub(offset_bytes);
        let len = usize::try_from(rest).unwrap_or(usize::MAX).min(buffer.len());
        self.source.read_at(offset_bytes, buffer.get_mut(..len).unwrap_or_default())
    }
}

/// Calls a macro for each table of rows of a thread: its name, the parts of its keys behind the
/// thread with the least of each, and the line that a row is about.
macro_rules! each_table {
    ($each:ident) => {
        $each!(TURNS, "turns", (turn = 0, version = 0), Some(newest_first(version)));
        $each!(ITEMS, "items", (turn = 0, item = 0, version = 0), Some(newest_first(version)));
        $each!(
            ITEM_PARTS,
            "item_parts",
            (turn = 0, item = 0, version = 0, part = 0),
            Some(newest_first(version))
        );
        $each!(TURN_IDS, "turn_ids", (id = &b""[..], version = 0), Some(newest_first(version)));
        $each!(LIVE_TURNS, "live_turns", (turn = 0), None::<u64>);
        $each!(ITEM_PLACES, "item_places", (id = &b""[..], turn = 0, item = 0), None::<u64>);
        $each!(FACTS, "facts", (number = 0, version = 0), Some(newest_first(version)));
        $each!(INHERITANCE, "inheritance", (version = 0), Some(newest_first(version)));
        $each!(WINDOWS, "windows", (number = 0, version = 0), Some(newest_first(version)));
        $each!(WORLD, "world", (version = 0), Some(newest_first(version)));
        $each!(USAGE, "usage", (first = 0), None::<u64>);
        $each!(LINES, "lines", (first = 0), Some(first));
        $each!(DIAGNOSTICS, "diagnostics", (seq = 0, place = 0), Some(seq));
    };
}

struct Check {
    thread: u32,
    suspect: ReadTransaction,
    fresh: ReadTransaction,
    verified: Verified,
    differing: Vec<&'static str>,
}

impl Check {
    /// Compares all rows of the thread. The fresh store has it as its thread 0.
    fn all_tables(&mut self) -> Result<(), StoreError> {
        macro_rules! compare {
            ($table:ident, $name:literal, ($($part:ident = $least:expr),+), $seq:expr) => {{
                let suspect = self.suspect.open_table(schema::$table)?;
                let fresh = self.fresh.open_table(schema::$table)?;
                let thread = self.thread;
                let mut left =
                    suspect.range((thread, $($least),+)..(thread.saturating_add(1), $($least),+))?;
                let mut right = fresh.range((0, $($least),+)..(1, $($least),+))?;
                let (mut one, mut other) = (left.next().transpose()?, right.next().transpose()?);
                loop {
                    let order = match (&one, &other) {
                        (None, None) => break,
                        (Some(_), None) => Ordering::Less,
                        (None, Some(_)) => Ordering::Greater,
                        (Some((one, _)), Some((other, _))) => {
                            let (_, $($part),+) = one.value();
                            let one = ($($part,)+);
                            let (_, $($part),+) = other.value();
                            one.cmp(&($($part,)+))
                        }
                    };
                    self.verified.rows += 1;
                    let kind = match (order, &one, &other) {
                        (Ordering::Less, ..) => Some(DifferenceKind::Extra),
                        (Ordering::Greater, ..) => Some(DifferenceKind::Missing),
                        (_, Some((_, one)), Some((_, other))) if one.value() == other.value() => {
                            None
                        }
                        _ => Some(DifferenceKind::Other),
                    };
                    if let Some(kind) = kind {
                        let row = if order == Ordering::Greater { &other } else { &one };
                        if let Some((row, _)) = row {
                            let (_, $($part),+) = row.value();
                            let (key, seq) = (format!("{:?}", ($($part,)+)), $seq);
                            self.differs($name, key, kind, seq)?;
                        }
                    }
                    if order != Ordering::Greater {
                        one = left.next().transpose()?;
                    }
                    if order != Ordering::Less {
                        other = right.next().transpose()?;
                    }
                }
            }};
        }
        each_table!(compare);
        Ok(())
    }

    /// Compares what lists show; gives the right one.
    fn summary(&mut self) -> Result<Option<Summary>, StoreError> {
        let fresh = summary::of(&self.fresh.open_table(schema::SUMMARIES)?, 0)?;
        let suspect = summary::of(&self.suspect.open_table(schema::SUMMARIES)?, self.thread)?;
        self.verified.rows += 1;
        let kind = match (&suspect, &fresh) {
            (Some(suspect), Some(fresh)) if suspect.tells_as(fresh) => None,
            (None, None) => None,
            (Some(_), Some(_)) => Some(DifferenceKind::Other),
            (Some(_), None) => Some(DifferenceKind::Extra),
            (None, Some(_)) => Some(DifferenceKind::Missing),
        };
        if let Some(kind) = kind {
            self.differs("summaries", self.thread.to_string(), kind, None)?;
        }
        Ok(fresh)
    }

    /// Compares the places reached; gives the right one.
    fn cursor(&mut self, suspect: &Cursor, key: &str) -> Result<Option<Cursor>, StoreError> {
        let Some(fresh) = known(&self.fresh, key)? else { return Ok(None) };
        let fresh = fresh.cursor()?;
        // What is not of the log's bytes cannot be told from them.
        let Cursor { key: suspect_key, generation, seen, .. } = suspect.clone();
        let fresh = Cursor { key: suspect_key, generation, seen, ..fresh };
        self.verified.rows += 1;
        if fresh != *suspect {
            self.differs("cursors", key.to_owned(), DifferenceKind::Other, None)?;
        }
        Ok(Some(fresh))
    }

    fn differs(
        &mut self,
        place: &'static str,
        key: String,
        kind: DifferenceKind,
        seq: Option<u64>,
    ) -> Result<(), StoreError> {
        self.verified.differences += 1;
        if !self.differing.contains(&place) {
            self.differing.push(place);
        }
        if self.verified.first.is_none() {
            let line = seq.map(|seq| self.span_of(seq)).transpose()?.flatten();
            self.verified.first = Some(Difference { place, key, kind, line });
        }
        Ok(())
    }

    fn span_of(&self, seq: u64) -> Result<Option<(u64, Span)>, StoreError> {
        let line = crate::view::View::open(&self.fresh, 0)?.line(seq)?;
        Ok(line.map(|line| (seq, line.span)))
    }

    /// Asks both stores the same, as of sampled lines: rows may be there and yet not be found.
    fn ask(
        &mut self,
        suspect: &Store,
        fresh: &Store,
        key: &str,
        samples: u32,
    ) -> Result<(), VerifyError> {
        let lines = self.verified.position.seq;
        for sample in 0..=u64::from(samples) {
            let at = match samples {
                0 => lines,
                samples => lines.saturating_mul(sample) / u64::from(samples),
            };
            let answers = |store: &Store| -> Result<Vec<String>, QueryError> {
                let view = store.thread(key)?.map(|view| view.at(at));
                view.as_ref().map(answers_of).transpose().map(Option::unwrap_or_default)
            };
            let expected = answers(fresh).map_err(VerifyError::Query)?;
            let found = answers(suspect).map_err(VerifyError::Query)?;
            for (place, (found, expected)) in QUESTIONS.iter().zip(found.iter().zip(&expected)) {
                self.verified.questions += 1;
                if found != expected {
                    self.verified.differences += 1;
                    let key = format!("as of line {at}");
                    let first = Difference { place, key, kind: DifferenceKind::Other, line: None };
                    self.verified.first.get_or_insert(first);
                }
            }
        }
        Ok(())
    }
}

/// What is asked, in the order of the answers.
const QUESTIONS: [&str; 8] = [
    "the first turns",
    "the last turns",
    "the last items",
    "the turn by its id",
    "the facts",
    "the world and windows",
    "the use of tokens",
    "the diagnostics",
];

fn answers_of(view: &ThreadView) -> Result<Vec<String>, QueryError> {
    let of_turns = match turns_of(view) {
        // That turns are refused is an answer too.
        Err(error @ QueryError::UnknownHistoryMode { .. }) => [(); 4].map(|()| error.to_string()),
        of_turns => of_turns?,
    };
    let usage = (view.usage_totals()?, view.usage_page(&Paging::default())?);
    let diagnostics: Vec<Diagnostic> = view.diagnostics_page(None, 20)?.rows;
    let of_all_else = [
        format!("{:?} {:?}", view.thread()?, view.inheritance()?),
        format!("{:?} {:?}", view.world()?, view.windows()?),
        format!("{usage:?}"),
        format!("{diagnostics:?}"),
    ];
    Ok(of_turns.into_iter().chain(of_all_else).collect())
}

fn turns_of(view: &ThreadView) -> Result<[String; 4], QueryError> {
    let page = |order| Paging { after: None, limit: 5, order };
    let first = view.turns_page(&page(Order::OldestFirst), ItemsView::Summary)?;
    let last = view.turns_page(&page(Order::NewestFirst), ItemsView::Summary)?;
    let items =
        view.items_page(None, &Paging { limit: 10, order: Order::NewestFirst, after: None })?;
    let by_id = match last.rows.first() {
        Some(row) => view.turn(&row.value.id, ItemsView::NotLoaded)?,
        None => None,
    };
    let made_by = view.turn_made_by(TurnNo(0))?;
    Ok([
        format!("{first:?}"),
        format!("{last:?}"),
        format!("{items:?}"),
        format!("{by_id:?} {made_by:?}"),
    ])
}

/// Writes the rows of a thread anew, in the tables named.
fn repair(
    write: &WriteTransaction,
    fresh: &ReadTransaction,
    thread: u32,
    differing: &[&'static str],
) -> Result<(), StoreError> {
    macro_rules! rewrite {
        ($table:ident, $name:literal, ($($part:ident = $least:expr),+), $seq:expr) => {
            if differing.contains(&$name) {
                let mut table = write.open_table(schema::$table)?;
                let next = thread.checked_add(1);
                let next = next.ok_or_else(|| {
                    RowAt { table: $name, key: thread }.corrupt(CorruptProblem::Missing)
                })?;
                table.retain_in((thread, $($least),+)..(next, $($least),+), |_, _| false)?;
                for row in fresh.open_table(schema::$table)?.range((0, $($least),+)..(1, $($least),+))? {
                    let (key, row) = row?;
                    let (_, $($part),+) = key.value();
                    table.insert((thread, $($part),+), row.value())?;
                }
            }
        };
    }
    each_table!(rewrite);
    Ok(())
}
