//! Shards to decide about, for tests: tablets `a-1`, `a-2`, … of the shard `ks/-80`, `a-1` the primary.

use proto::gtid::GtidSet;
use proto::ids::{TabletAlias, TabletRole, Term};
use proto::rpc::tablet::ThreadState;
use topo::Stored;
use topo::records::{Durability, KeyspaceRecord, ShardRecord, TabletRecord, TabletState, Transition};
use topo::store::Revision;

use super::ShardSight;
use crate::agents::{SeenReplication, SeenSemiSync, SeenStatus, SeenTablet};

/// Transactions of the one source that these tests know.
pub(crate) fn gtids(intervals: &str) -> GtidSet {
    format!("0a3b5c7d-0000-11ee-8000-00000000000a:{intervals}").parse().unwrap()
}

/// Transactions of another one.
pub(crate) fn foreign(intervals: &str) -> GtidSet {
    format!("bbbbbbbb-0000-11ee-8000-00000000000b:{intervals}").parse().unwrap()
}

pub(crate) fn alias(text: &str) -> TabletAlias {
    text.parse().unwrap()
}

/// Where the mysqld of a tablet is.
pub(crate) fn mysql(alias: &str) -> String {
    format!("{alias}.test:3306")
}

/// A tablet that waits for a role, with nothing in it.
pub(crate) fn new() -> SeenStatus {
    SeenStatus {
        role: None,
        term: Term(0),
        state: TabletState::Fenced,
        mysql_version: "9.7.4".into(),
        executed: GtidSet::EMPTY,
        purged: GtidSet::EMPTY,
        replication: None,
        semi_sync: SeenSemiSync::default(),
        threads_running: 2,
        reads: false,
        reason: "nothing to do".into(),
        deaths: 0,
        last_death: String::new(),
    }
}

/// A primary that serves under the term, with transactions 1 to 100.
pub(crate) fn serving(term: u64) -> SeenStatus {
    SeenStatus {
        role: Some(TabletRole::Primary),
        term: Term(term),
        state: TabletState::Serving,
        executed: gtids("1-100"),
        reason: String::new(),
        ..new()
    }
}

/// A replica of `a-1` in good order, with transactions 1 to 100.
pub(crate) fn replica(term: u64) -> SeenStatus {
    let replication = SeenReplication {
        source: mysql("a-1"),
        receiver: ThreadState::Running,
        applier: ThreadState::Running,
        retrieved: gtids("1-100"),
        error: None,
        lag_ms: Some(100),
    };
    SeenStatus {
        role: Some(TabletRole::Replica),
        state: TabletState::Replicating,
        replication: Some(replication),
        semi_sync: SeenSemiSync { waiting: None, acks: true },
        ..serving(term)
    }
}

/// A replica that is behind.
pub(crate) fn lagging(term: u64, lag_ms: u64) -> SeenStatus {
    let mut status = replica(term);
    if let Some(replication) = &mut status.replication {
        replication.lag_ms = Some(lag_ms);
    }
    status
}

/// A replica whose threads stand still with an error.
pub(crate) fn broken(term: u64, code: u32, text: &str) -> SeenStatus {
    let mut status = in_state(replica(term), TabletState::Fenced, "broken");
    if let Some(replication) = &mut status.replication {
        replication.error = Some((code, text.into()));
        replication.applier = ThreadState::Stopped;
    }
    status
}

/// The same in another state.
pub(crate) fn in_state(status: SeenStatus, state: TabletState, reason: &str) -> SeenStatus {
    SeenStatus { state, reason: reason.into(), ..status }
}

pub(crate) fn tablet(alias: &str, status: Option<SeenStatus>) -> SeenTablet {
    let record = TabletRecord {
        alias: alias.parse().unwrap(),
        shard: "ks/-80".parse().unwrap(),
        mysql_address: mysql(alias),
        agent_address: format!("{alias}.test:1"),
        mysql_version: "9.7.4".into(),
    };
    SeenTablet { record, status }
}

/// A record that names `a-1` primary; of no ackers: commits wait for nobody.
pub(crate) fn record(term: u64, ackers: &[&str]) -> ShardRecord {
    ShardRecord {
        term: Term(term),
        primary: Some(alias("a-1")),
        ackers: ackers.iter().map(|name| alias(name)).collect(),
        transition: None,
    }
}

/// A record in which a change of primary is under way.
pub(crate) fn changing(record: ShardRecord, next_term: u64, to: &str) -> ShardRecord {
    ShardRecord { transition: Some(Transition { next_term: Term(next_term), to: alias(to) }), ..record }
}

/// A shard of a semi-sync keyspace that is to have as many tablets as there are here: `a-1`, `a-2`, ….
pub(crate) fn shard(
    record: impl Into<Option<ShardRecord>>,
    statuses: impl IntoIterator<Item = Option<SeenStatus>>,
) -> ShardSight {
    let numbered = statuses.into_iter().enumerate();
    let tablets: Vec<SeenTablet> =
        numbered.map(|(index, status)| tablet(&format!("a-{}", index + 1), status)).collect();
    let wanted = u16::try_from(tablets.len()).unwrap();
    ShardSight {
        keyspace: KeyspaceRecord {
            sharded: true,
            durability: Durability::SemiSync,
            tablets: wanted,
            on: None,
        },
        record: record.into().map(|value| Stored { value, revision: Revision(7) }),
        tablets,
    }
}

/// The same in an async keyspace.
pub(crate) fn in_async(mut sight: ShardSight) -> ShardSight {
    sight.keyspace.durability = Durability::Async;
    sight
}
