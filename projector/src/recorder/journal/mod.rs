//! Lines on their way into a log: kept until they stand there whole, whatever fails meanwhile.
//!
//! A line is stamped and numbered when it is first written, and keeps its bytes from then on. After
//! an error nobody knows how much of what was being written arrived, so the file is opened again
//! and what stands behind the last place known is compared with what was to be written: whole lines
//! are done, a piece of one is ended by a line end, and that line is written again (R238, A19).

mod reconcile;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rollfold_core::Digest;
use serde_json::Value;

use super::clock::Clock;
use super::disk::{LogDisk, LogFile};
use super::record::NewRecord;

/// Bytes handed to the system at once, at most one line more.
const BATCH_BYTES: usize = 256 * 1024;

/// Something odd about a log that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordNote {
    /// A line was cut off: by an earlier writer that died, or by an error. It was ended where it
    /// was, and is damage to readers.
    TornLine {
        /// Where it begins.
        offset_bytes: u64,
        /// Bytes of it that are there.
        len_bytes: u64,
    },
}

/// A record that does not stand in the log yet.
struct Pending {
    record: NewRecord,
    /// None in a log without.
    ordinal: Option<u64>,
    /// What the world is after it, if it tells of the world.
    world: Option<Arc<Value>>,
    written: Option<Written>,
}

/// What a record was given when it was first written.
struct Written {
    line: Vec<u8>,
    stamp: String,
}

/// Why lines could not be written.
#[derive(Debug)]
pub(super) enum JournalError {
    Io(io::Error),
    /// The log is shorter than what was written.
    Shrunk {
        expected_bytes: u64,
        found_bytes: u64,
    },
    /// Somebody else wrote behind what was written, against the lock.
    Foreign {
        offset_bytes: u64,
        len_bytes: u64,
    },
    /// The system once could not say whether all is on the disk.
    SyncLost {
        from_bytes: u64,
    },
}

impl From<io::Error> for JournalError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// What of a log is known to stand where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    /// Bytes of it.
    pub(super) end_bytes: u64,
    /// Whether the last of them is of a line that was cut off.
    pub(super) is_torn: bool,
}

pub(super) struct Journal {
    disk: Arc<dyn LogDisk>,
    clock: Arc<dyn Clock>,
    path: PathBuf,
    file: Option<Box<dyn LogFile>>,
    /// Whether the log is there.
    is_made: bool,
    place: Place,
    /// Folders whose names are not on the disk for good.
    new_folders: Vec<PathBuf>,
    /// As much of the log is on the disk for good.
    synced_bytes: u64,
    is_sync_lost: bool,
    pending: VecDeque<Pending>,
    pending_bytes: usize,
    /// Records that stand in the log, of those offered.
    written: u64,
    /// The newest record's time and content: equal lines would be taken for one that was written
    /// again.
    newest: Option<(i64, Digest)>,
    notes: Vec<RecordNote>,
}

impl Journal {
    /// A log that is made when the first line is written. `new_folders` may be new with it.
    pub(super) fn create(
        disk: Arc<dyn LogDisk>,
        clock: Arc<dyn Clock>,
        path: PathBuf,
        new_folders: Vec<PathBuf>,
    ) -> Self {
        Self {
            disk,
            clock,
            path,
            file: None,
            is_made: false,
            place: Place::default(),
            new_folders,
            synced_bytes: 0,
            is_sync_lost: false,
            pending: VecDeque::new(),
            pending_bytes: 0,
            written: 0,
            newest: None,
            notes: Vec::new(),
        }
    }

    /// A log that is there as far as `place`. Whoever made it may have died before its name was on
    /// the disk for good, so all folders count as new.
    pub(super) fn resume(
        disk: Arc<dyn LogDisk>,
        clock: Arc<dyn Clock>,
        path: PathBuf,
        folders: Vec<PathBuf>,
        place: Place,
    ) -> Self {
        let journal = Self::create(disk, clock, path, folders);
        Self { is_made: true, place, ..journal }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn is_made(&self) -> bool {
        self.is_made
    }

    pub(super) fn end_bytes(&self) -> u64 {
        self.place.end_bytes
    }

    /// Records offered that do not stand in the log yet, and about how many bytes they take.
    pub(super) fn pending(&self) -> (usize, usize) {
        (self.pending.len(), self.pending_bytes)
    }

    /// What does not stand in the log yet.
    pub(super) fn take_pending(&mut self) -> Vec<NewRecord> {
        self.pending_bytes = 0;
        self.pending.drain(..).map(|pending| pending.record).collect()
    }

    pub(super) fn written(&self) -> u64 {
        self.written
    }

    pub(super) fn notes(&self) -> &[RecordNote] {
        &self.notes
    }

    pub(super) fn note(&mut self, note: RecordNote) {
        self.notes.push(note);
    }

    pub(super) fn push(
        &mut self,
        record: NewRecord,
        ordinal: Option<u64>,
        world: Option<Arc<Value>>,
    ) {
        self.pending_bytes += record.payload.len();
        self.pending.push_back(Pending { record, ordinal, world, written: None });
    }

    /// Hands all that is pending to the system. After an error the log is opened anew and tried
    /// once more (R238).
    pub(super) fn flush(&mut self) -> Result<(), JournalError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let Err(error) = self.write() else { return Ok(()) };
        self.file = None;
        if !matches!(error, JournalError::Io(_)) {
            return Err(error);
        }
        self.write().inspect_err(|_| self.file = None)
    }

