//! What questions cost, from a warm store.

use std::error::Error;
use std::time::Instant;

use rollfold_core::context::ContextMode;
use rollfold_core::model::ItemsView;
use rollfold_core::testing::Prng;
use rollfold_projector::{
    FileSource, ItemAt, Order, Paging, SourceBodies, Store, SyncOptions, ThreadView, VerifyOptions,
};

use super::{Bench, Input, median};

/// Questions whose median is taken.
const QUESTIONS: usize = 101;

/// Items of a page.
const PAGE: usize = 50;

const NAMES: [&str; 10] = [
    "page-end",
    "page-middle",
    "page-as-of",
    "page-turns",
    "slice",
    "facts",
    "context",
    "open",
    "open-thread",
    "verify",
];

pub(super) fn measure(bench: &mut Bench<'_>, input: &Input) -> Result<(), Box<dyn Error>> {
    if !bench.wants(&NAMES) {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let (log, db) = (folder.path().join("log.jsonl"), folder.path().join("store.redb"));
    std::fs::write(&log, &input.bytes)?;
    let source = FileSource::open(&log)?;
    let key = rollfold_projector::LogSource::key(&source);
    Store::open(&db)?.sync(&source, &SyncOptions::default())?;
    if bench.wants(&["open"]) {
        let seconds = bench.seconds(|| Ok(Store::open(&db)?))?;
        bench.put("open", seconds * 1e3, "ms");
    }
    let store = Store::open(&db)?;
    let view = || -> Result<ThreadView, Box<dyn Error>> {
        Ok(store.thread(key)?.ok_or("the store does not know the log")?)
    };
    let lines = view()?.len_lines();
    let mut rng = Prng::new(1);
    let mut places = Vec::new();
    let mut turns = Vec::new();
    for row in view()?.turns(ItemsView::NotLoaded) {
        turns.push(row?.turn);
    }
    for _ in 0..QUESTIONS {
        let at = turns.get(rng.index(turns.len().max(1))).copied();
        places.push(at.map(|turn| ItemAt { turn, item: rollfold_core::ItemNo(0) }));
    }
    let newest = Paging { after: None, limit: PAGE, order: Order::NewestFirst };
    let each = |bench: &mut Bench<'_>,
                name: &'static str,
                ask: &mut dyn FnMut(usize) -> Result<(), Box<dyn Error>>|
     -> Result<(), Box<dyn Error>> {
        if !bench.wants(&[name]) {
            return Ok(());
        }
        let mut times = Vec::new();
        for question in 0..QUESTIONS {
            let started = Instant::now();
            ask(question)?;
            times.push(started.elapsed().as_secs_f64());
        }
        bench.put(name, median(&mut times) * 1e3, "ms");
        Ok(())
    };
    each(bench, "open-thread", &mut |_| {
        std::hint::black_box(view()?);
        Ok(())
    })?;
    let now = view()?;
    each(bench, "page-end", &mut |_| {
        std::hint::black_box(now.items_page(None, &newest)?);
        Ok(())
    })?;
    each(bench, "page-middle", &mut |question| {
        let after = places.get(question).copied().flatten();
        let paging = Paging { after, limit: PAGE, order: Order::OldestFirst };
        std::hint::black_box(now.items_page(None, &paging)?);
        Ok(())
    })?;
    let seqs: Vec<u64> = (0..QUESTIONS).map(|_| rng.between(1, lines.max(1))).collect();
    let mut views = Vec::new();
    for seq in &seqs {
        views.push(view()?.at(*seq));
    }
    each(bench, "page-as-of", &mut |question| {
        if let Some(view) = views.get(question) {
            std::hint::black_box(view.items_page(None, &newest)?);
        }
        Ok(())
    })?;
    each(bench, "page-turns", &mut |_| {
        let paging = Paging { after: None, limit: 25, order: Order::NewestFirst };
        std::hint::black_box(now.turns_page(&paging, ItemsView::Summary)?);
        Ok(())
    })?;
    each(bench, "slice", &mut |question| {
        let start = seqs.get(question).copied().unwrap_or_default();
        std::hint::black_box(now.slice(start, start.saturating_add(50))?);
        Ok(())
    })?;
    each(bench, "facts", &mut |question| {
        if let Some(view) = views.get(question) {
            std::hint::black_box((view.thread()?, view.world()?, view.usage_totals()?));
        }
        Ok(())
    })?;
    if bench.wants(&["context"]) {
        let seconds = bench
            .seconds(|| Ok(now.context(&SourceBodies(&source), ContextMode::Sound, None)?))?;
        bench.put("context", seconds * 1e3, "ms");
    }
    let len = input.bytes.len();
    bench.through("verify", len, || Ok(store.verify(&source, &VerifyOptions::default())?))
}
