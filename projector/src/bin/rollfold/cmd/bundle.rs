//! `rollfold export` and `rollfold import`: take threads from one home to another.

use std::io::Write;
use std::path::PathBuf;

use rollfold_projector::{
    ExportOptions, ImportOptions, ImportedAs, Manifest, Store, export, import,
};
use serde_json::json;

use super::subtree::{Spawned, thread};
use crate::context::{Context, Exit, Failure};
use crate::print;

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// The thread: its id, the path of one of its files, or its name.
    thread: String,
    /// The bundle to write, a new file.
    to: PathBuf,
    /// Takes the threads with it that it spawned.
    #[arg(long)]
    tree: bool,
    /// Says what would go into the bundle, and writes nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// The bundle.
    bundle: PathBuf,
    /// Shows paths that begin with FROM as if they began with TO; can be given more than once.
    #[arg(long, value_name = "FROM=TO", value_parser = pair)]
    map: Vec<(String, String)>,
    /// Takes in at most so many bytes of logs.
    #[arg(long, value_name = "BYTES")]
    max_bytes: Option<u64>,
    /// Checks the bundle and says what would be done, and changes nothing.
    #[arg(long)]
    dry_run: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(from, _)| !from.is_empty());
    pair.map(|(from, to)| (from.to_owned(), to.to_owned()))
        .ok_or_else(|| "is no FROM=TO".to_owned())
}

pub fn run_export(context: &Context, args: &ExportArgs) -> Result<Exit, Failure> {
    let home = context.home()?;
    let thread_id = thread(context, &home, &args.thread)?;
    let spawned = match args.tree {
        true => Spawned::of(context, &home, &thread_id)?,
        false => Spawned::default(),
    };
    let children = |thread: &str| spawned.children(thread);
    let options = ExportOptions { children: Some(&children), is_dry_run: args.dry_run };
    let exported = export(&home, &thread_id, &args.to, &options)?;
    let mut out = context.out();
    if context.is_json {
        let line = json!({
            "bundle": args.to,
            "bundleBytes": exported.bundle_bytes,
            "manifest": exported.manifest,
            "dryRun": args.dry_run,
        });
        context.json_line(&mut out, &line)?;
    } else {
        for log in &exported.manifest.logs {
            writeln!(out, "{}", log.name)?;
        }
        let (logs, to) = (exported.manifest.logs.len(), args.to.display());
        let len = print::bytes(exported.bundle_bytes);
        match args.dry_run {
            true => writeln!(out, "{logs} logs would go into {to}")?,
            false => writeln!(out, "{logs} logs are in {to}, {len}")?,
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

pub fn run_import(context: &Context, args: &ImportArgs) -> Result<Exit, Failure> {
    let home = context.home()?;
    let store: Option<Store> = match args.map.is_empty() || args.dry_run {
        true => None,
        false => Some(context.store()?),
    };
    let defaults = ImportOptions::default();
    let options = ImportOptions {
        bytes_max: args.max_bytes.unwrap_or(defaults.bytes_max),
        overlay: store.as_ref().map(|store| (store, &args.map[..])),
        is_dry_run: args.dry_run,
    };
    let imported = import(&home, &args.bundle, &options)?;
    let outcome = match imported.outcome {
        ImportedAs::New => "new",
        ImportedAs::Completed => "completed",
        _ => "alreadyThere",
    };
    let mut out = context.out();
    if context.is_json {
        let line = json!({
            "outcome": outcome,
            "added": imported.added,
            "manifest": imported.manifest,
            "dryRun": args.dry_run,
        });
        context.json_line(&mut out, &line)?;
    } else {
        for path in &imported.added {
            writeln!(out, "added: {}", path.display())?;
        }
        let Manifest { thread_id, logs, .. } = &imported.manifest;
        let (logs, added) = (logs.len(), imported.added.len());
        match (imported.outcome, args.dry_run) {
            (ImportedAs::AlreadyThere, _) => {
                writeln!(out, "thread {thread_id}: all {logs} logs are there already")?;
            }
            (_, true) => writeln!(out, "thread {thread_id}: the bundle is whole, {logs} logs")?,
            (_, false) => writeln!(out, "thread {thread_id}: {added} of {logs} logs added")?,
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}
