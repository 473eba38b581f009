//! Merging segments: as many of a size make one of the next, so that each word is written anew a
//! few times at most, and a question has a few segments to ask.

use std::ops::ControlFlow;

use redb::{ReadTransaction, ReadableTable, WriteTransaction};

use super::docs::{self, Doc};
use super::segment::{self, Segment};
use super::terms::{TermReader, TermWriter};
use super::threads::{Indexed, add_orphans, is_newest, len_orphans};
use crate::error::StoreError;
use crate::schema;

/// Segments of one size that make one of the next.
const FAN: usize = 8;

/// Below, all segments are of the smallest size.
const SMALL_BYTES: u64 = 64 * 1024;

/// Documents of a merged segment, at most: tables of them are in memory meanwhile.
const DOCS_MAX: u64 = 1 << 19;

/// Orphans that are let be.
const ORPHANS_MIN: u64 = 256;

/// Words between two looks at whether to stop.
const TERMS_A_LOOK: u64 = 4096;

/// Segments to merge now, each group into one.
#[derive(Debug, Default)]
pub(super) struct Due {
    pub(super) groups: Vec<Vec<Segment>>,
    /// Whether these are all segments, so that nothing forgotten is left behind.
    pub(super) is_purge: bool,
}

/// What to merge now; `purges` also for the sake of little that was forgotten.
pub(super) fn due(read: &ReadTransaction, purges: bool) -> Result<Due, StoreError> {
    let mut segments = segment::all(&read.open_table(schema::SEARCH_SEGMENTS)?)?;
    segments.sort_by_key(|segment| segment.len_docs);
    let all: u64 = segments.iter().map(|segment| segment.len_docs).sum();
    let orphans = len_orphans(&read.open_table(schema::META)?)?;
    let is_much = orphans >= ORPHANS_MIN && orphans.saturating_mul(4) > all;
    if is_much || purges && orphans > 0 {
        return Ok(Due { groups: fitting(&segments), is_purge: true });
    }
    let sizes = 0..=segments.iter().map(size_of).max().unwrap_or_default();
    let groups = sizes.flat_map(|size| {
        let of_size: Vec<Segment> =
            segments.iter().filter(|segment| size_of(segment) == size).copied().collect();
        let groups = if of_size.len() >= FAN { fitting(&of_size) } else { Vec::new() };
        groups.into_iter().filter(|group| group.len() >= FAN / 2)
    });
    Ok(Due { groups: groups.take(1).collect(), is_purge: false })
}

/// Groups that are not too large to be one segment.
fn fitting(segments: &[Segment]) -> Vec<Vec<Segment>> {
    let mut groups: Vec<Vec<Segment>> = Vec::new();
    let mut len_docs = 0;
    for segment in segments {
        len_docs += segment.len_docs;
        match groups.last_mut() {
            Some(group) if len_docs <= DOCS_MAX => group.push(*segment),
            _ => {
                groups.push(vec![*segment]);
                len_docs = segment.len_docs;
            }
        }
    }
    groups
}

fn size_of(segment: &Segment) -> u32 {
    (segment.len_bytes / SMALL_BYTES).checked_ilog2().map_or(0, |doublings| 1 + doublings / 3)
}

/// Merges segments into one, without what was forgotten; `look` is asked now and then whether to go
/// on. False if it said no: then the transaction is of no more use.
pub(super) fn merge(
    read: &ReadTransaction,
    write: &WriteTransaction,
    segments: &[Segment],
    mut look: impl FnMut() -> ControlFlow<()>,
) -> Result<bool, StoreError> {
    let Merged { docs, numbers, gone } = merge_docs(read, write, segments)?;
    let table = read.open_table(schema::SEARCH_TERMS)?;
    let mut readers = Vec::new();
    for segment in segments {
        readers.push(TermReader::open(&table, segment.number)?);
    }
    let mut is_whole = true;
    if docs.is_empty() {
        readers.clear();
    } else {
        segment::write(write, &docs, |writer| {
            is_whole = merge_terms(&mut readers, &numbers, writer, &mut look)?;
            Ok(())
        })?;
    }
    for segment in segments {
        segment::remove(write, segment.number)?;
    }
    add_orphans(write, -i128::from(gone))?;
    Ok(is_whole)
}

/// The documents of several segments as those of one.
struct Merged {
    docs: Vec<Doc>,
    /// By segment and number: the number now, or none if it is gone.
    numbers: Vec<Vec<Option<u32>>>,
    gone: u64,
}

fn merge_docs(
    read: &ReadTransaction,
    write: &WriteTransaction,
    segments: &[Segment],
) -> Result<Merged, StoreError> {
    let table = read.open_table(schema::SEARCH_DOCS)?;
    let mut all = Vec::new();
    let mut merged = Merged { docs: Vec::new(), numbers: Vec::new(), gone: 0 };
    for (place, segment) in segments.iter().enumerate() {
        let docs = docs::read_all(&table, segment.number)?;
        merged.numbers.push(vec![None; docs.len()]);
        all.extend((0..).zip(docs).map(|(number, doc)| (doc, place, number)));
    }
    all.sort_by_key(|(doc, ..)| doc.order());
    let indexed = write.open_table(schema::SEARCH_THREADS)?;
    let threads = write.open_table(schema::THREADS)?;
    let mut known = None;
    for (doc, place, number) in all {
        if known.is_none_or(|(thread, _)| thread != doc.thread) {
            let row = indexed.get(doc.thread)?;
            let row = row.map(|row| Indexed::read(doc.thread, row.value())).transpose()?;
            let is_there = match row {
                Some(row) => is_newest(&threads, &row.key, doc.thread)?,
                None => false,
            };
            known = Some((doc.thread, is_there));
        }
        if !known.is_some_and(|(_, is_there)| is_there) {
            merged.gone += 1;
            continue;
        }
        if !merged.docs.last_mut().is_some_and(|last| last.join(&doc)) {
            merged.docs.push(doc);
        }
        let now = u32::try_from(merged.docs.len()).ok().and_then(|len| len.checked_sub(1));
        let slot = merged.numbers.get_mut(place).and_then(|numbers| numbers.get_mut(number));
        if let Some(slot) = slot {
            *slot = now;
        }
    }
    Ok(merged)
}

/// False if `look` said to stop.
fn merge_terms(
    readers: &mut [TermReader],
    numbers: &[Vec<Option<u32>>],
    writer: &mut TermWriter<'_, '_>,
    look: &mut impl FnMut() -> ControlFlow<()>,
) -> Result<bool, StoreError> {
    let (mut term, mut old, mut docs) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let Some(least) = readers.iter().filter_map(|reader| reader.term.as_ref()).min() else {
            return Ok(true);
        };
        term.clear();
        term.extend_from_slice(least);
        docs.clear();
        for (reader, numbers) in readers.iter_mut().zip(numbers) {
            old.clear();
            while reader.term.as_ref() == Some(&term) {
                reader.take(&mut old)?;
            }
            let now = |old: &u32| numbers.get(*old as usize).copied().flatten();
            docs.extend(old.iter().filter_map(now));
        }
        docs.sort_unstable();
        docs.dedup();
        if !docs.is_empty() {
            writer.push(&term, &docs)?;
        }
        if writer.len_terms.is_multiple_of(TERMS_A_LOOK) && look().is_break() {
            return Ok(false);
        }
    }
}
