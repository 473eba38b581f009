//! Token use of forks and sub-agents (TORTURE 17, 18, 19) as it was worked out by hand: the sums
//! stand in the rows of `fixtures/README.md`, and do not come from what the fold made of the logs.

use rollfold_core::Options;
use rollfold_core::model::Ownership;

use crate::support::{fixtures, fold};

/// A case: what the thread used itself, what its file tells of others, and its own lines.
type Case = (&'static str, i64, i64, &'static [u64]);

/// Totals are the writers' sums. 250 is the parent's 100 + 150.
const CASES: &[Case] = &[
    // 17: the total goes on from the parent's; from none.
    ("fork_legacy_copy_ends_at_own_meta", 300 - 250, 250, &[0, 7, 8, 9, 10, 11]),
    ("fork_of_parent_that_said_nothing", 40, 0, &[0, 3, 4, 5, 6]),
    // 18: each child goes on from the parent's total or from zero; so do their children.
    ("fork_child_from_parents_total", 300 - 250, 250, &[0, 7, 8, 9, 10, 11]),
    ("fork_child_from_zero", 40 + 30, 250, &[0, 7, 8, 9, 10, 11]),
    ("fork_grandchild_from_parents_total", 307 - 300, 250 + 50, &[0, 13, 14, 15, 16, 17]),
    ("fork_grandchild_from_zero", 9 + 11, 250 + 40 + 30, &[0, 13, 14, 15, 16, 17]),
    ("fork_grandchild_of_zero_child_from_its_total", 81 - 70, 250 + 70, &[0, 13, 14, 15, 16, 17]),
    ("fork_without_copy_from_origins_total", 310 - 250, 0, &[0, 1, 2, 3, 4, 5]),
    ("fork_without_copy_from_zero", 20 + 1, 0, &[0, 1, 2, 3, 4, 5]),
    ("fork_record_and_count_across_the_seam", 30, 250, &[0, 7, 8, 9, 10, 11]),
    ("fork_by_reference_inherits_no_record", 262 - 250, 0, &[0, 1, 2, 3, 4]),
    ("usage_totals_add_up", 100 + 150 + 50, 0, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ("usage_compaction_lets_total_begin_anew", 500 + 30 + 15, 0, &[0, 1, 2, 3, 4]),
    ("usage_compaction_need_not_reset", 500 + 30, 0, &[0, 1, 2, 3]),
    ("usage_stray_total_is_reported", 500 + 30, 0, &[0, 1, 2, 3]),
    ("usage_counter_restarted_without_reason", 500 + 30, 0, &[0, 1, 2, 3]),
    ("usage_record_beside_count_counts_once", 10 + 20 + 5, 0, &[0, 1, 2, 3, 4, 5, 6, 7]),
    ("usage_count_covers_records_before_it", 7 + 10, 0, &[0, 1, 2, 3]),
    // 19: the parent's 100, then 30.
    ("sub_agent_start_ordinal_reached", 130 - 100, 100, &[0, 4, 5]),
    ("sub_agent_start_ordinal_is_record_count", 0, 130, &[0, 1, 2, 3, 4, 5]),
    ("sub_agent_start_ordinal_beyond_end", 0, 130, &[0, 1, 2, 3, 4, 5]),
    ("sub_agent_start_ordinal_zero", 100 + 30, 0, &[0, 1, 2, 3, 4, 5]),
    ("sub_agent_start_ordinal_absent", 130 - 100, 100, &[0, 4, 5]),
    ("sub_agent_without_times_or_claim", 100 + 30, 0, &[0, 1, 2, 3, 4, 5]),
    ("sub_agent_without_parent", 100 + 30, 0, &[0, 1, 2, 3, 4, 5]),
    ("sub_agent_that_is_its_own_parent", 30, 0, &[0, 1, 2, 3]),
];

#[test]
fn own_totals_are_those_worked_out_by_hand() {
    for (name, own, inherited, own_lines) in CASES {
        let input = std::fs::read(fixtures().join("golden").join(name).join("input.jsonl"));
        let input = input.unwrap();
        let folded = fold(&input, Options::default());
        let ledger = folded.snapshot.ledger();
        let totals = (ledger.own().total, ledger.inherited().total);
        assert_eq!(totals, (*own, *inherited), "{name}");
        // Nine tenths of every count are input; of a difference of two, rounded either way.
        let input_tokens = ledger.own().input;
        assert!((input_tokens - own * 9 / 10).abs() <= 1, "{name}: {input_tokens} of {own}");
        let lines = folded.folder.frontier().state.position.seq;
        let inheritance = folded.snapshot.inheritance();
        let owned = (0..lines).filter(|seq| inheritance.ownership(*seq) == Ownership::Own);
        assert_eq!(owned.collect::<Vec<_>>(), *own_lines, "{name}");
    }
}

/// What is counted as a thread's own is told entry by entry.
#[test]
fn entries_add_up_to_the_totals() {
    for (name, own, inherited, _) in CASES {
        let input = std::fs::read(fixtures().join("golden").join(name).join("input.jsonl"));
        let folded = fold(&input.unwrap(), Options::default());
        let sum = |ownership| {
            let entries = folded.snapshot.ledger().entries();
            let of_it = entries.filter(|entry| entry.ownership == ownership);
            of_it.map(|entry| entry.delta.total).sum::<i64>()
        };
        assert_eq!((sum(Ownership::Own), sum(Ownership::Inherited)), (*own, *inherited), "{name}");
    }
}

/// Of a file whose claim is not reached nothing is believed but that its counts may be another's.
#[test]
fn records_are_counted_as_whose_they_are() {
    for (name, _, _, own_lines) in CASES {
        let input = std::fs::read(fixtures().join("golden").join(name).join("input.jsonl"));
        let folded = fold(&input.unwrap(), Options::default());
        let health = folded.folder.frontier().state.health();
        let is_unreached = folded.snapshot.inheritance().unreached_claim().is_some();
        let own = if is_unreached { 1 } else { own_lines.len() as u64 };
        assert_eq!(health.own_records(), own, "{name}");
    }
}
