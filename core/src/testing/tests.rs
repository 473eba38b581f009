//! Tests of the generator itself: it must not be wrong where it is used to judge others.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;

fn json(line: &[u8]) -> Value {
    let value = serde_json::from_slice(line);
    assert!(value.is_ok(), "{value:?} in {}", String::from_utf8_lossy(line));
    value.unwrap()
}

/// `type`, or `type/payload type` where the payload is tagged.
fn kind_of(record: &Value) -> String {
    let kind = record.get("type").and_then(Value::as_str).unwrap_or("bare");
    let tag = record.pointer("/payload/type").and_then(Value::as_str);
    match tag {
        Some(tag) if kind == "event_msg" || kind == "response_item" => format!("{kind}/{tag}"),
        _ => kind.to_owned(),
    }
}

fn lines_of(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

#[test]
fn prng_is_pinned() {
    let mut rng = Prng::new(0);
    let first = [rng.next_u64(), rng.next_u64(), rng.next_u64()];
    assert_eq!(first, [0x99EC_5F36_CB75_F2B4, 0xBF6E_1F78_4956_452A, 0x1A5F_849D_4933_E6E0]);
    assert_eq!(Prng::seed_from_text("17"), 17);
    assert_eq!(Prng::seed_from_text("0xff"), 255);
    assert_ne!(Prng::seed_from_text("d9ca98aa"), Prng::seed_from_text("d9ca98ab"));
    assert_eq!((rng.below(0), rng.index(0), rng.between(7, 3)), (0, 0, 7));
    assert_eq!((rng.pick::<u8>(&[]), rng.weighted(&[0, 0])), (0, None));
    assert!((0..1000).all(|_| rng.weighted(&[0, 3, 0, 1]).is_some_and(|at| at % 2 == 1)));
}

#[test]
fn stamps_are_civil() {
    assert_eq!(ids::stamp(ids::EPOCH_MS), "2026-03-01T10:00:00.000Z");
    assert_eq!(ids::stamp(951_782_399_999), "2000-02-28T23:59:59.999Z");
    assert_eq!(ids::stamp(951_868_800_001), "2000-03-01T00:00:00.001Z");
    assert_eq!(ids::stamp(4_102_444_799_000), "2099-12-31T23:59:59.000Z");
}

#[test]
fn swarm_repeats_itself() {
    for seed in 0..20 {
        let swarm = Swarm::new(seed, 80);
        assert_eq!(rollout_bytes(&swarm), rollout_bytes(&swarm));
        assert_ne!(rollout_bytes(&swarm), rollout_bytes(&Swarm::new(seed + 1, 80)));
    }
}

#[test]
fn swarm_lines_are_the_json_they_claim_to_be() {
    for seed in 0..300 {
        let records = rollout_records(&Swarm::new(seed, 60));
        assert_eq!(records.iter().filter(|record| record.kind != "blank").count(), 60);
        for record in records {
            assert!(!record.line.contains(&b'\n'));
            if record.kind == "blank" {
                assert!(record.line.trim_ascii().is_empty());
                continue;
            }
            let value = json(&record.line);
            let kind = kind_of(&value).replace("turn_started", "task_started");
            let kind = kind.replace("turn_complete", "task_complete");
            let kind = kind.replace("compaction_summary", "compaction");
            if record.kind == "bare" {
                assert!(value.get("payload").is_none());
            } else {
                assert_eq!(kind, record.kind);
                assert!(value.get("timestamp").is_some_and(Value::is_string));
                assert!(value.get("payload").is_some_and(Value::is_object));
            }
        }
    }
}

#[test]
fn swarm_reaches_every_kind() {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let mut items: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 0..400 {
        for record in rollout_records(&Swarm::new(seed, 60)) {
            *kinds.entry(record.kind).or_default() += 1;
            if record.kind == "event_msg/item_completed" {
                let value = json(&record.line);
                let item = value.pointer("/payload/item/type").and_then(Value::as_str);
                *items.entry(item.unwrap().to_owned()).or_default() += 1;
            }
        }
    }
    println!("{kinds:?} {items:?}");
    for name in rollouts::kind_names() {
        assert!(kinds.get(name).is_some_and(|count| *count > 5), "{name} is not reached");
    }
    assert_eq!(items.len(), 20, "canonical items that 400 seeds reach");
    assert!(items.values().all(|count| *count > 20));
}

#[test]
fn swarm_keeps_to_its_reach() {
    for seed in 0..100 {
        let reach = Reach::Documented;
        for record in rollout_records(&Swarm { reach, ..Swarm::new(seed, 60) }) {
            let text = String::from_utf8_lossy(&record.line);
            assert!(!["bare", "quantum_state", "token_usage_record"].contains(&record.kind));
            assert!(!text.contains("HolographicCall") && !text.contains("file:///C:"), "{text}");
        }
    }
}

#[test]
fn paginated_records_are_numbered() {
    for seed in 0..100 {
        let history = History::Paginated;
        let spelling = Spelling::Recorder;
        let reach = Reach::Documented;
        let swarm = Swarm { history, spelling, reach, ..Swarm::new(seed, 40) };
        let ordinals: Vec<u64> = rollout(&swarm)
            .iter()
            .map(|line| json(line).get("ordinal").and_then(Value::as_u64).unwrap())
            .collect();
        assert!(ordinals.iter().zip(ordinals.iter().skip(1)).all(|(a, b)| a + 1 == *b));
        let swarm = Swarm { history: History::Legacy, ..swarm };
        assert!(rollout(&swarm).iter().all(|line| json(line).get("ordinal").is_none()));
    }
}

/// Puts the output together from the lines that were left alone and the results of the damages.
fn rebuilt(input: &[u8], output: &[u8], damages: &[Damage]) -> Vec<u8> {
    let lines = lines_of(input);
    let mut bytes = Vec::new();
    let mut next = 0;
    for damage in damages {
        assert!(next <= damage.lines_in.start, "damages are in order and apart: {damages:?}");
        bytes.extend(lines.get(next..damage.lines_in.start).unwrap().concat());
        assert_eq!(bytes.len(), damage.bytes_out.start, "{damages:?}");
        bytes.extend_from_slice(output.get(damage.bytes_out.clone()).unwrap());
        next = damage.lines_in.end;
    }
    bytes.extend(lines.get(next..).unwrap().concat());
    bytes
}

#[test]
fn damage_is_where_it_says() {
    for seed in 0..400 {
        let mut rng = Prng::new(seed);
        let input = rollout_bytes(&Swarm::new(seed, 12));
        let (output, damages) = damage(&mut rng, &input);
        assert_eq!(rebuilt(&input, &output, &damages), output);
        assert!(!damages.is_empty() && damages.len() <= 4);
        assert_eq!(damage(&mut Prng::new(seed), &input), (output, damages));
    }
}

#[test]
fn every_damage_can_be_done_and_does_something() {
    for kind in DamageKind::ALL {
        let mut done = 0;
        for seed in 0..40 {
            let swarm = Swarm { history: History::Paginated, ..Swarm::new(seed, 8) };
            let input = rollout_bytes(&swarm);
            let (output, damage) = damage_as(&mut Prng::new(seed), &input, kind);
            let Some(damage) = damage else { continue };
            assert_eq!(damage.kind, kind);
            assert_eq!(rebuilt(&input, &output, &[damage]), output);
            done += usize::from(output != input);
        }
        assert!(done >= 30, "{kind:?} was done {done} times");
    }
}

#[test]
fn damages_are_what_their_names_say() {
    let line =
        br#"{"timestamp":"t","ordinal":4,"type":"event_msg","payload":{"type":"x","n":[1]}}"#;
    let input = join_lines(&[line.to_vec()]);
    let after = |kind| {
        let (output, damage) = damage_as(&mut Prng::new(7), &input, kind);
        assert!(damage.is_some(), "{kind:?}");
        output
    };
    let value = |kind| json(&after(kind));
    assert!(value(DamageKind::MissingPayload).get("payload").is_none());
    assert!(value(DamageKind::OrdinalMissing).get("ordinal").is_none());
    assert_eq!(value(DamageKind::OrdinalText).get("ordinal"), Some(&Value::from("4")));
    assert_eq!(value(DamageKind::OrdinalFloat).get("ordinal"), Some(&Value::from(4.0)));
    assert_eq!(value(DamageKind::OrdinalMax).get("ordinal"), Some(&Value::from(u64::MAX)));
    assert_eq!(value(DamageKind::OrdinalTwice).get("ordinal"), Some(&Value::from(5)));
    assert_ne!(value(DamageKind::WrongType), json(line));
    assert_eq!(lines_of(&after(DamageKind::DuplicatedLine)).len(), 2);
    assert!(after(DamageKind::DroppedLine).is_empty());
    assert!(!after(DamageKind::TornTail).ends_with(b"\n"));
    assert!(after(DamageKind::TornThenRetried).ends_with(&input));
    assert!(after(DamageKind::ByteOrderMark).starts_with(b"\xEF\xBB\xBF{"));
    assert!(std::str::from_utf8(&after(DamageKind::BadUtf8InString)).is_err());
    assert!(std::str::from_utf8(&after(DamageKind::BadUtf8AtEnd)).is_err());
    let fails = |kind| serde_json::from_slice::<Value>(&after(kind)).is_err();
    assert!(fails(DamageKind::DeepNesting) && fails(DamageKind::LoneSurrogate));
}

#[test]
fn damage_takes_any_bytes() {
    let mut rng = Prng::new(5);
    for len in 0..200 {
        let letters = b"{}[]\":,\\\n\r a1\x00\xff";
        let input: Vec<u8> = (0..len).map(|_| rng.pick(letters)).collect();
        for kind in DamageKind::ALL {
            let (output, damage) = damage_as(&mut rng, &input, kind);
            let damages: Vec<Damage> = damage.into_iter().collect();
            assert_eq!(rebuilt(&input, &output, &damages), output);
        }
    }
}

#[test]
fn shapes_have_names() {
    for shape in Shape::ALL {
        assert_eq!(shape.name().parse(), Ok(shape));
    }
    let error = "huge".parse::<Shape>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown shape \"huge\", use one of: real chat edits compact tiny legacy"
    );
}

