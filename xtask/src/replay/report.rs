//! The table at the end.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rollfold_core::model::Recognition;
use rollfold_projector::Synced;
use serde_json::{Value, json};

use super::Args;
use super::show::recognised;

/// One rollout's line.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) file: PathBuf,
    pub(super) synced: Synced,
    pub(super) recognition: Recognition,
    /// The history mode, where turns were not folded because it is not known.
    pub(super) unknown_mode: Option<Arc<str>>,
    pub(super) turns: u64,
    pub(super) items: u64,
    pub(super) seconds: f64,
    /// Of this process so far, where the system tells.
    pub(super) peak_memory_bytes: Option<u64>,
    pub(super) is_checked: bool,
    pub(super) difference: Option<String>,
}

impl Row {
    fn bytes_per_second(&self) -> f64 {
        // Precise enough below nine petabytes.
        self.synced.bytes_read as f64 / self.seconds.max(1e-9)
    }

    fn json(&self) -> Value {
        let Synced { counts, outcome, generation, position, .. } = &self.synced;
        json!({
            "file": self.file,
            "outcome": format!("{outcome:?}"),
            "generation": generation,
            "lines": position.seq,
            "records": counts.records,
            "unknown": counts.unknown,
            "damaged": counts.damaged,
            "blank": counts.blank,
            "recognition": self.recognition,
            "unknown_history_mode": self.unknown_mode,
            "turns": self.turns,
            "items": self.items,
            "pending_bytes": self.synced.pending_bytes,
            "bytes_read": self.synced.bytes_read,
            "bytes_per_second": self.bytes_per_second().round(),
            "peak_memory_bytes": self.peak_memory_bytes,
            "checked": self.is_checked,
            "difference": self.difference,
        })
    }
}

/// Prints the rows and their sum: as JSON lines, or as a table, on standard error if standard
/// output shows something else.
pub(super) fn print(rows: &[Row], args: &Args, db: &Path) {
    let mut out: Box<dyn Write> = match args.show {
        Some(_) => Box::new(std::io::stderr().lock()),
        None => Box::new(std::io::stdout().lock()),
    };
    // A reader that has gone away wants no more lines.
    let is_json = args.json && args.show.is_none();
    let _ = if is_json { print_json(&mut out, rows) } else { print_table(&mut out, rows) };
    if args.db.is_some() && !is_json {
        let len_bytes = std::fs::metadata(db).map(|metadata| metadata.len()).unwrap_or_default();
        let _ = writeln!(out, "store: {}, {}", db.display(), bytes(len_bytes as f64));
    }
}

fn print_json(out: &mut dyn Write, rows: &[Row]) -> std::io::Result<()> {
    rows.iter().try_for_each(|row| writeln!(out, "{}", row.json()))
}

fn print_table(out: &mut dyn Write, rows: &[Row]) -> std::io::Result<()> {
    let names: Vec<String> = rows.iter().map(|row| name(&row.file)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(4).max(5);
    writeln!(
        out,
        "{:width$} {:>9} {:>7} {:>7} {:>7} {:>8} {:>11}",
        "file", "records", "unknown", "damaged", "turns", "items", "bytes/s"
    )?;
    for (row, name) in rows.iter().zip(&names) {
        let counts = row.synced.counts;
        line(out, name, width, [counts.records, counts.unknown, counts.damaged], row)?;
    }
    let sum = |of: fn(&Row) -> u64| rows.iter().map(of).sum::<u64>();
    let seconds: f64 = rows.iter().map(|row| row.seconds).sum();
    let read = sum(|row| row.synced.bytes_read);
    writeln!(
        out,
        "{:width$} {:>9} {:>7} {:>7} {:>7} {:>8} {:>11}",
        format!("{} files", rows.len()),
        sum(|row| row.synced.counts.records),
        sum(|row| row.synced.counts.unknown),
        sum(|row| row.synced.counts.damaged),
        sum(|row| row.turns),
        sum(|row| row.items),
        rate(read as f64 / seconds.max(1e-9)),
    )?;
    let differing = rows.iter().filter(|row| row.difference.is_some()).count();
    let unchecked = rows.iter().filter(|row| !row.is_checked).count();
    match (differing, unchecked) {
        (0, 0) => writeln!(out, "store equals the fold in memory")?,
        (0, _) => writeln!(out, "store not compared with a fold in memory")?,
        (differing, _) => {
            writeln!(out, "store DIFFERS from the fold in memory: {differing} files")?
        }
    }
    if let Some(peak) = rows.iter().filter_map(|row| row.peak_memory_bytes).max() {
        writeln!(out, "peak memory while syncing: {}", bytes(peak as f64))?;
    }
    Ok(())
}

fn line(
    out: &mut dyn Write,
    name: &str,
    width: usize,
    [records, unknown, damaged]: [u64; 3],
    row: &Row,
) -> std::io::Result<()> {
    let (turns, items, rate) = (row.turns, row.items, rate(row.bytes_per_second()));
    let pad = width - name.chars().count().min(width);
    let spaces = " ".repeat(pad);
    let rest = format!("{records:>9} {unknown:>7} {damaged:>7} {turns:>7} {items:>8} {rate:>11}");
    writeln!(out, "{name}{spaces} {rest}{}", note(row))
}

/// Why there are no turns, if there are none.
fn note(row: &Row) -> String {
    match (&row.unknown_mode, row.recognition) {
        (Some(mode), _) => format!("  history mode {mode:?} is not known: turns not folded"),
        (None, Recognition::Turns { .. }) => String::new(),
        (None, recognition) => format!("  {}", recognised(recognition)),
    }
}

/// A path short enough for a table: its last components.
fn name(path: &Path) -> String {
    const COMPONENTS_MAX: usize = 3;
    let components: Vec<_> = path.components().rev().take(COMPONENTS_MAX).collect();
    let short: PathBuf = components.into_iter().rev().collect();
    short.display().to_string()
}

fn rate(bytes_per_second: f64) -> String {
    format!("{}/s", bytes(bytes_per_second))
}

fn bytes(count: f64) -> String {
    match count {
        count if count >= 1e9 => format!("{:.2} GB", count / 1e9),
        count if count >= 1e6 => format!("{:.1} MB", count / 1e6),
        count if count >= 1e3 => format!("{:.1} kB", count / 1e3),
        count => format!("{count:.0} B"),
    }
}

/// The most memory this process has held, where the system tells.
#[cfg(target_os = "linux")]
pub(crate) fn peak_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// The most memory this process has held, where the system tells.
#[cfg(not(target_os = "linux"))]
pub(crate) fn peak_memory_bytes() -> Option<u64> {
    None
}
