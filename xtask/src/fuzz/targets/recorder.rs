//! The recorder and those who change files, on a real home: random appends, syncs, deaths of the
//! writer, torn tails, compression and archiving, against the list of what was acknowledged.
//!
//! An operation is a line: `begin MODE`, `append SEED LEN`, `flush`, `sync`, `die`, `tear SEED`,
//! `world SEED`, `compact`, `compress`, `archive`, `unarchive`.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::time::Duration;

use rollfold_core::testing::{Prng, Swarm, rollout_bytes};
use rollfold_projector::{
    Compaction, CompressOptions, FileSource, Home, LogSource, MoveOptions, NewRecord, NewThread,
    Offered, RecordTag, Recorder, RecorderOptions, SourceBodies, Store, SyncOptions, ThreadMode,
    archive, compress, unarchive,
};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Case, expect};

/// The operations of a seed.
pub(crate) fn make(seed: u64) -> Vec<u8> {
    let mut rng = Prng::new(seed);
    let weights: Vec<u32> = (0..9).map(|_| rng.pick(&[0, 1, 2, 6])).collect();
    let mut operations = format!("begin {}\n", rng.below(2));
    for _ in 0..rng.below(30) {
        let some = rng.below(1_000);
        operations += &match rng.weighted(&weights).unwrap_or(0) {
            0 => format!("append {some} {}\n", rng.below(12)),
            1 => "flush\n".to_owned(),
            2 => "sync\n".to_owned(),
            3 => "die\n".to_owned(),
            4 => format!("die\ntear {some}\n"),
            5 => format!("world {some}\n"),
            6 => "compact\n".to_owned(),
            7 => "die\ncompress\n".to_owned(),
            _ => "die\narchive\nunarchive\n".to_owned(),
        };
    }
    operations += "sync\n";
    operations.into_bytes()
}

struct World {
    _folder: tempfile::TempDir,
    home: Home,
    thread_id: Option<String>,
    recorder: Option<Recorder>,
    /// Payloads that were offered and kept, in order; those behind `acknowledged` may be lost.
    kept: Vec<Value>,
    acknowledged: usize,
}

