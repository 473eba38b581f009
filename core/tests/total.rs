//! Law 2, total: no bytes panic or freeze a fold, and every line is accounted for.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::sample::select;
use proptest::test_runner::{Config, TestRng, TestRunner};
use rollfold_core::model::ItemsView;
use rollfold_core::testing::{DamageKind, Prng, Swarm, rollout_bytes};
use rollfold_core::{Counts, DiagnosticKind, Folder, Options, RecordFilter};

use crate::support::fold;
use crate::swarms::{Walk, damaged_log, for_seeds, options_of, physical_lines, turn_changes};

/// Folds anything and demands that every line is accounted for.
fn account(bytes: &[u8], options: Options) {
    let walk = Walk::of(bytes, options);
    assert_eq!(walk.steps.len(), physical_lines(bytes).len());
    let mut before = Counts::default();
    for (step, frontier) in walk.steps.iter().zip(&walk.frontiers) {
        let now = frontier.state.counts;
        let of = |wanted: fn(&DiagnosticKind) -> bool| {
            step.diagnostics.iter().filter(|it| wanted(&it.kind)).count() as u64
        };
        let damaged = of(|kind| matches!(kind, DiagnosticKind::Damaged(_)));
        let unknown = of(|kind| matches!(kind, DiagnosticKind::Unknown { .. }));
        assert_eq!(
            now.retries - before.retries,
            of(|kind| matches!(kind, DiagnosticKind::Retry { .. }))
        );
        let records = now.records - before.records;
        let blank = now.blank - before.blank;
        let retries = now.retries - before.retries;
        assert_eq!(now.damaged - before.damaged, damaged, "{step:?}");
        assert_eq!(now.unknown - before.unknown, unknown, "{step:?}");
        if options.records == RecordFilter::All {
            assert_eq!(blank, u64::from(records + damaged + unknown + retries == 0), "{step:?}");
        }
        assert!(turn_changes(step).is_empty() || records > 0, "{step:?}");
        assert!(step.diagnostics.iter().all(|it| it.span.len_bytes > 0), "{step:?}");
        before = now;
    }
    let mut folder = Folder::new(options);
    folder.push(bytes);
    let rest = bytes.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    assert_eq!(folder.pending(), rest);
    let by_end = folder.end();
    assert!(folder.pending().is_empty());
    let ended = if rest.is_empty() { bytes.to_vec() } else { [bytes, b"\n"].concat() };
    let whole = fold(&ended, options);
    assert_eq!(whole.folder.frontier(), folder.frontier());
    assert_eq!(whole.steps, [walk.told(), by_end].concat());
}

#[test]
fn every_line_is_accounted_for_after_every_damage() {
    for kind in DamageKind::ALL {
        for_seeds(12, |seed| account(&damaged_log(seed, 25, kind), options_of(seed)));
    }
}

/// Pieces that lines are made of, whole and broken.
const PIECES: [&[u8]; 16] = [
    b"\n",
    b"\r\n",
    b" ",
    b"\0",
    b"\xEF\xBB\xBF",
    b"\xC2\xA0",
    b"\x0B",
    b"{}",
    b"{",
    b"}",
    b"\"",
    b"null",
    b"{\"timestamp\":",
    b"{\"timestamp\":\"x\",\"type\":\"event_msg\",\"payload\":{\"type\":\"task_started\"}}",
    b"{\"timestamp\":\"x\",\"type\":\"event_msg\",\"payload\":{\"type\":\"thread_rolled_back\",\"num_turns\":1}}",
    b"{\"type\":\"message\",\"role\":\"user\",\"content\":[]}",
];

#[test]
fn every_line_is_accounted_for_in_any_bytes() {
    let soup = vec(select(&PIECES[..]), 0..40).prop_map(|pieces| pieces.concat());
    let bytes = vec(any::<u8>(), 0..200);
    for options in (0..5).map(options_of) {
        shrinking(&soup, |soup| account(soup, options));
        shrinking(&bytes, |bytes| account(bytes, options));
    }
}

