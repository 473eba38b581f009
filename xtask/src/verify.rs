//! `cargo xtask verify --db FILE PATH...`: the rows of a store against a fold of the logs anew.

use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use rollfold_projector::{DifferenceKind, FileSource, Store, Verified, VerifyOptions};
use serde_json::json;

use crate::replay::find;

/// Flags of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Rollouts, or folders of them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// The store.
    #[arg(long)]
    db: PathBuf,
    /// Write the tables that differ anew.
    #[arg(long)]
    repair: bool,
    /// Lines as of which questions are asked.
    #[arg(long, default_value_t = VerifyOptions::default().samples)]
    samples: u32,
    /// Print a JSON line a rollout.
    #[arg(long)]
    json: bool,
}

/// Every row is right.
const DONE: u8 = 0;
/// A row is not, or was not until it was repaired.
const DIFFERS: u8 = 1;
/// Something could not be read.
const UNREADABLE: u8 = 3;

/// Verifies every rollout that the paths lead to.
pub(crate) fn run(args: &Args) -> ExitCode {
    let found = find::rollouts(&args.paths);
    found.problems.iter().for_each(|problem| eprintln!("{problem}"));
    let mut code = if found.problems.is_empty() { DONE } else { UNREADABLE };
    let store = match args.db.is_file() {
        true => Store::open_as(&args.db, "cargo xtask verify").map_err(|error| error.to_string()),
        false => Err(format!("{}: no store here", args.db.display())),
    };
    let store = match store {
        Ok(store) => store,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(UNREADABLE);
        }
    };
    let options =
        VerifyOptions { samples: args.samples, repair: args.repair, ..VerifyOptions::default() };
    for input in &found.inputs {
        let verified = FileSource::open(&input.path)
            .map_err(Box::<dyn Error>::from)
            .and_then(|source| Ok(store.verify(&source, &options)?));
        match verified {
            Ok(verified) => {
                let file = input.path.display().to_string();
                println!(
                    "{}",
                    if args.json { line(&file, &verified) } else { say(&file, &verified) }
                );
                if verified.differences > 0 {
                    code = code.max(DIFFERS);
                }
            }
            Err(error) => {
                eprintln!("{error}");
                code = UNREADABLE;
            }
        }
    }
    ExitCode::from(code)
}

fn word(kind: DifferenceKind) -> &'static str {
    match kind {
        DifferenceKind::Missing => "missing",
        DifferenceKind::Extra => "extra",
        _ => "other",
    }
}

fn say(file: &str, verified: &Verified) -> String {
    let Verified { rows, questions, differences, .. } = verified;
    let Some(first) = &verified.first else {
        return format!("{file}: {rows} rows and {questions} answers as a fold anew has them");
    };
    let mut said = format!("{file}: {differences} differences in {rows} rows; first: ");
    let _ = write!(said, "{} {} ({})", first.place, first.key, word(first.kind));
    if let Some((seq, span)) = first.line {
        let _ = write!(said, ", line {seq}, bytes {}+{}", span.offset_bytes, span.len_bytes);
    }
    if !verified.repaired.is_empty() {
        let _ = write!(said, "; written anew: {}", verified.repaired.join(", "));
    }
    said
}

fn line(file: &str, verified: &Verified) -> String {
    let first = verified.first.as_ref().map(|first| {
        let line = first.line.map(|(seq, span)| json!({"seq": seq, "span": span}));
        json!({"place": first.place, "key": first.key, "kind": word(first.kind), "line": line})
    });
    let Verified { generation, position, rows, questions, differences, repaired, .. } = verified;
    let line = json!({
        "file": file, "generation": generation, "lines": position.seq, "rows": rows,
        "questions": questions, "differences": differences, "first": first, "repaired": repaired,
    });
    line.to_string()
}
