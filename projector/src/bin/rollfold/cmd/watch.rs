//! `rollfold watch`: syncs the homes, and again whenever something changes in them.

use std::io::Write;
use std::ops::ControlFlow;

use rollfold_projector::{FileOutcome, FileReport, Watch, WatchEvent, WatchOptions};

use super::sync::tell;
use crate::context::{Context, Exit, Failure};

/// Arguments of `watch`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Looks again and again instead of being told by the system: for disks of other machines.
    #[arg(long)]
    poll: bool,
    #[command(flatten)]
    sync: super::sync::Args,
}

pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let homes = context.homes()?;
    let store = context.store()?;
    let mut out = context.out();
    let options = WatchOptions {
        sync: args.sync.options(),
        only_polls: args.poll,
        ..WatchOptions::default()
    };
    let mut failure = None;
    let mut is_said = false;
    Watch::new(options).run(&store, &homes, |event| {
        let told = match event {
            WatchEvent::Files(done) => files(context, &mut out, done),
            // The same again and again while it lasts.
            WatchEvent::Home(_) if is_said => Ok(()),
            WatchEvent::Home(error) => {
                is_said = true;
                eprintln!("rollfold: {error}; waiting for it");
                Ok(())
            }
            WatchEvent::Synced(synced) => {
                is_said &= synced.found == 0;
                out.flush().map_err(Failure::from).and_then(|()| args.sync.index(&store))
            }
            _ => Ok(()),
        };
        match told {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    failure.map_or(Ok(Exit::Done), Err)
}

fn files(context: &Context, out: &mut impl Write, done: &[FileReport]) -> Result<(), Failure> {
    for report in done {
        let is_new = match &report.outcome {
            FileOutcome::Synced(synced) => synced.lines > 0,
            FileOutcome::Copy { .. } => false,
            _ => true,
        };
        if !is_new {
            continue;
        }
        tell(context, out, report)?;
        if let FileOutcome::Synced(synced) = &report.outcome
            && !context.is_json
        {
            writeln!(out, "{}: {} lines", report.key, synced.lines)?;
        }
        if let FileOutcome::Gone = &report.outcome
            && !context.is_json
        {
            writeln!(out, "{}: is gone; what was folded of it stays", report.path.display())?;
        }
    }
    Ok(())
}
