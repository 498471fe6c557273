//! Statements that ask what the statement before them warned of.

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShowWarnings {
    /// SHOW WARNINGS, SHOW ERRORS.
    List {
        /// Whether only errors are wanted.
        only_errors: bool,
        /// Rows that are passed over.
        offset: usize,
        /// Rows at most.
        count: usize,
    },
    /// SHOW COUNT(*) WARNINGS, and its like for errors; SELECT @@warning_count. One column each.
    Counts {
        /// The columns.
        columns: Vec<WarningCount>,
        /// Whether the list is empty afterwards, as after every SELECT.
        clears: bool,
    },
}

/// A column with a number of warnings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WarningCount {
    /// Its name.
    pub name: String,
    /// Whether only errors are counted.
    pub only_errors: bool,
}
