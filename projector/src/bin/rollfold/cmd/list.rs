//! `rollfold list`: threads, filtered and sorted; or why files are not listed.

use std::io::Write;
use std::sync::Arc;

use rollfold_projector::{
    Archived, Kin, Library, Order, ThreadEntry, ThreadFilter, ThreadTime, ThreadsRequest,
};
use serde_json::json;

use crate::context::{Context, Exit, Failure};
use crate::print;

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    filter: FilterArgs,
    /// By which time threads are sorted, the newest first.
    #[arg(long, value_enum, default_value = "updated")]
    sort: Sort,
    /// The oldest first.
    #[arg(long)]
    oldest_first: bool,
    /// How many threads, from 1 to 100.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: Option<u32>,
    /// Goes on behind an earlier page: the cursor printed at its end.
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    /// Shows all pages.
    #[arg(long, conflicts_with = "cursor")]
    all: bool,
    /// Shows each file of the homes instead, and why the list leaves it out.
    #[arg(long, conflicts_with_all = ["cursor", "all", "limit"])]
    why_not: bool,
}

/// Which threads are shown.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Filters")]
pub struct FilterArgs {
    /// Shows archived threads, too.
    #[arg(long)]
    with_archived: bool,
    /// Shows archived threads only.
    #[arg(long, conflicts_with = "with_archived")]
    archived: bool,
    /// The provider of the model; can be given more than once, as can all that follow.
    #[arg(long, value_name = "NAME")]
    provider: Vec<String>,
    /// What it was started from: cli, vscode, exec, mcp, subagent, subagent:spawn, custom:LABEL.
    #[arg(long, value_name = "KIND")]
    source: Vec<String>,
    /// The folder it works in.
    #[arg(long, value_name = "DIR")]
    cwd: Vec<String>,
    /// The model.
    #[arg(long, value_name = "NAME")]
    model: Vec<String>,
    /// How its history is written: legacy, paginated.
    #[arg(long, value_name = "MODE")]
    mode: Vec<String>,
    /// Only direct children of this thread.
    #[arg(long, value_name = "THREAD", conflicts_with = "ancestor")]
    parent: Option<String>,
    /// Only threads that come from this one, at any depth.
    #[arg(long, value_name = "THREAD")]
    ancestor: Option<String>,
    /// A part of the name, title or preview.
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
}

/// By which time threads are sorted.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Sort {
    Created,
    Updated,
    Recency,
    LastUser,
}

impl From<Sort> for ThreadTime {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Created => Self::Created,
            Sort::Updated => Self::Updated,
            Sort::Recency => Self::Recency,
            Sort::LastUser => Self::LastUser,
        }
    }
}

impl FilterArgs {
    fn filter(&self, library: &Library) -> Result<ThreadFilter, Failure> {
        let id = |name: &str| -> Result<Arc<str>, Failure> { Ok(library.find(name)?.id.clone()) };
        let kin = match (&self.parent, &self.ancestor) {
            (Some(parent), _) => Kin::ChildrenOf(id(parent)?),
            (None, Some(ancestor)) => Kin::DescendantsOf(id(ancestor)?),
            (None, None) => Kin::Any,
        };
        Ok(ThreadFilter {
            archived: match (self.archived, self.with_archived) {
                (true, _) => Archived::Only,
                (false, true) => Archived::Included,
                (false, false) => Archived::Excluded,
            },
            providers: self.provider.clone(),
            sources: self.source.clone(),
            cwds: self.cwd.clone(),
            models: self.model.clone(),
            history_modes: self.mode.clone(),
            text: self.text.clone(),
            kin,
            ..ThreadFilter::default()
        })
    }
}

pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let library = Library::open(context.store_to_read()?)?;
    let filter = args.filter.filter(&library)?;
    let mut out = context.out();
    if args.why_not {
        why_not(context, &library, &filter, &mut out)?;
        out.flush()?;
        return Ok(Exit::Done);
    }
    let sort = ThreadTime::from(args.sort);
    let order = if args.oldest_first { Order::OldestFirst } else { Order::NewestFirst };
    let mut cursor = args.cursor.clone();
    loop {
        let request = ThreadsRequest {
            filter: filter.clone(),
            cursor: cursor.as_deref(),
            limit: if args.all { Some(100) } else { args.limit },
            sort,
            order,
        };
        let list = library.threads(&request)?;
        for entry in &list.rows {
            match context.is_json {
                true => context.json_line(&mut out, entry)?,
                false => writeln!(out, "{}", row(entry, sort))?,
            }
        }
        cursor = list.next_cursor;
        if !args.all || cursor.is_none() {
            break;
        }
    }
    if let Some(cursor) = cursor {
        match context.is_json {
            true => context.json_line(&mut out, &json!({ "nextCursor": cursor }))?,
            false => writeln!(out, "more: --cursor {cursor}")?,
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn row(entry: &ThreadEntry, sort: ThreadTime) -> String {
    let at = sort.of(entry).map_or_else(|| "-".to_owned(), print::time);
    let text = entry.name.as_deref().or(entry.preview.as_deref()).or(entry.title.as_deref());
    let text = print::line(text.unwrap_or("-"), 60);
    let source = entry.source.as_deref().unwrap_or("-");
    let mark = if entry.is_archived() { " (archived)" } else { "" };
    format!("{at:<20}  {}  {source:<14}  {text}{mark}", entry.id)
}

fn why_not(
    context: &Context,
    library: &Library,
    filter: &ThreadFilter,
    out: &mut impl Write,
) -> Result<(), Failure> {
    for home in context.homes()? {
        for verdict in library.why_not(&home.scan()?, filter) {
            let reason = verdict.reason.as_ref().map(ToString::to_string);
            if context.is_json {
                let value = json!({
                    "path": verdict.path,
                    "threadId": verdict.thread_id,
                    "listed": reason.is_none(),
                    "reason": reason,
                });
                context.json_line(out, &value)?;
            } else {
                let reason = reason.as_deref().unwrap_or("listed");
                writeln!(out, "{}: {reason}", verdict.path.display())?;
            }
        }
    }
    Ok(())
}
