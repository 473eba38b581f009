//! Lines and tables on standard output.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

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

    /// The same with one value more, which may hold JSON of any depth, as the log spells it.
    pub(super) fn json_with<T: Serialize>(
        &mut self,
        mut line: Value,
        key: &str,
        value: &T,
    ) -> io::Result<()> {
        if let Some(object) = line.as_object_mut() {
            object.insert("file".into(), self.file.display().to_string().into());
        }
        let line = line.to_string();
        let open = line.strip_suffix('}').unwrap_or(&line);
        writeln!(self.out, "{open},{}:{}}}", json!(key), serde_json::to_string(value)?)
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

/// The members of an object with their text, whatever their depth.
pub(super) fn members<T: Serialize>(
    object: &T,
) -> serde_json::Result<BTreeMap<String, Box<RawValue>>> {
    serde_json::from_str(&serde_json::to_string(object)?)
}

/// A JSON text in a cell; one too deep for a value as it stands.
pub(super) fn raw_cell(raw: &RawValue) -> String {
    let value = serde_json::from_str(raw.get());
    json_cell(&value.unwrap_or_else(|_| Value::String(raw.get().to_owned())))
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
