//! JSON values that stay text until somebody asks: borrowed, and never wrong about the rest.
//!
//! A field of an unexpected type, a lone surrogate or a number no machine type holds must not cost
//! the record it stands in. So the structs of the format keep every field as [`Field`]: the
//! value's own text, read on demand.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, LazyLock};

use memchr::memmem::Finder;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;

/// The text of one well-formed JSON value.
#[derive(Clone, Copy)]
pub struct Raw<'a>(&'a RawValue);

/// What kind of JSON value a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonType {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// any number
    Number,
    /// any string
    String,
    /// any array
    Array,
    /// any object
    Object,
}

impl<'a> Raw<'a> {
    /// Reads one value at the start of `text`; gives it and the bytes it took, leading white
    /// space included.
    pub(crate) fn first_of(text: &'a str) -> Result<(Self, usize), serde_json::Error> {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Raw<'a>>();
        match values.next() {
            Some(Ok(raw)) => Ok((raw, values.byte_offset())),
            Some(Err(error)) => Err(error),
            None => Err(serde_json::Error::custom("nothing there")),
        }
    }

    /// The value's text, as it stands in the log.
    #[must_use]
    pub fn get(self) -> &'a str {
        self.0.get()
    }

    /// The value's type, read off its first byte.
    #[must_use]
    pub fn json_type(self) -> JsonType {
        match self.get().as_bytes().first() {
            Some(b'"') => JsonType::String,
            Some(b'{') => JsonType::Object,
            Some(b'[') => JsonType::Array,
            Some(b't' | b'f') => JsonType::Bool,
            Some(b'n') | None => JsonType::Null,
            Some(_) => JsonType::Number,
        }
    }

    /// Reads the value as `T`, if it is one.
    #[must_use]
    pub fn read<T: FromRaw<'a>>(self) -> Option<T> {
        T::from_raw(self)
    }

    /// The elements, if this is an array.
    #[must_use]
    pub fn elements(self) -> Option<Vec<Raw<'a>>> {
        serde_json::from_str(self.get()).ok()
    }

    /// The entries in the order of the log, repeated keys included, if this is an object.
    #[must_use]
    pub fn entries(self) -> Option<Vec<(Cow<'a, str>, Raw<'a>)>> {
        serde_json::from_str::<Entries<'a>>(self.get()).ok().map(|entries| entries.0)
    }

    /// The value of `key` (the last one, if repeated), if this is an object that has it.
    #[must_use]
    pub fn member(self, key: &str) -> Option<Raw<'a>> {
        self.entries()?.into_iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&'a RawValue>::deserialize(deserializer).map(Raw)
    }
}

impl fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get())
    }
}

struct Entries<'a>(Vec<(Cow<'a, str>, Raw<'a>)>);

impl<'a> Deserialize<'a> for Entries<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        struct Walk<'a>(PhantomData<&'a ()>);
        impl<'a> Visitor<'a> for Walk<'a> {
            type Value = Entries<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<Entries<'a>, M::Error> {
                let mut entries = Vec::new();
                while let Some(key) = map.next_key::<Raw<'a>>()? {
                    let name = unescape(key.get()).unwrap_or(Cow::Borrowed(""));
                    entries.push((name, map.next_value::<Raw<'a>>()?));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Walk(PhantomData))
    }
}

/// An object key: borrowed where the log spells it plainly.
pub(crate) struct Key<'a>(pub(crate) Cow<'a, str>);

impl<'a> Deserialize<'a> for Key<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<'a>(PhantomData<&'a ()>);
        impl<'a> Visitor<'a> for Text<'a> {
            type Value = Key<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E: Error>(self, key: &'a str) -> Result<Key<'a>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }
            fn visit_str<E: Error>(self, key: &str) -> Result<Key<'a>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(Text(PhantomData))
    }
}

/// Reads a value nobody needs.
pub(crate) fn skip<'a, M: MapAccess<'a>>(map: &mut M) -> Result<(), M::Error> {
    map.next_value::<IgnoredAny>().map(drop)
}

/// A type that a JSON text may hold.
pub trait FromRaw<'a>: Sized {
    /// The value, or `None` if `raw` is something else.
    fn from_raw(raw: Raw<'a>) -> Option<Self>;

    /// What a field with this text holds; a cheap look that need not read all of it.
    #[must_use]
    fn state(raw: Raw<'a>) -> FieldState {
        match Self::from_raw(raw) {
            Some(_) => FieldState::Good,
            None => FieldState::of_unread(raw),
        }
    }
}

