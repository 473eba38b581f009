//! Lists, filters, names and trees of many threads, against a naive model of lists.

use std::collections::BTreeSet;
use std::sync::Arc;

use rollfold_core::testing::Prng;
use rollfold_projector::{
    Archived, CursorProblem, FilteredBy, FindError, Home, Kin, Library, MemSource, NameEntry,
    Names, Order, QueryError, Relation, Store, SyncOptions, ThreadEntry, ThreadFilter, ThreadTime,
    ThreadsRequest,
};

fn id(number: u32) -> String {
    format!("019bb0c0-0000-7000-8000-{number:012x}")
}

fn time(second: u32) -> String {
    format!("2026-03-01T10:{:02}:{:02}.000Z", second / 60 % 60, second % 60)
}

/// A thread as a log says it.
struct Log {
    number: u32,
    made: u32,
    meta: String,
    said: Vec<(u32, String)>,
}

impl Log {
    fn new(number: u32, made: u32, meta: &str) -> Self {
        Self { number, made, meta: meta.to_owned(), said: Vec::new() }
    }

    fn says(mut self, second: u32, text: &str) -> Self {
        self.said.push((second, text.to_owned()));
        self
    }

    fn source(&self) -> MemSource {
        let Self { number, made, meta, said } = self;
        let (id, made) = (id(*number), time(*made));
        let mut bytes = format!(
            "{{\"timestamp\":\"{made}\",\"type\":\"session_meta\",\"payload\":{{\"id\":\"{id}\",\"timestamp\":\"{made}\",\"cwd\":\"/work\",\"originator\":\"x\",\"cli_version\":\"1\"{meta}}}}}\n"
        );
        for (at, text) in said {
            let at = time(*at);
            bytes.push_str(&format!(
                "{{\"timestamp\":\"{at}\",\"type\":\"event_msg\",\"payload\":{{\"type\":\"task_started\",\"turn_id\":\"t{}\"}}}}\n{{\"timestamp\":\"{at}\",\"type\":\"event_msg\",\"payload\":{{\"type\":\"user_message\",\"message\":\"{text}\"}}}}\n",
                bytes.len()
            ));
        }
        MemSource::new(format!("rollout-2026-03-01T10-00-00-{id}"), bytes)
    }

    fn sync(&self, library: &Library) {
        library.store().sync(&self.source(), &SyncOptions::default()).unwrap();
    }
}

fn library() -> Library {
    Library::open(Store::in_memory().unwrap()).unwrap()
}

/// All rows of a list, paged by so many.
fn pages(library: &Library, request: &ThreadsRequest<'_>, limit: u32) -> Vec<Arc<ThreadEntry>> {
    let mut rows = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let request =
            ThreadsRequest { cursor: cursor.as_deref(), limit: Some(limit), ..request.clone() };
        let list = library.threads(&request).unwrap();
        assert!(list.rows.len() <= limit as usize);
        assert!(list.next_cursor.is_none() || list.rows.len() == limit as usize);
        rows.extend(list.rows);
        match list.next_cursor {
            Some(next) => cursor = Some(next),
            None => return rows,
        }
    }
}

/// Threads of all kinds, many with equal times.
fn many(library: &Library, len: u32) {
    let mut rng = Prng::new(1);
    let metas = [
        r#","model_provider":"openai","source":"cli""#,
        r#","model_provider":"oss","source":"exec""#,
        r#","source":"vscode""#,
        r#","model_provider":"openai","source":{"custom":"atlas"}"#,
        r#","source":{"subagent":"review"}"#,
        r#","history_mode":"paginated","source":"cli""#,
        r#","history_mode":"later","source":"something""#,
    ];
    for number in 0..len {
        let mut meta = metas[number as usize % metas.len()].to_owned();
        if number % 5 == 1 {
            let parent = id(rng.below(u64::from(number.max(1))) as u32);
            meta = format!(
                r#","source":{{"subagent":{{"thread_spawn":{{"parent_thread_id":"{parent}","depth":1}}}}}}"#
            );
        }
        let mut log = Log::new(number, rng.below(4) as u32, &meta);
        if number % 3 > 0 {
            log = log.says(10 + rng.below(5) as u32, &format!("Say Ünit {}", number % 4));
        }
        log.sync(library);
    }
    library.refresh().unwrap();
}

