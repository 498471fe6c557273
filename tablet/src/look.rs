//! What mysqld says of itself.

use crate::fence::{FENCE_VARIABLES, FenceState};
use crate::heartbeat::{self, Beat};
use crate::replication::{self, ReplicationLook, SemiSyncLook};
use crate::session::{AgentSession, SessionError};

/// What mysqld says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Its fence.
    pub fence: FenceState,
    /// What it has executed.
    pub gtid_executed: String,
    /// What of that is no longer in its binary log.
    pub gtid_purged: String,
    /// `SELECT VERSION()`.
    pub version: String,
    /// Statements that it runs now, the agent's among them.
    pub threads_running: u32,
    /// How it replicates; `None`: it has no source.
    pub replication: Option<ReplicationLook>,
    /// How commits are acknowledged.
    pub semi_sync: SemiSyncLook,
    /// The newest heartbeat that is applied; `None`: there never was one.
    pub newest_beat: Option<Beat>,
}

impl Look {
    /// Age of the newest applied heartbeat, in milliseconds; `None`: there never was one.
    pub fn lag_ms(&self) -> Option<u64> {
        self.newest_beat.as_ref().map(|beat| beat.age_ms)
    }
}

/// Looks at mysqld.
pub async fn look(session: &mut AgentSession) -> Result<Look, SessionError> {
    let select = format!("SELECT {FENCE_VARIABLES}, @@GLOBAL.gtid_executed, @@GLOBAL.gtid_purged, VERSION()");
    let (super_read_only, read_only, offline, gtids, purged, version): (
        bool,
        bool,
        bool,
        String,
        String,
        String,
    ) = session.row(&select).await?;
    let (semi_sync, threads_running) = replication::look_semi_sync(session).await?;
    Ok(Look {
        fence: FenceState::of((super_read_only, read_only, offline)),
        gtid_executed: gtids.replace('\n', ""),
        gtid_purged: purged.replace('\n', ""),
        version,
        threads_running,
        replication: replication::look(session).await?,
        semi_sync,
        newest_beat: heartbeat::newest(session).await?,
    })
}

/// Looks only at what the steps of an agent change; all else is as it was seen before.
pub async fn glance(session: &mut AgentSession, before: Look) -> Result<Look, SessionError> {
    let select = format!(
        "SELECT {FENCE_VARIABLES}, @@GLOBAL.rpl_semi_sync_source_enabled, @@GLOBAL.rpl_semi_sync_replica_enabled"
    );
    let (super_read_only, read_only, offline, source_enabled, replica_enabled) = session.row(&select).await?;
    Ok(Look {
        fence: FenceState::of((super_read_only, read_only, offline)),
        semi_sync: SemiSyncLook { source_enabled, replica_enabled, ..before.semi_sync },
        replication: replication::look(session).await?,
        ..before
    })
}