/// Checks a law on values that proptest makes and, where it breaks, makes smaller; each run makes
/// the same ones.
fn shrinking<S: Strategy<Value = Vec<u8>>>(strategy: &S, law: impl Fn(&[u8])) {
    let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    let checked = TestRunner::new_with_rng(config, rng).run(strategy, |bytes| {
        law(&bytes);
        Ok(())
    });
    if let Err(broken) = checked {
        panic!("{broken}");
    }
}

#[test]
fn every_line_is_accounted_for_after_mutation() {
    for_seeds(150, |seed| {
        let mut bytes = rollout_bytes(&Swarm::new(seed, 12));
        let mut rng = Prng::new(seed);
        for _ in 0..rng.between(1, 12) {
            if bytes.is_empty() {
                break;
            }
            let at = rng.index(bytes.len());
            let to = at + rng.index((bytes.len() - at).min(40));
            let copied = bytes[at..to].to_vec();
            let place = rng.index(bytes.len());
            match rng.below(4) {
                0 => bytes[at] = rng.next_u64() as u8,
                1 => drop(bytes.drain(at..to)),
                2 => drop(bytes.splice(place..place, copied)),
                _ => bytes.truncate(at + 1),
            }
        }
        account(&bytes, options_of(seed));
    });
}

#[test]
fn hostile_lines_neither_overflow_nor_freeze() {
    let deep = |open: &str, close: &str| open.repeat(50_000) + "1" + &close.repeat(50_000);
    let payload = |json: &str| {
        format!(
            "{{\"timestamp\":\"x\",\"type\":\"event_msg\",\"payload\":{{\"type\":\"mcp_tool_call_end\",\"call_id\":\"c\",\"invocation\":{json}}}}}"
        )
    };
    for line in [
        deep("[", "]"),
        deep("{\"a\":", "}"),
        payload(&deep("[", "]")),
        payload(&deep("{\"arguments\":", "}")),
        "{\"timestamp\":".repeat(65),
        "{\"timestamp\":".repeat(20_000),
        "{\"timestamp\":\"x\"} ".repeat(20_000),
        "{\"timestamp\":\"x\",".repeat(20_000),
        "1 ".repeat(20_000),
        "{".repeat(100_000),
        "\"\\u".repeat(50_000),
        "\0 \u{feff}".repeat(20_000),
    ] {
        let log = line + "\n";
        account(log.as_bytes(), Options::default());
        // Telling more pieces apart would read the rest of the line once for each.
        let counts = fold(log.as_bytes(), Options::default()).folder.frontier().state.counts;
        assert!(counts.damaged <= 66, "{counts:?}");
    }
}

#[test]
fn a_record_is_found_behind_anything_broken() {
    let started =
        r#"{"timestamp":"x","type":"event_msg","payload":{"type":"task_started","turn_id":"a"}}"#;
    let shuffled = r#"{"type":"event_msg","payload":{"turn_id":"a","type":"task_started"}}"#;
    let blank: [&[u8]; 5] = [b" \t", b"\0\0", b"\x0B\x0C", b"\xC2\xA0", b"\xEF\xBB\xBF"];
    let broken: [&[u8]; 6] =
        [b"x", b"}}", b"{\"a", b"\xC3\xA9", b"\x87 cut", b"\xF0\x9F\x9A\x80\"}"];
    let logs = blank.iter().flat_map(|junk| [(*junk, started), (*junk, shuffled)]);
    for (junk, record) in logs.chain(broken.iter().map(|junk| (*junk, started))) {
        let log = [junk, record.as_bytes(), b"\n"].concat();
        let folded = fold(&log, Options::default());
        let ids: Vec<_> = folded.snapshot.turns(ItemsView::Full).map(|turn| turn.id).collect();
        assert_eq!(ids, ["a".into()], "behind {}", junk.escape_ascii());
        account(&log, Options::default());
    }
}
