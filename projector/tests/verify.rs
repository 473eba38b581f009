//! Verify finds any row that is not what a fold of the log makes, and repairs it.

use std::borrow::Borrow;

use redb::{Key, ReadableTable, TableDefinition, Value};
use rollfold_core::testing::{Prng, Shape, Swarm, damage, rollout_bytes, shape_bytes};
use rollfold_projector::{
    DifferenceKind, LogSource, MemSource, Store, SyncOptions, Verified, VerifyError, VerifyOptions,
};

use crate::support::{Model, event, goldens, line_by_line, line_ends, small_log};

fn verify(store: &Store, log: &MemSource) -> Verified {
    store.verify(log, &VerifyOptions::default()).unwrap()
}

/// Rows do not depend on how the log was cut into syncs: so a fold anew has the same.
#[test]
fn what_was_synced_in_any_pieces_verifies() {
    let store = Store::in_memory().unwrap();
    for (name, log) in goldens() {
        let mut source = MemSource::new(&name, log);
        store.sync(&source, &line_by_line()).unwrap();
        let verified = verify(&store, &source);
        assert_eq!((verified.differences, verified.first), (0, None), "{name}");
        assert!(verified.rows > 0);
        // What is not synced yet is not looked at.
        source.bytes.extend(b"more\n");
        assert_eq!(verify(&store, &source).differences, 0);
    }
    let mut rng = Prng::new(3);
    for seed in 0..6 {
        let (log, _) = damage(&mut rng, &rollout_bytes(&Swarm::new(seed, 150)));
        let mut source = MemSource::new(format!("{seed}"), "");
        for end in line_ends(&log).into_iter().step_by(7) {
            source.bytes = log[..end].to_vec();
            store.sync(&source, &SyncOptions::default()).unwrap();
        }
        assert_eq!(verify(&store, &source).first, None);
    }
    for shape in Shape::ALL {
        let source = MemSource::new(shape.name(), shape_bytes(shape, 1, 300_000));
        let options = SyncOptions { batch_bytes: 10_000, ..SyncOptions::default() };
        store.sync(&source, &options).unwrap();
        assert_eq!(verify(&store, &source).first, None, "{}", shape.name());
    }
}

