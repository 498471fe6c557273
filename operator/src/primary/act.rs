//! Carries a decision out. Every step can be repeated.

use proto::ids::{ShardRef, TabletAlias, Term};
use proto::rpc::tablet::{AssumeRoleRequest, Role};
use topo::records::ShardRecord;
use topo::store::Outcome;
use topo::{Topology, TopologyError};

use super::decide::Decision;
use super::observe::Observation;
use crate::agents::agent;

/// Does what was decided on this observation. What an agent does not take now is repeated by the next pass.
pub(super) async fn act(
    topology: &Topology,
    shard: &ShardRef,
    seen: &Observation,
    decision: &Decision,
) -> Result<(), TopologyError> {
    match decision {
        Decision::Appoint { alias, term } => {
            let key = topology.keys().shard(Some(shard));
            let record = ShardRecord { term: *term, primary: Some(alias.clone()), ..ShardRecord::default() };
            let outcome = match &seen.record {
                Some(stored) => topology.replace(&key, &record, stored.revision).await?,
                None => topology.create(&key, &record).await?,
            };
            match outcome {
                Outcome::Committed(_) => {
                    tracing::info!(%shard, primary = %alias, %term, "appointed");
                    tell(seen, alias, *term).await;
                }
                Outcome::Conflict => tracing::info!(%shard, "somebody else was faster to appoint a primary"),
            }
        }
        Decision::Remind { alias, term } => tell(seen, alias, *term).await,
        Decision::Wait | Decision::Stuck(_) | Decision::Settled => {}
    }
    Ok(())
}

/// Tells the tablet of its role. It also follows the record by itself; this only makes it faster.
async fn tell(seen: &Observation, alias: &TabletAlias, term: Term) {
    let Some(tablet) = seen.tablets.iter().find(|tablet| tablet.alias == *alias) else { return };
    let request = AssumeRoleRequest { term: term.0, role: Role::Primary.into() };
    let told = async { agent(&tablet.agent_address).await.ok()?.assume_role(request).await.ok() };
    if told.await.is_none() {
        tracing::debug!(%alias, "did not take its role yet");
    }
}
