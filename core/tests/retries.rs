//! Lines that a writer wrote again: known by their content, used once.

use rollfold_core::testing::{History, Prng, Swarm, join_lines, rollout};
use rollfold_core::{DiagnosticKind, Options, Retries, Snapshot};

use crate::support::{apply, event, folded, line};
use crate::swarms::{Walk, for_seeds};

fn first_seqs(walk: &Walk) -> Vec<(u64, u64)> {
    let diagnostics = walk.steps.iter().flat_map(|step| &step.diagnostics);
    let first_seq = |kind: &DiagnosticKind| match kind {
        DiagnosticKind::Retry { first_seq } => Some(*first_seq),
        _ => None,
    };
    diagnostics.filter_map(|it| Some((it.seq, first_seq(&it.kind)?))).collect()
}

/// The log with the retries it reports, and the log with as many blanks in their places, come to
/// the same in everything: what blanks do not do, retries do not do either.
fn check_silence(lines: &[Vec<u8>], options: Options) -> Vec<(u64, u64)> {
    let with = Walk::of(&join_lines(lines), options);
    let retries = first_seqs(&with);
    let mut blanked = lines.to_vec();
    for (seq, first_seq) in &retries {
        let (seq, first_seq) = (*seq as usize, *first_seq as usize);
        assert_eq!(lines[seq], lines[first_seq]);
        assert!(first_seq < seq);
        blanked[seq].fill(b' ');
    }
    let without = Walk::of(&join_lines(&blanked), options);
    let (mut one, mut other) = (Snapshot::default(), Snapshot::default());
    apply(&mut one, &with.steps);
    apply(&mut other, &without.steps);
    assert!(one == other, "another snapshot");
    for ((with, without), step) in with.frontiers.iter().zip(&without.frontiers).zip(&with.steps) {
        assert_eq!(with.state.position, without.state.position, "{step:?}");
        assert_eq!(with.state.history(), without.state.history(), "{step:?}");
        assert_eq!(with.state.facts(), without.state.facts(), "{step:?}");
        assert_eq!(with.state.health(), without.state.health(), "{step:?}");
        assert_eq!(with.past, without.past, "{step:?}");
    }
    for (with, without) in with.steps.iter().zip(&without.steps) {
        let is_retry = |kind: &DiagnosticKind| matches!(kind, DiagnosticKind::Retry { .. });
        let kept = with.diagnostics.iter().filter(|it| !is_retry(&it.kind));
        assert!(kept.eq(&without.diagnostics), "{with:?}");
    }
    retries
}

/// The newest lines again, behind a torn one or not.
#[test]
fn torture_07_retried_batches_with_ordinals_count_once() {
    for_seeds(60, |seed| {
        let swarm = Swarm { history: History::Paginated, ..Swarm::new(seed, 40) };
        let mut rng = Prng::new(!seed);
        let mut lines: Vec<Vec<u8>> = Vec::new();
        let mut retried = Vec::new();
        for line in rollout(&swarm) {
            lines.push(line);
            if !rng.chance(15) {
                continue;
            }
            let len = rng.between(1, 8).min(lines.len() as u64) as usize;
            let again = lines[lines.len() - len..].to_vec();
            if rng.chance(30) {
                let torn = again[0].len() * 3 / 5;
                lines.push(again[0][..torn].to_vec());
            }
            for line in again {
                retried.push((lines.len() as u64, line.clone()));
                lines.push(line);
            }
        }
        let found = check_silence(&lines, Options::default());
        for (seq, line) in retried {
            let text = String::from_utf8_lossy(&line);
            if text.contains("\"ordinal\"")
                && serde_json::from_slice::<serde_json::Value>(&line).is_ok()
            {
                assert!(found.iter().any(|(it, _)| *it == seq), "{seq}: {text}");
            }
        }
    });
}

