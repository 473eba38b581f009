//! Text for people.

use serde_json::Value;
use serde_json::value::RawValue;

/// Characters of a value that a table shows.
const CELL_CHARS_MAX: usize = 100;

/// A number of bytes, to three digits.
pub fn bytes(len: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = len as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or_default();
    match unit {
        0 => format!("{len} {name}"),
        _ if value < 9.995 => format!("{value:.2} {name}"),
        _ if value < 99.95 => format!("{value:.1} {name}"),
        _ => format!("{value:.0} {name}"),
    }
}

/// A time in Unix milliseconds, in UTC: `2026-03-01 10:00:00Z`.
pub fn time(ms: i64) -> String {
    let (days, second) = (ms.div_euclid(86_400_000), ms.div_euclid(1_000).rem_euclid(86_400));
    // Civil from days, by H. Hinnant: years begin in March, so that leap days come last.
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}Z")
}

/// A text with nothing in it that moves a terminal's cursor, colours it or turns text around; tabs
/// are spaces.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            // A control sequence (ECMA-48 CSI) goes as a whole.
            '\u{1b}' if rest.peek() == Some(&'[') => {
                rest.next();
                while rest.next_if(|it| matches!(it, ' '..='?')).is_some() {}
                rest.next_if(|it| matches!(it, '@'..='~'));
            }
            '\t' => plain.push_str("    "),
            character if !is_unsafe(character) => plain.push(character),
            _ => {}
        }
    }
    plain
}

/// Controls, and marks that change the direction of text.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A value in a cell; `-` where there is none.
pub fn cell<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// A JSON text in a cell; one too deep for a value as it stands.
pub fn raw_cell(raw: &RawValue) -> String {
    match serde_json::from_str(raw.get()) {
        Ok(value) => json_cell(&value),
        Err(_) => line(raw.get(), CELL_CHARS_MAX),
    }
}

/// A JSON value in a cell: strings without quotes, the start of long ones, `-` for null.
pub fn json_cell(value: &Value) -> String {
    match value {
        Value::Null => cell::<&str>(None),
        Value::String(text) => line(text, CELL_CHARS_MAX),
        value => line(&value.to_string(), CELL_CHARS_MAX),
    }
}

/// A text as one line of at most so many characters, with nothing that moves a terminal's cursor.
pub fn line(text: &str, len_max: usize) -> String {
    let mut line = String::new();
    let mut is_space = true;
    for (len, character) in text.chars().enumerate() {
        if len >= len_max.saturating_mul(4) {
            break;
        }
        match character {
            character if character.is_whitespace() || is_unsafe(character) => {
                if !is_space {
                    line.push(' ');
                }
                is_space = true;
            }
            character => {
                line.push(character);
                is_space = false;
            }
        }
    }
    let line = line.trim_end();
    if line.chars().count() <= len_max {
        return line.to_owned();
    }
    let mut cut: String = line.chars().take(len_max.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates() {
        assert_eq!(time(0), "1970-01-01 00:00:00Z");
        assert_eq!(time(1_709_210_096_789), "2024-02-29 12:34:56Z");
        assert_eq!(time(-1), "1969-12-31 23:59:59Z");
    }

    #[test]
    fn terminals_are_left_alone() {
        assert_eq!(plain("\u{1b}[1;31mred\u{1b}[0m\tä\u{7}\u{9b}1m"), "red    ä1m");
        assert_eq!(plain("\u{1b}]0;t\u{7}\u{202e}x\u{1b}["), "]0;tx");
    }

    #[test]
    fn texts_fit() {
        assert_eq!(line(" a\n\tb\u{1b}[0m ", 9), "a b [0m");
        assert_eq!(line("äöüäöü", 4), "äöü…");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(999_500), "1.00 MB");
        assert_eq!(bytes(12_345), "12.3 kB");
    }
}
