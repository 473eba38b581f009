//! Making a failing case smaller: parts are left out, in ever smaller groups; then bytes of parts.

use std::time::{Duration, Instant};

use super::case::Case;

/// How long is spent on it.
const LIMIT: Duration = Duration::from_secs(20);

/// The smallest case found that fails still. Only cases of text are cut inside their parts.
pub(crate) fn shrink(case: Case, is_text: bool, fails: &dyn Fn(&Case) -> bool) -> Case {
    let deadline = Instant::now() + LIMIT;
    let with = |parts: &[Vec<u8>]| Case { parts: parts.to_vec(), ..case.clone() };
    let mut parts = fewer(case.parts.clone(), deadline, &|parts| fails(&with(parts)));
    if is_text {
        for at in 0..parts.len() {
            let Some(part) = parts.get(at).cloned() else { break };
            let put = |bytes: &[u8]| {
                let mut parts = parts.clone();
                if let Some(place) = parts.get_mut(at) {
                    *place = bytes.to_vec();
                }
                parts
            };
            let small = fewer(part, deadline, &|bytes| fails(&with(&put(bytes))));
            parts = put(&small);
        }
    }
    Case { parts, ..case }
}

/// Leaves out runs of things, from half of all down to one, as long as `fails` holds.
fn fewer<T: Clone>(mut things: Vec<T>, deadline: Instant, fails: &dyn Fn(&[T]) -> bool) -> Vec<T> {
    let mut run = things.len().div_ceil(2).max(1);
    loop {
        let mut at = 0;
        let mut is_smaller = false;
        while at < things.len() {
            if Instant::now() >= deadline {
                return things;
            }
            let mut rest = things.clone();
            rest.drain(at..(at + run).min(things.len()));
            match fails(&rest) {
                true => {
                    things = rest;
                    is_smaller = true;
                }
                false => at += run,
            }
        }
        match (run, is_smaller) {
            (1, false) => return things,
            (1, true) => {}
            _ => run = run.div_ceil(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_matter_goes() {
        let bytes = b"one\ntwo\nthree bad x\nfour\nfive bad y\n".to_vec();
        let fails = |case: &Case| {
            let text = String::from_utf8_lossy(&case.bytes()).into_owned();
            text.matches("bad").count() == 2
        };
        let small = shrink(Case::new("t", 1, bytes.clone()), true, &fails);
        assert_eq!(small.bytes(), b"badbad");
        let small = shrink(Case::new("t", 1, bytes), false, &fails);
        assert_eq!(small.bytes(), b"three bad x\nfive bad y\n");
    }
}
