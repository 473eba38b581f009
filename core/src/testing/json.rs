//! JSON text by hand: an escaper, and objects whose keys keep the order they were given.

/// Appends the text as the inside of a JSON string.
pub(super) fn push_escaped(out: &mut String, text: &str) {
    let mut clean_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(text.get(clean_from..at).unwrap_or_default());
        clean_from = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            other => {
                out.push_str("\\u00");
                push_hex(out, u64::from(other), 2);
            }
        }
    }
    out.push_str(text.get(clean_from..).unwrap_or_default());
}

/// Appends the text as a JSON string with its quotes.
pub(super) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    push_escaped(out, text);
    out.push('"');
}

/// The text as a JSON string with its quotes.
pub(super) fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_string(&mut out, text);
    out
}

/// JSON values as a JSON array.
pub(super) fn array<T: AsRef<str>>(values: &[T]) -> String {
    let mut out = String::from("[");
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(value.as_ref());
    }
    out.push(']');
    out
}

/// Texts as a JSON array of strings.
pub(super) fn strings<T: AsRef<str>>(texts: &[T]) -> String {
    let values: Vec<String> = texts.iter().map(|text| string(text.as_ref())).collect();
    array(&values)
}

/// Appends the lowest `digits` hexadecimal digits of a number.
pub(super) fn push_hex(out: &mut String, number: u64, digits: u32) {
    for place in (0..digits).rev() {
        let digit = (number >> (4 * place)) & 15;
        out.push(char::from_digit(digit as u32, 16).unwrap_or('0'));
    }
}

/// Appends a decimal number with at least `width` digits.
pub(super) fn push_padded(out: &mut String, number: u64, width: u32) {
    let mut digits = [b'0'; 20];
    let mut left = number;
    let mut used = 0;
    for (place, digit) in digits.iter_mut().rev().enumerate() {
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
        used = place + 1;
        if left == 0 && used >= width as usize {
            break;
        }
    }
    for digit in digits.iter().skip(20 - used) {
        out.push(char::from(*digit));
    }
}

/// A JSON object under construction; values are JSON text.
#[derive(Debug, Clone, Default)]
pub(super) struct Object {
    fields: Vec<(String, String)>,
}

impl Object {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// An object that starts with its `type`.
    pub(super) fn tagged(tag: &str) -> Self {
        Self::new().text("type", tag)
    }

    /// Adds a key whose value is JSON text already.
    pub(super) fn put(mut self, key: &str, json: impl Into<String>) -> Self {
        self.fields.push((key.to_owned(), json.into()));
        self
    }

    /// Adds a string.
    pub(super) fn text(self, key: &str, value: &str) -> Self {
        self.put(key, string(value))
    }

    /// Adds a number, a boolean or anything else that prints as JSON.
    pub(super) fn plain(self, key: &str, value: impl std::fmt::Display) -> Self {
        self.put(key, value.to_string())
    }

    /// The keys and values, to be reordered by whoever spells the line.
    pub(super) fn fields_mut(&mut self) -> &mut Vec<(String, String)> {
        &mut self.fields
    }

    /// The object as JSON text.
    pub(super) fn json(&self) -> String {
        let mut out = String::from("{");
        for (index, (key, value)) in self.fields.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            push_string(&mut out, key);
            out.push(':');
            out.push_str(value);
        }
        out.push('}');
        out
    }
}
