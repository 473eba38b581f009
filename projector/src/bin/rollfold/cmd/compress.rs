//! `rollfold compress`: makes logs small that were not written for a while.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use rollfold_projector::{
    CompressOptions, CompressOutcome, CompressReport, CompressRun, Tended, compress,
};
use serde_json::json;

use super::subtree;
use crate::context::{Context, Exit, Failure};
use crate::print;

const DAY: u64 = 24 * 60 * 60;

/// Arguments of `compress`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The threads: their ids, paths of their files, or names [default: all].
    threads: Vec<String>,
    /// Leaves logs alone that were written in the last so many days.
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    older_than: u64,
    /// Begins though it was done less than six hours ago.
    #[arg(long)]
    force: bool,
    /// Logs compressed at once.
    #[arg(long, value_name = "N", default_value_t = 2)]
    jobs: usize,
    /// Says what would be done, and changes nothing.
    #[arg(long)]
    dry_run: bool,
}

pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let home = context.home()?;
    let threads: Result<_, _> =
        args.threads.iter().map(|text| subtree::thread(context, &home, text)).collect();
    let options = CompressOptions {
        cold_after: Duration::from_secs(args.older_than.saturating_mul(DAY)),
        threads: threads?,
        is_dry_run: args.dry_run,
        is_forced: args.force,
        jobs: args.jobs,
        ..CompressOptions::default()
    };
    let report = compress(&home, &options)?;
    let mut out = context.out();
    for (path, outcome) in &report.files {
        file(context, &mut out, path, outcome)?;
    }
    for (path, tended) in &report.leftovers {
        let word = match tended {
            Ok(tended) => tended_word(*tended).to_owned(),
            Err(error) => error.to_string(),
        };
        match context.is_json {
            true => context.json_line(&mut out, &json!({"leftover": path, "outcome": word}))?,
            false => writeln!(out, "left over: {}: {word}", path.display())?,
        }
    }
    summary(context, &mut out, &report)?;
    out.flush()?;
    let is_failed = |outcome: &CompressOutcome| {
        matches!(outcome, CompressOutcome::Failed(_) | CompressOutcome::FormsDiffer)
    };
    let is_any = report.files.iter().any(|(_, outcome)| is_failed(outcome));
    Ok(if is_any { Exit::Found } else { Exit::Done })
}

fn file(
    context: &Context,
    out: &mut impl Write,
    path: &Path,
    outcome: &CompressOutcome,
) -> Result<(), Failure> {
    let word = outcome.as_str();
    let (plain, packed) = match outcome {
        CompressOutcome::Compressed { plain_bytes, packed_bytes, .. } => {
            (Some(*plain_bytes), Some(*packed_bytes))
        }
        CompressOutcome::Compressible { plain_bytes } => (Some(*plain_bytes), None),
        _ => (None, None),
    };
    let problem = match outcome {
        CompressOutcome::Failed(error) => Some(error.to_string()),
        _ => None,
    };
    if context.is_json {
        let line = json!({
            "path": path,
            "outcome": word,
            "plainBytes": plain,
            "packedBytes": packed,
            "problem": problem,
        });
        return context.json_line(out, &line);
    }
    let path = path.display();
    match (outcome, problem) {
        // Most are of these, and say nothing.
        (CompressOutcome::NotCold | CompressOutcome::AlreadyCompressed, _) => Ok(()),
        (_, Some(problem)) => Ok(writeln!(out, "{word}: {problem}")?),
        (_, None) => {
            let sizes = [plain, packed].into_iter().flatten().map(print::bytes);
            let sizes: Vec<String> = sizes.collect();
            let sizes = sizes.join(" -> ");
            let gap = if sizes.is_empty() { "" } else { "  " };
            Ok(writeln!(out, "{word}: {path}{gap}{sizes}")?)
        }
    }
}

fn tended_word(tended: Tended) -> &'static str {
    match tended {
        Tended::Removed => "removed",
        Tended::Restored => "restored",
        Tended::Merged => "merged",
        Tended::Kept => "kept, somebody may have it open",
        _ => "left alone, it holds something else",
    }
}

fn summary(
    context: &Context,
    out: &mut impl Write,
    report: &CompressReport,
) -> Result<(), Failure> {
    let savings = report.savings();
    let run = match report.run {
        CompressRun::Done => "done",
        CompressRun::Throttled { .. } => "throttled",
        _ => "busy",
    };
    if context.is_json {
        let line = json!({
            "run": run,
            "files": savings.files,
            "plainBytes": savings.plain_bytes,
            "packedBytes": savings.packed_bytes,
            "bySavedBytes": savings.by_saved_bytes,
        });
        return context.json_line(out, &line);
    }
    match report.run {
        CompressRun::Throttled { age } => {
            let minutes = age.as_secs() / 60;
            writeln!(
                out,
                "nothing was done: the last run was {minutes} minutes ago; --force runs"
            )?;
        }
        CompressRun::Done => {
            for (bytes, files) in &savings.by_saved_bytes {
                writeln!(out, "{files:>8} saved {} or more each", print::bytes(*bytes))?;
            }
            let (before, after) = (savings.plain_bytes, savings.packed_bytes);
            let (before, after) = (print::bytes(before), print::bytes(after));
            writeln!(out, "{} compressed, {before} -> {after}", savings.files)?;
        }
        _ => writeln!(out, "nothing was done: another run, or a migration, is going on")?,
    }
    Ok(())
}