fn filters() -> Vec<ThreadFilter> {
    let all = ThreadFilter { archived: Archived::Included, ..ThreadFilter::default() };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    vec![
        ThreadFilter::default(),
        ThreadFilter { archived: Archived::Only, ..all.clone() },
        ThreadFilter { providers: words(&["oss"]), ..all.clone() },
        ThreadFilter {
            providers: words(&["openai"]),
            default_provider: Some("openai".into()),
            ..all.clone()
        },
        ThreadFilter { sources: words(&["cli", "subagent"]), ..all.clone() },
        ThreadFilter { sources: words(&["custom:atlas", "unknown"]), ..all.clone() },
        ThreadFilter { cwds: words(&["/work/../work/"]), ..all.clone() },
        ThreadFilter { cwds: words(&["/elsewhere"]), ..all.clone() },
        ThreadFilter { history_modes: words(&["later", "paginated"]), ..all.clone() },
        ThreadFilter { kin: Kin::ChildrenOf(id(0).into()), ..all.clone() },
        ThreadFilter { kin: Kin::DescendantsOf(id(0).into()), ..all.clone() },
        ThreadFilter { text: Some("ÜNIT 2".into()), ..all.clone() },
        ThreadFilter {
            time: Some((ThreadTime::LastUser, 1_772_359_211_000..=1_772_359_212_000)),
            ..all.clone()
        },
        all,
    ]
}

/// A filter as one would say it.
fn lets_through(all: &[Arc<ThreadEntry>], filter: &ThreadFilter, entry: &ThreadEntry) -> bool {
    let one_of = |wanted: &[String], value: Option<&str>| {
        wanted.is_empty() || value.is_some_and(|value| wanted.iter().any(|it| it == value))
    };
    let is_archived = match filter.archived {
        Archived::Included => true,
        Archived::Only => entry.is_archived(),
        _ => !entry.is_archived(),
    };
    let source = entry.source.as_deref();
    let is_source = one_of(&filter.sources, source)
        || filter.sources.iter().any(|it| it == "subagent")
            && source.is_some_and(|it| it.starts_with("subagent:"));
    let ancestors = |mut entry: Arc<ThreadEntry>| {
        let mut found = Vec::new();
        while let Some(parent) = entry.parent_id.clone()
            && !found.contains(&parent)
        {
            found.push(parent.clone());
            match all.iter().find(|it| it.id == parent) {
                Some(next) => entry = next.clone(),
                None => break,
            }
        }
        found
    };
    let is_kin = match &filter.kin {
        Kin::Any => true,
        Kin::ChildrenOf(parent) => entry.parent_id.as_ref() == Some(parent),
        Kin::DescendantsOf(root) => {
            ancestors(Arc::new(entry.clone())).contains(root) && entry.id != *root
        }
    };
    let texts = [&entry.name, &entry.title, &entry.preview];
    let has_text = filter.text.as_ref().is_none_or(|text| {
        texts.into_iter().flatten().any(|it| it.to_lowercase().contains(&text.to_lowercase()))
    });
    let has_time = filter
        .time
        .as_ref()
        .is_none_or(|(time, range)| time.of(entry).is_some_and(|at| range.contains(&at)));
    let provider = entry.provider.as_deref().or(filter.default_provider.as_deref());
    let is_cwd = filter.cwds.is_empty() || filter.cwds[0].starts_with("/work");
    is_archived
        && is_source
        && is_kin
        && has_text
        && has_time
        && is_cwd
        && one_of(&filter.providers, provider)
        && one_of(&filter.history_modes, entry.history_mode.as_deref())
}

#[test]
fn every_list_is_that_of_the_model() {
    let library = library();
    many(&library, 120);
    let everything = ThreadFilter { archived: Archived::Included, ..ThreadFilter::default() };
    let request = ThreadsRequest { filter: everything, ..ThreadsRequest::default() };
    let all = pages(&library, &request, 100);
    assert_eq!(all.len(), 120);
    let mut len_shown = 0;
    for filter in filters() {
        for sort in ThreadTime::ALL {
            let mut expected: Vec<_> =
                all.iter().filter(|it| lets_through(&all, &filter, it)).cloned().collect();
            expected.sort_by_key(|it| (sort.of(it), it.id.clone()));
            for order in [Order::OldestFirst, Order::NewestFirst] {
                for limit in [1, 7, 100] {
                    let request =
                        ThreadsRequest { filter: filter.clone(), sort, order, ..request.clone() };
                    assert_eq!(pages(&library, &request, limit), expected, "{request:?}");
                }
                expected.reverse();
            }
            len_shown += expected.len();
        }
    }
    assert!(len_shown > 1_500, "filters that let nothing through show nothing: {len_shown}");
}