#[test]
fn shapes_are_what_their_facts_say() {
    for shape in Shape::ALL {
        let mut bytes = Vec::new();
        let facts = write_shape(&mut bytes, shape, 3, 1 << 20).unwrap();
        assert_eq!(bytes, shape_bytes(shape, 3, 1 << 20), "{shape}: same seed, same bytes");
        assert_ne!(bytes, shape_bytes(shape, 4, 1 << 20), "{shape}: other seed, other bytes");
        assert_eq!(facts.bytes, bytes.len() as u64);
        assert!(facts.bytes >= 1 << 20 && facts.bytes < 4 << 20, "{shape}: {facts:?}");
        let lines = lines_of(&bytes);
        assert_eq!(facts.records, lines.len() as u64);
        let longest = lines.iter().map(|line| line.len() as u64).max();
        assert_eq!(Some(facts.longest_line_bytes), longest);
        let kinds: Vec<String> = lines.iter().map(|line| kind_of(&json(line))).collect();
        assert_eq!(kinds.first().map(String::as_str), Some("session_meta"));
        let turns = kinds.iter().filter(|kind| *kind == "event_msg/task_started").count();
        assert_eq!(facts.turns, turns as u64);
    }
}

#[test]
fn empty_shapes_hold_a_turn() {
    for shape in Shape::ALL {
        let facts = write_shape(std::io::sink(), shape, 1, 0).unwrap();
        assert_eq!(facts.turns, 1, "{shape}");
    }
}

