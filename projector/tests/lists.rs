//! Lists with cursors (R43): they survive appends and rollbacks, and say what is wrong with them.

use rollfold_core::model::ItemsView;
use rollfold_core::{ItemNo, TurnNo};
use rollfold_projector::{
    CursorProblem, ItemAt, LIST_LIMIT_MAX, List, ListRequest, MemSource, Order, QueryError, Store,
    SyncOptions, ThreadView, TurnRow,
};

use crate::support::event;

fn turn(number: u32) -> String {
    event(&format!(r#"{{"type":"task_started","turn_id":"t{number}"}}"#))
        + &event(r#"{"type":"user_message","message":"q"}"#)
        + &event(r#"{"type":"agent_message","message":"a"}"#)
        + &event(&format!(r#"{{"type":"task_complete","turn_id":"t{number}"}}"#))
}

fn turns(numbers: std::ops::Range<u32>) -> String {
    numbers.map(turn).collect()
}

fn view(store: &Store, key: &str, log: &str) -> ThreadView {
    store.sync(&MemSource::new(key, log), &SyncOptions::default()).unwrap();
    store.thread(key).unwrap().unwrap()
}

fn list(view: &ThreadView, cursor: Option<&str>, order: Order) -> List<TurnRow> {
    let request = ListRequest { cursor, limit: Some(4), order };
    view.list_turns(&request, ItemsView::NotLoaded).unwrap()
}

fn ids(list: &List<TurnRow>) -> Vec<&str> {
    list.rows.iter().map(|row| &*row.value.id).collect()
}

#[test]
fn a_list_goes_on_where_it_was_while_the_log_grows() {
    let store = Store::in_memory().unwrap();
    let mut log = turns(0..10);
    let newest = list(&view(&store, "log", &log), None, Order::NewestFirst);
    assert_eq!(ids(&newest), ["t9", "t8", "t7", "t6"]);
    log += &turns(10..12);
    let grown = view(&store, "log", &log);
    let next = list(&grown, newest.next_cursor.as_deref(), Order::NewestFirst);
    assert_eq!(ids(&next), ["t5", "t4", "t3", "t2"]);
    let last = list(&grown, next.next_cursor.as_deref(), Order::NewestFirst);
    assert_eq!((ids(&last), &last.next_cursor), (vec!["t1", "t0"], &None));
    // The other way, from the first row of the first page on: what is new since comes behind it.
    let backwards = newest.backwards_cursor.as_deref();
    let newer = list(&grown, backwards, Order::OldestFirst);
    assert_eq!((ids(&newer), &newer.next_cursor), (vec!["t9", "t10", "t11"], &None));
}

#[test]
fn a_list_goes_on_at_the_place_of_what_was_rolled_back() {
    let store = Store::in_memory().unwrap();
    let mut log = turns(0..6);
    let oldest = list(&view(&store, "log", &log), None, Order::OldestFirst);
    assert_eq!(ids(&oldest), ["t0", "t1", "t2", "t3"]);
    log += &event(r#"{"type":"thread_rolled_back","num_turns":4}"#);
    log += &turns(6..8);
    let after = view(&store, "log", &log);
    let next = list(&after, oldest.next_cursor.as_deref(), Order::OldestFirst);
    assert_eq!(ids(&next), ["t6", "t7"]);
    let back = list(&after, oldest.next_cursor.as_deref(), Order::NewestFirst);
    assert_eq!(ids(&back), ["t1", "t0"]);
}

#[test]
fn items_are_listed_the_same_way_and_back() {
    let store = Store::in_memory().unwrap();
    let view = view(&store, "log", &turns(0..60));
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let opposite = match order {
            Order::OldestFirst => Order::NewestFirst,
            Order::NewestFirst => Order::OldestFirst,
        };
        let mut cursor: Option<String> = None;
        let mut seen = Vec::new();
        loop {
            let request = ListRequest { cursor: cursor.as_deref(), limit: Some(7), order };
            let list = view.list_items(None, &request).unwrap();
            let backwards = ListRequest {
                cursor: list.backwards_cursor.as_deref(),
                limit: Some(3),
                order: opposite,
            };
            let back = view.list_items(None, &backwards).unwrap();
            assert_eq!(back.rows[0].at, list.rows[0].at, "the first row is in both");
            assert_eq!(back.rows.len(), 3.min(seen.len() + 1));
            seen.extend(list.rows.iter().map(|row| row.at));
            cursor = list.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        if order == Order::NewestFirst {
            seen.reverse();
        }
        let all = (0..60).flat_map(|turn| [0, 1].map(|item| (turn, item)));
        let all = all.map(|(turn, item)| ItemAt { turn: TurnNo(turn), item: ItemNo(item) });
        assert!(seen.into_iter().eq(all));
    }
    let of_one = view.list_items(Some(TurnNo(7)), &ListRequest::default()).unwrap();
    assert_eq!((of_one.rows.len(), of_one.next_cursor), (2, None));
}

#[test]
fn limits_are_kept_within_bounds() {
    let store = Store::in_memory().unwrap();
    let view = view(&store, "log", &turns(0..150));
    let rows = |limit| {
        let request = ListRequest { limit, ..ListRequest::default() };
        view.list_turns(&request, ItemsView::NotLoaded).unwrap().rows.len()
    };
    assert_eq!(rows(None), 25);
    assert_eq!(rows(Some(0)), 1);
    assert_eq!(rows(Some(u32::MAX)), LIST_LIMIT_MAX as usize);
}

#[test]
fn a_cursor_is_good_for_one_list_of_one_thread() {
    let store = Store::in_memory().unwrap();
    let one = view(&store, "one", &turns(0..10));
    let other = view(&store, "other", &turns(0..10));
    let cursor = list(&one, None, Order::OldestFirst).next_cursor.unwrap();
    let problem = |view: &ThreadView, cursor: &str| {
        let request = ListRequest { cursor: Some(cursor), ..ListRequest::default() };
        let error = view.list_turns(&request, ItemsView::NotLoaded).unwrap_err();
        assert!(!error.to_string().contains('\n'));
        let QueryError::Cursor { problem, .. } = error else { panic!("{error}") };
        problem
    };
    assert_eq!(problem(&other, &cursor), CursorProblem::OtherThread);
    let items = one.list_items(None, &ListRequest { limit: Some(1), ..Default::default() });
    let items = items.unwrap().next_cursor.unwrap();
    assert_eq!(problem(&one, &items), CursorProblem::OtherList);
    let rewritten = view(&store, "one", &turns(5..7));
    assert_eq!(rewritten.generation(), 1);
    assert_eq!(problem(&rewritten, &cursor), CursorProblem::OtherGeneration);
    for bad in [
        "",
        "r1",
        "\n",
        "r1.turns.0.0.after.x.0",
        "r2.turns.0.0.after.0.0",
        "r1.turns.zz.0.from.0.0",
    ] {
        assert_eq!(problem(&one, bad), CursorProblem::Malformed, "{bad}");
    }
}
