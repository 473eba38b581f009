//! What was folded, printed: for people as tables, for programs as JSON lines.

mod context;
mod facts;
mod policy;
mod print;
mod turns;

use std::error::Error;
use std::path::Path;

use clap::ValueEnum;
use rollfold_core::{Folder, Snapshot};
use rollfold_projector::{LogSource, ThreadView};

pub(super) use context::ContextArgs;
pub(super) use facts::recognised;
use print::Printer;

use super::check::fold;
use super::log::LogBodies;

/// What `--show` prints. In braces: the keys of a JSON line, beside `file`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Show {
    /// The turns; a line a turn {turn}.
    Turns,
    /// The items of all turns; a line an item {seq, turnId, item}.
    Items,
    /// What records change of turns and items; a line a record that does {seq, changes}.
    Changes,
    /// The state of the world: "unknown", or known and what; one line {world}.
    World,
    /// The context windows; a line a window {window, own_tokens}.
    Windows,
    /// What a resume would send to the model: one line {context}, a line an item {number, item},
    /// a line a call or output that is amiss {number, seq, call_id, problem, done}.
    Context,
    /// What is known of the thread; one line {thread}.
    Thread,
    /// The token ledger: a line an entry {entry}, then one {own, inherited}.
    Usage,
    /// Records and bytes by label, before and after a writer's choice: a line a label {label,
    /// records, bytes, kept_records, kept_bytes}; without label, the sum.
    Policy,
    /// What was understood; one line {health}.
    Health,
    /// What of the history is another thread's, and where the thread can be cut; one line {forks}.
    Forks,
}

/// A log folded in memory.
struct Folded {
    folder: Folder,
    snapshot: Snapshot,
}

/// Prints what was asked for of one log.
pub(super) fn show<S: LogSource>(
    show: Show,
    is_json: bool,
    context: &ContextArgs,
    file: &Path,
    source: &S,
    view: &ThreadView,
) -> Result<(), Box<dyn Error>> {
    let mut printer = Printer::new(file, is_json)?;
    let to = &mut printer;
    match show {
        Show::Turns => turns::turns(to, view)?,
        Show::Items => turns::items(to, view)?,
        Show::Changes => turns::changes(to, source)?,
        Show::World => facts::world(to, &folded(source)?)?,
        Show::Windows => facts::windows(to, &folded(source)?)?,
        Show::Context => context::show(to, &folded(source)?, &LogBodies(source), context)?,
        Show::Thread => facts::thread(to, &folded(source)?)?,
        Show::Usage => facts::usage(to, &folded(source)?)?,
        Show::Policy => policy::show(to, &folded(source)?, &LogBodies(source))?,
        Show::Health => facts::health(to, &folded(source)?)?,
        Show::Forks => facts::forks(to, &folded(source)?)?,
    }
    Ok(printer.finish()?)
}

fn folded<S: LogSource>(source: &S) -> Result<Folded, Box<dyn Error>> {
    let mut snapshot = Snapshot::default();
    let folder = fold(source, |step| Ok(snapshot.apply_step(&step)?))?;
    Ok(Folded { folder, snapshot })
}