pub(crate) fn check(case: &Case) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(told)?;
    let home = Home::at(folder.path());
    let (recorder, kept) = (None, Vec::new());
    let mut world =
        World { _folder: folder, home, thread_id: None, recorder, kept, acknowledged: 0 };
    for (at, part) in case.parts.iter().enumerate() {
        let text = String::from_utf8_lossy(part);
        world.operate(&text).map_err(|error| format!("{error}; at {at}: {}", text.trim()))?;
    }
    world.end()
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl World {
    fn operate(&mut self, text: &str) -> Result<(), String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let number =
            |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
        match words.first().copied().unwrap_or_default() {
            "begin" if self.thread_id.is_none() => self.begin(number(1)),
            "append" => self.append(number(1), number(2)),
            "flush" => self.with(|recorder| recorder.flush().map_err(told)).map(|_| {
                self.acknowledged = self.kept.len();
            }),
            "sync" => self.sync(),
            "die" => self.die(),
            "tear" => self.tear(number(1)),
            "world" => self.world(number(1)),
            "compact" => self.compact(),
            "compress" => self.compress(),
            "archive" | "unarchive" => self.put_away(words.first() == Some(&"archive")),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, mode: u64) -> Result<(), String> {
        let mode = if mode == 0 { ThreadMode::Legacy } else { ThreadMode::Paginated };
        let thread = NewThread { mode, ..NewThread::new("/work", "fuzz", "1") };
        let recorder = Recorder::create(&self.home, &thread, &RecorderOptions::default());
        let recorder = recorder.map_err(told)?;
        self.thread_id = Some(recorder.thread_id().to_owned());
        self.recorder = Some(recorder);
        Ok(())
    }

    /// The recorder, gone on with if it died; none if nothing of the thread is on the disk.
    fn with<T>(
        &mut self,
        act: impl FnOnce(&mut Recorder) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        let Some(id) = self.thread_id.clone() else { return Ok(None) };
        if self.recorder.is_none() {
            if self.home.scan().map_err(told)?.of_thread(&id).next().is_none() {
                return Ok(None);
            }
            let resumed = Recorder::resume(&self.home, &id, &RecorderOptions::default());
            self.recorder = Some(
                resumed
                    .map_err(|error| format!("broken: a thread can be gone on with: {error}"))?,
            );
        }
        self.recorder.as_mut().map(act).transpose()
    }

    fn append(&mut self, seed: u64, len: u64) -> Result<(), String> {
        let log = rollout_bytes(&Swarm::new(seed, len as usize + 2));
        let mut kept = Vec::new();
        self.with(|recorder| {
            for line in log.split(|byte| *byte == b'\n').skip(1) {
                let Ok(Value::Object(record)) = serde_json::from_slice(line) else { continue };
                let tag = record.get("type").and_then(Value::as_str).and_then(RecordTag::of);
                let Some((tag, payload)) = tag.zip(record.get("payload")) else { continue };
                if tag == RecordTag::SessionMeta {
                    continue;
                }
                let raw = RawValue::from_string(payload.to_string()).map_err(told)?;
                if let Ok(Offered::Kept { .. }) = recorder.append(NewRecord::raw(tag, &raw)) {
                    kept.push(payload.clone());
                }
            }
            Ok(())
        })?;
        self.kept.extend(kept);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), String> {
        if self.with(|recorder| recorder.sync().map_err(told))?.is_some() {
            self.acknowledged = self.kept.len();
            self.compare()?;
        }
        Ok(())
    }

    /// The process dies: what was not handed over is gone.
    fn die(&mut self) -> Result<(), String> {
        self.recorder = None;
        self.kept.truncate(self.acknowledged);
        Ok(())
    }

    /// Somebody leaves half a line.
    fn tear(&mut self, seed: u64) -> Result<(), String> {
        self.die()?;
        let Some(path) = self.path()? else { return Ok(()) };
        if !path.exists() {
            return Ok(());
        }
        let torn = format!(
            "{{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"type\":\"event_msg\",\"payload\":{{\"type\":\"agent_message\",\"message\":\"torn {seed}\"}}}}"
        );
        let len = 1 + seed as usize % (torn.len() - 2);
        let mut file = OpenOptions::new().append(true).open(path).map_err(told)?;
        file.write_all(torn.as_bytes().get(..len).unwrap_or_default()).map_err(told)
    }

    fn world(&mut self, seed: u64) -> Result<(), String> {
        let state = serde_json::json!({"a": seed % 7, "b": {"c": seed % 3}});
        let written = self.with(|recorder| recorder.world_state(&state).map_err(told))?;
        let read = self.with(|recorder| Ok(recorder.pending_records()))?;
        expect("a world state is written or known", written.is_some() == read.is_some())
    }

    fn compact(&mut self) -> Result<(), String> {
        let compaction = Compaction { message: "short".into(), ..Compaction::default() };
        self.with(|recorder| recorder.compact(&compaction).map_err(told)).map(drop)
    }

    fn compress(&mut self) -> Result<(), String> {
        let options = CompressOptions {
            cold_after: Duration::ZERO,
            is_forced: true,
            ..CompressOptions::default()
        };
        compress(&self.home, &options).map_err(told)?;
        self.compare()
    }

    fn put_away(&mut self, is_away: bool) -> Result<(), String> {
        let Some(id) = self.thread_id.clone() else { return Ok(()) };
        self.die()?;
        if self.path()?.is_none() {
            return Ok(());
        }
        let options = MoveOptions { children: None, is_dry_run: false };
        let moved = match is_away {
            true => archive(&self.home, &id, &options),
            false => unarchive(&self.home, &id, &options),
        };
        moved.map_err(told)?;
        self.compare()
    }

    fn path(&self) -> Result<Option<std::path::PathBuf>, String> {
        let Some(id) = &self.thread_id else { return Ok(None) };
        let scan = self.home.scan().map_err(told)?;
        Ok(scan.of_thread(id).next().map(|found| found.path.clone()))
    }

    /// What was acknowledged stands in the log, each record once and in order.
    fn compare(&self) -> Result<(), String> {
        let Some(path) = self.path()? else {
            return expect("what was acknowledged is there", self.acknowledged == 0);
        };
        let source = FileSource::open(&path).map_err(told)?;
        let bytes = read_all(&source)?;
        let mut wanted = self.kept.iter().take(self.acknowledged).peekable();
        let mut ordinals = Vec::new();
        for line in bytes.split(|byte| *byte == b'\n') {
            let Ok(record) = serde_json::from_slice::<Value>(line) else { continue };
            ordinals.extend(record.get("ordinal").and_then(Value::as_u64));
            if wanted.peek().is_some_and(|wanted| record.get("payload") == Some(*wanted)) {
                wanted.next();
            }
        }
        expect("what was acknowledged stands in the log, in order", wanted.next().is_none())?;
        let is_rising = ordinals.windows(2).all(|pair| matches!(pair, [one, next] if one < next));
        expect("no ordinal is given twice", is_rising)
    }

    /// The log is what a store makes of it, however it lies there.
    fn end(&self) -> Result<(), String> {
        self.compare()?;
        let store = Store::in_memory().map_err(told)?;
        let synced =
            store.sync_homes(std::slice::from_ref(&self.home), &SyncOptions::default(), |_| {
                std::ops::ControlFlow::Continue(())
            });
        let synced = synced.map_err(told)?;
        let is_there = self.path()?.is_some();
        expect("a log is synced", synced.new == usize::from(is_there))?;
        let strays = self.home.scan().map_err(told)?.strays;
        let of_interest = strays.iter().filter(|stray| fs::metadata(&stray.path).is_ok()).count();
        expect("nothing is left over", of_interest == 0)
    }
}

fn read_all(source: &FileSource) -> Result<Vec<u8>, String> {
    use rollfold_core::context::Bodies;
    let mut len_bytes = 0;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match source.read_at(len_bytes, &mut buffer).map_err(told)? {
            0 => break,
            read => len_bytes += read as u64,
        }
    }
    let span = rollfold_core::Span::new(0, len_bytes);
    SourceBodies(source).bytes(span).map(std::borrow::Cow::into_owned).map_err(told)
}
