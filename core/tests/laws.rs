//! Laws of single lines: where they are, that strangers among them shift nothing else, that most
//! are silent.

use rollfold_core::model::ItemsView;
use rollfold_core::testing::{History, Prng, Swarm, join_lines, rollout, rollout_records};
use rollfold_core::{
    ChangeSet, Coalescer, Depth, Diagnostic, DiagnosticKind, Folder, Lines, Options,
    OrdinalAnomaly, Position, Rules, Snapshot, Span, Step, decode,
};

use crate::support::{apply, fold};
use crate::swarms::{Walk, for_seeds, log_of, options_of, physical_lines, turn_changes};

// Law 1: bytes identify.

#[test]
fn steps_stand_where_their_lines_stand() {
    for_seeds(150, |seed| {
        let bytes = log_of(seed, 40);
        let lines = physical_lines(&bytes);
        let walk = Walk::of(&bytes, options_of(seed));
        let stood: Vec<_> = walk.steps.iter().map(|step| (step.seq, step.span)).collect();
        let stand: Vec<_> = (0..).zip(lines.iter().map(|(span, _)| *span)).collect();
        assert_eq!(stood, stand);
        let mut folder = Folder::new(options_of(seed));
        assert_eq!(folder.push(&bytes), walk.told());
        let end = folder.frontier().state.position;
        let complete = bytes.len() - folder.pending().len();
        assert_eq!((end.seq, end.offset_bytes), (lines.len() as u64, complete as u64));
        for step in &walk.steps {
            for diagnostic in &step.diagnostics {
                assert_eq!(diagnostic.seq, step.seq);
                assert!(is_inside(diagnostic.span, step.span), "{diagnostic:?} of {:?}", step.span);
            }
        }
    });
}

#[test]
fn records_stand_in_order_inside_their_lines() {
    for_seeds(80, |seed| {
        let bytes = log_of(seed, 40);
        for line in Lines::new(&bytes, Position::default()) {
            let mut scratch = String::new();
            let decoded = decode(line, &mut scratch, Depth::Full);
            let mut end = line.span.offset_bytes;
            for record in decoded.records.as_slice() {
                assert_eq!(record.seq, line.seq);
                assert!(is_inside(record.span, line.span));
                // Records of a mended line share its span.
                assert!(record.span.offset_bytes >= end || record.span.end_bytes() == end);
                end = record.span.end_bytes();
            }
        }
    });
}

fn is_inside(part: Span, whole: Span) -> bool {
    part.offset_bytes >= whole.offset_bytes && part.end_bytes() <= whole.end_bytes()
}

/// A space before a record sends it the long way, where everything is read.
#[test]
fn the_fast_way_and_the_ladder_read_alike() {
    for_seeds(80, |seed| {
        let lines = rollout(&Swarm::new(seed, 40));
        let padded: Vec<_> = lines.iter().map(|line| [b" ", &line[..]].concat()).collect();
        let fast = Walk::of(&join_lines(&lines), options_of(seed));
        let slow = Walk::of(&join_lines(&padded), options_of(seed));
        for (place, line) in lines.iter().enumerate() {
            let told = String::from_utf8_lossy(line);
            let told_of = |walk: &Walk| {
                let step = &walk.steps[place];
                let kinds: Vec<_> = step.diagnostics.iter().map(|it| it.kind.clone()).collect();
                (turn_changes(step), kinds, walk.frontiers[place].state.counts)
            };
            assert_eq!(told_of(&fast), told_of(&slow), "{told}");
        }
    });
}

const DAMAGED: [&[u8]; 9] = [
    b"no json at all",
    b"\0\0\0\0",
    b"null",
    b"[{\"timestamp\":\"x\",\"type\":\"event_msg\",\"payload\":{\"type\":\"user_message\"}}]",
    b"\"a string\"",
    b"17",
    b"\xff\xfe\xe6\x87",
    b"{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"type\":\"event_msg\",\"payload\":{\"type\":\"task_st",
    b"{\"timestamp\":\"2026-03-01T10:00:00.000Z\",\"ordinal\":9,\"type\":\"compacted\",\"pay",
];

const UNKNOWN: [&[u8]; 5] = [
    b"{}",
    b"{\"timestamp\":\"x\",\"type\":\"hologram\",\"payload\":{\"turn_id\":\"t1\"}}",
    b"{\"timestamp\":\"x\",\"type\":\"event_msg\",\"payload\":{\"type\":\"teleported\"}}",
    b"{\"timestamp\":\"x\",\"type\":\"event_msg\",\"payload\":null}",
    b"{\"timestamp\":\"x\",\"type\":\"event_msg\"}",
];

/// What a line did, as told from the line itself.
fn relative(step: &Step, keep: fn(&DiagnosticKind) -> bool) -> (String, Vec<Diagnostic>) {
    let kept = step.diagnostics.iter().filter(|it| keep(&it.kind)).cloned();
    let moved = kept.map(|it| Diagnostic {
        seq: it.seq - step.seq,
        span: Span::new(it.span.offset_bytes - step.span.offset_bytes, it.span.len_bytes),
        kind: match it.kind {
            // Where the first is moves with what stands between.
            DiagnosticKind::Retry { .. } => DiagnosticKind::Retry { first_seq: 0 },
            kind => kind,
        },
    });
    (format!("{:?}", turn_changes(step)), moved.collect())
}

