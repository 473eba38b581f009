//! The same record in other letters: key order, spaces, escapes. The value stays equal.

use crate::testing::json::{Object, push_hex};
use crate::testing::prng::Prng;

/// How often, in percent, a line is spelled unlike the recorder would.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Letters {
    /// Keys of the envelope and of the payload in another order.
    pub(super) shuffled: u32,
    /// A space after every colon and comma.
    pub(super) spaced: u32,
    /// Every character outside ASCII as `\uXXXX`.
    pub(super) ascii: u32,
    /// Slashes and underscores escaped although they need not be.
    pub(super) over_escaped: u32,
    /// Spaces around the line.
    pub(super) padded: u32,
    /// The line ends with CR, before its LF.
    pub(super) crlf: bool,
}

impl Letters {
    /// The habits of one file.
    pub(super) fn of_seed(rng: &mut Prng) -> Self {
        let mut rate = |often: u32| if rng.chance(often) { rng.pick(&[2, 20, 100]) } else { 0 };
        Self {
            shuffled: rate(50),
            spaced: rate(30),
            ascii: rate(30),
            over_escaped: rate(20),
            padded: rate(15),
            crlf: rate(12) > 0,
        }
    }

    /// Shuffles the keys of an object.
    pub(super) fn shuffle(&self, rng: &mut Prng, object: &mut Object) {
        if rng.chance(self.shuffled) {
            rng.shuffle(object.fields_mut());
        }
    }

    /// The final bytes of a line.
    pub(super) fn spell(&self, rng: &mut Prng, line: String) -> Vec<u8> {
        let mut line = line;
        if rng.chance(self.spaced) {
            line = spaced(&line);
        }
        if rng.chance(self.ascii) {
            line = ascii(&line);
        }
        if rng.chance(self.over_escaped) {
            let escape = rng.pick(&[('/', "\\/"), ('_', "\\u005f"), ('t', "\\u0074")]);
            line = over_escaped(&line, escape);
        }
        if rng.chance(self.padded) {
            line = format!("{}{line} \t", rng.pick(&["", " ", "\t"]));
        }
        if self.crlf {
            line.push('\r');
        }
        line.into_bytes()
    }
}

/// Calls `edit` with every character and whether it stands inside a string, quotes included.
fn rewrite(line: &str, mut edit: impl FnMut(&mut String, char, bool)) -> String {
    let mut out = String::with_capacity(line.len() * 2);
    let (mut inside, mut escaped) = (false, false);
    for c in line.chars() {
        match c {
            _ if escaped => {
                escaped = false;
                out.push(c);
                continue;
            }
            '\\' if inside => {
                escaped = true;
                out.push(c);
                continue;
            }
            '"' => inside = !inside,
            _ => {}
        }
        edit(&mut out, c, inside);
    }
    out
}

fn spaced(line: &str) -> String {
    rewrite(line, |out, c, inside| {
        out.push(c);
        if !inside && (c == ':' || c == ',') {
            out.push(' ');
        }
    })
}

fn ascii(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut units = [0_u16; 2];
    for c in line.chars() {
        if c.is_ascii() {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut units) {
            out.push_str("\\u");
            push_hex(&mut out, u64::from(*unit), 4);
        }
    }
    out
}

fn over_escaped(line: &str, (letter, escape): (char, &str)) -> String {
    rewrite(
        line,
        |out, c, inside| {
            if inside && c == letter { out.push_str(escape) } else { out.push(c) }
        },
    )
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn spelling_changes_letters_not_values() {
        let line = r#"{"type":"a_b","u":"x/y, \"z\": \\","n":[1,true,1e1],"caf\u00e9 \u65e5":"\ud83d\ude80"}"#;
        let line = line.replace("\\ud83d\\ude80", "\u{1f680}").replace("\\u65e5", "\u{65e5}");
        let value = |line: &str| serde_json::from_str::<Value>(line).ok();
        assert!(value(&line).is_some());
        let all = Letters {
            shuffled: 0,
            spaced: 50,
            ascii: 50,
            over_escaped: 50,
            padded: 50,
            crlf: true,
        };
        let mut rng = Prng::new(1);
        for _ in 0..200 {
            let spelled = all.spell(&mut rng, line.clone());
            let spelled = String::from_utf8(spelled).unwrap_or_default();
            assert_eq!(value(&spelled), value(&line), "{spelled}");
        }
        assert!(ascii(&line).is_ascii());
        assert_eq!(Letters::default().spell(&mut rng, line.clone()), line.into_bytes());
    }
}
