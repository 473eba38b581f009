//! The first places where two JSON values differ.

use serde_json::Value;

const DIFFERENCES_MAX: usize = 3;
const SHOWN_BYTES_MAX: usize = 160;

/// Where `actual` differs from `expected`: a path into the value and both sides.
pub(super) fn differences(expected: &Value, actual: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("$", expected, actual, &mut found);
    found
}

fn compare(path: &str, expected: &Value, actual: &Value, found: &mut Vec<String>) {
    if found.len() >= DIFFERENCES_MAX || expected == actual {
        return;
    }
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            for (key, value) in expected {
                match actual.get(key) {
                    Some(other) => compare(&format!("{path}.{key}"), value, other, found),
                    None => found.push(format!("{path}.{key}: missing, expected {}", short(value))),
                }
            }
            for (key, value) in actual {
                if !expected.contains_key(key) {
                    found.push(format!("{path}.{key}: unexpected {}", short(value)));
                }
            }
        }
        (Value::Array(expected), Value::Array(actual)) => {
            for (place, (value, other)) in expected.iter().zip(actual).enumerate() {
                compare(&format!("{path}[{place}]"), value, other, found);
            }
            if expected.len() != actual.len() {
                let (expected, actual) = (expected.len(), actual.len());
                found.push(format!("{path}: {expected} elements expected, {actual} found"));
            }
        }
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => {}
        _ => found.push(format!("{path}: expected {}, found {}", short(expected), short(actual))),
    }
}

fn short(value: &Value) -> String {
    let mut text = value.to_string();
    if text.len() > SHOWN_BYTES_MAX {
        let mut end = SHOWN_BYTES_MAX;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str("...");
    }
    text
}
