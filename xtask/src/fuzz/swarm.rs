//! Logs of a seed: each run switches kinds of records and of damage on and off.

use rollfold_core::testing::{DamageKind, Prng, Swarm, damage_as, rollout_bytes};

/// The log of a seed, whole or damaged in a few of the ways that this seed allows.
pub(crate) fn log(seed: u64, len_max: usize) -> Vec<u8> {
    let mut rng = Prng::new(seed);
    let len_records = rng.index(len_max);
    let mut log = rollout_bytes(&Swarm::new(seed, len_records));
    let percent = rng.pick(&[10, 40, 100]);
    let allowed: Vec<DamageKind> =
        DamageKind::ALL.into_iter().filter(|_| rng.chance(percent)).collect();
    for _ in 0..rng.below(5) {
        if let Some(kind) = rng.pick_ref(&allowed) {
            log = damage_as(&mut rng, &log, *kind).0;
        }
    }
    log
}

/// Bytes as no writer makes them: any, or those of JSON, or a log with bytes changed.
pub(crate) fn bytes(seed: u64) -> Vec<u8> {
    let mut rng = Prng::new(seed);
    let len = rng.index(2_000);
    match rng.below(3) {
        0 => (0..len).map(|_| rng.next_u64() as u8).collect(),
        1 => (0..len).map(|_| rng.pick(b"{}[]\",:\\u0019eE+-.truefalsn \n\t\x00\xff")).collect(),
        _ => {
            let mut log = log(seed, 30);
            for _ in 0..rng.below(12) {
                mutate(&mut rng, &mut log);
            }
            log
        }
    }
}

fn mutate(rng: &mut Prng, log: &mut Vec<u8>) {
    let at = rng.index(log.len() + 1);
    match rng.below(5) {
        0 => log.truncate(at),
        1 => log.insert(at, rng.next_u64() as u8),
        2 => {
            let end = (at + rng.index(40)).min(log.len());
            log.drain(at..end);
        }
        3 => {
            let end = (at + rng.index(200)).min(log.len());
            let copy = log.get(at..end).unwrap_or_default().to_vec();
            let to = rng.index(log.len() + 1);
            log.splice(to..to, copy);
        }
        _ => {
            if let Some(byte) = log.get_mut(at) {
                *byte ^= 1 << rng.below(8);
            }
        }
    }
}
