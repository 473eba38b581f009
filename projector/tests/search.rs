//! Search against a naive model that reads every item.

use std::collections::BTreeSet;

use rollfold_core::model::ItemsView;
use rollfold_core::testing::{Prng, Shape, Swarm, rollout_bytes, shape_bytes};
use rollfold_projector::{
    Hit, IndexOptions, LogSource, MemSource, SearchError, SearchRequest, Store, SyncOptions,
    TextKind, TextKinds,
};

use crate::search_naive::{Found, Naive, is_word, keys, naive_terms};
use crate::support::{event, line_ends, small_log};

fn index(store: &Store) {
    let done = store.index(&IndexOptions::default()).unwrap();
    assert!(done.failed.is_empty() && !done.is_stopped, "{done:?}");
}

/// All pages; they are in order, and say what one large page says.
fn search(store: &Store, request: &SearchRequest<'_>) -> Vec<Hit> {
    let whole = store.search(&SearchRequest { limit: 100_000, ..*request }).unwrap();
    assert_eq!(whole.next_cursor, None);
    let mut paged = Vec::new();
    let mut cursor: Option<String> = None;
    let limit = request.limit;
    loop {
        let page = store.search(&SearchRequest { cursor: cursor.as_deref(), ..*request }).unwrap();
        assert!(page.hits.len() == limit || page.next_cursor.is_none(), "{:?}", page.next_cursor);
        assert!(!page.hits.is_empty() || paged.is_empty(), "an empty last page");
        paged.extend(page.hits);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(paged, whole.hits);
    for pair in whole.hits.windows(2) {
        let [newer, older] = pair else { unreachable!() };
        if let (Some(newer), Some(older)) = (newer.started_at, older.started_at) {
            assert!(newer >= older);
        }
        if (&newer.key, newer.at.turn) == (&older.key, older.at.turn) {
            assert!(newer.at.item > older.at.item);
        }
    }
    whole.hits
}

fn places(hits: &[Hit]) -> BTreeSet<Found> {
    let places: BTreeSet<Found> = hits.iter().map(|hit| (hit.key.to_string(), hit.at)).collect();
    assert_eq!(places.len(), hits.len(), "an item twice");
    places
}

/// A hit is what the rows say, and its marks are where something stands.
fn assert_hit_is_right(store: &Store, hit: &Hit) {
    let view = store.thread(&hit.key).unwrap().unwrap();
    assert_eq!(view.generation(), hit.generation);
    let turn = view.turn(&hit.turn_id, ItemsView::NotLoaded).unwrap().unwrap();
    assert_eq!(turn.value.started_at, hit.started_at);
    let made = view.item_made_by(hit.at).unwrap();
    let last = made.last().unwrap();
    assert_eq!((last.seq, last.span), (hit.seq, hit.span));
    assert!(hit.item.id().len() < 1000);
    for mark in &hit.snippet.marks {
        assert!(hit.snippet.text.get(mark.clone()).is_some_and(|text| !text.is_empty()));
    }
}

/// Queries of what is in the texts, and of what is nearly in them.
fn any_query(rng: &mut Prng, naive: &Naive) -> String {
    let mut query = String::new();
    for _ in 0..rng.between(1, 3) {
        let Some((_, _, text)) = rng.pick_ref(&naive.texts) else { break };
        let start = rng.index(text.len());
        let word = |from: usize| -> String {
            let from = (0..=from).rev().find(|at| *at == 0 || !is_word(text[at - 1])).unwrap_or(0);
            text[from..].iter().take(30).take_while(|char| is_word(**char)).collect()
        };
        let part = match rng.below(10) {
            0..=3 => word(start),
            4 => {
                let word = word(start);
                let len = word.chars().count();
                word.chars().take(1 + rng.index(len.max(1))).chain(['*']).collect()
            }
            5 | 6 => {
                let len = rng.between(1, 25) as usize;
                let text: String = text[start..].iter().take(len).collect();
                format!("\"{}\"{}", text.replace('"', " "), if rng.chance(30) { "*" } else { "" })
            }
            7 => text[start..].iter().take(2).filter(|char| !char.is_whitespace()).collect(),
            8 => word(start).to_uppercase(),
            _ => rng
                .pick(&["zebra", "日本語", "中", "🚀", "->", "naïve", "GRÖßE", "the", "e*"])
                .into(),
        };
        query.push_str(&part);
        query.push(' ');
    }
    query
}

fn assert_same(store: &Store, rng: &mut Prng, queries: usize) -> usize {
    let naive = Naive::of(store);
    let all: Vec<String> = keys(store).into_iter().collect();
    let mut found = 0;
    for _ in 0..queries {
        let query = any_query(rng, &naive);
        let picked: Vec<&str> = all.iter().map(|key| &**key).filter(|_| rng.chance(50)).collect();
        let threads = rng.chance(25).then_some(&*picked);
        let kinds = match rng.below(4) {
            0 => TextKinds::all(),
            1 => [TextKind::User, TextKind::Output, TextKind::File].into_iter().collect(),
            _ => TextKinds::default(),
        };
        let limit = rng.between(1, 9) as usize;
        let request = SearchRequest { threads, kinds, limit, ..SearchRequest::new(&query) };
        let expected = naive.find(&query, threads, kinds);
        match store.search(&request) {
            Err(SearchError::Nothing { .. }) => {
                assert!(naive_terms(&query).is_empty(), "{query}");
                continue;
            }
            Err(error) => panic!("{query}: {error}"),
            Ok(page) => assert_eq!(page.behind, Default::default()),
        }
        let hits = search(store, &request);
        for differs in places(&hits).symmetric_difference(&expected) {
            if naive.odd.contains(differs) {
                continue;
            }
            let texts = naive.texts.iter().filter(|(place, ..)| place == differs);
            let texts: Vec<String> = texts
                .map(|(_, kind, text)| format!("{kind}: {}", text.iter().collect::<String>()))
                .collect();
            panic!("{query:?} in {threads:?}: {differs:?} {texts:#?}");
        }
        hits.iter().take(3).for_each(|hit| assert_hit_is_right(store, hit));
        found += hits.len();
    }
    found
}

/// No run of letters that may be base64: that is another test.
fn is_plain(log: &[u8]) -> bool {
    let is_run = |run: &[u8]| run.len() >= 64;
    !log.split(|byte| !(byte.is_ascii_alphanumeric() || b"+/=\\".contains(byte))).any(is_run)
}

#[test]
fn the_index_finds_what_reading_everything_finds() {
    let mut rng = Prng::new(11);
    let store = Store::in_memory().unwrap();
    let mut found = 0;
    let mut logs = Vec::new();
    for seed in 0.. {
        let log = rollout_bytes(&Swarm::new(seed, 60));
        if is_plain(&log) {
            logs.push(MemSource::new(format!("log-{seed}"), log));
        }
        if logs.len() == 40 {
            break;
        }
    }
    for log in &logs {
        store.sync(log, &SyncOptions::default()).unwrap();
    }
    index(&store);
    found += assert_same(&store, &mut rng, 150);
    assert!(found > 300, "{found}");
}

#[test]
fn the_index_follows_appends_rollbacks_and_rewrites() {
    let mut rng = Prng::new(12);
    let store = Store::in_memory().unwrap();
    let bytes = |seed| match seed % 3 {
        0 => shape_bytes(Shape::Legacy, seed, 6_000),
        1 => small_log(),
        _ => rollout_bytes(&Swarm::new(seed, 80)),
    };
    let mut logs: Vec<(Vec<u8>, MemSource)> = Vec::new();
    for seed in (0..).filter(|seed| is_plain(&bytes(*seed))).take(6) {
        logs.push((bytes(seed), MemSource::new(format!("log-{seed}"), "")));
    }
    let mut found = 0;
    for step in 0..60 {
        let len = logs.len();
        let Some((whole, log)) = logs.get_mut(rng.index(len)) else { break };
        let ends = line_ends(whole);
        match rng.below(10) {
            // Another story from here on.
            0 => {
                let end = ends[rng.index(ends.len())];
                log.bytes.truncate(end);
                log.bytes.extend(event(r#"{"type":"user_message","message":"told anew"}"#).bytes());
            }
            2 => {
                store.forget(&[log.key()]).unwrap();
            }
            1 => log.bytes.extend(event(r#"{"type":"thread_rolled_back","num_turns":1}"#).bytes()),
            _ if log.bytes.len() < whole.len() => {
                let at = ends.iter().position(|end| *end > log.bytes.len()).unwrap_or(0);
                let end = ends[(at + rng.index(12)).min(ends.len() - 1)];
                let more = whole[log.bytes.len()..end].to_vec();
                log.bytes.extend(more);
            }
            _ => {}
        }
        store.sync(log, &SyncOptions::default()).unwrap();
        let memory_bytes = rng.pick(&[1, 3_000, 1 << 20]);
        let options = IndexOptions { memory_bytes, purges: rng.chance(10) };
        match rng.below(3) {
            0 => drop(store.index(&options).unwrap()),
            1 => drop(store.index_thread(log.key(), &options).unwrap()),
            _ => {}
        }
        if step % 6 == 5 {
            store.index(&options).unwrap();
            found += assert_same(&store, &mut rng, 12);
        }
    }
    assert!(found > 100, "{found}");
    let size = store.index_size().unwrap();
    assert!((1..40).contains(&size.segments), "{size:?}");
}
