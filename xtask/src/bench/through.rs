//! What goes through: yardsticks, the parts of the fold, and a durable sync.

use std::error::Error;

use rollfold_core::{Depth, Folder, Lines, Options, Position, Snapshot, decode};
use rollfold_projector::{FileSource, Store, SyncOptions};
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{Bench, Input};

pub(super) fn measure(bench: &mut Bench<'_>, input: &Input) -> Result<(), Box<dyn Error>> {
    let bytes = &*input.bytes;
    let len = bytes.len();
    let lines = || Lines::new(bytes, Position::default());
    bench.through("scan", len, || Ok(lines().count()))?;
    bench.through("copy", len, || {
        let mut copy = Vec::new();
        lines().for_each(|line| {
            copy.clear();
            copy.extend_from_slice(line.bytes);
            std::hint::black_box(&copy);
        });
        Ok(())
    })?;
    bench.through("ignored", len, || {
        let parsed = lines().map(|line| serde_json::from_slice::<IgnoredAny>(line.bytes).is_ok());
        Ok(parsed.filter(|is_ok| *is_ok).count())
    })?;
    // The yardstick of the others' ratios.
    bench.through("value", len, || {
        let parsed = lines().map(|line| serde_json::from_slice::<Value>(line.bytes).is_ok());
        Ok(parsed.filter(|is_ok| *is_ok).count())
    })?;
    bench.through("decode", len, || {
        let mut scratch = String::new();
        let mut records = 0;
        lines().for_each(|line| {
            let decoded = decode(line, &mut scratch, Depth::Needed);
            records += decoded.records.as_slice().len();
        });
        Ok(records)
    })?;
    bench.through("fold", len, || {
        let (mut folder, mut snapshot) = (Folder::new(Options::default()), Snapshot::default());
        for chunk in bytes.chunks(256 * 1024) {
            folder.push(chunk).iter().try_for_each(|step| snapshot.apply_step(step))?;
        }
        Ok(snapshot.len_items())
    })?;
    if !bench.wants(&["sync", "size", "memory"]) {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("log.jsonl");
    std::fs::write(&log, bytes)?;
    let mut number = 0;
    bench.through("sync", len, || {
        number += 1;
        let db = folder.path().join(format!("{number}.redb"));
        let store = Store::open(&db)?;
        Ok(store.sync(&FileSource::open(&log)?, &SyncOptions::default())?)
    })?;
    if bench.wants(&["size"]) {
        let db = folder.path().join("size.redb");
        Store::open(&db)?.sync(&FileSource::open(&log)?, &SyncOptions::default())?;
        let store_bytes = std::fs::metadata(&db)?.len();
        bench.put("size", store_bytes as f64 / len.max(1) as f64, "of log");
    }
    if bench.wants(&["memory"]) {
        let peak = peak_of_replay(&log)?;
        bench.put("memory", peak as f64 / 1e6, "MB peak");
    }
    Ok(())
}

/// The peak memory of a process that does nothing but sync the log.
fn peak_of_replay(log: &std::path::Path) -> Result<u64, Box<dyn Error>> {
    let mut command = std::process::Command::new(std::env::current_exe()?);
    let output = command.args(["replay", "--no-check", "--json"]).arg(log).output()?;
    let line = std::str::from_utf8(&output.stdout)?.lines().next().unwrap_or_default();
    let row: Value = serde_json::from_str(line)?;
    Ok(row.get("peak_memory_bytes").and_then(Value::as_u64).unwrap_or_default())
}
