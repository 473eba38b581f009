//! A case: the input and what the reference makes of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// One case.
pub(super) struct Case {
    pub(super) name: String,
    /// The path without the extension.
    stem: PathBuf,
    /// The lines of the input, without line ends.
    pub(super) lines: Vec<Vec<u8>>,
    /// Lines the reference rejects, from 1.
    pub(super) rejected: BTreeSet<usize>,
    pub(super) load_error: Option<LoadError>,
    pub(super) turns: Value,
}

/// Why the reference cannot load the file.
#[derive(Debug, Clone)]
pub(super) struct LoadError {
    pub(super) class: String,
    /// From 1; none for a file without lines.
    pub(super) line: Option<usize>,
}

/// The inputs in `dir`, sorted.
pub(super) fn list(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(dir)
        .map_err(|error| format!("{}: {error}; name a folder of cases", dir.display()))?;
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    paths.sort();
    if paths.is_empty() {
        return Err(format!("{}: no case here; a case is a NAME.jsonl", dir.display()));
    }
    Ok(paths)
}

impl Case {
    pub(super) fn load(input: &Path) -> Result<Self, String> {
        let bytes = std::fs::read(input).map_err(|error| format!("input: {error}"))?;
        let mut lines: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'\n').map(Vec::from).collect();
        if lines.last().is_some_and(Vec::is_empty) {
            lines.pop();
        }
        let stem = input.with_extension("");
        let name = stem.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut case = Self {
            name,
            stem,
            lines,
            rejected: BTreeSet::new(),
            load_error: None,
            turns: Value::Null,
        };
        case.turns = case.expected("turns")?;
        let rejected = case.turns.get("rejected").and_then(Value::as_array);
        let rejected = rejected.into_iter().flatten().filter_map(Value::as_u64);
        case.rejected = rejected.filter_map(|line| usize::try_from(line).ok()).collect();
        case.load_error = case.turns.get("load_error").map(|error| LoadError {
            class: error.get("class").and_then(Value::as_str).unwrap_or_default().to_owned(),
            line: error
                .get("line")
                .and_then(Value::as_u64)
                .and_then(|line| usize::try_from(line).ok()),
        });
        Ok(case)
    }

    /// What the reference makes of it: the file of one kind.
    pub(super) fn expected(&self, kind: &str) -> Result<Value, String> {
        let mut path = self.stem.clone().into_os_string();
        path.push(format!(".{kind}.json"));
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("{}: {error}", Path::new(&path).display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{kind}.json: {error}"))
    }

    /// The input without the lines the reference rejects, every line ended: the reference takes a
    /// last line without LF as complete.
    pub(super) fn accepted(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (place, line) in self.lines.iter().enumerate() {
            if !self.rejected.contains(&(place + 1)) {
                bytes.extend_from_slice(line);
                bytes.push(b'\n');
            }
        }
        bytes
    }
}
