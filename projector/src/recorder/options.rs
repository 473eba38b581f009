//! How a recorder works.

use std::sync::Arc;

use rollfold_core::Policy;
use rollfold_core::model::HistoryMode;

use super::clock::{Clock, Ids, RandomIds, SystemClock};
use super::disk::{LogDisk, SystemDisk};
use super::head::ThreadMode;

/// How a recorder works.
#[derive(Debug, Clone)]
pub struct RecorderOptions {
    /// What others are told of who writes.
    pub program: String,
    /// Which records are written; those of today's writer for the thread's history mode if none.
    pub policy: Option<Policy>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids.
    pub ids: Arc<dyn Ids>,
    /// Where logs are written.
    pub disk: Arc<dyn LogDisk>,
}

impl Default for RecorderOptions {
    fn default() -> Self {
        Self {
            program: env!("CARGO_PKG_NAME").to_owned(),
            policy: None,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            disk: Arc::new(SystemDisk),
        }
    }
}

/// Which records are written.
pub(super) fn policy_of(options: &RecorderOptions, mode: ThreadMode) -> Policy {
    let mode = match mode {
        ThreadMode::Legacy => HistoryMode::Legacy,
        ThreadMode::Paginated => HistoryMode::Paginated,
    };
    options.policy.clone().unwrap_or_else(|| Policy::of_mode(Some(&mode)))
}
