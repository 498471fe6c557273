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
    /// SET TRANSACTION: how the next one is to be.
    Next(Characteristics),
}

/// How a transaction is to be, as far as it was said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Characteristics {
    /// What it sees of others.
    pub isolation: Option<Isolation>,
    /// Whether it may write.
    pub read_only: Option<bool>,
}

impl Characteristics {
    /// The statements that say so, in MySQL's words.
    pub fn texts(self) -> impl Iterator<Item = String> {
        let isolation = self.isolation.map(|isolation| format!("ISOLATION LEVEL {}", isolation.words()));
        let access = self.read_only.map(|only| if only { "READ ONLY" } else { "READ WRITE" }.to_owned());
        isolation.into_iter().chain(access).map(|what| format!("SET TRANSACTION {what}"))
    }

    /// These, and of the others what these do not say.
    pub fn over(self, others: Self) -> Self {
        Self {
            isolation: self.isolation.or(others.isolation),
            read_only: self.read_only.or(others.read_only),
        }
    }
}

/// What a transaction sees of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// What they have written.
    ReadUncommitted,
    /// What they have committed by the time of each statement.
    ReadCommitted,
    /// What they had committed by the time of its first read.
    RepeatableRead,
    /// As if it had run alone.
    Serializable,
}

impl Isolation {
    fn words(self) -> &'static str {
        match self {
            Self::ReadUncommitted => "READ UNCOMMITTED",
            Self::ReadCommitted => "READ COMMITTED",
            Self::RepeatableRead => "REPEATABLE READ",
            Self::Serializable => "SERIALIZABLE",
        }
    }
}

/// How a transaction begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Beginning {
    /// Whether it may write; `None`: as the server's default is.
    pub read_only: Option<bool>,
    /// WITH CONSISTENT SNAPSHOT.
    pub snapshot: bool,
    /// What SET TRANSACTION has said of its isolation.
    pub isolation: Option<Isolation>,
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
