//! `cargo xtask fuzz`.

use crate::xtask;

#[test]
fn a_seed_runs_alone_and_breaks_no_law() {
    for seed in ["1", "2", "3"] {
        let ran = xtask(&["fuzz", "--seed", seed]);
        assert_eq!(ran.code, 0, "{}", ran.stdout);
        assert!(ran.stdout.starts_with("1 runs, "), "{}", ran.stdout);
    }
}