    /// Flushes, and sees to it that all of it stays.
    pub(super) fn sync(&mut self) -> Result<(), JournalError> {
        self.flush()?;
        if self.is_sync_lost {
            return Err(JournalError::SyncLost { from_bytes: self.synced_bytes });
        }
        if !self.is_made {
            return Ok(());
        }
        if self.place.end_bytes > self.synced_bytes {
            let file = self.opened()?;
            if let Err(error) = file.sync() {
                // The system may forget what it could not write, and then say that all is well.
                self.is_sync_lost = true;
                return Err(error.into());
            }
            self.synced_bytes = self.place.end_bytes;
        }
        while let Some(folder) = self.new_folders.last() {
            self.disk.sync_folder(folder)?;
            self.new_folders.pop();
        }
        Ok(())
    }

    /// Has a log that is not there yet written under another name, by which nobody takes it for
    /// one. Gives its own.
    pub(super) fn stage(&mut self) -> PathBuf {
        let mut name = std::ffi::OsString::from(".");
        name.push(self.path.file_name().unwrap_or_default());
        name.push(".tmp");
        let staged = self.path.with_file_name(name);
        std::mem::replace(&mut self.path, staged)
    }

    /// Syncs, and gives the log its name.
    pub(super) fn publish(&mut self, path: PathBuf) -> Result<(), JournalError> {
        let folders = std::mem::take(&mut self.new_folders);
        self.sync()?;
        // Not every system renames what is open.
        self.file = None;
        self.disk.rename(&self.path, &path)?;
        self.path = path;
        self.new_folders = folders;
        self.sync()
    }

    /// Gives up a log that was not published.
    pub(super) fn discard(&mut self) {
        self.file = None;
        if self.is_made {
            // Nobody takes it for a log: it has no such name.
            let _ = self.disk.remove(&self.path);
        }
    }

    fn opened(&mut self) -> Result<&mut Box<dyn LogFile>, JournalError> {
        let file = match self.file.take() {
            Some(file) => file,
            None if self.is_made => self.disk.open(&self.path)?,
            None => {
                let file = self.disk.create(&self.path)?;
                self.is_made = true;
                file
            }
        };
        Ok(self.file.insert(file))
    }

    fn write(&mut self) -> Result<(), JournalError> {
        let place = self.place.end_bytes;
        let len_bytes = self.opened()?.len_bytes()?;
        if len_bytes < place {
            return Err(JournalError::Shrunk { expected_bytes: place, found_bytes: len_bytes });
        }
        self.reconcile(len_bytes)?;
        while !self.pending.is_empty() {
            let (batch, lines) = self.next_batch();
            self.append(&batch)?;
            self.place.end_bytes += batch.len() as u64;
            (0..lines).for_each(|_| self.pop());
        }
        Ok(())
    }

    fn pop(&mut self) {
        if let Some(done) = self.pending.pop_front() {
            self.pending_bytes -= done.record.payload.len();
            self.written += 1;
        }
    }

    fn append(&mut self, mut bytes: &[u8]) -> Result<(), JournalError> {
        let file = self.opened()?;
        while !bytes.is_empty() {
            match file.append(bytes) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(len) => bytes = bytes.get(len..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The next lines as bytes, and how many they are.
    fn next_batch(&mut self) -> (Vec<u8>, usize) {
        let (mut batch, mut lines) = (Vec::new(), 0);
        for pending in &mut self.pending {
            if batch.len() >= BATCH_BYTES {
                break;
            }
            let written = match &pending.written {
                Some(written) => written,
                None => {
                    let stamp = stamp(&*self.clock, &mut self.newest, &pending.record);
                    let line = pending.record.line(&stamp, pending.ordinal);
                    pending.written.insert(Written { line, stamp })
                }
            };
            batch.extend_from_slice(&written.line);
            lines += 1;
        }
        (batch, lines)
    }
}

/// Without what is said in the thread: errors are shown to others.
impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("path", &self.path)
            .field("place", &self.place)
            .field("pending", &self.pending.len())
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

/// The time of writing; never so that two lines are equal, since the second would be taken for the
/// first written again.
fn stamp(clock: &dyn Clock, newest: &mut Option<(i64, Digest)>, record: &NewRecord) -> String {
    let mut now = clock.now();
    let digest = Digest::of(record.payload.as_bytes());
    if let Some((before_ms, before)) = newest
        && *before == digest
        && now.unix_ms <= *before_ms
    {
        now.unix_ms = before_ms.saturating_add(1);
    }
    *newest = Some((now.unix_ms, digest));
    now.stamp()
}
