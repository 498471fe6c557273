//! The error of every name that is read from text.

/// Why a name was refused; the text says what would be accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {given:?} is not valid: {rule}")]
pub struct InvalidName {
    what: &'static str,
    given: String,
    rule: String,
}

impl InvalidName {
    pub(crate) fn new(what: &'static str, given: &str, rule: impl Into<String>) -> Self {
        Self { what, given: given.to_owned(), rule: rule.into() }
    }
}
