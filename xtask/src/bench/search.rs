//! What the search index costs, and what questions to it cost.

use std::error::Error;
use std::time::Instant;

use rollfold_core::testing::{Shape, shape_bytes};
use rollfold_projector::{
    FileSource, IndexOptions, MemSource, SearchRequest, Store, SyncOptions, TextKinds,
};

use super::{Bench, Input, median};

/// Questions whose median is taken.
const QUESTIONS: usize = 31;

/// Bytes of a small thread.
const THREAD_BYTES: u64 = 4_000;

/// A word that is in one item.
const RARE: &str = "xylophonist";

const RECORD: &[u8] = b"{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"type\":\"event_msg\",\"payload\":{\"type\":\"user_message\",\"message\":\"ask the xylophonist\"}}\n";

/// Figures, and what is asked.
const QUERIES: [(&str, &str); 7] = [
    ("search-rare", RARE),
    ("search-none", "nosuchword"),
    ("search-common", "the"),
    ("search-and", "error the"),
    ("search-prefix", "err*"),
    ("search-phrase", "\"of the\""),
    ("search-punctuation", "\"->\""),
];

pub(super) fn measure(bench: &mut Bench<'_>, input: &Input) -> Result<(), Box<dyn Error>> {
    if !bench.wants(&["search"]) {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path().join("store.redb"))?;
    match bench.args.threads {
        None => {
            let log = folder.path().join("log.jsonl");
            let mut bytes = input.bytes.clone();
            bytes.extend(RECORD);
            std::fs::write(&log, bytes)?;
            store.sync(&FileSource::open(&log)?, &SyncOptions::default())?;
        }
        Some(threads) => {
            for thread in 0..threads {
                let mut bytes = shape_bytes(Shape::Legacy, thread, THREAD_BYTES);
                if thread == threads / 2 {
                    bytes.extend(RECORD);
                }
                let source = MemSource::new(format!("thread-{thread}"), bytes);
                store.sync(&source, &SyncOptions::default())?;
            }
        }
    }
    let started = Instant::now();
    let done = store.index(&IndexOptions::default())?;
    let seconds = started.elapsed().as_secs_f64();
    let (text, size) = (done.text_bytes as f64, store.index_size()?);
    bench.put("search-text", text / 1e6, "MB");
    bench.put("search-items", done.items as f64, "items");
    bench.put("search-build", text / 1e6 / seconds.max(1e-9), "MB of text/s");
    bench.put("search-size", size.bytes as f64 / text.max(1.0), "of text");
    bench.put("search-segments", size.segments as f64, "segments");
    for (name, query) in QUERIES {
        let request = SearchRequest { kinds: TextKinds::all(), ..SearchRequest::new(query) };
        let mut times = Vec::new();
        for _ in 0..QUESTIONS {
            let started = Instant::now();
            std::hint::black_box(store.search(&request)?);
            times.push(started.elapsed().as_secs_f64());
        }
        bench.put(name, median(&mut times) * 1e3, "ms");
    }
    Ok(())
}