/// What a field of a record holds.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum FieldState {
    /// The key is not there.
    Missing,
    /// The key is there with `null`.
    Null,
    /// The value is not of the field's type.
    Unreadable,
    /// The value is a word, but not a known one.
    UnknownWord,
    /// The value is understood.
    Good,
}

impl FieldState {
    fn of_unread(raw: Raw<'_>) -> Self {
        if raw.json_type() == JsonType::Null { Self::Null } else { Self::Unreadable }
    }

    /// The state of a field that any value of `json_type` fits.
    pub(crate) fn of_type(raw: Raw<'_>, json_type: JsonType) -> Self {
        if raw.json_type() == json_type { Self::Good } else { Self::of_unread(raw) }
    }
}

/// One field of a record: its text, read on demand as `T`.
pub struct Field<'a, T> {
    raw: Option<Raw<'a>>,
    reads: PhantomData<fn() -> T>,
}

impl<T> Clone for Field<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Field<'_, T> {}

impl<T> Default for Field<'_, T> {
    fn default() -> Self {
        Self { raw: None, reads: PhantomData }
    }
}

impl<T> fmt::Debug for Field<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.raw.map_or("(missing)", Raw::get))
    }
}

impl<'a, T: FromRaw<'a>> Field<'a, T> {
    /// The value; `None` if it is missing, null or not a `T` ([`Field::state`] tells which).
    #[must_use]
    pub fn get(&self) -> Option<T> {
        self.raw.and_then(T::from_raw)
    }

    /// The value's text, if the key is there.
    #[must_use]
    pub fn raw(&self) -> Option<Raw<'a>> {
        self.raw
    }

    /// Whether the key is there with something else than `null`.
    #[must_use]
    pub fn is_some(&self) -> bool {
        self.raw.is_some_and(|raw| raw.json_type() != JsonType::Null)
    }

    /// What the field holds.
    #[must_use]
    pub fn state(&self) -> FieldState {
        self.raw.map_or(FieldState::Missing, T::state)
    }

    pub(crate) fn set(&mut self, raw: Raw<'a>) {
        self.raw = Some(raw);
    }
}

impl<'a, T: FromRaw<'a>> Field<'a, Vec<T>> {
    /// The readable elements; none if this is no list.
    #[must_use]
    pub fn each(&self) -> Vec<T> {
        let elements = self.raw.and_then(Raw::elements).unwrap_or_default();
        elements.into_iter().filter_map(T::from_raw).collect()
    }

    /// The elements, `None` where one is not readable; none if this is no list.
    #[must_use]
    pub fn slots(&self) -> Vec<Option<T>> {
        let elements = self.raw.and_then(Raw::elements).unwrap_or_default();
        elements.into_iter().map(T::from_raw).collect()
    }
}

impl<'a, T: FromRaw<'a>> Field<'a, Entry<'a, T>> {
    /// The readable entries; none if this is no object.
    #[must_use]
    pub fn each(&self) -> Vec<(Cow<'a, str>, T)> {
        let entries = self.raw.and_then(|raw| raw.read::<Entry<'a, Raw<'a>>>());
        let entries = entries.map(|entries| entries.0).unwrap_or_default();
        entries.into_iter().filter_map(|(key, raw)| Some((key, T::from_raw(raw)?))).collect()
    }
}

/// A JSON string; lone surrogates read as U+FFFD.
pub type Text<'a> = Cow<'a, str>;

impl<'a> FromRaw<'a> for Text<'a> {
    fn from_raw(raw: Raw<'a>) -> Option<Self> {
        unescape(raw.get())
    }

    fn state(raw: Raw<'a>) -> FieldState {
        FieldState::of_type(raw, JsonType::String)
    }
}

impl<'a> FromRaw<'a> for Raw<'a> {
    fn from_raw(raw: Raw<'a>) -> Option<Self> {
        Some(raw)
    }
}

impl<'a> FromRaw<'a> for bool {
    fn from_raw(raw: Raw<'a>) -> Option<Self> {
        raw.get().parse().ok()
    }
}

impl<'a> FromRaw<'a> for f64 {
    fn from_raw(raw: Raw<'a>) -> Option<Self> {
        let number =
            (raw.json_type() == JsonType::Number).then(|| raw.get().parse::<f64>().ok())?;
        number.filter(|number| number.is_finite())
    }
}

/// Integers, also when spelled with a decimal point or an exponent (`12.0`, `1e1`).
macro_rules! integers {
    ($($int:ty)*) => {$(
        impl<'a> FromRaw<'a> for $int {
            fn from_raw(raw: Raw<'a>) -> Option<Self> {
                if let Ok(number) = raw.get().parse::<$int>() {
                    return Some(number);
                }
                let number = f64::from_raw(raw)?;
                let int = number as $int;
                // Above 2^53 a double no longer names one integer.
                (int as f64 == number && number.abs() < 9_007_199_254_740_992.0).then_some(int)
            }
        }
    )*};
}
integers!(i64 u64 u32 i32 u16);

