//! `cargo xtask health --db FILE`: what of each log in a store was not understood, and where.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use rollfold_core::model::Recognition;
use rollfold_core::{Diagnostic, DiagnosticKind};
use rollfold_projector::{Store, ThreadView};
use serde_json::json;

/// Flags of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The store.
    #[arg(long)]
    db: PathBuf,
    /// Only logs whose key ends so.
    #[arg(long)]
    thread: Option<String>,
    /// Print every diagnostic, with its line, bytes and reason.
    #[arg(long)]
    all: bool,
    /// Print JSON lines.
    #[arg(long)]
    json: bool,
}

/// Nothing is odd.
const DONE: u8 = 0;
/// Something is.
const ODD: u8 = 1;
/// The store cannot be read.
const UNREADABLE: u8 = 3;

/// Tells the health of the logs in a store.
pub(crate) fn run(args: &Args) -> ExitCode {
    match health(args) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(UNREADABLE)
        }
    }
}

fn health(args: &Args) -> Result<u8, Box<dyn Error>> {
    if !args.db.is_file() {
        return Err(format!("{}: no store here", args.db.display()).into());
    }
    // Whoever writes it meanwhile need not stop.
    let store = Store::open_reader(&args.db)?;
    let (mut code, mut after, mut seen) = (DONE, None, false);
    loop {
        let page = store.generations(after.as_ref(), 100)?;
        for generation in &page.rows {
            let wanted = args.thread.as_ref();
            if wanted.is_some_and(|wanted| !generation.key.ends_with(wanted.as_str())) {
                continue;
            }
            seen = true;
            if let Some(view) = store.generation(&generation.key, generation.number)? {
                code = code.max(one(args, &view)?);
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    match (&args.thread, seen) {
        (Some(wanted), false) => Err(format!("{wanted}: no log of this store ends so").into()),
        _ => Ok(code),
    }
}

/// A kind of oddity: how often, and where first.
struct Group {
    count: u64,
    first: Diagnostic,
}

fn one(args: &Args, view: &ThreadView) -> Result<u8, Box<dyn Error>> {
    let state = view.state();
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    let mut len = 0u64;
    let mut after = None;
    let head = format!("{} ({})", view.key(), view.generation());
    loop {
        let page = view.diagnostics_page(after, 1000)?;
        for diagnostic in page.rows {
            len += 1;
            if args.all {
                say_one(args, &head, &diagnostic);
            }
            let name = name(&diagnostic.kind);
            let group = groups.entry(name).or_insert(Group { count: 0, first: diagnostic });
            group.count += 1;
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let counts = state.counts;
    let recognition = state.recognition();
    if args.json {
        let kinds: BTreeMap<&str, _> = groups
            .iter()
            .map(|(name, group)| {
                let first = json!({"seq": group.first.seq, "span": group.first.span,
                    "reason": group.first.kind.to_string()});
                (&**name, json!({"count": group.count, "first": first}))
            })
            .collect();
        let line = json!({
            "key": view.key(), "generation": view.generation(), "counts": counts,
            "recognition": recognition, "diagnostics": len, "kinds": kinds,
        });
        println!("{line}");
    } else {
        println!("{} (generation {})", view.key(), view.generation());
        println!(
            "  {}; {} records, {} unknown, {} damaged, {} blank lines",
            said(recognition),
            counts.records,
            counts.unknown,
            counts.damaged,
            counts.blank
        );
        for (name, Group { count, first }) in &groups {
            let span = first.span;
            println!(
                "  {count:>7} {name}; first on line {}, bytes {}+{}: {}",
                first.seq, span.offset_bytes, span.len_bytes, first.kind
            );
        }
    }
    Ok(if len > 0 { ODD } else { DONE })
}

fn say_one(args: &Args, head: &str, diagnostic: &Diagnostic) {
    let Diagnostic { seq, span, kind } = diagnostic;
    if args.json {
        println!("{}", json!({"key": head, "seq": seq, "span": span, "reason": kind.to_string()}));
    } else {
        println!("{head}: line {seq}, bytes {}+{}: {kind}", span.offset_bytes, span.len_bytes);
    }
}

fn name(kind: &DiagnosticKind) -> String {
    match kind {
        DiagnosticKind::Damaged(_) => "damaged".into(),
        DiagnosticKind::Unknown { tag } => format!("unknown kind {tag}"),
        DiagnosticKind::Repaired(_) => "repaired".into(),
        DiagnosticKind::Field { kind, field, .. } => format!("field {kind}.{field}"),
        DiagnosticKind::Ordinal(_) => "ordinal".into(),
        DiagnosticKind::History(_) => "history".into(),
        DiagnosticKind::Usage(_) => "usage".into(),
        _ => "other".into(),
    }
}

fn said(recognition: Recognition) -> String {
    match recognition {
        Recognition::Empty => "empty".into(),
        Recognition::NothingUnderstood { .. } => "nothing recognised".into(),
        Recognition::NoTurns { .. } => "0 turns recognised".into(),
        Recognition::Turns { turns } => format!("{turns} turns"),
    }
}
