//! What is forgotten leaves nothing behind.

use redb::{ReadableTable, ReadableTableMetadata};
use rollfold_core::testing::{Prng, Swarm, rollout_bytes};

use super::*;
use crate::source::MemSource;
use crate::store::Store;
use crate::sync::SyncOptions;
use crate::{schema, search};

fn said(text: &str) -> String {
    let time = "2026-03-01T10:00:00.000Z";
    let payload = format!(r#"{{"type":"user_message","message":"{text}"}}"#);
    format!("{{\"timestamp\":\"{time}\",\"type\":\"event_msg\",\"payload\":{payload}}}\n")
}

fn sync(store: &Store, key: &str, log: &str) {
    store.sync(&MemSource::new(key, log), &SyncOptions::default()).unwrap();
}

fn len(store: &Store, query: &str) -> usize {
    store.search(&SearchRequest::new(query)).unwrap().hits.len()
}

fn forget(store: &Store, thread: u32) {
    let write = store.begin_write().unwrap();
    search::forget(&write, thread).unwrap();
    write.commit().unwrap();
}

/// Whether the words of any segment are these bytes.
fn has_word(store: &Store, word: &str) -> bool {
    let read = store.begin_read().unwrap();
    let table = read.open_table(schema::SEARCH_TERMS).unwrap();
    let rows = table.iter().unwrap().map(|row| row.unwrap().1.value().to_vec());
    let has = |row: &Vec<u8>| row.windows(word.len()).any(|bytes| bytes == word.as_bytes());
    rows.into_iter().any(|row| has(&row))
}

fn rows_of(store: &Store, thread: u32) -> usize {
    let read = store.begin_read().unwrap();
    let tables = [schema::SEARCH_DUE, schema::SEARCH_THREADS];
    let has = |table| read.open_table(table).unwrap().get(thread).unwrap().is_some();
    tables.into_iter().filter(|table| has(*table)).count()
}

#[test]
fn what_is_forgotten_is_not_found_and_can_be_purged() {
    let store = Store::in_memory().unwrap();
    sync(&store, "one", &said("alpha zyzzyva"));
    sync(&store, "two", &said("alpha quokka"));
    store.index(&IndexOptions::default()).unwrap();
    sync(&store, "one", &(said("alpha zyzzyva") + &said("more")));
    assert_eq!((rows_of(&store, 0), rows_of(&store, 1)), (2, 1));
    forget(&store, 0);
    assert_eq!((rows_of(&store, 0), rows_of(&store, 1)), (0, 1));
    assert_eq!((len(&store, "alpha"), len(&store, "zyzzyva")), (1, 0));
    assert!(has_word(&store, "zyzzyva"));
    // Little is let be, unless it is asked for.
    store.index(&IndexOptions::default()).unwrap();
    assert!(has_word(&store, "zyzzyva"));
    let purge = IndexOptions { purges: true, ..IndexOptions::default() };
    store.index(&purge).unwrap();
    assert!(!has_word(&store, "zyzzyva") && has_word(&store, "quokka"));
    assert_eq!((len(&store, "alpha"), len(&store, "quokka")), (1, 1));
    forget(&store, 1);
    store.index(&purge).unwrap();
    let read = store.begin_read().unwrap();
    assert_eq!(store.index_size().unwrap(), IndexSize::default());
    assert_eq!(read.open_table(schema::SEARCH_TERMS).unwrap().len().unwrap(), 0);
    assert_eq!(read.open_table(schema::SEARCH_DOCS).unwrap().len().unwrap(), 0);
}

#[test]
fn much_that_is_forgotten_goes_by_itself() {
    let store = Store::in_memory().unwrap();
    for thread in 0..400 {
        sync(&store, &format!("log{thread}"), &said(&format!("alpha unique{thread}")));
    }
    store.index(&IndexOptions::default()).unwrap();
    (0..300).for_each(|thread| forget(&store, thread));
    store.index(&IndexOptions::default()).unwrap();
    assert_eq!(store.index_size().unwrap().docs, 100);
    assert!(!has_word(&store, "unique299"));
    assert_eq!(len(&store, "unique300"), 1);
}

#[test]
fn a_thread_forgotten_meanwhile_is_not_written() {
    let store = Store::in_memory().unwrap();
    for thread in 0..100 {
        sync(&store, &format!("log{thread}"), &said("alpha"));
    }
    let mut is_first = true;
    let options = IndexOptions::default();
    store
        .index_with(&options, |_| {
            if std::mem::take(&mut is_first) {
                // As a deletion does.
                let write = store.begin_write().unwrap();
                search::forget(&write, 7).unwrap();
                write.open_table(schema::CURSORS).unwrap().remove(7).unwrap();
                write.commit().unwrap();
            }
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert!(!is_first);
    assert_eq!(rows_of(&store, 7), 0);
    let request = SearchRequest { limit: 1000, ..SearchRequest::new("alpha") };
    assert_eq!(store.search(&request).unwrap().hits.len(), 99);
}

#[test]
fn segments_that_were_merged_say_the_same() {
    let (apart, merged) = (Store::in_memory().unwrap(), Store::in_memory().unwrap());
    for seed in 0..30 {
        let log = MemSource::new(format!("log{seed}"), rollout_bytes(&Swarm::new(seed, 40)));
        for store in [&apart, &merged] {
            store.sync(&log, &SyncOptions::default()).unwrap();
        }
        merged.index(&IndexOptions { memory_bytes: 1, purges: false }).unwrap();
    }
    apart.index(&IndexOptions::default()).unwrap();
    let (one, other) = (apart.index_size().unwrap(), merged.index_size().unwrap());
    assert!(one.segments == 1 && other.segments > 1 && other.segments < 20, "{other:?}");
    let mut rng = Prng::new(1);
    for _ in 0..200 {
        let letter = char::from(b'a' + rng.below(26) as u8);
        let query = format!("{letter}* {}", rng.pick(&["", "the", "e*", "a*", "\"->\""]));
        let request = SearchRequest { limit: 10_000, ..SearchRequest::new(&query) };
        let (one, other) = (apart.search(&request).unwrap(), merged.search(&request).unwrap());
        assert_eq!(one.hits, other.hits, "{query}");
    }
    // Documents of one item each were joined again.
    assert!(other.docs < one.docs * 3, "{other:?} {one:?}");
}
