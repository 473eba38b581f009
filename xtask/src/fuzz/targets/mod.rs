//! The targets: what is made of a seed, and which laws it must keep.

mod bounds;
mod canary;
mod decode;
mod differential;
mod fold;
mod library;
mod recorder;
mod roundtrip;
mod store;

use super::case::Case;
use super::swarm;

/// A way to break laws.
pub(crate) struct Target {
    /// Its name on the command line and in kept cases.
    pub(crate) name: &'static str,
    /// The parts of the case of a seed.
    pub(crate) make: fn(u64) -> Vec<u8>,
    /// Whether a case keeps every law; else which one it breaks.
    pub(crate) check: fn(&Case) -> Result<(), String>,
    /// Whether parts are text, of which less is text, too.
    pub(crate) is_text: bool,
    /// The last seed of runs that name no target: what comes behind it has differences that are not
    /// judged yet. Runs that name the target go on.
    pub(crate) last_seed: u64,
    /// Whether it must fail, so that a fuzzer that checks nothing is noticed.
    pub(crate) must_fail: bool,
}

impl Target {
    const fn of_logs(
        name: &'static str,
        make: fn(u64) -> Vec<u8>,
        check: fn(&Case) -> Result<(), String>,
    ) -> Self {
        Self { name, make, check, is_text: true, last_seed: u64::MAX, must_fail: false }
    }

    const fn of_operations(
        name: &'static str,
        make: fn(u64) -> Vec<u8>,
        check: fn(&Case) -> Result<(), String>,
    ) -> Self {
        Self { name, make, check, is_text: false, last_seed: u64::MAX, must_fail: false }
    }
}

/// Every target.
pub(crate) const TARGETS: [Target; 9] = [
    Target::of_logs("decode", swarm::bytes, decode::check),
    Target::of_logs("fold", |seed| swarm::log(seed, 120), fold::check),
    // Seeds 1381 (an item whose type is no text) and 1828 (how a window ended) differ.
    Target {
        last_seed: 1_380,
        ..Target::of_logs("differential", |seed| swarm::log(seed, 60), differential::check)
    },
    Target::of_operations("store", store::make, store::check),
    Target::of_operations("library", library::make, library::check),
    Target::of_operations("recorder", recorder::make, recorder::check),
    Target::of_logs("roundtrip", |seed| swarm::log(seed, 40), roundtrip::check),
    Target::of_operations("bounds", bounds::make, bounds::check),
    Target {
        must_fail: true,
        ..Target::of_logs("canary", |seed| swarm::log(seed, 120), canary::check)
    },
];

/// Says which law is broken.
fn expect(law: &str, holds: bool) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("broken: {law}")) }
}
