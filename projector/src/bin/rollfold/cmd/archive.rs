//! `rollfold archive` and `rollfold unarchive`: put threads away, and get them back.

use std::io::Write;

use rollfold_projector::{MoveOptions, MovedThread, archive, unarchive};
use serde_json::json;

use super::subtree::{Spawned, thread};
use crate::context::{Context, Exit, Failure};

/// Arguments of `archive`.
#[derive(Debug, clap::Args)]
pub struct ArchiveArgs {
    /// The thread: its id, the path of one of its files, or its name.
    thread: String,
    /// Leaves the threads alone that it spawned.
    #[arg(long)]
    alone: bool,
    /// Says what would be done, and changes nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Arguments of `unarchive`.
#[derive(Debug, clap::Args)]
pub struct UnarchiveArgs {
    /// The thread: its id, the path of one of its files, or its name.
    thread: String,
    /// Gets the threads back as well that it spawned.
    #[arg(long)]
    tree: bool,
    /// Says what would be done, and changes nothing.
    #[arg(long)]
    dry_run: bool,
}

pub fn run_archive(context: &Context, args: &ArchiveArgs) -> Result<Exit, Failure> {
    let ArchiveArgs { thread, alone, dry_run } = args;
    run(context, thread, !alone, *dry_run, true)
}

pub fn run_unarchive(context: &Context, args: &UnarchiveArgs) -> Result<Exit, Failure> {
    let UnarchiveArgs { thread, tree, dry_run } = args;
    run(context, thread, *tree, *dry_run, false)
}

fn run(
    context: &Context,
    text: &str,
    is_tree: bool,
    is_dry_run: bool,
    is_archive: bool,
) -> Result<Exit, Failure> {
    let home = context.home()?;
    let thread_id = thread(context, &home, text)?;
    let spawned = match is_tree {
        true => Some(Spawned::of(context, &home, &thread_id)?),
        false => None,
    };
    let spawned = spawned.unwrap_or_default();
    let children = |thread: &str| spawned.children(thread);
    let options = MoveOptions { children: Some(&children), is_dry_run };
    let moved = match is_archive {
        true => archive(&home, &thread_id, &options)?,
        false => unarchive(&home, &thread_id, &options)?,
    };
    print(context, &moved, is_dry_run)
}

fn print(context: &Context, moved: &[MovedThread], is_dry_run: bool) -> Result<Exit, Failure> {
    let mut out = context.out();
    let verb = if is_dry_run { "would be moved" } else { "moved" };
    for MovedThread { thread_id, files, problem, .. } in moved {
        let problem = problem.as_ref().map(ToString::to_string);
        if context.is_json {
            let files: Vec<_> =
                files.iter().map(|file| json!({"from": file.from, "to": file.to})).collect();
            let line = json!({
                "threadId": thread_id,
                "files": files,
                "dryRun": is_dry_run,
                "problem": problem,
            });
            context.json_line(&mut out, &line)?;
            continue;
        }
        if files.is_empty() && problem.is_none() {
            writeln!(out, "{thread_id}: is there already")?;
        }
        for file in files {
            writeln!(out, "{thread_id}: {verb} to {}", file.to.display())?;
        }
        if let Some(problem) = problem {
            writeln!(out, "{thread_id}: left alone: {problem}")?;
        }
    }
    out.flush()?;
    let is_any = moved.iter().any(|thread| thread.problem.is_some());
    Ok(if is_any { Exit::Found } else { Exit::Done })
}
