//! Plain values as the format spells them (FORMAT section 3).

use serde_json::Value;

/// A string, if there is one.
pub(super) fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value[key].as_str()
}

/// A whole number, however it is spelled.
pub(super) fn whole(value: &Value) -> Option<i128> {
    if let Some(number) = value.as_i64() {
        return Some(number.into());
    }
    if let Some(number) = value.as_u64() {
        return Some(number.into());
    }
    value.as_f64().filter(|number| number.fract() == 0.0).map(|number| number as i128)
}

pub(super) fn int(value: &Value) -> Option<i64> {
    whole(value)?.try_into().ok()
}

pub(super) fn unsigned(value: &Value) -> Option<u64> {
    whole(value)?.try_into().ok()
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The 32 digits of a UUID: hyphenated, simple, braced or urn.
fn uuid_digits(id: &str) -> Option<String> {
    let plain = id.strip_prefix("urn:uuid:").unwrap_or(id);
    let plain = plain.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(plain);
    let groups: Vec<usize> = plain.split('-').map(str::len).collect();
    let digits = plain.replace('-', "").to_ascii_lowercase();
    let is_hex = digits.chars().all(|digit| digit.is_ascii_hexdigit());
    (is_hex && (groups == [8, 4, 4, 4, 12] || groups == [32])).then_some(digits)
}

/// An id as it is rewritten: a UUID hyphenated in lower case, anything else as it is.
pub(super) fn canonical(id: &str) -> String {
    let Some(digits) = uuid_digits(id) else { return id.to_owned() };
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    parts.join("-")
}

/// R72: the id, if it is a UUID of version 7.
pub(super) fn version_7(id: &str) -> Option<String> {
    let digits = uuid_digits(id)?;
    (&digits[12..13] == "7").then(|| canonical(id))
}

/// When a version 7 UUID was made: its first 48 bits.
pub(super) fn made_at_ms(id: &str) -> Option<i64> {
    let digits = version_7(id)?.replace('-', "");
    i64::from_str_radix(&digits[..12], 16).ok()
}