impl<'a, T: FromRaw<'a>> FromRaw<'a> for Vec<T> {
    fn from_raw(raw: Raw<'a>) -> Option<Self> {
        raw.elements()?.into_iter().map(T::from_raw).collect()
    }

    fn state(raw: Raw<'a>) -> FieldState {
        FieldState::of_type(raw, JsonType::Array)
    }
}

/// `null` inside a list: an element that is there, but empty.
impl<'a, T: FromRaw<'a>> FromRaw<'a> for Option<T> {
    fn from_raw(raw: Raw<'a>) -> Option<Self> {
        if raw.json_type() == JsonType::Null { Some(None) } else { T::from_raw(raw).map(Some) }
    }
}

/// An object read as a list of entries, in the order of the log; a repeated key counts once, with
/// its last value at its first place.
#[derive(Debug, Clone)]
pub struct Entry<'a, T>(pub Vec<(Cow<'a, str>, T)>);

impl<'a, T: FromRaw<'a>> FromRaw<'a> for Entry<'a, T> {
    fn from_raw(raw: Raw<'a>) -> Option<Self> {
        let mut list: Vec<(Cow<'a, str>, T)> = Vec::new();
        let mut places = std::collections::BTreeMap::new();
        for (key, value) in raw.entries()? {
            let value = T::from_raw(value)?;
            match places.get(&key).and_then(|place: &usize| list.get_mut(*place)) {
                Some(entry) => entry.1 = value,
                None => {
                    places.insert(key.clone(), list.len());
                    list.push((key, value));
                }
            }
        }
        Some(Entry(list))
    }

    fn state(raw: Raw<'a>) -> FieldState {
        FieldState::of_type(raw, JsonType::Object)
    }
}

/// A free-form JSON value, kept as text; lone surrogates are replaced so that any reader takes it.
#[derive(Clone)]
pub struct Json(Arc<RawValue>);

impl Json {
    /// The value's text.
    #[must_use]
    pub fn get(&self) -> &str {
        self.0.get()
    }