/// REAL.md: kind, share of lines, share of bytes, median, p99.
const REAL: [(&str, f64, f64, usize, usize); 17] = [
    ("response_item/function_call_output", 13.03, 36.2, 2_190, 46_091),
    ("session_meta", 1.48, 11.4, 19_109, 22_378),
    ("response_item/message", 13.01, 9.3, 561, 29_742),
    ("response_item/reasoning", 10.93, 9.2, 1_560, 9_048),
    ("turn_context", 4.60, 7.9, 1_916, 13_172),
    ("response_item/custom_tool_call_output", 3.28, 7.0, 534, 45_708),
    ("event_msg/token_count", 15.96, 4.5, 711, 801),
    ("response_item/function_call", 13.04, 3.4, 598, 2_714),
    ("response_item/custom_tool_call", 3.29, 2.2, 1_092, 10_814),
    ("event_msg/agent_message", 8.72, 2.0, 377, 3_016),
    ("event_msg/user_message", 2.42, 1.6, 500, 15_241),
    ("event_msg/task_complete", 2.14, 1.1, 1_158, 4_440),
    ("event_msg/patch_apply_end", 1.09, 1.1, 1_508, 15_307),
    ("event_msg/exec_command_end", 0.65, 0.8, 1_628, 11_720),
    ("world_state", 0.27, 0.7, 8_368, 14_821),
    ("event_msg/task_started", 2.29, 0.2, 233, 233),
    ("event_msg/agent_reasoning", 2.28, 0.2, 147, 717),
];

#[test]
fn real_has_the_shares_of_real_files() {
    let bytes = shape_bytes(Shape::Real, 11, 20_000_000);
    let mut sizes: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for line in lines_of(&bytes) {
        sizes.entry(kind_of(&json(line))).or_default().push(line.len());
    }
    let lines: usize = sizes.values().map(Vec::len).sum();
    for (kind, want_lines, want_bytes, want_median, want_p99) in REAL {
        let mut sizes = sizes.remove(kind).unwrap_or_default();
        sizes.sort_unstable();
        let at = |percent: usize| sizes.get(sizes.len() * percent / 100).copied().unwrap_or(0);
        let share_lines = 100.0 * sizes.len() as f64 / lines as f64;
        let share_bytes = 100.0 * sizes.iter().sum::<usize>() as f64 / bytes.len() as f64;
        println!(
            "{kind:38} lines {share_lines:5.2} ({want_lines:5.2}) bytes {share_bytes:5.2} \
             ({want_bytes:4.1}) median {} ({want_median}) p99 {} ({want_p99})",
            at(50),
            at(99)
        );
        assert!((share_lines / want_lines - 1.0).abs() < 0.15, "lines of {kind}");
        // Shares of a few tenths are rounded in the table.
        let bound = if want_bytes < 0.5 { 0.6 } else { 0.25 };
        assert!((share_bytes / want_bytes - 1.0).abs() < bound, "bytes of {kind}");
        // Few lines have a shaky median.
        let is_common = sizes.len() >= 100;
        let bound = if is_common { 0.25 } else { 0.5 };
        assert!((at(50) as f64 / want_median as f64 - 1.0).abs() < bound, "median of {kind}");
    }
    println!(
        "others {:?}",
        sizes.iter().map(|(kind, sizes)| (kind, sizes.len())).collect::<Vec<_>>()
    );
}
