//! `rollfold rollback`: takes the newest turns of a thread back.

use std::io::Write;

use rollfold_projector::{Recorder, RecorderOptions};
use serde_json::json;

use crate::context::{Context, Exit, Failure};

/// Arguments of `rollback`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The thread: its id, or what the store knows it by - the beginning of its id, or its name.
    thread: String,
    /// How many turns.
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    turns: u32,
    /// Says what would be done, and writes nothing.
    #[arg(long)]
    dry_run: bool,
}

pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let home = context.home()?;
    let thread_id = context.thread_id(&args.thread)?;
    let options = RecorderOptions { program: "rollfold".to_owned(), ..RecorderOptions::default() };
    let mut recorder = Recorder::resume(&home, &thread_id, &options)?;
    recorder.roll_back(args.turns)?;
    let path = recorder.path().to_owned();
    if !args.dry_run
        && let Err(unclosed) = recorder.close()
    {
        return Err(unclosed.error.into());
    }
    let mut out = context.out();
    if context.is_json {
        let value = json!({
            "threadId": thread_id,
            "path": path,
            "turns": args.turns,
            "dryRun": args.dry_run,
        });
        context.json_line(&mut out, &value)?;
    } else {
        let would = if args.dry_run { "would be " } else { "" };
        writeln!(out, "{} turns {would}taken back in {}", args.turns, path.display())?;
    }
    out.flush()?;
    Ok(Exit::Done)
}
