//! The notation the tables are written in.

use crate::raw::{FieldState, FromRaw, Raw};

/// Whether a field must be there (FORMAT section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// `R`: the reference loses the record without it.
    Required,
    /// `R` in events that end something; begins share the shape and lack the field.
    AtEnd,
    /// `O`: missing and null are the same.
    Optional,
    /// `D`: missing stands for a default; null does not.
    Default,
}

/// A field that could not be read as the format says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem {
    /// The field's key.
    pub field: &'static str,
    /// What stands there instead: missing, null or unreadable.
    pub state: FieldState,
}

/// A shape of the log.
pub trait Payload<'a>: FromRaw<'a> {
    /// Tells every field that is not as the format says, for an event that ends something or not.
    fn problems(&self, is_end: bool, tell: &mut dyn FnMut(Problem));
}

pub(super) fn check<'a, T: FromRaw<'a>>(
    field: &'static str,
    value: &crate::raw::Field<'a, T>,
    need: Need,
    is_end: bool,
    tell: &mut dyn FnMut(Problem),
) {
    let state = value.state();
    let fine = match state {
        FieldState::Good => true,
        FieldState::Unreadable | FieldState::UnknownWord => false,
        FieldState::Missing => match need {
            Need::Required => false,
            Need::AtEnd => !is_end,
            Need::Optional | Need::Default => true,
        },
        FieldState::Null => need == Need::Optional,
    };
    if !fine {
        tell(Problem { field, state });
    }
}

/// Declares shapes: `key: Type, need;` with further spellings of the key after it.
///
/// A repeated key counts with its last value, as in the reference's loader (FORMAT T13).
macro_rules! shapes {
    ($($(#[$meta:meta])* $name:ident {
        $($field:ident $(= $key:literal)? $(| $alias:literal)*: $type:ty, $need:ident;)*
    })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, Default)]
        pub struct $name<'a> {
            $(#[doc = concat!("`", shapes!(@key $field $($key)?), "`")]
            pub $field: $crate::raw::Field<'a, $type>,)*
            marker: std::marker::PhantomData<&'a ()>,
        }

        impl<'a> serde::Deserialize<'a> for $name<'a> {
            fn deserialize<D: serde::Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
                struct Read<'a>(std::marker::PhantomData<&'a ()>);
                impl<'a> serde::de::Visitor<'a> for Read<'a> {
                    type Value = $name<'a>;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }
                    fn visit_map<M: serde::de::MapAccess<'a>>(
                        self,
                        mut map: M,
                    ) -> Result<$name<'a>, M::Error> {
                        #[allow(unused_mut)]
                        let mut shape = $name::default();
                        while let Some(key) = map.next_key::<$crate::raw::Key<'a>>()? {
                            match &*key.0 {
                                $(shapes!(@key $field $($key)?) $(| $alias)* => {
                                    shape.$field.set(map.next_value()?);
                                })*
                                _ => $crate::raw::skip(&mut map)?,
                            }
                        }
                        Ok(shape)
                    }
                }
                deserializer.deserialize_map(Read(std::marker::PhantomData))
            }
        }

        impl<'a> $crate::raw::FromRaw<'a> for $name<'a> {
            fn from_raw(raw: $crate::raw::Raw<'a>) -> Option<Self> {
                serde_json::from_str(raw.get()).ok()
            }

            fn state(raw: $crate::raw::Raw<'a>) -> $crate::raw::FieldState {
                $crate::raw::FieldState::of_type(raw, $crate::raw::JsonType::Object)
            }
        }

        impl<'a> $crate::format::Payload<'a> for $name<'a> {
            #[allow(unused_variables)]
            fn problems(&self, is_end: bool, tell: &mut dyn FnMut($crate::format::Problem)) {
                $($crate::format::table::check(
                    shapes!(@key $field $($key)?),
                    &self.$field,
                    shapes!(@need $need),
                    is_end,
                    tell,
                );)*
            }
        }
    )*};
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
    (@need req) => { $crate::format::Need::Required };
    (@need end) => { $crate::format::Need::AtEnd };
    (@need opt) => { $crate::format::Need::Optional };
    (@need def) => { $crate::format::Need::Default };
}

/// Declares enums whose variants are told by a `type` key.
macro_rules! tagged {
    ($($(#[$meta:meta])* $name:ident {
        $($variant:ident = $($tag:literal)|+ => $body:ident,)*
    })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy)]
        pub enum $name<'a> {
            $(#[doc = concat!("`", $($tag, "` "),+)] $variant($body<'a>),)*
            /// A type this version does not know.
            Unknown($crate::raw::Raw<'a>),
        }

        impl<'a> $crate::raw::FromRaw<'a> for $name<'a> {
            fn from_raw(raw: $crate::raw::Raw<'a>) -> Option<Self> {
                let tag = $crate::format::table::tag(raw)?;
                Some(match &*tag {
                    $($($tag)|+ => Self::$variant(raw.read()?),)*
                    _ => Self::Unknown(raw),
                })
            }

            fn state(raw: $crate::raw::Raw<'a>) -> $crate::raw::FieldState {
                $crate::raw::FieldState::of_type(raw, $crate::raw::JsonType::Object)
            }
        }

        impl<'a> $crate::format::Payload<'a> for $name<'a> {
            fn problems(&self, is_end: bool, tell: &mut dyn FnMut($crate::format::Problem)) {
                match self {
                    $(Self::$variant(body) => body.problems(is_end, tell),)*
                    Self::Unknown(_) => tell($crate::format::Problem {
                        field: "type",
                        state: $crate::raw::FieldState::UnknownWord,
                    }),
                }
            }
        }
    )*};
}

/// The `type` of a tagged object.
pub(super) fn tag(raw: Raw<'_>) -> Option<crate::raw::Text<'_>> {
    Tag::from_raw(raw)?.tag.get()
}

shapes! {
    /// Only the tag of an object.
    Tag {
        tag = "type": crate::raw::Text<'a>, req;
    }
}
