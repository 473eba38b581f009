//! Lines and tables on standard output.

use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::Path;

use serde_json::Value;

/// Letters of a value that a table shows.
const CELL_CHARS_MAX: usize = 100;

/// Prints what is shown of one log.
pub(super) struct Printer<'f> {
    out: BufWriter<StdoutLock<'static>>,
    file: &'f Path,
    is_json: bool,
}

impl<'f> Printer<'f> {
    pub(super) fn new(file: &'f Path, is_json: bool) -> io::Result<Self> {
        let mut out = BufWriter::new(io::stdout().lock());
        if !is_json {
            writeln!(out, "{}", file.display())?;
        }
        Ok(Self { out, file, is_json })
    }

    pub(super) fn is_json(&self) -> bool {
        self.is_json
    }

    /// An object as a line, with the log's name.
    pub(super) fn json(&mut self, mut line: Value) -> io::Result<()> {
        if let Some(object) = line.as_object_mut() {
            object.insert("file".into(), self.file.display().to_string().into());
        }
        writeln!(self.out, "{line}")
    }

    /// A line for people.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "  {text}")
    }

    /// Rows below a head, each column as wide as its widest cell; the head alone says that there
    /// are no rows.
    pub(super) fn table<const N: usize>(
        &mut self,
        head: [&str; N],
        rows: &[[String; N]],
    ) -> io::Result<()> {
        let head = head.map(str::to_owned);
        let mut widths = [0; N];
        for row in std::iter::once(&head).chain(rows) {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        for row in std::iter::once(&head).chain(rows) {
            let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
            let line = cells.collect::<Vec<_>>().join("  ");
            self.line(line.trim_end())?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A value in a cell; `-` where there is none.
pub(super) fn cell<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| String::from("-"), |value| value.to_string())
}

/// A JSON value in a cell: strings without quotes, on one line, the start of long ones.
pub(super) fn json_cell(value: &Value) -> String {
    let text = match value {
        Value::Null => return cell::<&str>(None),
        Value::String(text) => text.replace(char::is_control, " "),
        value => value.to_string(),
    };
    if text.chars().count() <= CELL_CHARS_MAX {
        return text;
    }
    text.chars().take(CELL_CHARS_MAX).chain(['…']).collect()
}