/// Inserts some of `strangers` and demands that nothing but positions tells.
fn check_insertion(seed: u64, strangers: &[&[u8]], keep: fn(&DiagnosticKind) -> bool) {
    let bytes = log_of(seed, 30);
    let options = options_of(seed);
    let mut rng = Prng::new(seed ^ 0xABBA);
    let mut with = Vec::new();
    let mut is_stranger = Vec::new();
    for (_, line) in physical_lines(&bytes) {
        while rng.chance(20) {
            with.extend_from_slice(strangers[rng.index(strangers.len())]);
            with.push(b'\n');
            is_stranger.push(true);
        }
        with.extend_from_slice(line);
        with.push(b'\n');
        is_stranger.push(false);
    }
    let (without, with) = (Walk::of(&bytes, options), Walk::of(&with, options));
    let mut seq = 0;
    for (step, is_stranger) in with.steps.iter().zip(is_stranger) {
        let after = &with.frontiers[step.seq as usize].state;
        let before = with.frontier_before(step.seq as usize, options).state;
        if is_stranger {
            assert_eq!(turn_changes(step), []);
            assert_ne!(step.diagnostics, []);
            assert_eq!(after.position.record_index, before.position.record_index);
            assert_eq!(after.history(), before.history());
            continue;
        }
        let alone = &without.steps[seq];
        assert_eq!(relative(step, keep), relative(alone, keep), "line {seq}");
        let state = &without.frontiers[seq].state;
        assert_eq!(after.position.record_index, state.position.record_index);
        assert_eq!(after.history(), state.history());
        assert_eq!(with.frontiers[step.seq as usize].past, without.frontiers[seq].past);
        seq += 1;
    }
    assert_eq!(seq, without.steps.len());
}

#[test]
fn damaged_lines_shift_only_positions() {
    // The exception: a gap between ordinals may be explained by damage in it.
    let keep = |kind: &DiagnosticKind| {
        !matches!(kind, DiagnosticKind::Ordinal(OrdinalAnomaly::Gap { .. }))
    };
    for_seeds(60, |seed| check_insertion(seed, &DAMAGED, keep));
}

#[test]
fn unknown_lines_shift_only_positions() {
    // The exception: an unknown record is a record, so its ordinal is looked at.
    let keep = |kind: &DiagnosticKind| !matches!(kind, DiagnosticKind::Ordinal(_));
    for_seeds(60, |seed| check_insertion(seed, &UNKNOWN, keep));
}

// Law 5: silence.

/// Whether records of this kind mean nothing to turns and items.
fn is_silent(kind: &str, rules: Rules) -> bool {
    let always = [
        "blank",
        "session_meta",
        "turn_context",
        "world_state",
        "inter_agent_communication",
        "inter_agent_communication_metadata",
        "token_usage_record",
        "quantum_state",
        "event_msg/token_count",
        "event_msg/thread_goal_updated",
        "event_msg/session_configured",
        "event_msg/thread_settings_applied",
        "event_msg/plan_update",
        "event_msg/shutdown_complete",
        "event_msg/turn_diff",
        "event_msg/stream_error",
        "event_msg/warning",
        "event_msg/raw_response_item",
        "event_msg/hook_completed",
        "event_msg/agent_message_content_delta",
        "event_msg/exec_command_output_delta",
        "event_msg/agent_reasoning_section_break",
        "event_msg/thread_name_updated",
        "event_msg/undo_completed",
        "event_msg/background_event",
        "event_msg/made_up_by_the_future",
    ];
    let canonical = [
        "event_msg/task_started",
        "event_msg/task_complete",
        "event_msg/turn_aborted",
        "event_msg/item_completed",
    ];
    always.contains(&kind)
        || (kind.starts_with("response_item/") && kind != "response_item/message")
        || (rules == Rules::Paginated && !canonical.contains(&kind))
}

#[test]
fn records_without_meaning_emit_nothing() {
    for_seeds(120, |seed| {
        let (history, rules) = match seed % 2 {
            0 => (History::Legacy, Rules::Classic),
            _ => (History::Paginated, Rules::Paginated),
        };
        let records = rollout_records(&Swarm { history, ..Swarm::new(seed, 40) });
        let lines: Vec<Vec<u8>> = records.iter().map(|record| record.line.clone()).collect();
        let options = Options { rules, ..Options::default() };
        let walk = Walk::of(&join_lines(&lines), options);
        let (mut snapshot, mut silence) = (Snapshot::default(), Coalescer::default());
        for (record, step) in records.iter().zip(&walk.steps) {
            let before = walk.frontier_before(step.seq as usize, options);
            let after = &walk.frontiers[step.seq as usize];
            if is_silent(record.kind, rules) {
                assert_eq!(turn_changes(step), [], "{}", record.kind);
            }
            if record.kind == "blank" {
                assert!(step.is_silent());
            }
            let unchanged = snapshot.clone();
            apply(&mut snapshot, std::slice::from_ref(step));
            if turn_changes(step).is_empty() {
                silence.push(&turn_changes(step));
                assert!(
                    snapshot.turns(ItemsView::Full).eq(unchanged.turns(ItemsView::Full)),
                    "{}",
                    record.kind
                );
                assert_eq!(before.past, after.past, "{}", record.kind);
            }
        }
        assert_eq!(silence.finish(), ChangeSet::default());
    });
}

#[test]
fn damaged_and_unknown_lines_emit_nothing() {
    for line in DAMAGED.iter().chain(&UNKNOWN).chain(&[&b""[..], b" \t\r", b"\xC2\xA0"]) {
        let line = [line, &b"\n"[..]].concat();
        let folded = fold(&line, Options::default());
        assert!(folded.snapshot.turns(ItemsView::Full).next().is_none());
        assert!(
            folded.steps.iter().all(|step| turn_changes(step).is_empty()),
            "{:?}",
            folded.steps
        );
        assert_eq!(folded.steps.is_empty(), line.trim_ascii().is_empty() || line == b"\xC2\xA0\n");
    }
}
