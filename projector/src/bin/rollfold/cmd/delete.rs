//! `rollfold delete`: removes a thread and all that it spawned, for good.

use std::io::Write;

use rollfold_projector::{DeleteOptions, delete};
use serde_json::json;

use super::subtree::{Spawned, sync, thread};
use crate::context::{Context, Exit, Failure};

/// Arguments of `delete`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The thread: its id, the path of one of its files, or its name.
    thread: String,
    /// Says what would be deleted, and changes nothing.
    #[arg(long)]
    dry_run: bool,
}

pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let home = context.home()?;
    let thread_id = thread(context, &home, &args.thread)?;
    // What was spawned is read off the store, which must know all logs for that.
    let store = context.store()?;
    sync(&store, &home)?;
    let (spawned, library) = Spawned::in_store(store, &thread_id)?;
    let children = |thread: &str| spawned.children(thread);
    let options = DeleteOptions { children: &children, is_dry_run: args.dry_run };
    let deleted = delete(&home, Some(library.store()), &thread_id, &options)?;
    let mut out = context.out();
    if context.is_json {
        let line = json!({
            "threadIds": deleted.threads,
            "files": deleted.files,
            "names": deleted.names,
            "logs": deleted.rows.logs,
            "dryRun": args.dry_run,
        });
        context.json_line(&mut out, &line)?;
    } else {
        let verb = if args.dry_run { "would be deleted" } else { "deleted" };
        for file in &deleted.files {
            writeln!(out, "{verb}: {}", file.display())?;
        }
        let (threads, files) = (deleted.threads.len(), deleted.files.len());
        let (names, logs) = (deleted.names, deleted.rows.logs);
        writeln!(
            out,
            "{verb}: {threads} threads, {files} files, {names} names, {logs} logs in the store"
        )?;
    }
    out.flush()?;
    Ok(Exit::Done)
}
