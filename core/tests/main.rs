//! The tests of the core's public face, as one binary.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]
#![allow(clippy::string_slice, reason = "a wrong slice fails the test")]
#![allow(clippy::disallowed_methods, reason = "tests read fixtures")]

mod cuts;
mod dialogue;
mod equation;
mod face;
mod facts;
mod forks;
mod golden;
mod health;
mod law6;
mod laws;
mod long_lines;
mod model;
mod modes;
mod naive;
mod reference;
mod retries;
mod support;
mod swarms;
mod thread;
mod torture;
mod total;
mod usage;
mod windows;
mod world;

/// A file in this folder that is no module of this binary would never run.
#[test]
fn no_test_file_is_forgotten() {
    let main = include_str!("main.rs");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(name == "main" || main.contains(&format!("mod {name};")), "{name} is forgotten");
    }
}
