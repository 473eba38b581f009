//! Cost: on hostile shapes, eight times the input costs no more than a small multiple of eight times
//! the time, folding and syncing alike.

use std::time::{Duration, Instant};

use rollfold_core::{Folder, Options, Snapshot};
use rollfold_projector::{MemSource, Store, SyncOptions};

use super::Case;

/// How much larger the larger input is.
const FACTOR: usize = 8;

/// Times the small input's cost that the large one may take: what is quadratic takes 64.
const COST_MAX: u32 = 24;

/// What is too fast to be measured is not.
const LEAST: Duration = Duration::from_millis(2);

const SHAPES: [(&str, usize); 6] = [
    ("rollbacks", 1_500),
    ("items_of_one_turn", 1_500),
    ("one_byte_lines", 12_000),
    ("world_patches", 400),
    ("deep_json", 2_500),
    ("turns", 800),
];

/// Names one shape.
pub(crate) fn make(seed: u64) -> Vec<u8> {
    let shape = SHAPES.iter().cycle().nth(seed as usize % SHAPES.len());
    shape.map_or_else(Vec::new, |(shape, _)| shape.as_bytes().to_vec())
}

pub(crate) fn check(case: &Case) -> Result<(), String> {
    let name = String::from_utf8_lossy(&case.bytes()).trim().to_owned();
    let Some((shape, len)) = SHAPES.iter().find(|(shape, _)| *shape == name) else {
        return Ok(());
    };
    let (small, large) = (log(shape, *len), log(shape, *len * FACTOR));
    for (what, run) in [("fold", fold as fn(&[u8]) -> Result<(), String>), ("sync", sync)] {
        // A noisy machine may spoil one pair, not all of them.
        let mut told = String::new();
        let is_linear = (0..4).any(|_| {
            let (few, many) = (timed(run, &small), timed(run, &large));
            told = format!("{few:?} and {many:?}");
            many <= few.max(LEAST) * COST_MAX
        });
        if !is_linear {
            return Err(format!("broken: cost of {what} is linear on {shape}: {told}"));
        }
    }
    Ok(())
}

fn timed(run: fn(&[u8]) -> Result<(), String>, log: &[u8]) -> Duration {
    let started = Instant::now();
    let done = run(log);
    match done {
        Ok(()) => started.elapsed(),
        Err(_) => Duration::MAX,
    }
}

fn fold(log: &[u8]) -> Result<(), String> {
    let mut folder = Folder::new(Options::default());
    let mut snapshot = Snapshot::default();
    for step in folder.push(log) {
        snapshot.apply_step(&step).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn sync(log: &[u8]) -> Result<(), String> {
    let store = Store::in_memory().map_err(|error| error.to_string())?;
    let source = MemSource::new("log", log.to_vec());
    store.sync(&source, &SyncOptions::default()).map(drop).map_err(|error| error.to_string())
}

fn log(shape: &str, len: usize) -> Vec<u8> {
    let mut log = Vec::new();
    let mut line = |kind: &str, payload: &str| {
        log.extend_from_slice(
            format!(
                "{{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"type\":\"{kind}\",\"payload\":{payload}}}\n"
            )
            .as_bytes(),
        );
    };
    let mut event = |payload: String| line("event_msg", &payload);
    match shape {
        "rollbacks" => {
            for at in 0..len {
                event(format!(r#"{{"type":"task_started","turn_id":"t{at}"}}"#));
                event(r#"{"type":"user_message","message":"x"}"#.into());
                event(r#"{"type":"thread_rolled_back","num_turns":1}"#.into());
            }
        }
        "items_of_one_turn" => {
            event(r#"{"type":"task_started","turn_id":"t"}"#.into());
            for _ in 0..len {
                event(r#"{"type":"agent_message","message":"x"}"#.into());
            }
        }
        "world_patches" => {
            line("world_state", r#"{"full":true,"state":{"a":{"b":0}}}"#);
            for at in 0..len {
                line(
                    "world_state",
                    &format!(r#"{{"full":false,"state":{{"a":{{"k{}":{at}}}}}}}"#, at % 50),
                );
            }
        }
        "deep_json" => {
            let deep = format!("{}{}", "[".repeat(len), "]".repeat(len));
            line("world_state", &format!(r#"{{"full":true,"state":{{"a":{deep}}}}}"#));
            line("compacted", &format!(r#"{{"message":"m","replacement_history":{deep}}}"#));
        }
        "turns" => {
            for at in 0..len {
                event(format!(r#"{{"type":"task_started","turn_id":"t{at}"}}"#));
                event(r#"{"type":"user_message","message":"x"}"#.into());
                event(format!(r#"{{"type":"task_complete","turn_id":"t{at}"}}"#));
            }
        }
        _ => log.extend(std::iter::repeat_n(*b"{\n", len).flatten()),
    }
    log
}
