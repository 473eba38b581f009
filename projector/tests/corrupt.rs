//! Rows that do not read back are typed errors, whatever stands in them.

use redb::{Key, ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction};
use rollfold_core::model::ItemsView;
use rollfold_projector::{
    Corrupt, MemSource, Opened, QueryError, Store, StoreError, SyncError, SyncOptions,
};
use serde_json::Value;

use crate::support::{Model, line_ends, small_log};

const DAMAGES: [&[u8]; 6] = [b"", b"\x09{}", b"\x01{", b"\x01[]", b"\x01{}", b"\x01\xff\xfe"];

/// Asks everything; gives the tables of the rows that did not read back.
fn ask(store: &Store, log: &MemSource) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut note = |error: QueryError| {
        assert!(!error.to_string().contains('\n'));
        let QueryError::Store(StoreError::Corrupt(corrupt)) = error else { panic!("{error}") };
        let Corrupt { table, key, .. } = corrupt;
        found.push((table, key));
    };
    match store.thread("log") {
        Err(error) => note(error),
        Ok(view) => {
            let view = view.unwrap();
            view.snapshot().err().map(&mut note);
            for items in [ItemsView::Full, ItemsView::Summary] {
                view.turns(items).filter_map(Result::err).for_each(&mut note);
            }
            view.turn("t1", ItemsView::Full).err().map(&mut note);
            view.items_page(None, &Default::default()).err().map(&mut note);
            view.turns_page(&Default::default(), ItemsView::Full).err().map(&mut note);
            view.diagnostics_page(None, 10).err().map(&mut note);
        }
    }
    match store.sync(log, &SyncOptions::default()) {
        Ok(_) => {}
        Err(SyncError::Store { source: StoreError::Corrupt(corrupt), .. }) => {
            note(StoreError::Corrupt(corrupt).into());
        }
        Err(error) => panic!("{error}"),
    }
    found
}

/// Damages each row of a table in each way.
fn damage_rows<K: Key + 'static>(name: &'static str)
where
    for<'a> K::SelfType<'a>: Clone,
{
    let definition: TableDefinition<K, &[u8]> = TableDefinition::new(name);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let mut log = MemSource::new("log", small_log());
    Store::open(&path).unwrap().sync(&log, &SyncOptions::default()).unwrap();
    // What comes next asks for turns of the past.
    log.bytes.extend(br#"{"timestamp":"2026-03-01T10:00:00.000Z","type":"event_msg","payload":{"type":"thread_rolled_back","num_turns":1}}"#);
    log.bytes.push(b'\n');
    let clean = std::fs::read(&path).unwrap();
    let mut len_rows = 0;
    let count = |write: &WriteTransaction| {
        len_rows = usize::try_from(write.open_table(definition)?.len()?).unwrap();
        Ok(())
    };
    Store::open(&path).unwrap().tamper(count).unwrap();
    assert!(len_rows > 0, "{name} is empty");
    let mut seen = 0;
    for row in 0..len_rows {
        for damage in DAMAGES {
            std::fs::write(&path, &clean).unwrap();
            let store = Store::open(&path).unwrap();
            let put = |write: &WriteTransaction| {
                let mut table = write.open_table(definition)?;
                let key = {
                    let (key, _) = table.iter()?.nth(row).unwrap()?;
                    K::as_bytes(&key.value()).as_ref().to_vec()
                };
                table.insert(K::from_bytes(&key), damage)?;
                Ok(())
            };
            store.tamper(put).unwrap();
            let found = ask(&store, &log);
            assert!(found.iter().all(|(table, _)| *table == name), "{found:?}");
            seen += usize::from(!found.is_empty());
        }
    }
    // Rows of versions that nobody looks at are not missed.
    assert!(seen * 4 > len_rows * DAMAGES.len(), "{name}: {seen} of {len_rows}");
}

#[test]
fn cursors() {
    damage_rows::<u32>("cursors");
}

#[test]
fn turns() {
    damage_rows::<(u32, u32, u64)>("turns");
}

#[test]
fn items() {
    damage_rows::<(u32, u32, u32, u64)>("items");
}

#[test]
fn diagnostics() {
    damage_rows::<(u32, u64, u32)>("diagnostics");
}

#[test]
fn rows_that_are_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let log = MemSource::new("log", small_log());
    Store::open(&path).unwrap().sync(&log, &SyncOptions::default()).unwrap();
    for (name, is_asked) in [("turns", true), ("cursors", true)] {
        let store = Store::open(&path).unwrap();
        let empty = |write: &WriteTransaction| {
            if name == "turns" {
                let turns: TableDefinition<(u32, u32, u64), &[u8]> = TableDefinition::new(name);
                write.open_table(turns)?.retain(|_, _| false)?;
            } else {
                let cursors: TableDefinition<u32, &[u8]> = TableDefinition::new(name);
                write.open_table(cursors)?.retain(|_, _| false)?;
            }
            Ok(())
        };
        store.tamper(empty).unwrap();
        let found = ask(&store, &log);
        assert_eq!(!found.is_empty(), is_asked, "{name}");
        assert!(found.iter().all(|(table, _)| *table == name), "{found:?}");
    }
}

