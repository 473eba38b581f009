//! What can be wrong with a store's file.

/// A place of a store's file that is not what was written there. The logs are unharmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset_bytes}: {kind}")]
pub struct Damage {
    /// Where in the file.
    pub offset_bytes: u64,
    /// What is wrong there.
    pub kind: DamageKind,
}

/// How a store's file is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DamageKind {
    /// No copy of the head can be read.
    #[error("no head of a store can be read")]
    Head,
    /// The file ends too early.
    #[error("the file ends here, not at byte {needed_bytes}")]
    CutOff {
        /// Where it should end.
        needed_bytes: u64,
    },
    /// A block does not match its checksum, or ends too early.
    #[error("a block does not match its checksum")]
    Block,
}