    /// Any value that serializes, as JSON text.
    pub(crate) fn of(value: &impl Serialize) -> Self {
        let raw = serde_json::value::to_raw_value(value);
        Self(raw.unwrap_or_else(|_| RawValue::NULL.to_owned()).into())
    }
}

impl Json {
    /// An object with these members, in this order.
    pub(crate) fn of_entries(entries: &[(String, Json)]) -> Self {
        let mut text = String::from("{");
        for (place, (key, value)) in entries.iter().enumerate() {
            text.push_str(if place == 0 { "" } else { "," });
            text.push_str(Self::of(key).get());
            text.push(':');
            text.push_str(value.get());
        }
        text.push('}');
        let raw = RawValue::from_string(text);
        Self(raw.unwrap_or_else(|_| RawValue::NULL.to_owned()).into())
    }
}

impl Default for Json {
    fn default() -> Self {
        Self(RawValue::NULL.to_owned().into())
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for Json {}

impl From<Raw<'_>> for Json {
    fn from(raw: Raw<'_>) -> Self {
        let replaced = match replace_lone_surrogates(raw.get()) {
            Cow::Borrowed(_) => None,
            Cow::Owned(text) => RawValue::from_string(text).ok(),
        };
        Self(replaced.unwrap_or_else(|| raw.0.to_owned()).into())
    }
}

impl<'a> FromRaw<'a> for Json {
    fn from_raw(raw: Raw<'a>) -> Option<Self> {
        Some(raw.into())
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <Box<RawValue>>::deserialize(deserializer).map(|raw| Self(raw.into()))
    }
}

/// The text of a JSON string token (with its quotes), or `None` if it is no string.
fn unescape(token: &str) -> Option<Cow<'_, str>> {
    let inner = token.strip_prefix('"')?.strip_suffix('"')?;
    let Some(first) = memchr::memchr(b'\\', inner.as_bytes()) else {
        return Some(Cow::Borrowed(inner));
    };
    let (plain, mut rest) = inner.split_at_checked(first)?;
    let mut text = String::with_capacity(inner.len());
    text.push_str(plain);
    while let Some(escaped) = rest.strip_prefix('\\') {
        let mut chars = escaped.chars();
        let kind = chars.next()?;
        rest = chars.as_str();
        match kind {
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            'b' => text.push('\u{8}'),
            'f' => text.push('\u{c}'),
            'u' => {
                let (unit, after) = code_unit(rest)?;
                rest = after;
                text.push(match unit {
                    0xD800..=0xDBFF => match rest.strip_prefix("\\u").and_then(code_unit) {
                        Some((low @ 0xDC00..=0xDFFF, after)) => {
                            rest = after;
                            char::from_u32(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
                                .unwrap_or(char::REPLACEMENT_CHARACTER)
                        }
                        _ => char::REPLACEMENT_CHARACTER,
                    },
                    _ => char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER),
                });
            }
            other => text.push(other),
        }
        let plain_len = memchr::memchr(b'\\', rest.as_bytes()).unwrap_or(rest.len());
        let (plain, after) = rest.split_at_checked(plain_len)?;
        text.push_str(plain);
        rest = after;
    }
    Some(Cow::Owned(text))
}

/// The four hexadecimal digits at the start of `text`, and what follows them.
fn code_unit(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    Some((u32::from_str_radix(digits, 16).ok()?, rest))
}

/// Made once, since it is looked for on most lines.
static UNICODE_ESCAPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\\u"));

/// Replaces escaped surrogates that have no partner, in JSON text.
///
/// Borrowed if there is none.
pub(crate) fn replace_lone_surrogates(json: &str) -> Cow<'_, str> {
    let suspicious = UNICODE_ESCAPE
        .find_iter(json.as_bytes())
        .any(|at| matches!(json.as_bytes().get(at + 2), Some(b'd' | b'D')));
    if !suspicious {
        return Cow::Borrowed(json);
    }
    let mut text = String::with_capacity(json.len());
    let mut changed = false;
    let mut rest = json;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        let Some((plain, escape)) = rest.split_at_checked(at) else { break };
        text.push_str(plain);
        let unit = escape.strip_prefix("\\u").and_then(code_unit);
        let (len, keep) = match unit {
            Some((0xD800..=0xDBFF, after)) => match after.strip_prefix("\\u").and_then(code_unit) {
                Some((0xDC00..=0xDFFF, _)) => (12, true),
                _ => (6, false),
            },
            Some((0xDC00..=0xDFFF, _)) => (6, false),
            Some(_) => (6, true),
            None => (2, true),
        };
        let Some((escape, after)) = escape.split_at_checked(len) else { break };
        text.push_str(if keep { escape } else { "\\ufffd" });
        changed |= !keep;
        rest = after;
    }
    text.push_str(rest);
    if changed { Cow::Owned(text) } else { Cow::Borrowed(json) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn raw(text: &str) -> Raw<'_> {
        Raw::first_of(text).unwrap().0
    }

    #[test]
    fn numbers_of_any_spelling() {
        for text in ["12", "12.0", "1.2e1", "120e-1"] {
            assert_eq!(raw(text).read::<i64>(), Some(12), "{text}");
            assert_eq!(raw(text).read::<f64>(), Some(12.0), "{text}");
        }
        assert_eq!(raw("0.1e-7").read::<f64>(), Some(1e-8));
        assert_eq!(raw("18446744073709551615").read::<u64>(), Some(u64::MAX));
        for text in ["12.5", "\"12\"", "1e400", "18446744073709551616", "null"] {
            assert_eq!(raw(text).read::<i64>(), None, "{text}");
        }
        assert_eq!(raw("-1").read::<u64>(), None);
    }

    #[test]
    fn strings_with_every_escape() {
        let text = raw(r#""a\n\t\r\b\f\/\\\"\u00e9\ud83d\ude00\ud83d x\udc00""#);
        let want = "a\n\t\r\u{8}\u{c}/\\\"é😀\u{fffd} x\u{fffd}";
        assert_eq!(text.read::<Text<'_>>().unwrap(), want);
    }

    #[test]
    fn free_json_keeps_its_text_but_lone_surrogates() {
        let json = Json::from(raw(r#"{"a":1e400,"b":"\\ud83d \ud83d\ude00 \ud83d"}"#));
        assert_eq!(json.get(), r#"{"a":1e400,"b":"\\ud83d \ud83d\ude00 \ufffd"}"#);
    }

    #[test]
    fn deep_values_stay_text() {
        let deep = format!("{}1{}", "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(raw(&deep).get().len(), 400_001);
    }

    #[test]
    fn repeated_keys_count_once() {
        let entries: Entry<'_, i64> = raw(r#"{"a":1,"b":2,"\u0061":3}"#).read().unwrap();
        assert_eq!(entries.0, [("a".into(), 3), ("b".into(), 2)]);
        assert_eq!(raw(r#"{"a":1,"a":2}"#).member("a").unwrap().get(), "2");
    }
}