const CURSORS: TableDefinition<u32, &[u8]> = TableDefinition::new("cursors");

/// The row of the only cursor.
fn cursor_of(store: &Store) -> Vec<u8> {
    let mut row = Vec::new();
    let read = |write: &WriteTransaction| {
        row = write.open_table(CURSORS)?.first()?.unwrap().1.value().to_vec();
        Ok(())
    };
    store.tamper(read).unwrap();
    row
}

/// A store whose cursor was changed is set aside, and then the log is folded anew.
fn assert_heals(path: &std::path::Path, row: &[u8], log: &MemSource, what: &str) {
    let put = |write: &WriteTransaction| {
        write.open_table(CURSORS)?.insert(0, row)?;
        Ok(())
    };
    let store = Store::open(path).unwrap();
    store.tamper(put).unwrap();
    let error = store.sync(log, &SyncOptions::default()).unwrap_err();
    let SyncError::Store { source, .. } = error else { panic!("{what}: {error}") };
    assert!(source.wants_rebuild(), "{what}: {source}");
    drop(store);
    let (store, opened) = Store::open_or_rebuild(path, "test").unwrap();
    let Opened::SetAside { aside, .. } = opened else { panic!("{what}: {opened:?}") };
    std::fs::remove_file(aside).unwrap();
    store.sync(log, &SyncOptions::default()).unwrap();
    Model::of(&log.bytes).assert_same(&store, "log");
}

#[test]
fn a_cursor_changed_by_hand_in_any_field() {
    fn leaves(value: &Value, path: String, all: &mut Vec<String>) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, value)| {
                leaves(value, format!("{path}/{}", name.replace('~', "~0").replace('/', "~1")), all)
            }),
            Value::Array(values) => (0..).zip(values).for_each(|(place, value): (usize, _)| {
                leaves(value, format!("{path}/{place}"), all)
            }),
            _ => all.push(path),
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let log = MemSource::new("log", small_log());
    let store = Store::open(&path).unwrap();
    store.sync(&log, &SyncOptions::default()).unwrap();
    let row = cursor_of(&store);
    drop(store);
    let (body, seal) = row[1..].split_at(row.len() - 9);
    let cursor: Value = serde_json::from_slice(body).unwrap();
    let mut all = Vec::new();
    leaves(&cursor, String::new(), &mut all);
    assert!(all.len() > 10, "{all:?}");
    for field in all {
        let mut changed = cursor.clone();
        let value = changed.pointer_mut(&field).unwrap();
        *value = match &*value {
            Value::Number(number) => number.as_u64().map_or(1, |number| number ^ 1).into(),
            Value::String(text) => format!("{text}x").into(),
            Value::Bool(is) => (!is).into(),
            _ => 1.into(),
        };
        let changed = [&row[..1], &serde_json::to_vec(&changed).unwrap(), seal].concat();
        assert_heals(&path, &changed, &log, &field);
    }
}

#[test]
fn a_cursor_of_another_time_or_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let log = MemSource::new("log", small_log());
    let early = MemSource::new("log", &log.bytes[..line_ends(&log.bytes)[20]]);
    let store = Store::open(&path).unwrap();
    store.sync(&early, &SyncOptions::default()).unwrap();
    let before = cursor_of(&store);
    store.sync(&log, &SyncOptions::default()).unwrap();
    // Of this log and store, but of an earlier line.
    drop(store);
    assert_heals(&path, &before, &log, "earlier");
    // Of this line, but of another log.
    let store = Store::in_memory().unwrap();
    store.sync(&MemSource::new("other", &*log.bytes), &SyncOptions::default()).unwrap();
    let other = cursor_of(&store);
    let store = Store::open(&path).unwrap();
    let put = |write: &WriteTransaction| {
        write.open_table(CURSORS)?.insert(0, &*other)?;
        Ok(())
    };
    store.tamper(put).unwrap();
    drop(store);
    let (_, opened) = Store::open_or_rebuild(&path, "test").unwrap();
    assert!(matches!(opened, Opened::SetAside { .. }), "{opened:?}");
}
