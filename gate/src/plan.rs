//! What a statement comes to: decided once, and nobody looks at SQL after it.

mod explain;
mod insert;
mod rewrite;
mod scatter;
mod schema_change;
mod sequence;
mod show_warnings;
mod transaction;
mod vschema;

use std::rc::Rc;

use proto::errors::ClientError;
use proto::ids::KeyspaceName;
use proto::key_range::KeyRange;
use topo::snapshot::ShardingKey;

use crate::aim::{Choice, Tablets};
use crate::clients::Shown;
use crate::listing::Listing;
pub use explain::{Explain, Form};
pub use insert::{Given, InsertRows, Numbered, OnEqual, RowForm, RowValues, Signed};
pub use rewrite::{By, Piece, Rewrite, SessionValue, SetVariables, rewritten};
pub use scatter::{Effect, Scatter, Shards};
pub use schema_change::{
    Abandon, DatabaseChange, SchemaChange, TRIAL_TABLE, TRIAL_VIEW, TableTrial, Trial, ViewTrial,
};
pub use sequence::NextNumbers;
pub use show_warnings::{ShowWarnings, WarningCount};
pub use transaction::{Beginning, Characteristics, Ending, Isolation, TransactionStep};
pub use vschema::{ShowVschema, VschemaChange};

use crate::accounts::statement::AccountStatement;

/// The decision on one normalised statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// The client's own bytes go to one shard (with a column list put in, at most), and its answer comes back as
    /// it is.
    Route(Rc<Route>),
    /// Rows that are put on their shards, each with its number where it has none.
    Insert(Rc<InsertRows>),
    /// Each of several shards does its part, and the answers are put together without being merged.
    Scatter(Rc<Scatter>),
    /// The same as `Route` for these literals only, so that it is not kept for others.
    RouteOnce(Rc<Route>),
    /// Numbers from a sequence of Vitess.
    NextNumbers(NextNumbers),
    /// A schema change, made on every shard.
    ChangeSchema(Box<SchemaChange>),
    /// The session's transaction begins, is marked, or ends.
    Transaction {
        /// What is to become of it.
        step: TransactionStep,
        /// The keyspace whose snapshot it begins with.
        snapshot_of: Option<KeyspaceName>,
    },
    /// What the statement before warned of.
    ShowWarnings(ShowWarnings),
    /// What every shard of a keyspace says of its tables, added up.
    TableStatus(KeyspaceName),
    /// A SET that is hoped to change nothing.
    Set(Setting),
    /// A SET of user variables.
    SetVariables(SetVariables),
    /// A database comes or goes.
    ChangeDatabase(DatabaseChange),
    /// A half-made schema change is taken back.
    AbandonSchemaChange(Abandon),
    /// A change of a vschema.
    ChangeVschema(Box<VschemaChange>),
    /// Another client's statement, or its connection, ends.
    Kill(Kill),
    /// About users and rights, which are in the topology.
    Account(AccountStatement),
    /// Answered by the gate.
    Answer(Answer),
    /// Not done but shown.
    Explain(Box<Explain>),
    /// Put in other words, which are planned in its place.
    Rewrite(Rewrite),
    /// Not done. Where a keyspace is named, its MySQL is asked first (by preparing the statement) whether the
    /// statement is wrong by itself; then MySQL's error is the answer.
    Refuse {
        /// What the client is told.
        error: ClientError,
        /// Whose MySQL judges the statement.
        judge: Option<KeyspaceName>,
    },
}

impl Plan {
    /// The keyspace to whose shards the statement goes, where it goes as it is.
    pub fn keyspace(&self) -> Option<&KeyspaceName> {
        match self {
            Self::Route(route) => Some(&route.keyspace),
            Self::Scatter(scatter) => Some(&scatter.route.keyspace),
            _ => None,
        }
    }
}

/// To one shard of a keyspace.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// Whose shards.
    pub keyspace: KeyspaceName,
    /// Which of them.
    pub target: Target,
    /// The column list that is put before VALUES of an INSERT that has none: the one that the pins were taken by,
    /// whatever order the table's columns have by the time it arrives there.
    pub columns: Option<String>,
    /// What becomes of the connection afterwards.
    pub afterwards: Afterwards,
    /// Whether a server that refuses the statement has done nothing of it.
    pub refusal: Refusal,
    /// Who of the shard answers.
    pub tablets: Tablets,
    /// What becomes of it where a pin's literal is no value of its column's type, so that it fixes no shard.
    pub otherwise: Option<Rc<Scatter>>,
}

/// Which shard.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// Any: the statement reads no sharded rows, or there is only one.
    Any,
    /// Any, and no matter of which keyspace: the statement reads no rows at all.
    Free,
    /// Any, and what it tells is no part of a transaction: which tables there are, and how they are made.
    Schema,
    /// The one with this range, that the session is narrowed to.
    Shard(KeyRange),
    /// The one that all pins agree on; never empty.
    Pinned(Vec<Pin>),
    /// The one that is left of those of a scatter.
    Left,
}

/// A sharding column that is compared with, or set to, a literal of the statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Pin {
    /// The column and its vindex.
    pub key: ShardingKey,
    /// Number of the literal.
    pub literal: usize,
    /// Whether a minus stands before it.
    pub negative: bool,
    /// What it is for.
    pub purpose: Purpose,
}

/// What a literal for the sharding column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The column is compared with it, or has it as far as MySQL can store it.
    Compared,
    /// The column has exactly it, or MySQL refuses the row.
    Stored,
}

/// What becomes of a connection after a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Afterwards {
    /// The next statement may use it.
    Reuse,
    /// It is closed: the statement may have left state in its session.
    Close,
}

/// What it means that a server refuses a statement because it takes no writes any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing of it was done: it may be sent again.
    OfAll,
    /// Parts of it may have been done and committed before: a CALL whose second INSERT comes after
    /// `super_read_only` ends with nothing but that error, and the row of its first one stays.
    OfTheRest,
}

/// What of another client ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kill {
    /// Number of its connection.
    pub connection: u64,
    /// Its present statement, and not the connection.
    pub statement_only: bool,
}

/// A SET of variables of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Whose MySQL is asked.
    pub keyspace: KeyspaceName,
    /// The variables.
    pub variables: Vec<String>,
}

/// What the gate answers by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// OK, nothing to do.
    Ok,
    /// From now on this is chosen.
    Use(Choice),
    /// From now on the client talks in this collation.
    SetNames(u8),
    /// A table of what the gate knows.
    Listing(Box<Listing>),
    /// The clients of this gate, with so much of what they are at.
    Processes(Shown),
    /// A part of the vschemas.
    Vschema(ShowVschema),
}
