//! What a writer would keep.

use std::error::Error;

use rollfold_core::{LabelBytes, Policy, PolicyBytes};
use rollfold_projector::LogSource;
use serde_json::json;

use super::super::log::LogBodies;
use super::Folded;
use super::print::Printer;

/// By today's writer of the thread's history mode.
pub(super) fn show<S: LogSource>(
    to: &mut Printer<'_>,
    folded: &Folded,
    bodies: &LogBodies<'_, S>,
) -> Result<(), Box<dyn Error>> {
    let policy = Policy::of_mode(folded.folder.frontier().state.history().mode());
    let bytes = PolicyBytes::of_records(folded.snapshot.records(), bodies, &policy)?;
    let labels = bytes.labels().map(|(label, sums)| (Some(label), sums));
    let mut rows = Vec::new();
    for (label, sums) in labels.chain([(None, bytes.total())]) {
        let LabelBytes { records, bytes, kept_records, kept_bytes } = sums;
        if to.is_json() {
            to.json(json!({
                "label": label,
                "records": records,
                "bytes": bytes,
                "kept_records": kept_records,
                "kept_bytes": kept_bytes,
            }))?;
            continue;
        }
        let [records, bytes, kept_records, kept_bytes] =
            [records, bytes, kept_records, kept_bytes].map(|count| count.to_string());
        let label = label.unwrap_or("all").to_owned();
        rows.push([label, records, bytes, kept_records, kept_bytes]);
    }
    if !to.is_json() {
        to.table(["label", "records", "bytes", "kept records", "kept bytes"], &rows)?;
    }
    Ok(())
}
