//! Which test shows which torture case: what real logs do to a reader, and that it is survived.
//!
//! | case | what | test |
//! | --- | --- | --- |
//! | 7 | torn, then retried | core `retries::torture_07_retried_batches_with_ordinals_count_once` |
//! | 12 | a line of 54 MB | `torture_lines::torture_12_a_line_of_54_megabytes` |
//! | 12 | a gigabyte without line end | `torture_lines::torture_12_a_gigabyte_without_line_end_waits` |
//! | 12 | lines beyond any bound | `torture_lines::torture_12_longer_lines_than_may_be_are_damage` |
//! | 12 | the same in memory | core `long_lines::torture_12_heads_and_digests_fold_as_whole_lines` |
//! | 16 | segments of segments | `torture_segments::torture_16_segments_fold_as_one_log` |
//! | 16 | compressed, archived | `torture_segments::torture_16_bases_compressed_and_archived` |
//! | 16 | wrong, missing, in a circle | `torture_segments::torture_16_wrong_bases_are_said_and_not_followed` |
//! | 16 | no end of bases | `torture_segments::torture_16_a_chain_without_end_is_given_up` |
//! | 23 | encodings | `torture_sources::torture_23_encodings` |
//! | 23 | broken frames | `torture_sources::torture_23_truncated_and_damaged_frames` |
//! | 23 | unchanged compressed file | `torture_sources::torture_23_a_settled_file_is_not_decoded_again` |
//! | 23 | places | `torture_sources::torture_23_moves_keep_everything` |
//! | 23 | stray files | `torture_sources::torture_23_stray_files_are_answered_clearly` |
//! | 24 | rewrites with old times | `torture_sources::torture_24_equal_length_with_old_time` |
//! | 24 | anything in any order | `torture_sources::torture_24_any_interleaving` |
