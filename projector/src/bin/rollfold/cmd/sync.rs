//! `rollfold sync`: folds what the logs of the homes have got since the last time.

use std::io::{IsTerminal, Write};
use std::ops::ControlFlow;

use indicatif::{ProgressBar, ProgressStyle};
use rollfold_projector::{
    Check, FileOutcome, FileReport, HomesProgress, HomesSynced, IndexOptions, Library, Outcome,
    Store, SyncOptions,
};
use serde_json::{Value, json};

use crate::context::{Context, Exit, Failure};
use crate::print;

/// Arguments of `sync`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Threads that fold [default: one less than the machine runs at once].
    #[arg(long, value_name = "COUNT", default_value_t = 0, hide_default_value = true)]
    threads: usize,
    /// Compares all that was folded with the logs again.
    #[arg(long)]
    whole: bool,
    /// Leaves the search index as it is; the next search takes in what is new.
    #[arg(long)]
    no_index: bool,
}

impl Args {
    /// Takes what is new into the search index, unless that is not wanted.
    pub fn index(&self, store: &Store) -> Result<(), Failure> {
        if !self.no_index {
            store.index(&IndexOptions::default())?;
        }
        Ok(())
    }

    pub fn options(&self) -> SyncOptions {
        let check = if self.whole { Check::Whole } else { Check::ByIdentity };
        SyncOptions { threads: self.threads, check, ..SyncOptions::default() }
    }
}

pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let homes = context.homes()?;
    let library = Library::open(context.store()?)?;
    let mut out = context.out();
    let bar = bar(!context.is_json && std::io::stderr().is_terminal());
    let mut failure = None;
    let synced = library.sync_homes(&homes, &args.options(), |progress| {
        show(&bar, &progress);
        for report in progress.done {
            if let Err(error) = bar.suspend(|| tell(context, &mut out, report)) {
                failure = Some(error);
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    });
    if let Some(failure) = failure {
        return Err(failure);
    }
    let synced = synced?;
    bar.set_message("taking in words");
    args.index(library.store())?;
    bar.finish_and_clear();
    match context.is_json {
        true => context.json_line(&mut out, &of_homes(&synced))?,
        false => writeln!(out, "{}", summary(&synced))?,
    }
    out.flush()?;
    Ok(if synced.failed > 0 { Exit::Found } else { Exit::Done })
}

fn bar(is_shown: bool) -> ProgressBar {
    if !is_shown {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    let template = "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {msg}";
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn show(bar: &ProgressBar, progress: &HomesProgress<'_>) {
    bar.set_length(progress.total_bytes);
    bar.set_position(progress.bytes);
    let (files, total_files) = (progress.files, progress.total_files);
    bar.set_message(format!("{files}/{total_files} files"));
}

/// Tells of one file: as JSON of each, as text only what a person should know.
pub fn tell(context: &Context, out: &mut impl Write, report: &FileReport) -> Result<(), Failure> {
    if context.is_json {
        return context.json_line(out, &of_file(report));
    }
    match &report.outcome {
        FileOutcome::Failed(error) => eprintln!("rollfold: {error}"),
        FileOutcome::Synced(synced) => {
            if let Outcome::Rewritten { kept, .. } = synced.outcome {
                let path = report.path.display();
                writeln!(out, "{path}: was rewritten; what it was is kept as generation {kept}")?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// One file as JSON.
pub fn of_file(report: &FileReport) -> Value {
    let (path, key) = (&report.path, &report.key);
    match &report.outcome {
        FileOutcome::Synced(synced) => json!({
            "path": path, "key": key, "outcome": word(synced.outcome),
            "generation": synced.generation, "lines": synced.lines, "changes": synced.changes,
            "diagnostics": synced.diagnostics, "bytesRead": synced.bytes_read,
            "pendingBytes": synced.pending_bytes, "notes": synced.notes,
        }),
        FileOutcome::Failed(error) => {
            json!({"path": path, "key": key, "outcome": "failed", "error": error.to_string()})
        }
        FileOutcome::Copy { of } => {
            json!({"path": path, "key": key, "outcome": "copy", "of": of})
        }
        FileOutcome::Gone => json!({"path": path, "key": key, "outcome": "gone"}),
        _ => json!({"path": path, "key": key, "outcome": "other"}),
    }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::New => "new",
        Outcome::Unchanged => "unchanged",
        Outcome::Appended => "appended",
        Outcome::Rewritten { .. } => "rewritten",
        _ => "other",
    }
}

/// A sync as JSON.
pub fn of_homes(synced: &HomesSynced) -> Value {
    json!({
        "outcome": "synced", "found": synced.found, "unchanged": synced.unchanged,
        "new": synced.new, "appended": synced.appended, "rewritten": synced.rewritten,
        "copies": synced.copies, "gone": synced.gone, "failed": synced.failed,
        "strays": synced.strays, "lines": synced.lines, "bytesRead": synced.bytes_read,
    })
}

fn summary(synced: &HomesSynced) -> String {
    let counts = [
        (synced.new, "new"),
        (synced.appended, "appended"),
        (synced.rewritten, "rewritten"),
        (synced.unchanged, "unchanged"),
        (synced.copies, "copies"),
        (synced.gone, "gone"),
        (synced.failed, "failed"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, word)| format!("{count} {word}")).collect();
    let (lines, bytes) = (synced.lines, print::bytes(synced.bytes_read));
    let counts = if counts.is_empty() { String::new() } else { format!(": {}", counts.join(", ")) };
    format!("{} logs{counts}; {lines} lines folded, {bytes} read", synced.found)
}
