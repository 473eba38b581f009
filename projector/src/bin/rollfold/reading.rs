//! What commands that read one thread share: which thread, as of which line, and how it is printed.

use std::io::{BufWriter, StdoutLock, Write};
use std::sync::Arc;

use rollfold_projector::{Library, LogEntry, ThreadEntry, ThreadTime, ThreadView, ThreadsRequest};
use serde::Serialize;

use crate::context::{Context, Failure};
use crate::print;

/// Which thread.
#[derive(Debug, clap::Args)]
pub struct ThreadArg {
    /// The thread: its id, the beginning of one, its name, or the key of one of its logs.
    #[arg(required_unless_present = "last", conflicts_with = "last")]
    thread: Option<String>,
    /// The thread that was updated last; none that was put away.
    #[arg(long)]
    last: bool,
}

/// As of which line.
#[derive(Debug, clap::Args)]
pub struct AtArg {
    /// Shows what there was after so many lines of the log.
    #[arg(long, value_name = "LINES")]
    at: Option<u64>,
}

/// A thread that is read.
pub struct Reading {
    /// The view reads from its store.
    _library: Library,
    pub entry: Arc<ThreadEntry>,
    /// The log of it that is read.
    pub log: LogEntry,
    pub view: ThreadView,
}

impl ThreadArg {
    pub fn open(&self, context: &Context) -> Result<Reading, Failure> {
        Reading::open(context, self.thread.as_deref())
    }

    pub fn open_at(&self, context: &Context, at: &AtArg) -> Result<Reading, Failure> {
        let mut reading = self.open(context)?;
        if let Some(lines) = at.at {
            reading.check_lines(lines)?;
            reading.view = reading.view.at(lines);
        }
        Ok(reading)
    }
}

impl Reading {
    /// Finds a thread; the one that was updated last if none is named.
    pub fn open(context: &Context, name: Option<&str>) -> Result<Self, Failure> {
        let library = Library::open(context.store_to_read()?)?;
        let entry = match name {
            Some(name) => library.find(name)?,
            None => last(&library)?,
        };
        let named = entry.logs().find(|log| Some(&*log.key) == name);
        let log = named.unwrap_or(&entry.log).clone();
        let view = library.store().thread(&log.key)?;
        let view = view.ok_or_else(|| {
            Failure::unreadable(format!("{}: is not in the store any more; sync first", log.key))
        })?;
        Ok(Self { _library: library, entry, log, view })
    }

    /// What comes after lines that are not there cannot be told.
    pub fn check_lines(&self, lines: u64) -> Result<(), Failure> {
        let len = self.view.state().position.seq;
        if lines <= len {
            return Ok(());
        }
        let key = self.view.key();
        let text = format!("{key}: has {len} lines, not {lines}; name fewer, or sync first");
        Err(Failure::usage(text))
    }

    pub fn printer<'c>(&self, context: &'c Context) -> Printer<'c> {
        let (thread_id, key) = (self.entry.id.clone(), self.log.key.clone());
        Printer { context, out: context.out(), thread_id, key }
    }
}

fn last(library: &Library) -> Result<Arc<ThreadEntry>, Failure> {
    let request =
        ThreadsRequest { sort: ThreadTime::Updated, limit: Some(1), ..ThreadsRequest::default() };
    let newest = library.threads(&request)?.rows.into_iter().next();
    newest.ok_or_else(|| Failure::unreadable("no thread in the store; sync first"))
}

/// Prints what is read of one thread: for people as text, for programs as JSON lines.
pub struct Printer<'c> {
    context: &'c Context,
    out: BufWriter<StdoutLock<'static>>,
    thread_id: Arc<str>,
    key: Arc<str>,
}

/// An object with the names of what it is about.
#[derive(Serialize)]
struct Line<'l, T> {
    #[serde(rename = "threadId")]
    thread_id: &'l str,
    key: &'l str,
    #[serde(flatten)]
    rest: T,
}

impl Printer<'_> {
    pub fn is_json(&self) -> bool {
        self.context.is_json
    }

    /// An object as a line.
    pub fn json(&mut self, rest: impl Serialize) -> Result<(), Failure> {
        let line = Line { thread_id: &self.thread_id, key: &self.key, rest };
        self.context.json_line(&mut self.out, &line)
    }

    /// A line for people.
    pub fn line(&mut self, text: &str) -> Result<(), Failure> {
        Ok(writeln!(self.out, "{}", print::plain(text).trim_end())?)
    }

    /// A text of several lines for people, of which at most so many are shown.
    pub fn text(&mut self, indent: &str, text: &str, lines_max: usize) -> Result<(), Failure> {
        let mut lines = text.trim_end().lines();
        for line in lines.by_ref().take(lines_max) {
            self.line(&format!("{indent}{line}"))?;
        }
        match lines.count() {
            0 => Ok(()),
            more => self.line(&format!("{indent}... {more} more lines")),
        }
    }

    /// Rows below a head, each column as wide as its widest cell.
    pub fn table<const N: usize>(
        &mut self,
        head: [&str; N],
        rows: &[[String; N]],
    ) -> Result<(), Failure> {
        let head = head.map(str::to_owned);
        let all: Vec<[String; N]> = std::iter::once(&head)
            .chain(rows)
            .map(|row| row.clone().map(|cell| print::plain(&cell)))
            .collect();
        let mut widths = [0; N];
        for row in &all {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        for row in &all {
            let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
            self.line(&cells.collect::<Vec<_>>().join("  "))?;
        }
        Ok(())
    }

    pub fn finish(mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }
}
