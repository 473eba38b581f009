//! The list of what is in a bundle, and whether it may be believed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::HEAD_BYTES;
use crate::error::BundleProblem;
use crate::home::NameEntry;
use crate::source::RolloutName;

/// A thread's name is a line of text.
const NAME_BYTES_MAX: u64 = 64 * 1024;

/// What is in a bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The thread that the bundle was made of.
    pub thread_id: String,
    /// The logs, in the order they stand in.
    pub logs: Vec<BundledLog>,
    /// The names of these threads.
    #[serde(default)]
    pub names: Vec<NameEntry>,
}

/// A log in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BundledLog {
    /// The name of its file, in the plain form.
    pub name: String,
    /// Whether it was put away.
    pub is_archived: bool,
    /// When it was last written, in milliseconds since 1970.
    pub modified_unix_ms: u64,
    /// Its bytes.
    pub len_bytes: u64,
    /// The bytes it takes in the bundle.
    pub packed_bytes: u64,
    /// The BLAKE3 digest of its bytes, as hex.
    pub blake3: String,
}

impl BundledLog {
    pub(super) fn rollout_name(&self) -> Result<RolloutName, BundleProblem> {
        let name = RolloutName::parse(&self.name).filter(|_| self.name.ends_with(".jsonl"));
        name.ok_or_else(|| BundleProblem::Name { name: self.name.clone() })
    }
}

/// How much of a bundle is taken in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) logs: u64,
    pub(super) bytes: u64,
}

impl Manifest {
    /// Reads a list, and checks that it says nothing that must not be followed.
    pub(super) fn read(json: &[u8], logs_end: u64, limits: Limits) -> Result<Self, BundleProblem> {
        let manifest: Self = serde_json::from_slice(json).map_err(BundleProblem::Manifest)?;
        let (logs, limit) = (manifest.logs.len() as u64, limits.logs);
        if logs > limit {
            return Err(BundleProblem::TooMuch { what: "logs", declared: logs, limit });
        }
        let name_bytes = manifest.names.iter().map(|entry| entry.thread_name.len() as u64);
        if let Some(declared) = name_bytes.max().filter(|len| *len > NAME_BYTES_MAX) {
            let (what, limit) = ("bytes of a thread's name", NAME_BYTES_MAX);
            return Err(BundleProblem::TooMuch { what, declared, limit });
        }
        let mut names = BTreeSet::new();
        let (mut end, mut bytes) = (HEAD_BYTES, 0_u64);
        for log in &manifest.logs {
            log.rollout_name()?;
            // Some disks do not tell large letters from small ones.
            if !names.insert(log.name.to_ascii_lowercase()) {
                return Err(BundleProblem::Duplicate { name: log.name.clone() });
            }
            end = end.saturating_add(log.packed_bytes);
            bytes = bytes.saturating_add(log.len_bytes);
        }
        if bytes > limits.bytes {
            let (declared, limit) = (bytes, limits.bytes);
            return Err(BundleProblem::TooMuch { what: "bytes", declared, limit });
        }
        if end != logs_end {
            return Err(BundleProblem::Layout);
        }
        Ok(manifest)
    }
}
