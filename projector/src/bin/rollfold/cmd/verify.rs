//! `rollfold verify`: every row of a thread's logs, or of all logs, against a fold of them anew.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use rollfold_projector::{
    Archived, DifferenceKind, Library, LogEntry, ThreadEntry, ThreadFilter, ThreadsRequest,
    Verified, VerifyOptions,
};
use serde_json::{Value, json};

use crate::context::{Context, Exit, Failure};
use crate::logs::Logs;

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The thread: its id, the beginning of one, its name, or the key of one of its logs
    /// [default: all].
    thread: Option<String>,
    /// Writes the tables that differ anew.
    #[arg(long)]
    repair: bool,
    /// Lines as of which questions are asked of each log.
    #[arg(long, value_name = "N", default_value_t = VerifyOptions::default().samples)]
    samples: u32,
}

/// What came of one log.
enum Checked {
    Verified(Verified),
    /// There is no file to compare with.
    Absent,
    Failed(Failure),
}

pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let store = if args.repair { context.store_to_mend()? } else { context.store_to_read()? };
    let library = Library::open(store)?;
    let threads = match &args.thread {
        Some(name) => vec![library.find(name)?],
        None => all(&library)?,
    };
    let logs = Logs::of(context, threads.iter().flat_map(|thread| thread.logs()));
    let mut out = context.out();
    let mut exit = Exit::Done;
    for log in threads.iter().flat_map(|thread| thread.logs()) {
        let checked = check(&library, &logs, log, args);
        match &checked {
            Checked::Verified(verified) if verified.differences > 0 && exit == Exit::Done => {
                exit = Exit::Found;
            }
            Checked::Verified(_) => {}
            Checked::Absent if args.thread.is_none() => {}
            Checked::Absent | Checked::Failed(_) => exit = Exit::Failed,
        }
        match context.is_json {
            true => context.json_line(&mut out, &value(log, &checked))?,
            false => writeln!(out, "{}: {}", log.key, say(&checked))?,
        }
    }
    out.flush()?;
    Ok(exit)
}

fn all(library: &Library) -> Result<Vec<Arc<ThreadEntry>>, Failure> {
    let filter = ThreadFilter { archived: Archived::Included, ..ThreadFilter::default() };
    let (mut threads, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let list = library.threads(&ThreadsRequest {
            filter: filter.clone(),
            cursor: cursor.as_deref(),
            limit: Some(rollfold_projector::LIST_LIMIT_MAX),
            ..ThreadsRequest::default()
        })?;
        threads.extend(list.rows);
        cursor = list.next_cursor;
        if cursor.is_none() {
            return Ok(threads);
        }
    }
}

fn check(library: &Library, logs: &Logs, log: &LogEntry, args: &Args) -> Checked {
    let options =
        VerifyOptions { samples: args.samples, repair: args.repair, ..VerifyOptions::default() };
    match logs.open(log) {
        Ok(None) => Checked::Absent,
        Ok(Some(source)) => match library.store().verify(&source, &options) {
            Ok(verified) => Checked::Verified(verified),
            Err(error) => Checked::Failed(error.into()),
        },
        Err(failure) => Checked::Failed(failure),
    }
}

fn word(kind: DifferenceKind) -> &'static str {
    match kind {
        DifferenceKind::Missing => "missing",
        DifferenceKind::Extra => "extra",
        _ => "other",
    }
}

fn say(checked: &Checked) -> String {
    let verified = match checked {
        Checked::Verified(verified) => verified,
        Checked::Absent => return "not compared: its file is not there any more".to_owned(),
        Checked::Failed(failure) => return format!("not compared: {failure}"),
    };
    let Verified { rows, questions, differences, .. } = verified;
    let Some(first) = &verified.first else {
        return format!("{rows} rows and {questions} answers as a fold anew has them");
    };
    let mut said = format!("{differences} differences in {rows} rows; first: ");
    let _ = write!(said, "{} {} ({})", first.place, first.key, word(first.kind));
    if let Some((seq, span)) = first.line {
        let _ = write!(said, ", line {seq}, bytes {}+{}", span.offset_bytes, span.len_bytes);
    }
    if !verified.repaired.is_empty() {
        let _ = write!(said, "; written anew: {}", verified.repaired.join(", "));
    }
    said
}

fn value(log: &LogEntry, checked: &Checked) -> Value {
    let file = log.place.as_ref().map(|place| &place.path);
    let verified = match checked {
        Checked::Verified(verified) => verified,
        Checked::Absent => return json!({"key": log.key, "file": file, "error": say(checked)}),
        Checked::Failed(failure) => {
            return json!({"key": log.key, "file": file, "error": failure.to_string()});
        }
    };
    let first = verified.first.as_ref().map(|first| {
        let line = first.line.map(|(seq, span)| json!({"seq": seq, "span": span}));
        json!({"place": first.place, "key": first.key, "kind": word(first.kind), "line": line})
    });
    let Verified { generation, position, rows, questions, differences, repaired, .. } = verified;
    json!({
        "key": log.key, "file": file, "generation": generation, "lines": position.seq,
        "rows": rows, "questions": questions, "differences": differences, "first": first,
        "repaired": repaired,
    })
}
