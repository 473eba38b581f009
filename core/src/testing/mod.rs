//! The generator of rollouts that tests, benches and fuzzers share.
//!
//! It shares no code with the decoder: it writes JSON text by hand, so that reader and writer
//! cannot be wrong alike. Everything is a pure function of a `u64` seed, the same on every
//! platform: no clock, no randomness, no hash order.

mod damage;
mod ids;
mod json;
mod prng;
mod rollouts;
mod shapes;
#[cfg(test)]
mod tests;
mod text;
mod words;

pub use self::damage::{Damage, DamageKind, damage, damage_as};
pub use self::prng::Prng;
pub use self::rollouts::{
    History, Reach, Record, Spelling, Swarm, join_lines, rollout, rollout_bytes, rollout_records,
};
pub use self::shapes::{Shape, ShapeFacts, ShapeWriter, UnknownShape, shape_bytes, write_shape};
