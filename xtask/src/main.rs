//! Tasks of the rollfold workspace: `cargo xtask TASK`. Dispatch only.

mod bench;
mod conformance;
mod fuzz;
mod generate;
mod health;
mod replay;
mod verify;

/// The second reading of the papers that the core's tests compare with.
#[allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test of the core, not all of which is used here"
)]
#[path = "../../core/tests/naive/mod.rs"]
mod naive;

use std::process::ExitCode;

use clap::Parser;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Tasks of the rollfold workspace")]
enum Task {
    /// Compare the folds with the reference's outputs.
    Conformance(conformance::Args),
    /// Fold rollouts into redb and check the store.
    Replay(replay::Args),
    /// Compare the rows of a store with a fold of the logs anew.
    Verify(verify::Args),
    /// Tell what of the logs in a store was not understood.
    Health(health::Args),
    /// Fold seeded logs, whole and damaged, and check the laws.
    Fuzz(fuzz::Args),
    /// Measure folding, syncing and reading beside what can at best be had.
    Bench(bench::Args),
    /// Write a seeded rollout of any size.
    Generate(generate::Args),
}

fn main() -> ExitCode {
    match Task::parse() {
        Task::Conformance(args) => conformance::run(&args),
        Task::Replay(args) => replay::run(&args),
        Task::Verify(args) => verify::run(&args),
        Task::Health(args) => health::run(&args),
        Task::Fuzz(args) => fuzz::run(&args),
        Task::Bench(args) => bench::run(&args),
        Task::Generate(args) => generate::run(&args),
    }
}
