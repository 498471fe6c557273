//! What mysqld says of itself.

use crate::fence::{self, FenceState};
use crate::heartbeat;
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
    /// Age of the newest applied heartbeat, in milliseconds; `None`: there never was one.
    pub lag_ms: Option<u64>,
}

/// Looks at mysqld.
pub async fn look(session: &mut AgentSession) -> Result<Look, SessionError> {
    let fence = fence::state(session).await?;
    let (gtids, purged, version): (String, String, String) =
        session.row("SELECT @@GLOBAL.gtid_executed, @@GLOBAL.gtid_purged, VERSION()").await?;
    let (semi_sync, threads_running) = replication::look_semi_sync(session).await?;
    Ok(Look {
        fence,
        gtid_executed: gtids.replace('\n', ""),
        gtid_purged: purged.replace('\n', ""),
        version,
        threads_running,
        replication: replication::look(session).await?,
        semi_sync,
        lag_ms: heartbeat::lag_ms(session).await?,
    })
}
