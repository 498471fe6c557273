//! A question about a plan.

use super::Plan;

/// A plan that is shown and not executed.
#[derive(Debug, Clone, PartialEq)]
pub struct Explain {
    /// The plan.
    pub plan: Plan,
    /// How it is shown.
    pub form: Form,
    /// Where its statement begins in the client's text.
    pub from: usize,
}

/// What is shown of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Its text form.
    Plan,
    /// What would be sent to which shard.
    Queries,
}
