//! `rollfold world`: the state of the world.

use rollfold_core::model::World;
use serde_json::json;

use crate::context::{Context, Exit, Failure};
use crate::reading::{AtArg, ThreadArg};

/// Arguments of `world`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    thread: ThreadArg,
    #[command(flatten)]
    at: AtArg,
}

pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let reading = args.thread.open_at(context, &args.at)?;
    let world = reading.view.world()?;
    let mut printer = reading.printer(context);
    match &world {
        world if printer.is_json() => printer.json(json!({ "world": world }))?,
        World::Unknown => printer.line("unknown")?,
        World::Known(value) => printer.text("", &format!("{value:#}"), usize::MAX)?,
    }
    printer.finish()?;
    Ok(Exit::Done)
}
