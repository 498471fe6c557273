//! Does a SET that is hoped to change nothing.

use proto::errors::ErrorId;
use proto::wire::CapabilityFlags;
use topo::snapshot::Snapshot;

use super::held::Next;
use super::{Session, SessionEnd};
use crate::executor::control::{self, AskError};
use crate::hold::decide::error_code;
use crate::plan::Setting;

/// MySQL's code for a variable that there is not.
const UNKNOWN_VARIABLE: u16 = 1193;

impl Session {
    /// Tells a connection what the client said, and the client that it is so if nothing changed there. The connection
    /// is closed afterwards in any case: not everything shows.
    pub(super) async fn set(
        &mut self,
        setting: &Setting,
        sql: &[u8],
        snapshot: &Snapshot,
    ) -> Result<Next, SessionEnd> {
        let keyspace = snapshot.keyspace(setting.keyspace.as_str());
        let Some(shard) = keyspace.and_then(|keyspace| keyspace.shards.first()) else {
            return self.tell(&ErrorId::ShardUnavailable.with(&setting.keyspace)).await;
        };
        let mut class = match self.class_for(&setting.keyspace) {
            Ok(class) => (*class).clone(),
            Err(error) => return self.tell(&error).await,
        };
        // The gate's own questions are read under one form of answer.
        class.capabilities |= CapabilityFlags::CLIENT_DEPRECATE_EOF;
        let mut backend = match self.worker.backend(shard, &class).await {
            Ok(backend) => backend,
            Err(unreached) => return self.tell(&unreached.give_up(&shard.shard)).await,
        };
        let names: Vec<String> = setting.variables.iter().map(|name| format!("@@session.{name}")).collect();
        let question = format!("SELECT {}", names.join(", "));
        let changed = format!("another value of {}", setting.variables.join(", "));
        let refusal = ErrorId::SessionState.with(changed);
        let before = match control::table(&mut backend.connection, &question).await {
            Ok(before) => before,
            Err(AskError::Refused(packet)) if error_code(&packet) == Some(UNKNOWN_VARIABLE) => {
                return self.answer_packet(&packet).await.map(|()| Next::Answered);
            }
            Err(_) => return self.tell(&refusal).await,
        };
        let packet = match control::execute(&mut backend.connection, sql).await {
            Ok(packet) | Err(AskError::Refused(packet)) => packet,
            Err(_) => return self.tell(&refusal).await,
        };
        match control::table(&mut backend.connection, &question).await {
            Ok(after) if before.rows == after.rows => {
                self.answer_packet(&packet).await.map(|()| Next::Answered)
            }
            _ => self.tell(&refusal).await,
        }
    }
}
