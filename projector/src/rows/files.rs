//! What is known of the files of homes: so little that all of it is read before a sync, to tell at
//! the cost of one `stat` each which of them have changed.

use redb::{ReadTransaction, ReadableTable, Table, WriteTransaction};

use crate::error::{CorruptProblem, StoreError};
use crate::rows::codec::{self, ENCODING, RowAt};
use crate::rows::varint::{Reader, put_bytes, put_number};
use crate::schema::{self, Bytes, FileKey};
use crate::source::Identity;

/// A file and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileEntry {
    /// The number of its home.
    pub(crate) home: u32,
    /// Where its plain form is or would be, below the home.
    pub(crate) path: Vec<u8>,
    pub(crate) row: FileRow,
}

/// What is known of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileRow {
    /// The key of the log that it is.
    pub(crate) key: String,
    /// What it was known by when that was said.
    pub(crate) identity: Identity,
    /// The thread that it is folded into.
    pub(crate) thread: Option<u32>,
    pub(crate) role: Role,
    pub(crate) is_archived: bool,
    pub(crate) is_packed: bool,
    /// Whether it was not there any more when it was last looked for.
    pub(crate) is_gone: bool,
    /// By which choices it was folded.
    pub(crate) fold: u64,
    /// The logs it goes on from, by the ids it names them by, and whether they were found.
    pub(crate) bases: Vec<(String, bool)>,
}

/// What a file is to a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The log of its key, folded to its end.
    Folded,
    /// The log of its key, not folded to its end: it is looked at again.
    Unfinished,
    /// Another file is the log of its key.
    Copy,
}

const IS_ARCHIVED: u8 = 1;
const IS_PACKED: u8 = 1 << 1;
const IS_GONE: u8 = 1 << 2;
const HAS_THREAD: u8 = 1 << 3;
const HAS_MODIFIED: u8 = 1 << 4;
const HAS_CHANGED: u8 = 1 << 5;
const HAS_FILE: u8 = 1 << 6;
const IS_SETTLED: u8 = 1 << 7;

impl FileRow {
    fn encode(&self, row: &mut Vec<u8>) {
        let Self { key, identity, thread, role, .. } = self;
        let mark = |is_set: bool, mark: u8| if is_set { mark } else { 0 };
        row.clear();
        row.push(ENCODING);
        row.push(
            mark(self.is_archived, IS_ARCHIVED)
                | mark(self.is_packed, IS_PACKED)
                | mark(self.is_gone, IS_GONE)
                | mark(thread.is_some(), HAS_THREAD)
                | mark(identity.modified_ns.is_some(), HAS_MODIFIED)
                | mark(identity.changed_ns.is_some(), HAS_CHANGED)
                | mark(identity.file.is_some(), HAS_FILE)
                | mark(identity.is_settled, IS_SETTLED),
        );
        row.push(match role {
            Role::Folded => 0,
            Role::Unfinished => 1,
            Role::Copy => 2,
        });
        put_bytes(row, key.as_bytes());
        put_number(row, identity.len_bytes);
        for time in [identity.modified_ns, identity.changed_ns].into_iter().flatten() {
            row.extend(time.to_le_bytes());
        }
        if let Some((volume, number)) = identity.file {
            put_number(row, volume);
            put_number(row, number);
        }
        if let Some(thread) = thread {
            put_number(row, (*thread).into());
        }
        row.extend(self.fold.to_le_bytes());
        for (id, is_found) in &self.bases {
            row.push(u8::from(*is_found));
            put_bytes(row, id.as_bytes());
        }
    }

    fn read(row: &[u8], at: &RowAt<FileKeyAt>) -> Result<Self, StoreError> {
        let mut from = Reader::new(codec::body(row, ENCODING, at)?);
        Self::unpack(&mut from).ok_or_else(|| at.corrupt(CorruptProblem::Packing))
    }

    fn unpack(from: &mut Reader<'_>) -> Option<Self> {
        let marks = from.byte()?;
        let is = |mark: u8| marks & mark != 0;
        let role = match from.byte()? {
            0 => Role::Folded,
            1 => Role::Unfinished,
            2 => Role::Copy,
            _ => return None,
        };
        let key = from.text()?.to_owned();
        let len_bytes = from.number()?;
        let mut time = |has_time: bool| match has_time {
            true => from.array().map(|bytes| Some(i128::from_le_bytes(bytes))),
            false => Some(None),
        };
        let (modified_ns, changed_ns) = (time(is(HAS_MODIFIED))?, time(is(HAS_CHANGED))?);
        let file = if is(HAS_FILE) { Some((from.number()?, from.number()?)) } else { None };
        let thread = if is(HAS_THREAD) { Some(from.small()?) } else { None };
        let fold = u64::from_le_bytes(from.array()?);
        let mut bases = Vec::new();
        while !from.is_at_end() {
            let is_found = from.byte()? != 0;
            bases.push((from.text()?.to_owned(), is_found));
        }
        let is_settled = is(IS_SETTLED);
        Some(Self {
            key,
            identity: Identity { len_bytes, modified_ns, changed_ns, file, is_settled },
            thread,
            role,
            is_archived: is(IS_ARCHIVED),
            is_packed: is(IS_PACKED),
            is_gone: is(IS_GONE),
            fold,
            bases,
        })
    }
}

type FileKeyAt = (u32, String);

/// Writes what is known of files.
pub(crate) struct FileWriter<'t> {
    files: Table<'t, FileKey, Bytes>,
    meta: Table<'t, &'static str, Bytes>,
    is_counted: bool,
    row: Vec<u8>,
}