#[test]
fn backwards_cursors_go_the_other_way() {
    let library = library();
    many(&library, 40);
    let request = ThreadsRequest { limit: Some(9), ..ThreadsRequest::default() };
    let first = library.threads(&request).unwrap();
    let second = library
        .threads(&ThreadsRequest { cursor: first.next_cursor.as_deref(), ..request.clone() });
    let second = second.unwrap();
    let back = ThreadsRequest {
        cursor: second.backwards_cursor.as_deref(),
        order: Order::OldestFirst,
        limit: Some(100),
        ..request.clone()
    };
    let mut back = library.threads(&back).unwrap().rows;
    back.reverse();
    let expected: Vec<_> = first.rows.iter().chain(&second.rows[..1]).cloned().collect();
    assert_eq!(back, expected);

    for (cursor, problem) in [
        ("", CursorProblem::Malformed),
        ("r1.threads.created.after.x.y", CursorProblem::Malformed),
        ("r1.threads.updated.after.1.y", CursorProblem::OtherList),
        ("r1.turns.created.after.1.y", CursorProblem::OtherList),
    ] {
        let request = ThreadsRequest { cursor: Some(cursor), ..request.clone() };
        let Err(QueryError::Cursor { problem: found, .. }) = library.threads(&request) else {
            panic!("{cursor}")
        };
        assert_eq!(found, problem, "{cursor}");
    }
}

