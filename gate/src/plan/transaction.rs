//! Statements that begin, mark and end transactions.

/// What is to become of the session's transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransactionStep {
    /// BEGIN, START TRANSACTION.
    Begin(Beginning),
    /// COMMIT.
    Commit(Ending),
    /// ROLLBACK.
    Rollback(Ending),
    /// SAVEPOINT with its name.
    Save(String),
    /// ROLLBACK TO SAVEPOINT.
    RollbackTo(String),
    /// RELEASE SAVEPOINT.
    Release(String),
    /// SET autocommit.
    Autocommit(bool),
}

/// How a transaction begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Beginning {
    /// Whether it may write; `None`: as the server's default is.
    pub read_only: Option<bool>,
    /// WITH CONSISTENT SNAPSHOT.
    pub snapshot: bool,
}

impl Beginning {
    /// The statement, in MySQL's words.
    pub fn text(self) -> &'static str {
        match (self.read_only, self.snapshot) {
            (None, false) => "START TRANSACTION",
            (Some(true), false) => "START TRANSACTION READ ONLY",
            (Some(false), false) => "START TRANSACTION READ WRITE",
            (None, true) => "START TRANSACTION WITH CONSISTENT SNAPSHOT",
            (Some(true), true) => "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
            (Some(false), true) => "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ WRITE",
        }
    }
}

/// What comes after the end of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Nothing.
    Plain,
    /// Another transaction of the same kind.
    Chain,
    /// The end of the connection.
    Release,
}
