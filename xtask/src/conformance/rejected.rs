//! What becomes of the lines the reference rejects.

use std::collections::BTreeMap;

use rollfold_core::{Depth, DiagnosticKind, Kind, Line, Position, Records, Span, decode};

use super::case::Case;

/// What rollfold makes of one line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// A record of a known kind, with the fields or repairs noted.
    Understood(String),
    /// Well-formed JSON of no known kind.
    Unknown(String),
    /// No record.
    Damaged(String),
    /// Damaged although it is well-formed JSON of a known kind, or not accounted for.
    Lost,
}

impl Outcome {
    pub(super) fn is_lost(&self) -> bool {
        *self == Self::Lost
    }
}

/// Decodes a line and says what became of it.
pub(super) fn outcome(bytes: &[u8]) -> Outcome {
    let span = Span::new(0, bytes.len() as u64);
    let line = Line { seq: Position::default().seq, span, bytes };
    let mut scratch = String::new();
    let decoded = decode(line, &mut scratch, Depth::Full);
    let mut notes: Vec<String> = decoded.notes.iter().map(|(_, note)| note.to_string()).collect();
    let damage = decoded.notes.iter().find(|(_, note)| matches!(note, DiagnosticKind::Damaged(_)));
    let records = match &decoded.records {
        Records::None => &[],
        records => records.as_slice(),
    };
    for record in records {
        record.problems(&mut |problem| {
            notes.push(format!("{} {:?}", problem.field, problem.state));
        });
    }
    let known: Vec<String> = records
        .iter()
        .filter(|record| record.kind != Kind::Unknown)
        .map(|record| record.kind.name())
        .collect();
    match (known.is_empty(), damage) {
        (false, _) => Outcome::Understood(format!("{} [{}]", known.join(" + "), notes.join("; "))),
        (true, _) if is_known_json(bytes) => Outcome::Lost,
        (true, Some((_, damage))) => Outcome::Damaged(damage.to_string()),
        (true, None) if records.is_empty() => Outcome::Lost,
        (true, None) => {
            let tags: Vec<String> = records.iter().map(|record| record.tags()).collect();
            Outcome::Unknown(tags.join(" + "))
        }
    }
}

/// Whether the line is a JSON object whose tags name a known kind, read with another parser.
fn is_known_json(bytes: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(bytes) else { return false };
    let Some(payload) = value.get("payload").filter(|payload| payload.is_object()) else {
        return false;
    };
    let tag = value.get("type").and_then(serde_json::Value::as_str).unwrap_or_default();
    let payload_tag = payload.get("type").and_then(serde_json::Value::as_str);
    Kind::from_tags(tag, payload_tag) != Kind::Unknown
}

/// The lines the reference rejects, by what becomes of them.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: BTreeMap<Outcome, Vec<String>>,
}

impl Table {
    pub(super) fn add(&mut self, case: &Case) {
        for number in &case.rejected {
            let outcome = match number.checked_sub(1).and_then(|place| case.lines.get(place)) {
                Some(line) => outcome(line),
                None => Outcome::Lost,
            };
            self.rows.entry(outcome).or_default().push(format!("{}:{number}", case.name));
        }
    }

    pub(super) fn lost(&self) -> usize {
        self.count(Outcome::is_lost)
    }

    fn count(&self, of: impl Fn(&Outcome) -> bool) -> usize {
        self.rows.iter().filter(|(outcome, _)| of(outcome)).map(|(_, lines)| lines.len()).sum()
    }

    pub(super) fn summary(&self) -> String {
        let understood = self.count(|outcome| matches!(outcome, Outcome::Understood(_)));
        let unknown = self.count(|outcome| matches!(outcome, Outcome::Unknown(_)));
        let damaged = self.count(|outcome| matches!(outcome, Outcome::Damaged(_)));
        let total = self.count(|_| true);
        let lost = self.lost();
        format!(
            "{total} lines: {understood} understood, {unknown} unknown, {damaged} damaged, {lost} lost"
        )
    }

    pub(super) fn print(&self) {
        for (outcome, lines) in &self.rows {
            let (word, what) = match outcome {
                Outcome::Understood(what) => ("understood", what.as_str()),
                Outcome::Unknown(what) => ("unknown", what.as_str()),
                Outcome::Damaged(what) => ("damaged", what.as_str()),
                Outcome::Lost => ("LOST", ""),
            };
            println!("{word:<10} {:>3}  {what}  ({})", lines.len(), lines.join(" "));
        }
    }
}