/// TORTURE 25: equal times, by 7, while others come.
#[test]
fn paging_shows_each_thread_once_while_others_come() {
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let library = library();
        for number in 0..150 {
            Log::new(number * 2, 5, "").sync(&library);
        }
        library.refresh().unwrap();
        let mut rng = Prng::new(9);
        let (mut seen, mut cursor, mut came) = (Vec::new(), None::<String>, 0);
        loop {
            let request = ThreadsRequest {
                order,
                limit: Some(7),
                cursor: cursor.as_deref(),
                ..ThreadsRequest::default()
            };
            let list = library.threads(&request).unwrap();
            seen.extend(list.rows.into_iter().map(|entry| entry.id.to_string()));
            for _ in 0..3 {
                Log::new(rng.below(150) as u32 * 2 + 1, rng.below(11) as u32, "").sync(&library);
                came += 1;
            }
            library.refresh().unwrap();
            match list.next_cursor {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        assert!(came > 50);
        let distinct: BTreeSet<_> = seen.iter().cloned().collect();
        assert_eq!(distinct.len(), seen.len(), "a thread came twice");
        assert!((0..150).all(|number| distinct.contains(&id(number * 2))), "a thread is missing");
    }
}

/// What a library takes in bit by bit is what it reads at once.
#[test]
fn refreshing_equals_opening_anew() {
    let dir = tempfile::TempDir::new().unwrap();
    let path = dir.path().join("store.redb");
    let library = Library::open(Store::open(&path).unwrap()).unwrap();
    let mut rng = Prng::new(4);
    let everything = ThreadsRequest::default();
    for round in 0..30 {
        let number = rng.below(12) as u32;
        // Rewritten logs and such that change whose they are.
        let meta = if round % 4 == 0 { r#","model_provider":"oss""# } else { "" };
        let log = Log::new(number, rng.below(3) as u32, meta).says(round, "hello");
        let mut source = log.source();
        if round % 7 == 0 {
            source = MemSource::new(
                format!("rollout-2026-03-01T10-00-00-{}", id(number)),
                log.source().bytes.to_vec().as_slice().iter().skip(1).copied().collect::<Vec<_>>(),
            );
        }
        library.store().sync(&source, &SyncOptions::default()).unwrap();
        library.refresh().unwrap();
        let anew = Library::open(Store::open_reader(&path).unwrap()).unwrap();
        assert_eq!(pages(&library, &everything, 5), pages(&anew, &everything, 100), "{round}");
    }
}

#[test]
fn names_and_ids_find_threads() {
    let dir = tempfile::TempDir::new().unwrap();
    let home = Home::at(dir.path());
    let library = library();
    let named = Log::new(1, 1, "").says(3, "hello");
    named.sync(&library);
    Log::new(0x1000, 2, "").sync(&library);
    let entry = |number, name: &str| NameEntry {
        id: id(number),
        thread_name: name.into(),
        updated_at: time(1),
    };
    Names::append(home.names_path(), &entry(1, "the first")).unwrap();
    Names::append(home.names_path(), &entry(7, "not here")).unwrap();
    assert_eq!(library.put_names(&home.names().unwrap()).unwrap(), 2);
    assert_eq!(library.put_names(&home.names().unwrap()).unwrap(), 0);

    let found = |name: &str| library.find(name).map(|entry| entry.id.to_string());
    assert_eq!(found("the first").unwrap(), id(1));
    assert_eq!(found(&id(1).to_uppercase()).unwrap(), id(1));
    assert_eq!(found("019bb0c0-0000-7000-8000-000000001").unwrap(), id(0x1000));
    assert_eq!(found(&format!("rollout-2026-03-01T10-00-00-{}", id(1))).unwrap(), id(1));
    let FindError::Ambiguous { ids, .. } = library.find("019b").unwrap_err() else { panic!() };
    assert_eq!(ids.len(), 2);
    for unknown in ["", "not here", "02"] {
        let error = library.find(unknown).unwrap_err();
        assert!(matches!(error, FindError::Unknown { .. }), "{unknown}: {error}");
    }
    let by_name = ThreadFilter { text: Some("FIRST".into()), ..ThreadFilter::default() };
    let request = ThreadsRequest { filter: by_name, ..ThreadsRequest::default() };
    assert_eq!(library.threads(&request).unwrap().rows.len(), 1);

    // A name that was taken away is gone here, too.
    Names::append(home.names_path(), &entry(1, "")).unwrap();
    assert_eq!(library.put_names(&home.names().unwrap()).unwrap(), 1);
    assert_eq!(library.thread(&id(1)).unwrap().name, None);
}

/// R155, R163, R171: the four times are four values, and what is not recorded is none.
#[test]
fn times_are_kept_apart() {
    let library = library();
    Log::new(1, 1, "").says(20, "hello").sync(&library);
    Log::new(2, 2, "").sync(&library);
    library.refresh().unwrap();
    let times = |number| {
        let entry = library.thread(&id(number)).unwrap();
        ThreadTime::ALL.map(|time| time.of(&entry).map(|ms| (ms - 1_772_359_200_000) / 1_000))
    };
    assert_eq!(times(1), [Some(1), Some(20), Some(20), Some(20)]);
    assert_eq!(times(2), [Some(2), Some(2), Some(2), None]);

    // A writer that opens the thread again adds a head, and that moves nothing.
    let mut source = Log::new(1, 1, "").says(20, "hello").source();
    let again = Log::new(1, 1, "").source();
    source.bytes.extend(
        String::from_utf8(again.bytes.to_vec())
            .unwrap()
            .replace("10:00:01.000Z\",\"type", "11:00:00.000Z\",\"type")
            .bytes(),
    );
    library.store().sync(&source, &SyncOptions::default()).unwrap();
    library.refresh().unwrap();
    assert_eq!(times(1), [Some(1), Some(20), Some(20), Some(20)]);
}

#[test]
fn trees_end_whatever_rounds_they_go() {
    let library = library();
    let child_of = |number: u32, parent: u32| {
        let meta = format!(
            r#","source":{{"subagent":{{"thread_spawn":{{"parent_thread_id":"{}","depth":1,"agent_nickname":"n{number}"}}}}}}"#,
            id(parent)
        );
        Log::new(number, 1, &meta).says(3, "go")
    };
    Log::new(1, 1, "").sync(&library);
    for (child, parent) in [(2, 1), (3, 1), (4, 2), (5, 99), (6, 7), (7, 6), (8, 8)] {
        child_of(child, parent).sync(&library);
    }
    Log::new(9, 1, &format!(r#","forked_from_id":"{}""#, id(4))).sync(&library);
    library.refresh().unwrap();
    let shape = |nodes: Vec<rollfold_projector::TreeNode>| {
        let nodes: Vec<_> = nodes.iter().flat_map(|node| node.flat()).collect();
        let number = |id: &str| u32::from_str_radix(id.get(24..).unwrap(), 16).unwrap();
        let shape = nodes.iter().map(|it| (it.depth, number(&it.id), it.thread.is_some()));
        shape.collect::<Vec<_>>()
    };
    assert_eq!(
        shape(library.trees(Relation::Spawn).unwrap()),
        [
            (0, 1, true),
            (1, 2, true),
            (2, 4, true),
            (1, 3, true),
            (0, 9, true),
            (0, 99, false),
            (1, 5, true),
            (0, 6, true),
            (1, 7, true),
            (0, 8, true),
        ]
    );
    let forks = library.tree(&id(4), Relation::Fork).unwrap();
    assert_eq!(shape(vec![forks]), [(0, 4, true), (1, 9, true)]);
    let node = library.tree(&id(2), Relation::Spawn).unwrap();
    assert_eq!(node.status.unwrap().as_str(), "inProgress");
    assert_eq!(node.own_tokens, None);

    let of = |kin| ThreadsRequest {
        filter: ThreadFilter { kin, ..ThreadFilter::default() },
        ..ThreadsRequest::default()
    };
    let ids = |kin| {
        let rows = library.threads(&of(kin)).unwrap().rows;
        rows.into_iter().map(|it| it.id.to_string()).collect::<BTreeSet<_>>()
    };
    assert_eq!(ids(Kin::ChildrenOf(id(1).into())), [id(2), id(3)].into());
    assert_eq!(ids(Kin::DescendantsOf(id(1).into())), [id(2), id(3), id(4)].into());
    assert_eq!(ids(Kin::DescendantsOf(id(6).into())), [id(7)].into());
    assert_eq!(ids(Kin::DescendantsOf(id(8).into())), [].into());
    let by = FilteredBy::Kin;
    assert_eq!(by.to_string(), "it was not spawned there");
}

/// Everything found is listed or says why not.
#[test]
fn whatever_is_not_listed_says_why() {
    use std::fs;
    let dir = tempfile::TempDir::new().unwrap();
    let home = Home::at(dir.path());
    let day = home.sessions_dir().join("2026/03/01");
    let library = library();
    let put = |folder: &std::path::Path, name: &str, bytes: &[u8]| {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(name), bytes).unwrap();
    };
    let key = |number| format!("rollout-2026-03-01T10-00-00-{}", id(number));
    let oss = Log::new(2, 1, r#","model_provider":"oss""#);
    for (number, log) in [(1, Log::new(1, 1, "")), (2, oss)] {
        put(&day, &format!("{}.jsonl", key(number)), &log.source().bytes);
        log.sync(&library);
    }
    // A segment of the first thread, a copy of it, a log that was not synced, and a stray.
    let segment = format!("rollout-2026-03-01T11-00-00-{}_{}", id(1), id(11));
    put(&day, &format!("{segment}.jsonl"), &Log::new(1, 1, "").source().bytes);
    let source = MemSource::new(&segment, Log::new(1, 1, "").source().bytes.to_vec());
    library.store().sync(&source, &SyncOptions::default()).unwrap();
    put(&home.archived_dir(), &format!("{}.jsonl", key(2)), &Log::new(2, 1, "").source().bytes);
    put(&day, &format!("{}.jsonl", key(3)), b"{}\n");
    put(&day, "notes.txt", b"x");
    library.refresh().unwrap();

    let filter = ThreadFilter { providers: vec!["none".into()], ..ThreadFilter::default() };
    let show = |filter: &ThreadFilter| {
        let verdicts = library.why_not(&home.scan().unwrap(), filter);
        let name = |path: &std::path::Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        let reason = |it: &rollfold_projector::Verdict| match &it.reason {
            None => "listed".to_owned(),
            Some(reason) => {
                reason.to_string().split([' ', '/']).take(4).collect::<Vec<_>>().join(" ")
            }
        };
        verdicts.iter().map(|it| format!("{}: {}", name(&it.path), reason(it))).collect::<Vec<_>>()
    };
    let expected = |reason: &str| {
        vec![
            format!("{}.jsonl: it is a copy", key(2)),
            "notes.txt: is no rollout by".to_owned(),
            format!("{}.jsonl: it is an earlier", key(1)),
            format!("{}.jsonl: {reason}", key(2)),
            format!("{}.jsonl: it was not synced", key(3)),
            format!("{segment}.jsonl: {reason}"),
        ]
    };
    assert_eq!(show(&ThreadFilter::default()), expected("listed"));
    assert_eq!(show(&filter), expected("its model's provider is"));
    assert_eq!(library.len(), 2);
}
