//! The tests of the store's public face, as one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod archive;
mod bundle;
mod bundle_hostile;
mod cold;
mod commands_files;
mod compress;
mod compress_races;
mod corrupt;
mod crash;
mod damage;
mod delete;
mod files;
mod homes;
mod library;
mod lists;
mod model;
mod modes;
mod processes;
#[cfg(feature = "cli")]
mod read_commands;
mod recorder;
mod recorder_faults;
mod recorder_forks;
mod recorder_generated;
mod recorder_homes;
mod recorder_kills;
mod recording;
mod search;
mod search_cases;
#[cfg(feature = "cli")]
mod search_command;
mod search_naive;
mod support;
mod sweep;
mod sync;
mod sync_all;
mod sync_command;
mod sync_homes;
mod torture;
mod torture_lines;
mod torture_segments;
mod torture_sources;
mod torture_store;
mod verify;
mod watch;

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

/// What callers share between threads can be shared.
#[test]
fn stores_and_views_cross_threads() {
    fn crosses<T: Send + Sync>() {}
    crosses::<rollfold_projector::Store>();
    crosses::<rollfold_projector::ThreadView>();
    crosses::<rollfold_projector::FileSource>();
    crosses::<rollfold_projector::SyncError>();
    crosses::<rollfold_projector::OpenError>();
    crosses::<rollfold_projector::QueryError>();
}
