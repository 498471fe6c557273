//! A change of primary that did not go as planned.

/// Whether the primary may have given up its term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Demoted {
    /// Certainly not: it serves on.
    No,
    /// It may have the announced term on its disk, and serves under a higher one only.
    Maybe,
}

/// A change of primary that went wrong before the next one was named, or may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setback {
    /// What did not work.
    pub(super) step: &'static str,
    /// Why.
    pub(super) reason: String,
    /// What became of the primary.
    pub(super) demoted: Demoted,
}

impl Setback {
    pub(super) fn new(step: &'static str, reason: String, demoted: Demoted) -> Self {
        Self { step, reason, demoted }
    }
}
