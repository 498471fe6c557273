//! The accounts of keyspaces that live on this tablet's mysqld without being the tablet's own.
//!
//! ```text
//!   keyspace records ──┐
//!                      ├─► serves as primary, and a keyspace is here whose accounts lack ─► make them
//!   own status ────────┘
//! ```
//!
//! Made by the primary, and through the binary log: replicas have them as they have the keyspace's data, and a
//! copy of either has both. The init file knows the tablet's own keyspace only. Accounts of keyspaces that are
//! gone stay: they have rights on a schema that is not there, and nobody gives their passwords.

use proto::account::Secret;
use proto::ids::{KeyspaceName, ShardRef};
use proto::rpc::tablet::{Role, StatusResponse};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use topo::Topology;
use topo::records::KeyspaceRecord;
use topo::topology::FollowingAll;

use crate::accounts::{Hosted, Transport, hosted};
use crate::limits::HOSTING_RETRY;
use crate::session::{AgentSession, SessionError};

/// What the accounts are made of.
pub(crate) struct Hosting {
    /// The tablet's shard.
    pub(crate) shard: ShardRef,
    /// The secret of data accounts.
    pub(crate) secret: Secret,
    /// How they come in.
    pub(crate) transport: Transport,
    /// A session that may wait long: what it commits waits for a replica like any commit.
    pub(crate) session: AgentSession,
    /// How the tablet is.
    pub(crate) status: watch::Receiver<StatusResponse>,
}

impl Hosting {
    /// Makes what lacks, for ever, once the topology is reached. Safe to cancel.
    pub(crate) async fn keep(mut self, mut topology: watch::Receiver<Option<Topology>>) {
        let Some(topology) =
            topology.wait_for(Option::is_some).await.ok().and_then(|reached| reached.clone())
        else {
            return;
        };
        let prefix = topology.keys().keyspace(None);
        let mut keyspaces: FollowingAll<KeyspaceRecord> = topology.follow_all(&prefix);
        let mut retry = interval(HOSTING_RETRY);
        retry.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // What was found to be there is there as long as this mysqld is primary.
        let mut made: Vec<KeyspaceName> = Vec::new();
        loop {
            tokio::select! {
                () = keyspaces.changed() => {}
                changed = self.status.changed() => if changed.is_err() { return },
                _ = retry.tick() => {}
            }
            if !serves(&self.status.borrow_and_update()) {
                made.clear();
                continue;
            }
            let here = self.hosted_here(&mut keyspaces);
            made.retain(|keyspace| here.contains(keyspace));
            for keyspace in here {
                if !made.contains(&keyspace) && self.make(&keyspace).await {
                    made.push(keyspace);
                }
            }
        }
    }

    fn hosted_here(&self, keyspaces: &mut FollowingAll<KeyspaceRecord>) -> Vec<KeyspaceName> {
        let records = keyspaces.current().unwrap_or_default();
        let here = records.iter().filter(|(_, record)| record.on.as_ref() == Some(&self.shard));
        here.filter_map(|(name, _)| name.parse().ok()).collect()
    }

    /// Tells whether the accounts are there now.
    async fn make(&mut self, keyspace: &KeyspaceName) -> bool {
        let wanted = hosted(keyspace, &self.secret, self.transport);
        let made = make(&mut self.session, &wanted).await;
        // mysqld need not wait for it when it shuts down.
        self.session.close().await;
        match made {
            Ok(Made::Now) => {
                tracing::info!(%keyspace, "made the accounts of a keyspace that lives here");
                true
            }
            Ok(Made::Before) => true,
            Err(error) => {
                tracing::info!(%keyspace, %error, "the accounts of a keyspace that lives here are not made yet");
                false
            }
        }
    }
}

enum Made {
    Before,
    Now,
}

async fn make(session: &mut AgentSession, wanted: &Hosted) -> Result<Made, SessionError> {
    if session.row::<u64>(&wanted.count_made).await? == wanted.accounts {
        return Ok(Made::Before);
    }
    for statement in &wanted.statements {
        session.run(statement).await?;
    }
    Ok(Made::Now)
}

/// Whether the tablet takes data sessions and writes as its shard's primary.
fn serves(status: &StatusResponse) -> bool {
    status.role() == Role::Primary && status.mysqld_running && !status.fenced && status.reason.is_empty()
}