/// A log in which every table gets rows.
fn rich_log() -> Vec<u8> {
    let mut log = shape_bytes(Shape::Compact, 5, 30_000);
    let end = line_ends(&log)[0];
    let copied = b"{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"type\":\"session_meta\",\"payload\":{\"id\":\"01890000-0000-7000-8000-00000000000a\"}}\n";
    log.splice(end..end, *copied);
    log.extend(small_log());
    let long = "x".repeat(140_000);
    log.extend(event(&format!(r#"{{"type":"agent_message","message":"{long}"}}"#)).bytes());
    let world = |full: bool, state: &str| {
        format!(
            "{{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"type\":\"world_state\",\"payload\":{{\"full\":{full},\"state\":{state}}}}}\n"
        )
    };
    log.extend(world(true, r#"{"a":1}"#).bytes());
    for number in 0..80 {
        log.extend(world(false, &format!(r#"{{"b":{number}}}"#)).bytes());
    }
    log.extend(event(r#"{"type":"token_count","info":{"total_token_usage":{"input_tokens":5,"cached_input_tokens":0,"output_tokens":2,"reasoning_output_tokens":0,"total_tokens":7},"last_token_usage":{"input_tokens":5,"cached_input_tokens":0,"output_tokens":2,"reasoning_output_tokens":0,"total_tokens":7},"model_context_window":100}}"#).bytes());
    log
}

/// Takes out and changes rows of a table, one at a time, all over it.
fn tamper_with<K, V>(name: &'static str, other: &[u8])
where
    K: Key + 'static,
    V: Value + 'static,
    for<'k> K::SelfType<'k>: Borrow<K::SelfType<'k>>,
{
    let source = MemSource::new("log", rich_log());
    let store = Store::in_memory().unwrap();
    // Another thread, whose rows must stay what they are.
    let first = MemSource::new("first", small_log());
    store.sync(&first, &SyncOptions::default()).unwrap();
    store.sync(&source, &SyncOptions::default()).unwrap();
    assert_eq!(verify(&store, &source).first, None);
    let table: TableDefinition<K, V> = TableDefinition::new(name);
    // The rows of the thread `log` come last.
    let mut found = 0;
    for back in [0, 9, 70] {
        for is_removed in [true, false] {
            let mut is_changed = false;
            store
                .tamper(|write| {
                    let mut table = write.open_table(table)?;
                    let key = {
                        let row = table.iter()?.rev().nth(back);
                        let Some(row) = row else { return Ok(()) };
                        let (key, row) = row?;
                        is_changed = is_removed || V::as_bytes(&row.value()).as_ref() != other;
                        K::as_bytes(&key.value()).as_ref().to_vec()
                    };
                    if is_removed {
                        table.remove(K::from_bytes(&key))?;
                    } else {
                        table.insert(K::from_bytes(&key), V::from_bytes(other))?;
                    }
                    Ok(())
                })
                .unwrap();
            let options = VerifyOptions { repair: true, ..VerifyOptions::default() };
            let mut log = &source;
            let mut verified = store.verify(log, &options).unwrap();
            if is_changed && verified.differences == 0 {
                log = &first;
                verified = store.verify(log, &options).unwrap();
            }
            assert_eq!(verified.differences > 0, is_changed, "{name} {back}");
            if let Some(difference) = verified.first {
                assert_eq!(difference.place, name);
                let kind = if is_removed { DifferenceKind::Missing } else { DifferenceKind::Other };
                assert_eq!(difference.kind, kind, "{name}");
                assert_eq!(verified.repaired, [name]);
                found += 1;
            }
            if is_changed {
                assert_eq!(verify(&store, log).first, None, "{name}: repaired");
            }
        }
    }
    for log in [&first, &source] {
        Model::of(&log.bytes).assert_same(&store, log.key());
    }
    assert!(found >= 2, "{name}: {found}");
}

#[test]
fn tables_of_turns() {
    tamper_with::<(u32, u32, u64), &[u8]>("turns", b"\x01{}");
    tamper_with::<(u32, &[u8], u64), Option<u32>>("turn_ids", &[0, 0, 0, 0, 0]);
    tamper_with::<(u32, u32), (u32, u32)>("live_turns", &[9, 0, 0, 0, 9, 0, 0, 0]);
}

#[test]
fn tables_of_items() {
    tamper_with::<(u32, u32, u32, u64), &[u8]>("items", b"\x01{}");
    tamper_with::<(u32, u32, u32, u64, u32), &[u8]>("item_parts", b"part");
    tamper_with::<(u32, &[u8], u32, u32), bool>("item_places", &[0]);
}

#[test]
fn tables_of_facts() {
    tamper_with::<(u32, u8, u64), &[u8]>("facts", b"\x01{}");
    tamper_with::<(u32, u64), &[u8]>("inheritance", b"\x01{}");
    tamper_with::<(u32, u64, u64), &[u8]>("windows", b"\x01{}");
    tamper_with::<(u32, u64), &[u8]>("world", b"\x01{}");
    tamper_with::<(u32, u64), &[u8]>("usage", b"\x01\x00");
    tamper_with::<(u32, u64), &[u8]>("lines", b"\x01\x00");
    tamper_with::<(u32, u64, u32), &[u8]>("diagnostics", b"\x01{}");
}

#[test]
fn the_first_difference_names_its_line() {
    let source = MemSource::new("log", small_log());
    let store = Store::in_memory().unwrap();
    store.sync(&source, &SyncOptions::default()).unwrap();
    let turns: TableDefinition<(u32, u32, u64), &[u8]> = TableDefinition::new("turns");
    store
        .tamper(|write| {
            let mut turns = write.open_table(turns)?;
            turns.remove((0, 1, !8))?;
            Ok(())
        })
        .unwrap();
    let first = verify(&store, &source).first.unwrap();
    assert_eq!((first.place, &*first.key), ("turns", &*format!("{:?}", (1, !8u64))));
    let (seq, span) = first.line.unwrap();
    let start = line_ends(&source.bytes)[7];
    assert_eq!((seq, span.offset_bytes), (8, start as u64));
}

#[test]
fn what_cannot_be_verified_says_why() {
    let store = Store::in_memory().unwrap();
    let mut source = MemSource::new("log", small_log());
    let verify = |source: &MemSource| store.verify(source, &VerifyOptions::default());
    assert!(matches!(verify(&source), Err(VerifyError::Unknown { .. })));
    store.sync(&source, &SyncOptions::default()).unwrap();
    source.bytes.truncate(300);
    let error = verify(&source).unwrap_err();
    assert!(matches!(error, VerifyError::Rewritten { .. }));
    assert!(!error.to_string().contains('\n'));
}

/// A log of the same length that says something else is another generation, not a repair.
#[test]
fn a_rewritten_log_repairs_nothing() {
    let store = Store::in_memory().unwrap();
    let mut source = MemSource::new("log", small_log());
    store.sync(&source, &SyncOptions::default()).unwrap();
    let folded = Model::of(&source.bytes);
    let at = source.bytes.windows(5).position(|bytes| bytes == b"do it").unwrap();
    source.bytes[at..at + 5].copy_from_slice(b"DO IT");
    let options = VerifyOptions { repair: true, ..VerifyOptions::default() };
    let error = store.verify(&source, &options).unwrap_err();
    assert!(matches!(error, VerifyError::Rewritten { .. }), "{error}");
    folded.assert_same(&store, "log");
}

/// A log during whose reading the store is synced further.
struct Meddling<'s> {
    store: &'s Store,
    log: MemSource,
    grown: MemSource,
}

impl LogSource for Meddling<'_> {
    fn key(&self) -> &str {
        self.log.key()
    }

    fn len_bytes(&self) -> std::io::Result<Option<u64>> {
        self.log.len_bytes()
    }

    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.store.sync(&self.grown, &SyncOptions::default()).unwrap();
        self.log.read_at(offset_bytes, buffer)
    }
}

#[test]
fn a_repair_never_undoes_a_sync_that_came_between() {
    let store = Store::in_memory().unwrap();
    let log = MemSource::new("log", small_log());
    store.sync(&log, &SyncOptions::default()).unwrap();
    let facts: TableDefinition<(u32, u8, u64), &[u8]> = TableDefinition::new("facts");
    store
        .tamper(|write| {
            write.open_table(facts)?.pop_first()?;
            Ok(())
        })
        .unwrap();
    let mut grown = log.clone();
    grown.bytes.extend(event(r#"{"type":"agent_message","message":"more"}"#).bytes());
    let options = VerifyOptions { repair: true, ..VerifyOptions::default() };
    let meddling = Meddling { store: &store, log, grown };
    let error = store.verify(&meddling, &options).unwrap_err();
    assert!(matches!(error, VerifyError::Raced { .. }), "{error}");
    let grown = meddling.grown.clone();
    assert_eq!(store.verify(&grown, &options).unwrap().repaired, ["facts"]);
    Model::of(&grown.bytes).assert_same(&store, "log");
}
