//! A change whose words do not tell what comes of it, tried on one shard before any makes it.

mod table;
mod view;

use proto::errors::{ClientError, ErrorId};
use proto::ids::KeyspaceName;
use topo::records::RowsOf;

use super::super::line::{Line, LineError};
use crate::backend::SessionClass;
use crate::plan::Trial;
use crate::worker::Worker;

/// Whether the shards may make the change.
pub(super) enum Verdict {
    /// They may; where a new table begins with rows, whose they are.
    Fit(Option<RowsOf>),
    /// MySQL refuses it; its error packet.
    Refused(Vec<u8>),
    /// Together they could not keep it true.
    Unfit(ClientError),
}

/// Tries the change on the keyspace's first shard. While that is held, it waits.
pub(super) async fn judge(
    worker: &Worker,
    name: &KeyspaceName,
    class: &SessionClass,
    (trial, sql): (&Trial, &[u8]),
) -> Result<Verdict, ClientError> {
    let snapshot = worker.shared.feed.snapshot();
    let keyspace = snapshot.keyspace(name.as_str()).ok_or_else(|| ErrorId::UnknownDatabase.with(name))?;
    let shard = keyspace.shards.first().ok_or_else(|| ErrorId::ShardUnavailable.with(name))?;
    let mut line = Line::open(worker, class, &shard.shard).await?;
    let verdict = match trial {
        Trial::Table(trial) => match table::judge(line, keyspace, (trial, sql)).await {
            Ok(Some(verdict)) => Ok(verdict),
            Ok(None) => {
                line = Line::open(worker, class, &shard.shard).await?;
                table::judge_beside(&mut line, keyspace, trial).await
            }
            Err(error) => Err(error),
        },
        Trial::View(trial) => view::judge(worker, &mut line, keyspace, trial).await,
        Trial::Rows { query } => view::judge_rows(worker, &mut line, keyspace, query).await,
    };
    verdict.or_else(|error| match error {
        LineError::Refused(packet) => Ok(Verdict::Refused(packet)),
        LineError::Failed(error) => Err(error),
    })
}
