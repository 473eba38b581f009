//! How much of a log was recognised (TORTURE rows 8 and 14).

use std::collections::BTreeMap;

use super::inheritance::own_records;
use super::lines::{Line, What, records};

/// Counts by name.
pub(crate) type Counts = BTreeMap<String, u64>;

#[derive(Default)]
pub(crate) struct Health {
    /// Records of known kinds by kind.
    pub(crate) known: Counts,
    /// Others by their tags.
    pub(crate) unknown: Counts,
    /// What is no record, by the tag it names.
    pub(crate) damaged: Counts,
    pub(crate) own: u64,
}

fn add(counts: &mut Counts, name: &str) {
    *counts.entry(name.to_owned()).or_default() += 1;
}

pub(crate) fn health(lines: &[Line]) -> Health {
    let mut health = Health::default();
    let own = own_records(lines);
    for line in lines {
        if let What::Damaged(tag) = &line.what {
            add(&mut health.damaged, tag.as_deref().unwrap_or(""));
        }
    }
    for (line, record) in records(lines) {
        match (&record.kind, &record.inner_tag) {
            (Some(kind), _) if kind != "response_item/(other)" => {
                add(&mut health.known, kind);
                health.own += u64::from(own.contains(&line.seq));
            }
            (_, Some(inner)) => add(&mut health.unknown, &format!("{}/{inner}", record.tag)),
            (_, None) => add(&mut health.unknown, &record.tag),
        }
    }
    health
}