impl<'t> FileWriter<'t> {
    pub(crate) fn open(write: &'t WriteTransaction) -> Result<Self, StoreError> {
        let (files, meta) = (write.open_table(schema::FILES)?, write.open_table(schema::META)?);
        Ok(Self { files, meta, is_counted: false, row: Vec::new() })
    }

    pub(crate) fn put(&mut self, file: &FileEntry) -> Result<(), StoreError> {
        if !self.is_counted {
            let times = times_in(&self.meta)?.unwrap_or_default().wrapping_add(1);
            self.meta.insert(schema::META_FILES, times.to_le_bytes().as_slice())?;
            self.is_counted = true;
        }
        file.row.encode(&mut self.row);
        self.files.insert((file.home, &*file.path), &*self.row)?;
        Ok(())
    }
}

/// In how many transactions files were noted: who holds them all reads them again when it changes.
pub(crate) fn times_noted(read: &ReadTransaction) -> Result<Option<u64>, StoreError> {
    times_in(&read.open_table(schema::META)?)
}

fn times_in(meta: &impl ReadableTable<&'static str, Bytes>) -> Result<Option<u64>, StoreError> {
    let row = meta.get(schema::META_FILES)?;
    Ok(row.and_then(|row| Some(u64::from_le_bytes(row.value().try_into().ok()?))))
}

/// Takes out what is known of the files that are these logs.
pub(crate) fn forget(write: &WriteTransaction, keys: &[&str]) -> Result<(), StoreError> {
    let mut files = write.open_table(schema::FILES)?;
    let mut problem = None;
    files.retain(|(home, path), row| {
        let at = RowAt { table: "files", key: (home, String::from_utf8_lossy(path).into_owned()) };
        match FileRow::read(row, &at) {
            Ok(row) => !keys.contains(&row.key.as_str()),
            Err(error) => {
                problem.get_or_insert(error);
                true
            }
        }
    })?;
    problem.map_or(Ok(()), Err)
}

/// The number of a home, by the text of its absolute path; `None` if it has none yet.
pub(crate) fn home_number(read: &ReadTransaction, root: &[u8]) -> Result<Option<u32>, StoreError> {
    Ok(read.open_table(schema::HOMES)?.get(root)?.map(|number| number.value()))
}

/// Gives a home a number, if it has none.
pub(crate) fn number_home(write: &WriteTransaction, root: &[u8]) -> Result<u32, StoreError> {
    let mut homes = write.open_table(schema::HOMES)?;
    if let Some(number) = homes.get(root)? {
        return Ok(number.value());
    }
    let mut newest = None;
    for row in homes.iter()? {
        newest = newest.max(Some(row?.1.value()));
    }
    let number = newest.map_or(Some(0), |newest: u32| newest.checked_add(1));
    let number = number.ok_or(StoreError::Full)?;
    homes.insert(root, number)?;
    Ok(number)
}

/// All files of a home, by path.
pub(crate) fn files_of(
    read: &ReadTransaction,
    home: u32,
) -> Result<impl Iterator<Item = Result<FileEntry, StoreError>>, StoreError> {
    let files = read.open_table(schema::FILES)?;
    let rows = match home.checked_add(1) {
        Some(next) => files.range((home, &b""[..])..(next, &b""[..]))?,
        None => files.range((home, &b""[..])..)?,
    };
    Ok(rows.map(|row| {
        let (key, row) = row?;
        let (home, path) = key.value();
        let at = RowAt { table: "files", key: (home, String::from_utf8_lossy(path).into_owned()) };
        Ok(FileEntry { home, path: path.to_owned(), row: FileRow::read(row.value(), &at)? })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> RowAt<FileKeyAt> {
        RowAt { table: "files", key: (1, "a".into()) }
    }

    fn rows() -> Vec<FileRow> {
        let identity = Identity {
            len_bytes: 300,
            modified_ns: Some(1_772_359_200_123_456_789),
            changed_ns: Some(-5),
            file: Some((2049, u64::MAX)),
            is_settled: true,
        };
        let row = FileRow {
            key: "rollout-é".into(),
            identity,
            thread: Some(7),
            role: Role::Folded,
            is_archived: true,
            is_packed: false,
            is_gone: true,
            fold: u64::MAX - 1,
            bases: vec![("one".into(), true), (String::new(), false)],
        };
        let bare = Identity {
            modified_ns: None,
            changed_ns: None,
            file: None,
            is_settled: false,
            ..identity
        };
        let other = FileRow {
            identity: bare,
            thread: None,
            role: Role::Copy,
            is_archived: false,
            is_packed: true,
            is_gone: false,
            bases: Vec::new(),
            ..row.clone()
        };
        vec![FileRow { role: Role::Unfinished, ..other.clone() }, row, other]
    }

    #[test]
    fn rows_come_back() {
        let mut bytes = Vec::new();
        for row in rows() {
            row.encode(&mut bytes);
            assert_eq!(FileRow::read(&bytes, &at()).unwrap(), row);
        }
    }

    #[test]
    fn any_bytes_give_a_row_or_an_error() {
        let mut bytes = Vec::new();
        for row in rows() {
            row.encode(&mut bytes);
            for place in 0..bytes.len() {
                let _ = FileRow::read(&bytes[..place], &at());
                for byte in [0, 1, 0x7f, 0xff] {
                    let mut other = bytes.clone();
                    other[place] = byte;
                    let _ = FileRow::read(&other, &at());
                }
            }
        }
        assert!(FileRow::read(b"", &at()).is_err());
    }
}
