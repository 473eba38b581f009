//! Which test shows which torture case: what real logs do to a reader, and that it is survived.
//!
//! | case | what | test |
//! | --- | --- | --- |
//! | 7 | torn, then retried | core `retries::torture_07_retried_batches_with_ordinals_count_once` |
//! | 23 | encodings | `torture_sources::torture_23_encodings` |
//! | 23 | broken frames | `torture_sources::torture_23_truncated_and_damaged_frames` |
//! | 23 | unchanged compressed file | `torture_sources::torture_23_a_settled_file_is_not_decoded_again` |
//! | 23 | places | `torture_sources::torture_23_moves_keep_everything` |
//! | 23 | stray files | `torture_sources::torture_23_stray_files_are_answered_clearly` |
//! | 24 | rewrites with old times | `torture_sources::torture_24_equal_length_with_old_time` |
//! | 24 | anything in any order | `torture_sources::torture_24_any_interleaving` |
