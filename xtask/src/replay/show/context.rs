//! What a resume would send to the model.

use std::error::Error;

use clap::ValueEnum;
use rollfold_core::context::{self, Context, ContextMode, Mend, Outlined, PairProblem, Truncation};
use rollfold_projector::LogSource;
use serde_json::{Value, json};

use super::super::log::LogBodies;
use super::Folded;
use super::print::{Printer, cell, json_cell};

/// Flags of `--show context`.
#[derive(Debug, clap::Args)]
pub(in super::super) struct ContextArgs {
    /// With `--show context`: whose reading of the log counts [default: sound]
    #[arg(long, requires = "show")]
    mode: Option<Mode>,
    /// With `--show context`: pair every call with an output, and say what was done.
    #[arg(long, requires = "show")]
    repair: bool,
    /// With `--show context`: cut outputs of tools by a model's limit of so many bytes.
    #[arg(long, requires = "show", value_name = "N", conflicts_with = "truncate_tokens")]
    truncate_bytes: Option<usize>,
    /// With `--show context`: cut outputs of tools by a model's limit of so many tokens.
    #[arg(long, requires = "show", value_name = "N")]
    truncate_tokens: Option<usize>,
}

/// Whose reading of a log counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// What stood before a rolled-back checkpoint stays.
    Sound,
    /// The reference's: such a checkpoint takes everything before it along.
    Reference,
}

impl ContextArgs {
    /// Whether any of them was given.
    pub(in super::super) fn are_given(&self) -> bool {
        let Self { mode, repair, truncate_bytes, truncate_tokens } = self;
        *repair || mode.is_some() || truncate_bytes.or(*truncate_tokens).is_some()
    }

    fn mode(&self) -> ContextMode {
        match self.mode {
            None | Some(Mode::Sound) => ContextMode::Sound,
            Some(Mode::Reference) => ContextMode::Reference,
        }
    }

    fn truncation(&self) -> Option<Truncation> {
        let bytes = self.truncate_bytes.map(Truncation::Bytes);
        bytes.or_else(|| self.truncate_tokens.map(Truncation::Tokens))
    }
}

pub(super) fn show<S: LogSource>(
    to: &mut Printer<'_>,
    folded: &Folded,
    bodies: &LogBodies<'_, S>,
    args: &ContextArgs,
) -> Result<(), Box<dyn Error>> {
    let (mode, records) = (args.mode(), folded.snapshot.records());
    let context = context::reconstruct(records, bodies, mode, args.truncation())?;
    let (context, mends) = match args.repair {
        true => context::repair(&context, bodies)?,
        false => (context, Vec::new()),
    };
    let problems = context::check(&context, bodies)?;
    let items = context.outline(bodies).collect::<Result<Vec<_>, _>>()?;
    if to.is_json() {
        to.json(json!({"context": about(&context, mode)}))?;
        for (number, item) in items.iter().enumerate() {
            to.json(json!({"number": number, "item": item}))?;
        }
        let mends = mends.iter().map(|Mend { problem, done }| amiss(problem, json!(done)));
        let problems = problems.iter().map(|problem| amiss(problem, Value::Null));
        return Ok(mends.chain(problems).try_for_each(|line| to.json(line))?);
    }
    let about = about(&context, mode);
    for (name, value) in about.as_object().into_iter().flatten() {
        to.line(&format!("{name}: {}", json_cell(value)))?;
    }
    let rows: Vec<_> = items.iter().enumerate().map(|(number, item)| row(number, item)).collect();
    let head = ["number", "seq", "span", "from", "kind", "role or call", "turn", "bytes"];
    to.table(head, &rows)?;
    for Mend { problem, done } in &mends {
        to.line(&format!("{}: {}", said(problem), json_cell(&json!(done))))?;
    }
    problems.iter().try_for_each(|problem| to.line(&said(problem)))?;
    if problems.is_empty() {
        to.line("every call and output is paired")?;
    }
    Ok(())
}

fn about(context: &Context, mode: ContextMode) -> Value {
    json!({
        "mode": mode,
        "items": context.history.len(),
        "previous_turn_settings": context.previous_turn_settings,
        "reference_context_item": context.reference_context_item,
        "window": context.window,
        "world_records": context.world_records,
    })
}

fn row(number: usize, item: &Outlined) -> [String; 8] {
    let place = json_cell(&json!(item.place));
    [
        number.to_string(),
        item.seq.to_string(),
        format!("{}+{}", item.span.offset_bytes, item.span.len_bytes),
        place,
        cell(item.kind.as_ref()),
        cell(item.role.as_ref().or(item.call_id.as_ref())),
        String::from(if item.is_boundary { "starts" } else { "" }),
        item.len_bytes.to_string(),
    ]
}

fn amiss(problem: &PairProblem, done: Value) -> Value {
    let PairProblem { place, source, call_id, kind, .. } = problem;
    let seq = source.record().seq;
    json!({"number": place, "seq": seq, "call_id": call_id, "problem": kind, "done": done})
}

fn said(problem: &PairProblem) -> String {
    let PairProblem { place, source, call_id, kind, .. } = problem;
    format!("item {place} (seq {}, call {call_id}): {kind}", source.record().seq)
}
