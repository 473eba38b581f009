//! What lists of many threads cost: the first look, a page under each sort and filter, and all
//! pages while others come.

use std::collections::BTreeSet;
use std::error::Error;
use std::time::Instant;

use rollfold_projector::{
    Archived, Library, MemSource, Order, Store, SyncOptions, ThreadFilter, ThreadTime,
    ThreadsRequest,
};

use super::{Bench, median};

/// Rows of the page that is measured.
const LIMIT: u32 = 50;

/// Rows of the pages that go through all.
const SMALL_LIMIT: u32 = 7;

/// Threads that come meanwhile.
const LATE: u32 = 500;

pub(super) fn measure(bench: &mut Bench<'_>, store: Store) -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let library = Library::open(store)?;
    bench.put("list-open", started.elapsed().as_secs_f64() * 1e3, "ms");
    pages(bench, &library)?;
    all_pages(bench, &library)
}

/// The dearest of all sorts, both ways, from the begin and from the middle, by filter.
fn pages(bench: &mut Bench<'_>, library: &Library) -> Result<(), Box<dyn Error>> {
    let all = ThreadFilter { archived: Archived::Included, ..ThreadFilter::default() };
    let none = "no thread has this text".to_owned();
    let filters = [
        ("list-all", all.clone()),
        (
            "list-active-cli",
            ThreadFilter { sources: vec!["cli".into()], ..ThreadFilter::default() },
        ),
        ("list-cwd", ThreadFilter { cwds: vec!["/work/project-3".into()], ..all.clone() }),
        ("list-text", ThreadFilter { text: Some("7".into()), ..all.clone() }),
        ("list-nothing", ThreadFilter { text: Some(none), ..all }),
    ];
    for (name, filter) in filters {
        let mut dearest = 0_f64;
        for sort in ThreadTime::ALL {
            for order in [Order::OldestFirst, Order::NewestFirst] {
                let request = |cursor: Option<String>| -> Result<_, Box<dyn Error>> {
                    Ok(library.threads(&ThreadsRequest {
                        filter: filter.clone(),
                        cursor: cursor.as_deref(),
                        limit: Some(LIMIT),
                        sort,
                        order,
                    })?)
                };
                let mut cursor = None;
                for _ in 0..20 {
                    cursor = request(cursor.clone())?.next_cursor.or(cursor);
                }
                for cursor in [None, cursor] {
                    let mut times = Vec::new();
                    for _ in 0..bench.args.runs.max(1) {
                        let started = Instant::now();
                        std::hint::black_box(request(cursor.clone())?);
                        times.push(started.elapsed().as_secs_f64());
                    }
                    dearest = dearest.max(median(&mut times));
                }
            }
        }
        bench.put(name, dearest * 1e3, "ms");
    }
    Ok(())
}

/// All pages while others come: each thread that was there comes once.
fn all_pages(bench: &mut Bench<'_>, library: &Library) -> Result<(), Box<dyn Error>> {
    let before = library.len();
    let every = (before as u32 / SMALL_LIMIT / LATE).max(1);
    let (mut seen, mut rows, mut pages, mut late) = (BTreeSet::new(), 0_u64, 0_u32, 0_u32);
    let mut listing = 0_f64;
    let mut cursor: Option<String> = None;
    loop {
        let started = Instant::now();
        let list = library.threads(&ThreadsRequest {
            filter: ThreadFilter { archived: Archived::Included, ..ThreadFilter::default() },
            cursor: cursor.as_deref(),
            limit: Some(SMALL_LIMIT),
            ..ThreadsRequest::default()
        })?;
        listing += started.elapsed().as_secs_f64();
        pages += 1;
        rows += list.rows.len() as u64;
        seen.extend(list.rows.iter().map(|entry| entry.id.clone()));
        if pages % every == 0 && late < LATE {
            late += 1;
            library.store().sync(&late_log(late), &SyncOptions::default())?;
            library.refresh()?;
        }
        match list.next_cursor {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    let distinct = seen.len() as u64;
    if rows != distinct || (distinct as usize) < before {
        let told = format!("{rows} rows of {distinct} threads, {before} before");
        return Err(format!("pages repeat or skip a thread: {told}").into());
    }
    bench.put("list-page-of-7", listing * 1e3 / f64::from(pages), "ms");
    bench.put("list-came-meanwhile", f64::from(late), "threads");
    Ok(())
}

fn late_log(number: u32) -> MemSource {
    let id = format!("019bb0c0-0000-7000-9000-{number:012x}");
    let made = format!("2026-03-01T10:{:02}:00.000Z", number % 60);
    let line = format!(
        "{{\"timestamp\":\"{made}\",\"type\":\"session_meta\",\"payload\":{{\"id\":\"{id}\",\"timestamp\":\"{made}\",\"cwd\":\"/work\",\"originator\":\"x\",\"cli_version\":\"1\"}}}}\n"
    );
    MemSource::new(format!("rollout-2026-03-01T10-00-00-{id}"), line)
}
