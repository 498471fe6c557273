//! Answers of SHOW that are made of what the gate or several shards know.

use proto::account::DataRole;
use proto::errors::ErrorId;
use proto::ids::KeyspaceName;
use proto::wire::CapabilityFlags;
use topo::snapshot::Snapshot;

use super::held::Next;
use super::{Session, SessionEnd};
use crate::clients::{Shown, Sight};
use crate::executor::line::{Line, LineError};
use crate::executor::table_status;

impl Session {
    /// SHOW PROCESSLIST: the clients of this gate; those of others to who administers all keyspaces only.
    pub(super) async fn answer_processes(&mut self, shown: Shown) -> Result<(), SessionEnd> {
        let user = self.rights.user().to_owned();
        let sight = match self.rights.grants().everywhere {
            Some(DataRole::Admin) => Sight::All,
            _ => Sight::Own(&user),
        };
        let listing = self.worker.shared.clients.list(self.who.connection, sight, shown);
        self.answer_result(&listing.columns, &listing.rows).await
    }

    /// SHOW TABLE STATUS over all shards of a keyspace.
    pub(super) async fn table_status(
        &mut self,
        keyspace: &KeyspaceName,
        sql: &str,
        snapshot: &Snapshot,
    ) -> Result<Next, SessionEnd> {
        let class = match self.class_for(keyspace) {
            Ok(class) => class,
            Err(error) => return self.answer_error(&error).await.map(|()| Next::Answered),
        };
        // The gate's own questions are read under one form of answer.
        let mut asking = (*class).clone();
        asking.capabilities |= CapabilityFlags::CLIENT_DEPRECATE_EOF;
        let worker = self.worker.clone();
        let shards = snapshot.keyspace(keyspace.as_str()).map(|keyspace| keyspace.shards.as_slice());
        let mut answers = Vec::new();
        for shard in shards.unwrap_or_default() {
            let answer = match Line::open(&worker, &asking, &shard.shard).await {
                Ok(mut line) => line.table(sql).await.inspect(|_| line.close()),
                Err(error) => Err(LineError::Failed(error)),
            };
            match answer {
                Ok(answer) => answers.push(answer),
                Err(LineError::Refused(packet)) => {
                    self.answer_packet(&packet).await?;
                    return Ok(Next::Answered);
                }
                Err(LineError::Failed(error)) => {
                    self.answer_error(&error).await?;
                    return Ok(Next::Answered);
                }
            }
        }
        match table_status::together(&answers) {
            Some(table) => {
                let status = self.transaction.status();
                let packets = table_status::packets(&table, self.capabilities, status);
                self.client.write_all(&packets).await?;
            }
            None => self.answer_error(&ErrorId::Internal.with("a table status that cannot be read")).await?,
        }
        Ok(Next::Answered)
    }
}