#[test]
fn retries_without_ordinals_do_nothing() {
    for_seeds(60, |seed| {
        let swarm = Swarm { history: History::Legacy, ..Swarm::new(seed, 60) };
        let mut rng = Prng::new(!seed);
        let mut lines = Vec::new();
        for line in rollout(&swarm) {
            let again = rng.chance(40).then(|| line.clone());
            lines.push(line);
            lines.extend(again);
        }
        check_silence(&lines, Options::default());
    });
    let swarm = Swarm { history: History::Legacy, ..Swarm::new(3, 200) };
    let twice: Vec<_> = rollout(&swarm).into_iter().flat_map(|line| [line.clone(), line]).collect();
    let count = check_silence(&twice, Options::default()).len();
    assert!(count > 50, "{count} of 200 recognised");
}

fn recognised(log: &[String]) -> Vec<(u64, u64)> {
    first_seqs(&Walk::of(log.concat().as_bytes(), Options::default()))
}

#[test]
fn what_may_be_said_twice_is_not_swallowed() {
    let said = event(1, "user_message", ",\"message\":\"continue\"");
    let other = event(1, "agent_message", ",\"message\":\"done\"");
    // The next record, whatever damage and blanks stand between.
    assert_eq!(recognised(&[said.clone(), said.clone()]), [(1, 0)]);
    let torn = format!("{}\n", said.split_at(30).0);
    let log = [said.clone(), torn, "\n".into(), said.clone(), said.clone()];
    assert_eq!(recognised(&log), [(3, 0), (4, 0)]);
    // Said again after an answer, in the same millisecond.
    assert_eq!(recognised(&[said.clone(), other.clone(), said.clone(), other.clone()]), []);
    // At another time.
    assert_eq!(
        recognised(&[said.clone(), event(2, "user_message", ",\"message\":\"continue\"")]),
        []
    );
    // Without a time.
    let bare = "{\"type\":\"message\",\"role\":\"user\",\"content\":[]}\n".to_owned();
    assert_eq!(recognised(&[bare.clone(), bare]), []);
    // Repeating these means something.
    for repeated in [
        event(1, "thread_rolled_back", ",\"num_turns\":1"),
        event(1, "context_compacted", ""),
        event(1, "token_count", ",\"info\":null"),
        line(1, "compacted", "{\"message\":\"m\"}"),
        line(1, "from_the_future", "{}"),
    ] {
        assert_eq!(recognised(&[repeated.clone(), repeated]), []);
    }
    // Copies of another thread's history are all stamped at once.
    let meta =
        |id: &str, fork: &str| line(0, "session_meta", &format!("{{\"id\":\"{id}\"{fork}}}"));
    let child = meta("c", ",\"forked_from_id\":\"p\"");
    let log = [child.clone(), meta("p", ""), said.clone(), said.clone()];
    assert_eq!(recognised(&log), []);
}

#[test]
fn the_window_is_bounded() {
    let with_ordinal = |ordinal: u64| {
        format!(
            "{{\"timestamp\":\"t\",\"ordinal\":{ordinal},\"type\":\"event_msg\",\"payload\":{{\"type\":\"agent_message\",\"message\":\"m\"}}}}\n"
        )
    };
    for (between, expected) in [(63, vec![(64, 0)]), (64, vec![])] {
        let mut log: Vec<String> = (0..=between).map(with_ordinal).collect();
        log.push(with_ordinal(0));
        assert_eq!(recognised(&log), expected, "{between} between");
    }
}

#[test]
fn the_reference_folds_retries() {
    assert_eq!(Options::REFERENCE.retries, Retries::Folded);
    let said = event(1, "user_message", ",\"message\":\"continue\"");
    let log = [said.clone(), said];
    let walk = Walk::of(log.concat().as_bytes(), Options::REFERENCE);
    assert_eq!(first_seqs(&walk), []);
    assert_eq!(folded(&log).snapshot.len_items(), 1);
    assert_eq!(walk.frontiers[1].state.counts.records, 2);
}
