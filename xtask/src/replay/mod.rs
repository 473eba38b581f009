//! `cargo xtask replay [PATH...]`: rollouts through the fold into a redb file, and the file
//! against a fold in memory.

mod check;
pub(crate) mod find;
mod log;
mod progress;
pub(crate) mod report;
mod show;
mod upto;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use rollfold_core::model::ItemsView;
use rollfold_projector::{
    FileSource, OpenError, Opened, QueryError, Store, SyncError, SyncOptions,
};

use find::{Found, Input};
use progress::Progress;
use report::Row;
use show::{ContextArgs, Show};
use upto::Upto;

/// Flags of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Rollouts, or folders of them; without any, `fixtures/` of the workspace.
    paths: Vec<PathBuf>,
    /// Keep the store in this file; without it, a temporary one is used.
    #[arg(long)]
    db: Option<PathBuf>,
    /// Print this of what was folded, and the table to standard error.
    #[arg(long, value_name = "WHAT")]
    show: Option<Show>,
    #[command(flatten)]
    context: ContextArgs,
    /// Fold only the first SEQ lines of each rollout.
    #[arg(long, value_name = "SEQ", conflicts_with = "db")]
    at: Option<u64>,
    /// Print JSON lines: of what `--show` shows, else of the table.
    #[arg(long)]
    json: bool,
    /// Do not compare the store with a fold in memory, which holds whole threads.
    #[arg(long)]
    no_check: bool,
}

/// How others are told who has the store.
const PROGRAM: &str = "cargo xtask replay";

/// Everything folded and every store equal.
const DONE: u8 = 0;
/// A store differs from the fold in memory.
const DIFFERS: u8 = 1;
/// The flags do not go together.
const USAGE: u8 = 2;
/// Something could not be read.
const UNREADABLE: u8 = 3;

/// Replays every rollout that the paths lead to.
pub(crate) fn run(args: &Args) -> ExitCode {
    if args.context.are_given() && args.show != Some(Show::Context) {
        eprintln!("--mode, --repair and --truncate-* go with --show context");
        return ExitCode::from(USAGE);
    }
    let found = find::rollouts(&args.paths);
    let mut code = DONE;
    for problem in &found.problems {
        eprintln!("{problem}");
        code = UNREADABLE;
    }
    if found.inputs.is_empty() {
        return ExitCode::from(code);
    }
    match replay(args, &found) {
        Ok(outcome) => ExitCode::from(code.max(outcome)),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(UNREADABLE)
        }
    }
}

fn replay(args: &Args, found: &Found) -> Result<u8, Box<dyn Error>> {
    let temporary = tempfile::tempdir()?;
    let db = args.db.clone().unwrap_or_else(|| temporary.path().join("store.redb"));
    let mut store = open(&db)?;
    let mut replayed = all(args, &store, found);
    if replayed.wants_rebuild {
        let aside = store.set_aside()?;
        eprintln!("{}: is damaged; set aside as {}, folding anew", db.display(), aside.display());
        store = open(&db)?;
        replayed = all(args, &store, found);
    }
    report::print(&replayed.rows, args, &db);
    Ok(match (replayed.differs, replayed.unreadable) {
        (true, _) => DIFFERS,
        (false, true) => UNREADABLE,
        (false, false) => DONE,
    })
}

/// Opens the store; if it cannot be used, an empty one in its place.
fn open(db: &Path) -> Result<Store, OpenError> {
    let (store, opened) = Store::open_or_rebuild(db, PROGRAM)?;
    if let Opened::SetAside { reason, aside } = opened {
        eprintln!("{reason}");
        eprintln!("{}: set aside as {}, folding anew", db.display(), aside.display());
    }
    Ok(store)
}

/// What came of all rollouts.
#[derive(Debug, Default)]
struct Replayed {
    rows: Vec<Row>,
    unreadable: bool,
    differs: bool,
    /// Whether a row or a block of the store could not be read.
    wants_rebuild: bool,
}

fn all(args: &Args, store: &Store, found: &Found) -> Replayed {
    let progress = Progress::new(found.total_bytes());
    let mut replayed = Replayed::default();
    for input in &found.inputs {
        match one(args, store, input, &progress) {
            Ok(row) => {
                if let Some(difference) = &row.difference {
                    progress.say(&format!("{}: {difference}", input.path.display()));
                    replayed.differs = true;
                }
                replayed.rows.push(row);
            }
            Err(error) => {
                progress.say(&format!("{}: {error}", input.path.display()));
                replayed.unreadable = true;
                replayed.wants_rebuild |= wants_rebuild(&*error);
            }
        }
    }
    progress.finish();
    replayed
}

fn wants_rebuild(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref().is_some_and(SyncError::wants_rebuild)
        || error.downcast_ref().is_some_and(QueryError::wants_rebuild)
}

/// Syncs one rollout, shows what was asked for, and checks the rows.
fn one(
    args: &Args,
    store: &Store,
    input: &Input,
    progress: &Progress,
) -> Result<Row, Box<dyn Error>> {
    let file = FileSource::open(&input.path)?;
    let source = Upto::new(&file, args.at)?;
    let started = Instant::now();
    let synced = progress
        .during(input, |report| store.sync_with(&source, &SyncOptions::default(), report))?;
    let seconds = started.elapsed().as_secs_f64();
    let peak_memory_bytes = report::peak_memory_bytes();
    let view = store.thread(rollfold_projector::LogSource::key(&source))?.ok_or("not stored")?;
    if let Some(what) = args.show {
        show::show(what, args.json, &args.context, &input.path, &source, &view)?;
    }
    let (mut turns, mut items) = (0, 0);
    let unknown_mode = match view.readable() {
        Err(QueryError::UnknownHistoryMode { source, .. }) => Some(source.mode),
        readable => {
            readable?;
            for row in view.turns(ItemsView::Full) {
                turns += 1;
                items += row?.value.items.len() as u64;
            }
            None
        }
    };
    let difference = if args.no_check { None } else { check::first_difference(&view, &source)? };
    Ok(Row {
        file: input.path.clone(),
        synced,
        recognition: view.state().recognition(),
        unknown_mode,
        turns,
        items,
        seconds,
        peak_memory_bytes,
        is_checked: !args.no_check,
        difference,
    })
}

/// The folder of fixtures, from wherever the task was started.
fn fixtures() -> PathBuf {
    let here = Path::new("fixtures");
    if here.is_dir() {
        return here.to_owned();
    }
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}
