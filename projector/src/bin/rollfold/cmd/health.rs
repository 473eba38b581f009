//! `rollfold health`: what of a log was understood, and what not, and where.

use std::collections::BTreeMap;

use rollfold_core::model::Recognition;
use rollfold_core::{Diagnostic, DiagnosticKind};
use rollfold_projector::ThreadView;
use serde_json::{Map, Value, json};

use crate::context::{Context, Exit, Failure};
use crate::print::cell;
use crate::reading::{Printer, ThreadArg};

/// Arguments of `health`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    thread: ThreadArg,
    /// Shows each thing that is odd, not only the first of each sort.
    #[arg(long)]
    all: bool,
}

/// A sort of oddity: how often, and where first.
struct Group {
    count: u64,
    first: Diagnostic,
}

pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let reading = args.thread.open(context)?;
    let view = &reading.view;
    let mut printer = reading.printer(context);
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    let mut after = None;
    loop {
        let page = view.diagnostics_page(after, 1000)?;
        for diagnostic in page.rows {
            if args.all {
                let Diagnostic { seq, span, kind } = &diagnostic;
                let reason = kind.to_string();
                match printer.is_json() {
                    true => printer.json(json!({"seq": seq, "span": span, "reason": reason}))?,
                    false => printer.line(&place(&diagnostic))?,
                }
            }
            let group = groups.entry(name(&diagnostic.kind));
            group.or_insert(Group { count: 0, first: diagnostic }).count += 1;
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    match printer.is_json() {
        true => printer.json(value(view, &groups)?)?,
        false => tell(&mut printer, view, &groups)?,
    }
    printer.finish()?;
    Ok(if groups.is_empty() { Exit::Done } else { Exit::Found })
}

fn value(view: &ThreadView, groups: &BTreeMap<String, Group>) -> Result<Value, Failure> {
    let state = view.state();
    let health = state.health();
    let kinds: Map<String, Value> =
        health.kinds().map(|(kind, health)| (kind.name().to_owned(), json!(health))).collect();
    let names = |names: &mut dyn Iterator<Item = (&str, u64)>| -> Map<String, Value> {
        names.map(|(name, count)| (name.to_owned(), count.into())).collect()
    };
    let diagnostics: Map<String, Value> = groups
        .iter()
        .map(|(name, Group { count, first })| {
            let reason = first.kind.to_string();
            let first = json!({"seq": first.seq, "span": first.span, "reason": reason});
            (name.clone(), json!({"count": count, "first": first}))
        })
        .collect();
    Ok(json!({"health": {
        "recognition": state.recognition(),
        "unknown_history_mode": view.thread()?.unknown_mode,
        "blank": state.counts.blank,
        "own_records": health.own_records(),
        "inherited_records": health.records() - health.own_records(),
        "kinds": kinds,
        "unknown": names(&mut health.unknown()),
        "damaged": names(&mut health.damaged()),
        "diagnostics": diagnostics,
    }}))
}

fn tell(
    to: &mut Printer<'_>,
    view: &ThreadView,
    groups: &BTreeMap<String, Group>,
) -> Result<(), Failure> {
    let state = view.state();
    let health = state.health();
    to.line(&recognised(state.recognition()))?;
    if let Some(mode) = view.thread()?.unknown_mode {
        to.line(&format!("history mode {mode:?} is not known: turns and items are not folded"))?;
    }
    let kinds = health.kinds().map(|(kind, health)| {
        let percent = cell(health.percent().map(|percent| format!("{percent:.1}")));
        let [understood, odd] =
            [health.understood, health.with_problems].map(|count| count.to_string());
        [kind.name().to_owned(), understood, odd, percent]
    });
    let nothing = |what: &str, name: &str, count: u64| {
        [format!("{what} {name}").trim_end().to_owned(), "-".into(), count.to_string(), "-".into()]
    };
    let unknown = health.unknown().map(|(name, count)| nothing("unknown:", name, count));
    let damaged = health.damaged().map(|(name, count)| nothing("damaged:", name, count));
    let rows: Vec<_> = kinds.chain(unknown).chain(damaged).collect();
    to.table(["kind", "understood", "odd", "% understood"], &rows)?;
    for (name, Group { count, first }) in groups {
        to.line(&format!("{count} {name}; first on {}", place(first)))?;
    }
    Ok(())
}

fn place(diagnostic: &Diagnostic) -> String {
    let Diagnostic { seq, span, kind } = diagnostic;
    format!("line {seq}, bytes {}+{}: {kind}", span.offset_bytes, span.len_bytes)
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

/// How a log was recognised, in words.
fn recognised(recognition: Recognition) -> String {
    match recognition {
        Recognition::Empty => String::from("empty"),
        Recognition::NothingUnderstood { unknown, damaged } => {
            format!("nothing understood: {unknown} unknown, {damaged} damaged")
        }
        Recognition::NoTurns { records } => format!("no turns in {records} records"),
        Recognition::Turns { turns } => format!("{turns} turns"),
    }
}
