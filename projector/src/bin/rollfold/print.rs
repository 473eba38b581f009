//! Text for people.

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

/// A text as one line of at most so many characters, with nothing that moves a terminal's cursor.
pub fn line(text: &str, len_max: usize) -> String {
    let mut line = String::new();
    let mut is_space = true;
    for (len, character) in text.chars().enumerate() {
        if len >= len_max.saturating_mul(4) {
            break;
        }
        match character {
            character if character.is_whitespace() || character.is_control() => {
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
    fn texts_fit() {
        assert_eq!(line(" a\n\tb\u{1b}[0m ", 9), "a b [0m");
        assert_eq!(line("äöüäöü", 4), "äöü…");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(999_500), "1.00 MB");
        assert_eq!(bytes(12_345), "12.3 kB");
    }
}
