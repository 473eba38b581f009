//! What one more record costs, behind a short history and behind the whole log.

use std::error::Error;
use std::fs::OpenOptions;
use std::io::Write;
use std::time::Instant;

use rollfold_projector::{FileSource, Store, SyncOptions};

use super::{Bench, Input, median};

/// Bytes of the short history.
const SHORT_BYTES: usize = 6_000_000;

/// Appends whose median is taken.
const APPENDS: usize = 41;

const RECORD: &[u8] = b"{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"type\":\"event_msg\",\"payload\":{\"type\":\"agent_message\",\"message\":\"one more\"}}\n";

pub(super) fn measure(bench: &mut Bench<'_>, input: &Input) -> Result<(), Box<dyn Error>> {
    if !bench.wants(&["append-short", "append-long", "append-ratio"]) {
        return Ok(());
    }
    let bytes = &*input.bytes;
    let end = |at: usize| bytes.get(..at).and_then(last_line_end).map_or(at, |end| end + 1);
    let short = bytes.get(..end(SHORT_BYTES.min(bytes.len()))).unwrap_or(bytes);
    let (short, long) = both(short, bytes)?;
    bench.put("append-short", short * 1e3, "ms");
    bench.put("append-long", long * 1e3, "ms");
    bench.put("append-ratio", long / short.max(1e-9), "x");
    Ok(())
}

fn last_line_end(head: &[u8]) -> Option<usize> {
    head.iter().rposition(|byte| *byte == b'\n')
}

/// A store that has a log, which grows by one record at a time.
struct Grown {
    folder: tempfile::TempDir,
    store: Store,
    times: Vec<f64>,
}

impl Grown {
    fn new(bytes: &[u8]) -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("log.jsonl"), bytes)?;
        let store = Store::open(folder.path().join("store.redb"))?;
        let grown = Self { folder, store, times: Vec::new() };
        grown.sync()?;
        Ok(grown)
    }

    fn sync(&self) -> Result<(), Box<dyn Error>> {
        let source = FileSource::open(self.folder.path().join("log.jsonl"))?;
        self.store.sync(&source, &SyncOptions::default())?;
        Ok(())
    }

    fn append(&mut self) -> Result<(), Box<dyn Error>> {
        let path = self.folder.path().join("log.jsonl");
        OpenOptions::new().append(true).open(path)?.write_all(RECORD)?;
        let started = Instant::now();
        self.sync()?;
        self.times.push(started.elapsed().as_secs_f64());
        Ok(())
    }
}

/// Appends to both in turns, so that what else the machine does hits both alike.
fn both(short: &[u8], long: &[u8]) -> Result<(f64, f64), Box<dyn Error>> {
    let (mut short, mut long) = (Grown::new(short)?, Grown::new(long)?);
    for _ in 0..APPENDS {
        short.append()?;
        long.append()?;
    }
    Ok((median(&mut short.times), median(&mut long.times)))
}
