//! Which test shows which torture case: what real logs do to a reader, and that it is survived.
//! Golden fixtures are folded by the core's tests and synced by this crate's.
//!
//! | case | what | where |
//! | --- | --- | --- |
//! | 1 | ordinal reused at a resume seam | fixtures/golden `damage_ordinal_reused_at_resume_seam` |
//! | 1 | the same record twice | fixtures/golden `damage_ordinal_reused_by_equal_record` |
//! | 1 | on the store, one seam and three | projector/tests/torture_store.rs `torture_01_duplicates_at_resume_seams` |
//! | 2 | overlapping writers | fixtures/golden `damage_overlapping_writers` |
//! | 2 | on the store | projector/tests/torture_store.rs `torture_02_overlapping_writers` |
//! | 3 | gap | fixtures/golden `damage_ordinal_gap` |
//! | 3 | gap that a bad line explains | fixtures/golden `damage_ordinal_gap_explained_by_bad_line` |
//! | 3 | first ordinal 5 | fixtures/golden `damage_ordinal_starts_at_five` |
//! | 3 | on the store | projector/tests/torture_store.rs `torture_03_gaps` |
//! | 4 | absent | fixtures/golden `damage_ordinal_absent` |
//! | 4 | null | fixtures/golden `damage_ordinal_null` |
//! | 4 | text | fixtures/golden `damage_ordinal_string` |
//! | 4 | float | fixtures/golden `damage_ordinal_float` |
//! | 4 | the largest | fixtures/golden `damage_ordinal_u64_max` |
//! | 4 | twice | fixtures/golden `damage_ordinal_key_twice` |
//! | 4 | on the store | projector/tests/torture_store.rs `torture_04_shapes_of_ordinals` |
//! | 5 | decimal limits | fixtures/golden `damage_used_percent_tiny_exponent` |
//! | 5 | on the store | projector/tests/torture_store.rs `torture_05_decimal_limits` |
//! | 6 | every prefix | core/tests/cuts.rs `every_prefix_folds_to_its_last_complete_line` |
//! | 6 | a store goes on from every byte | projector/tests/torture_store.rs `torture_06_every_prefix` |
//! | 7 | torn, then retried, with LF | fixtures/golden `damage_torn_then_retried_with_lf` |
//! | 7 | and without | fixtures/golden `damage_torn_then_retried_without_lf` |
//! | 7 | whole batches again | core/tests/retries.rs `torture_07_retried_batches_with_ordinals_count_once` |
//! | 8 | half a character before LF | fixtures/golden `damage_utf8_torn_character_with_lf` |
//! | 8 | inside a string | fixtures/golden `damage_utf8_bytes_inside_string` |
//! | 8 | on the store | projector/tests/torture_store.rs `torture_08_invalid_utf_8` |
//! | 9 | NULs before LF | fixtures/golden `damage_nul_run_after_record` |
//! | 9 | NULs at the end | fixtures/golden `damage_nul_run_at_end` |
//! | 9 | NUL in a name | fixtures/golden `damage_nul_escape_in_name` |
//! | 9 | on the store | projector/tests/torture_store.rs `torture_09_nuls` |
//! | 10 | line separators of Unicode | fixtures/golden `damage_unicode_line_separators` |
//! | 10 | CRLF | fixtures/golden `damage_crlf_line_ends` |
//! | 10 | byte order mark | fixtures/golden `damage_byte_order_mark` |
//! | 10 | on the store | projector/tests/torture_store.rs `torture_10_line_separators` |
//! | 11 | lone surrogate | fixtures/golden `damage_lone_surrogate` |
//! | 11 | deep nesting | fixtures/golden `damage_deep_nesting` |
//! | 11 | two objects on a line | fixtures/golden `damage_two_objects_on_one_line` |
//! | 11 | on the store | projector/tests/torture_store.rs `torture_11_edges_of_json` |
//! | 12 | a line of 54 MB | projector/tests/torture_lines.rs `torture_12_a_line_of_54_megabytes` |
//! | 12 | a gigabyte without LF | projector/tests/torture_lines.rs `torture_12_a_gigabyte_without_line_end_waits` |
//! | 12 | lines beyond any bound | projector/tests/torture_lines.rs `torture_12_longer_lines_than_may_be_are_damage` |
//! | 12 | the same in memory | core/tests/long_lines.rs `torture_12_heads_and_digests_fold_as_whole_lines` |
//! | 13 | 10 GB of the same images | projector/tests/torture_store.rs `torture_13_real_size_of_an_amplified_log` |
//! | 14 | 1,000 records of the future | projector/tests/torture_store.rs `torture_14_an_unknown_future` |
//! | 15 | three vocabularies | projector/tests/torture_store.rs `torture_15_three_vocabularies` |
//! | 16 | segments of segments | projector/tests/torture_segments.rs `torture_16_segments_fold_as_one_log` |
//! | 16 | compressed, archived | projector/tests/torture_segments.rs `torture_16_bases_compressed_and_archived` |
//! | 16 | wrong, missing, in a circle | projector/tests/torture_segments.rs `torture_16_wrong_bases_are_said_and_not_followed` |
//! | 16 | no end of bases | projector/tests/torture_segments.rs `torture_16_a_chain_without_end_is_given_up` |
//! | 17 | forks; 18, 19 too | core/tests/torture.rs `own_totals_are_those_worked_out_by_hand` |
//! | 20 | rollbacks | fixtures/golden `rollback_five_then_again` |
//! | 20 | rollbacks of all kinds, on the store | projector/tests/torture_store.rs `torture_20_rollbacks` |
//! | 21 | ten thousand patches | core/tests/world.rs `ten_thousand_patches_are_read_anywhere` |
//! | 21 | on the store, read at patch 7,777 | projector/tests/torture_store.rs `torture_21_ten_thousand_patches_read_at_7777` |
//! | 22 | shapes of crashes | projector/tests/torture_store.rs `torture_22_shapes_of_crashes` |
//! | 23 | encodings | projector/tests/torture_sources.rs `torture_23_encodings` |
//! | 23 | broken frames | projector/tests/torture_sources.rs `torture_23_truncated_and_damaged_frames` |
//! | 23 | a compressed file as it was | projector/tests/torture_sources.rs `torture_23_a_settled_file_is_not_decoded_again` |
//! | 23 | places | projector/tests/torture_sources.rs `torture_23_moves_keep_everything` |
//! | 23 | stray files | projector/tests/torture_sources.rs `torture_23_stray_files_are_answered_clearly` |
//! | 24 | byte by byte | projector/tests/torture_sources.rs `torture_24_byte_by_byte` |
//! | 24 | equal length, old time | projector/tests/torture_sources.rs `torture_24_equal_length_with_old_time` |
//! | 24 | anything in any order | projector/tests/torture_sources.rs `torture_24_any_interleaving` |
//! | 25 | crash at every operation | projector/tests/sweep.rs `a_short_workload_survives_a_crash_at_every_operation` |
//! | 25 | damaged store | projector/tests/damage.rs `a_small_store_heals_from_any_damage` |
//! | 25 | full disk | projector/tests/crash.rs `a_full_disk_loses_nothing` |
//! | 25 | two processes | projector/tests/processes.rs `readers_see_whole_commits_while_another_process_writes` |

use std::path::Path;

/// Every row of the table names something that is there.
#[test]
fn the_table_is_true() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let rows = include_str!("torture.rs").lines().filter_map(|line| {
        let mut cells = line.strip_prefix("//! | ")?.split(" | ");
        cells.next()?.parse::<u32>().ok()?;
        cells.nth(1)?.trim_end_matches(" |").split_once(' ')
    });
    let mut count = 0;
    for (place, name) in rows {
        let name = name.trim_matches('`');
        let path = root.join(place);
        let is_there = match place.ends_with(".rs") {
            true => std::fs::read_to_string(&path).unwrap().contains(&format!("\nfn {name}()")),
            false => path.join(name).join("input.jsonl").is_file(),
        };
        assert!(is_there, "{place} has no {name}");
        count += 1;
    }
    assert!(count > 40, "{count} rows");
}
