//! `rollfold`: Codex history from the command line. Parses, calls the library, prints.
//!
//! Exit codes: 0 done; 1 done, and differences or damage were found; 2 used wrongly; 3 something
//! could not be read or written.

mod cmd;
mod context;
mod item_text;
mod logs;
mod print;
mod reading;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use context::{Context, Places};

/// Looks into Codex history: every thread, every turn, at any point.
#[derive(Debug, Parser)]
#[command(name = "rollfold", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    places: Places,
    /// Prints one JSON value a line instead of text.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Folds what the logs have got since the last time.
    Sync(cmd::sync::Args),
    /// Syncs, and again whenever something changes, until it is interrupted.
    Watch(cmd::watch::Args),
    /// Shows the files of a home: the rollouts, and what else lies among them and why it is none.
    Find(cmd::find::Args),
    /// Begins a thread with what another one has.
    Fork(cmd::fork::Args),
    /// Lists threads.
    List(Box<cmd::list::Args>),
    /// Draws who spawned whom, or who was forked from whom.
    Tree(cmd::tree::Args),
    /// Takes the newest turns of a thread back.
    Rollback(cmd::rollback::Args),
    /// Searches what was said, run, printed and changed.
    Search(cmd::search::Args),
    /// The turns of a thread and what was said and done in them.
    Show(cmd::show::Args),
    /// The items of a thread or a turn, a line each.
    Items(cmd::items::Args),
    /// What is known of a thread: where it is, what it works in, who began it.
    Thread(cmd::thread::Args),
    /// The state of the world as the model was told it.
    World(cmd::world::Args),
    /// The context windows of a thread.
    Windows(cmd::windows::Args),
    /// Who used how many tokens, entry by entry.
    Usage(cmd::usage::Args),
    /// What a resume would send to the model.
    Context(cmd::context::Args),
    /// What differs between two places of a log.
    Diff(cmd::diff::Args),
    /// What each line between two places of a log changed.
    Changes(cmd::changes::Args),
    /// What of a log was not understood, and where.
    Health(cmd::health::Args),
    /// Compares every row with a fold of the logs anew.
    Verify(cmd::verify::Args),
    /// Compresses logs that were not written for a while.
    Compress(cmd::compress::Args),
    /// Puts a thread away, and the threads it spawned.
    Archive(cmd::archive::ArchiveArgs),
    /// Gets a thread back that was put away.
    Unarchive(cmd::archive::UnarchiveArgs),
    /// Deletes a thread and all that it spawned: files, names and rows.
    Delete(cmd::delete::Args),
    /// Writes a thread into one file, to take it elsewhere.
    Export(cmd::bundle::ExportArgs),
    /// Takes in what `export` wrote.
    Import(cmd::bundle::ImportArgs),
}

fn main() -> ExitCode {
    let Cli { places, json, command } = Cli::parse();
    let context = Context::new(places, json);
    let done = match command {
        Command::Sync(args) => cmd::sync::run(&context, &args),
        Command::Watch(args) => cmd::watch::run(&context, &args),
        Command::Find(args) => cmd::find::run(&context, &args),
        Command::Fork(args) => cmd::fork::run(&context, &args),
        Command::List(args) => cmd::list::run(&context, &args),
        Command::Tree(args) => cmd::tree::run(&context, &args),
        Command::Rollback(args) => cmd::rollback::run(&context, &args),
        Command::Search(args) => cmd::search::run(&context, &args),
        Command::Show(args) => cmd::show::run(&context, &args),
        Command::Items(args) => cmd::items::run(&context, &args),
        Command::Thread(args) => cmd::thread::run(&context, &args),
        Command::World(args) => cmd::world::run(&context, &args),
        Command::Windows(args) => cmd::windows::run(&context, &args),
        Command::Usage(args) => cmd::usage::run(&context, &args),
        Command::Context(args) => cmd::context::run(&context, &args),
        Command::Diff(args) => cmd::diff::run(&context, &args),
        Command::Changes(args) => cmd::changes::run(&context, &args),
        Command::Health(args) => cmd::health::run(&context, &args),
        Command::Verify(args) => cmd::verify::run(&context, &args),
        Command::Compress(args) => cmd::compress::run(&context, &args),
        Command::Archive(args) => cmd::archive::run_archive(&context, &args),
        Command::Unarchive(args) => cmd::archive::run_unarchive(&context, &args),
        Command::Delete(args) => cmd::delete::run(&context, &args),
        Command::Export(args) => cmd::bundle::run_export(&context, &args),
        Command::Import(args) => cmd::bundle::run_import(&context, &args),
    };
    match done {
        Ok(code) => code.into(),
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("rollfold: {failure}");
            failure.exit().into()
        }
    }
}
