//! `rollfold fork`: begins a thread with what another one has.

use std::io::Write;
use std::path::PathBuf;

use rollfold_projector::{
    Cut, Fork, INTERRUPTED, NewThread, Recorder, RecorderOptions, ThreadMode, open_thread,
    preview_copy, preview_reference,
};
use serde_json::json;

use crate::context::{Context, Exit, Failure};

/// Arguments of `fork`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The thread: its id, or what the store knows it by - the beginning of its id, or its name.
    thread: String,
    #[command(flatten)]
    cut: CutArgs,
    /// Names the place in the other log instead of copying what is before it.
    #[arg(long)]
    by_reference: bool,
    /// Gives ids to response items that have none.
    #[arg(long, conflicts_with = "by_reference")]
    assign_ids: bool,
    /// Tells that a turn which goes on was interrupted.
    #[arg(long)]
    interrupt: bool,
    /// Says what would be done, and writes nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct CutArgs {
    /// Keeps what is before this turn.
    #[arg(long, value_name = "TURN")]
    before_turn: Option<String>,
    /// Keeps this turn and what is before it.
    #[arg(long, value_name = "TURN")]
    after_turn: Option<String>,
    /// Keeps what is before this message of a person, counted from 0.
    #[arg(long, value_name = "N")]
    before_message: Option<usize>,
    /// Keeps only the last turns.
    #[arg(long, value_name = "N")]
    last: Option<usize>,
}

impl CutArgs {
    fn cut(&self) -> Cut {
        let Self { before_turn, after_turn, before_message, last } = self;
        let before_turn = before_turn.clone().map(Cut::BeforeTurn);
        before_turn
            .or_else(|| after_turn.clone().map(Cut::AfterTurn))
            .or_else(|| before_message.map(Cut::BeforeUserMessage))
            .or_else(|| last.map(Cut::LastTurns))
            .unwrap_or_default()
    }
}

pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let home = context.home()?;
    let thread_id = context.thread_id(&args.thread)?;
    let source = open_thread(&home, &thread_id)?;
    let end_turn = args.interrupt.then(|| Some(INTERRUPTED.to_owned()));
    let fork = Fork { cut: args.cut.cut(), assign_ids: args.assign_ids, end_turn };
    let options = RecorderOptions { program: "rollfold".to_owned(), ..RecorderOptions::default() };
    let preview = match args.by_reference {
        true => preview_reference(&source, &fork)?,
        false => preview_copy(&source, &fork, &options)?,
    };
    let taken = preview.taken;
    let made = match args.dry_run {
        true => None,
        false => {
            let thread = NewThread::like(&preview.parent, "rollfold", env!("CARGO_PKG_VERSION"));
            let made = match args.by_reference {
                true => Recorder::fork_by_reference(&home, &source, &thread, &fork, &options)?,
                false => Recorder::fork_by_copy(&home, &source, &thread, &fork, &options)?,
            };
            Some(closed(made.0)?)
        }
    };
    let mut out = context.out();
    let path = made.as_ref().map(|(_, path)| path);
    if context.is_json {
        let base = preview.base.as_ref();
        let value = json!({
            "parentId": preview.parent.id(),
            "threadId": made.as_ref().map(|(id, _)| id),
            "path": path,
            "mode": match preview.mode {
                ThreadMode::Legacy => "legacy",
                ThreadMode::Paginated => "paginated",
            },
            "records": taken.records,
            "leftOut": taken.left_out,
            "damaged": taken.damaged,
            "base": base.map(|(id, ordinal, bytes)| json!({
                "id": id, "endOrdinalExclusive": ordinal, "endByteOffset": bytes,
            })),
            "dryRun": args.dry_run,
        });
        context.json_line(&mut out, &value)?;
    } else {
        let how = if args.by_reference { "kept by reference" } else { "copied" };
        let would = if args.dry_run { "would be " } else { "" };
        write!(out, "{} records {would}{how}", taken.records)?;
        if taken.left_out + taken.damaged > 0 {
            write!(out, ", {} left out, {} damaged pieces", taken.left_out, taken.damaged)?;
        }
        writeln!(out)?;
        if let Some((id, ordinal, bytes)) = &preview.base {
            writeln!(out, "base: {id} before ordinal {ordinal}, byte {bytes}")?;
        }
        if let Some((id, path)) = &made {
            writeln!(out, "{id}  {}", path.display())?;
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// The new thread's id and log.
fn closed(recorder: Recorder) -> Result<(String, PathBuf), Failure> {
    let made = (recorder.thread_id().to_owned(), recorder.path().to_owned());
    match recorder.close() {
        Ok(_) => Ok(made),
        Err(unclosed) => Err(unclosed.error.into()),
    }
}
