//! A seeded Codex home of many small threads: spawned, forked, archived and compressed ones among
//! them, and many that share a second.

use std::fs;
use std::io;
use std::path::Path;

use rollfold_core::testing::Prng;

/// What was written.
#[derive(Debug, Default)]
pub(crate) struct HomeFacts {
    pub(crate) threads: u64,
    pub(crate) archived: u64,
    pub(crate) compressed: u64,
    pub(crate) spawned: u64,
    pub(crate) forked: u64,
    /// Bytes of the logs, before any was compressed.
    pub(crate) bytes: u64,
}

/// Threads of one second, on average.
const THREADS_A_SECOND: u64 = 7;

const DAY_S: u64 = 86_400;

/// Days over which the threads are spread.
const DAYS: u64 = 60;

/// The most recent threads, of which others come.
const RECENT_MAX: usize = 64;

const WORDS: [&str; 16] = [
    "fix", "the", "parser", "test", "build", "error", "in", "module", "and", "update", "cache",
    "index", "path", "of", "session", "why",
];

/// A thread that others may come from.
struct Recent {
    id: String,
    depth: u64,
    /// Bytes of its log behind its first turn.
    first_turn_bytes: u64,
}

/// Writes a home into a folder that has none yet.
pub(crate) fn write_home(root: &Path, threads: u64, seed: u64) -> io::Result<HomeFacts> {
    if let Some(parent) = root.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::create_dir(root)?;
    let mut rng = Prng::new(seed);
    let mut facts = HomeFacts::default();
    let mut recent: Vec<Recent> = Vec::new();
    for number in 0..threads {
        // Few seconds for many threads, spread over the days.
        let second = number / THREADS_A_SECOND;
        let seconds = (threads / THREADS_A_SECOND).max(1);
        let at_s = second * (DAYS * DAY_S / seconds).max(1);
        let id = format!("019bb0c0-{:04x}-7000-8000-{number:012x}", at_s & 0xffff);
        let (origin, base) = match (rng.below(10), rng.pick_ref(&recent)) {
            (0 | 1, Some(parent)) => {
                facts.spawned += 1;
                (Origin::Spawned { parent: parent.id.clone(), depth: parent.depth + 1 }, 0)
            }
            (2, Some(of)) => {
                facts.forked += 1;
                (Origin::Forked { of: of.id.clone() }, of.first_turn_bytes)
            }
            _ => (Origin::Own, 0),
        };
        let (log, first_turn_bytes) = log(&mut rng, &id, at_s, &origin, base);
        facts.threads += 1;
        facts.bytes += log.len() as u64;
        let (date, clock) = (date_of(at_s), clock_of(at_s, '-'));
        let name = format!("rollout-{date}T{clock}-{id}.jsonl");
        let is_archived = rng.chance(12);
        let folder = match is_archived {
            true => root.join("archived_sessions"),
            false => root.join("sessions").join(date.replace('-', "/")),
        };
        facts.archived += u64::from(is_archived);
        fs::create_dir_all(&folder)?;
        if rng.chance(10) {
            facts.compressed += 1;
            let packed = zstd::stream::encode_all(log.as_bytes(), 3)?;
            fs::write(folder.join(format!("{name}.zst")), packed)?;
        } else {
            fs::write(folder.join(name), log)?;
        }
        let depth = match origin {
            Origin::Spawned { depth, .. } => depth,
            _ => 0,
        };
        if recent.len() >= RECENT_MAX {
            recent.swap_remove(rng.index(RECENT_MAX));
        }
        recent.push(Recent { id, depth, first_turn_bytes });
    }
    Ok(facts)
}

enum Origin {
    Own,
    Spawned { parent: String, depth: u64 },
    Forked { of: String },
}

/// A log, and where its first turn ends.
fn log(rng: &mut Prng, id: &str, at_s: u64, origin: &Origin, base_bytes: u64) -> (String, u64) {
    let stamp = |later_s: u64| {
        let at_s = at_s + later_s;
        format!("{}T{}.000Z", date_of(at_s), clock_of(at_s, ':'))
    };
    let source = match origin {
        Origin::Own | Origin::Forked { .. } => {
            rng.pick(&["\"cli\"", "\"vscode\"", "\"exec\""]).to_owned()
        }
        Origin::Spawned { parent, depth } => format!(
            "{{\"subagent\":{{\"thread_spawn\":{{\"parent_thread_id\":\"{parent}\",\"depth\":{depth},\"agent_path\":\"/root/a{depth}\",\"agent_nickname\":\"Ada\"}}}}}}"
        ),
    };
    let forked = match origin {
        Origin::Forked { of } if base_bytes > 0 => format!(
            ",\"forked_from_id\":\"{of}\",\"history_base\":{{\"thread_id\":\"{of}\",\"end_byte_offset\":{base_bytes}}}"
        ),
        _ => String::new(),
    };
    let (cwd, provider) = (rng.below(20), rng.pick(&["openai", "azure", "local"]));
    let start = stamp(0);
    let mut log = format!(
        "{{\"timestamp\":\"{start}\",\"type\":\"session_meta\",\"payload\":{{\"id\":\"{id}\",\"timestamp\":\"{start}\",\"cwd\":\"/work/project-{cwd}\",\"originator\":\"codex_cli_rs\",\"cli_version\":\"0.140.0\",\"source\":{source},\"model_provider\":\"{provider}\"{forked}}}}}\n"
    );
    let mut first_turn_bytes = 0;
    for turn in 0..rng.between(1, 4) {
        let mut event = |later_s: u64, payload: &str| {
            let stamp = stamp(turn * 30 + later_s);
            log.push_str(&format!(
                "{{\"timestamp\":\"{stamp}\",\"type\":\"event_msg\",\"payload\":{payload}}}\n"
            ));
        };
        event(1, &format!("{{\"type\":\"task_started\",\"turn_id\":\"{id}-{turn}\"}}"));
        event(1, &format!("{{\"type\":\"user_message\",\"message\":\"{}\"}}", words(rng, 12)));
        event(3, &format!("{{\"type\":\"agent_reasoning\",\"text\":\"{}\"}}", words(rng, 20)));
        event(5, &format!("{{\"type\":\"agent_message\",\"message\":\"{}\"}}", words(rng, 40)));
        event(6, &format!("{{\"type\":\"task_complete\",\"turn_id\":\"{id}-{turn}\"}}"));
        if turn == 0 {
            first_turn_bytes = log.len() as u64;
        }
    }
    (log, if matches!(origin, Origin::Forked { .. }) { 0 } else { first_turn_bytes })
}

fn words(rng: &mut Prng, len: u64) -> String {
    let words: Vec<&str> = (0..rng.between(2, len)).map(|_| rng.pick(&WORDS)).collect();
    words.join(" ")
}

/// Days from the first of March 2026 on.
fn date_of(at_s: u64) -> String {
    let mut day = at_s / DAY_S;
    for (month, days) in [(3, 31), (4, 30), (5, 31), (6, 30), (7, 31)] {
        if day < days {
            return format!("2026-{month:02}-{:02}", day + 1);
        }
        day -= days;
    }
    "2026-08-01".to_owned()
}

fn clock_of(at_s: u64, between: char) -> String {
    let second = at_s % DAY_S;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{hour:02}{between}{minute:02}{between}{second:02}")
}
