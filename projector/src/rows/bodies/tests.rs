//! Items of any length, replaced and joined in any way, come back and leave nothing behind.

use redb::{ReadableTableMetadata, WriteTransaction};
use rollfold_core::model::PlanItem;

use super::*;
use crate::schema::{self, newest_first};
use crate::store::Store;

const KEY: ItemKey = (1, 2, 3, 4);

fn bodies(write: &WriteTransaction) -> Bodies<'_> {
    let items = write.open_table(schema::ITEMS).unwrap();
    Bodies::new(items, write.open_table(schema::ITEM_PARTS).unwrap())
}

fn plan(len: usize) -> Arc<ThreadItem> {
    ThreadItem::Plan(PlanItem { id: "p".into(), text: "\"x".repeat(len / 3) }).into()
}

fn thought(summary: &[&str], content: &[&str]) -> Arc<ThreadItem> {
    let summary = summary.iter().collect();
    let content = content.iter().collect();
    ThreadItem::Reasoning(ReasoningItem { id: "r".into(), summary, content }).into()
}

fn get(bodies: &Bodies<'_>, key: ItemKey) -> Result<Option<ThreadItem>, StoreError> {
    let row = bodies.items.get(key).unwrap().unwrap();
    let read = read(row.value(), key, &bodies.items, &bodies.parts.table)?;
    Ok(read.map(|read| read.value))
}

fn encoding(bodies: &Bodies<'_>, key: ItemKey) -> u8 {
    bodies.items.get(key).unwrap().unwrap().value()[0]
}

#[test]
fn long_items_leave_no_parts_behind() {
    let store = Store::in_memory().unwrap();
    let write = store.begin_write().unwrap();
    let mut bodies = bodies(&write);
    let neighbour = (1, 2, 3, 5);
    bodies.put(neighbour, &plan(150_000)).unwrap();
    let beside = bodies.parts.table.len().unwrap();
    assert_eq!(beside, 2);
    let ends = (64_950..65_010).chain(129_950..130_010).chain([0, 1_000_000, 300_000, 5]);
    for len in ends {
        let value = plan(len);
        bodies.put(KEY, &value).unwrap();
        assert!(bodies.items.get(KEY).unwrap().unwrap().value().len() <= PART_BYTES);
        assert!(get(&bodies, KEY).unwrap().as_ref() == Some(&*value));
        let json = serde_json::to_vec(&*value).unwrap();
        let expected = (json.len() + 1).div_ceil(PART_BYTES) as u64 - 1;
        assert_eq!(bodies.parts.table.len().unwrap(), beside + expected, "{len}");
    }
    bodies.put(KEY, &plan(300_000)).unwrap();
    bodies.put_gone(KEY).unwrap();
    assert_eq!(bodies.parts.table.len().unwrap(), beside);
    assert!(get(&bodies, neighbour).unwrap().as_ref() == Some(&*plan(150_000)));
}

#[test]
fn a_missing_part_is_an_error() {
    let store = Store::in_memory().unwrap();
    let write = store.begin_write().unwrap();
    let mut bodies = bodies(&write);
    bodies.put(KEY, &plan(200_000)).unwrap();
    bodies.parts.table.remove((1, 2, 3, 4, 1)).unwrap();
    let error = get(&bodies, KEY).unwrap_err();
    assert!(error.wants_rebuild(), "{error}");
}

/// Versions in the order of their lines; each must come back, whatever came after it.
#[test]
fn reasoning_in_every_order_comes_back() {
    let store = Store::in_memory().unwrap();
    let write = store.begin_write().unwrap();
    let (long, longer) = ("l".repeat(900), "L".repeat(200_000));
    let versions = [
        (thought(&["a"], &[]), 1),
        (thought(&["a", "b"], &[]), 3),
        (thought(&["a", "b"], &["c"]), 3),
        // Nothing joined.
        (thought(&["a", "b"], &["c"]), 3),
        // Something else changed.
        (thought(&["A", "b"], &["c"]), 1),
        (thought(&["A"], &["c"]), 1),
        (thought(&["A", &long], &["c"]), 3),
        // As much joined as a difference may be.
        (thought(&["A", &long, &long], &["c"]), 1),
        (thought(&["A", &long, &long, "d"], &["c", "e"]), 3),
        (thought(&["A", &long, &long, "d"], &["c", "e", &longer]), 2),
        (thought(&["A", &long, &long, "d", "f"], &["c", "e", &longer]), 3),
        (plan(10), 1),
        (thought(&["A", &long, &long, "d", "f", "g"], &["c", "e", &longer]), 2),
    ];
    for is_resumed in [false, true] {
        let mut bodies = bodies(&write);
        let key = |seq| (1, u32::from(is_resumed), 0, newest_first(seq));
        for (seq, (value, expected)) in (0..).zip(&versions) {
            if is_resumed {
                bodies.growing = None;
            }
            bodies.put(key(seq), value).unwrap();
            assert_eq!(encoding(&bodies, key(seq)), *expected, "{seq}");
        }
        for (seq, (value, _)) in (0..).zip(&versions) {
            assert!(get(&bodies, key(seq)).unwrap().as_ref() == Some(&**value), "{seq}");
        }
    }
}

#[test]
fn a_line_that_joins_twice_makes_one_whole_version() {
    let store = Store::in_memory().unwrap();
    let write = store.begin_write().unwrap();
    for is_resumed in [false, true] {
        let mut bodies = bodies(&write);
        let key = |seq| (1, u32::from(is_resumed), 0, newest_first(seq));
        for (seq, value) in [(0, thought(&["a"], &[])), (1, thought(&["a", "b"], &[]))] {
            bodies.put(key(seq), &value).unwrap();
        }
        if is_resumed {
            bodies.growing = None;
        }
        let value = thought(&["a", "b", "c"], &[]);
        bodies.put(key(1), &value).unwrap();
        assert_eq!(encoding(&bodies, key(1)), 1);
        assert_eq!(get(&bodies, key(1)).unwrap().as_ref(), Some(&*value));
    }
}

#[test]
fn reasoning_does_not_join_what_is_gone() {
    let store = Store::in_memory().unwrap();
    let write = store.begin_write().unwrap();
    let mut bodies = bodies(&write);
    let key = |seq| (1, 0, 0, newest_first(seq));
    bodies.put(key(0), &thought(&["a"], &[])).unwrap();
    bodies.put_gone(key(1)).unwrap();
    let value = thought(&["a", "b"], &[]);
    bodies.put(key(2), &value).unwrap();
    assert_eq!(get(&bodies, key(1)).unwrap(), None);
    assert_eq!(get(&bodies, key(2)).unwrap().as_ref(), Some(&*value));
}

#[test]
fn reasoning_that_joins_nothing_is_an_error() {
    let store = Store::in_memory().unwrap();
    let write = store.begin_write().unwrap();
    let mut bodies = bodies(&write);
    let (first, second) = ((1, 0, 0, newest_first(0)), (1, 0, 0, newest_first(1)));
    bodies.put(first, &thought(&["a"], &[])).unwrap();
    bodies.put(second, &thought(&["a", "b"], &[])).unwrap();
    bodies.items.insert(first, GONE).unwrap();
    assert!(get(&bodies, second).unwrap_err().wants_rebuild());
    bodies.items.remove(first).unwrap();
    assert!(get(&bodies, second).unwrap_err().wants_rebuild());
}
