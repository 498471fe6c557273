//! Carries steps out. Each can be repeated, and none waits for another.

use std::collections::BTreeSet;
use std::time::Instant;

use futures::future::join_all;
use proto::ids::{ShardRef, TabletAlias, TabletRole, Term};
use tokio::time::sleep;
use topo::TopologyError;
use topo::records::{EventObject, EventReason, ShardRecord};
use topo::store::Outcome;

use super::decide::{Flaw, Step};
use super::observe::{Memory, Observation};
use crate::agents::SeenTablet;
use crate::limits::{AGENT_CALL_DEADLINE, CATCH_UP_PATIENCE, COPY_PAUSE, LEVEL_POLL, RENEWAL_PAUSE};
use crate::reach::Reach;
use crate::reparent;

/// What the loop is to remember of a step.
enum Aftermath {
    CopyBegun { alias: TabletAlias, donor: TabletAlias },
    CopyFailed(TabletAlias),
    RenewalFailed,
}

/// Does what was decided on this observation. What an agent does not take now is repeated by the next pass.
pub(super) async fn act(
    reach: &Reach,
    shard: &ShardRef,
    seen: &Observation,
    steps: &[Step],
    memory: &mut Memory,
) -> Result<(), TopologyError> {
    let hand = Hand { reach, shard, seen };
    let done = join_all(steps.iter().map(|step| hand.carry_out(step))).await;
    for outcome in done {
        match outcome? {
            None => {}
            Some(Aftermath::CopyBegun { alias, donor }) => memory.begin_copy(&alias, &donor, Instant::now()),
            Some(Aftermath::CopyFailed(alias)) => memory.rest_copy(&alias, Instant::now() + COPY_PAUSE),
            Some(Aftermath::RenewalFailed) => memory.rest_renewal(Instant::now() + RENEWAL_PAUSE),
        }
    }
    Ok(())
}

struct Hand<'a> {
    reach: &'a Reach,
    shard: &'a ShardRef,
    seen: &'a Observation,
}

impl Hand<'_> {
    async fn carry_out(&self, step: &Step) -> Result<Option<Aftermath>, TopologyError> {
        match step {
            Step::Appoint { alias, term, ackers } => self.appoint(alias, *term, ackers).await?,
            Step::Remind(alias, role) => self.remind(alias, *role).await,
            Step::AddAckers(new) => self.add_ackers(new).await?,
            Step::Reaffirm => self.reaffirm().await?,
            Step::TakeOutAcker(alias, why) => self.take_out_acker(alias, why).await?,
            Step::Provision { alias, donor, why } => return Ok(self.provision(alias, donor, why).await),
            Step::EndTransition => reparent::end_abandoned(self.reach, self.shard).await?,
            Step::Renew => {
                if let Err(error) = reparent::renew(self.reach, self.shard).await {
                    tracing::info!(shard = %self.shard, %error, "commits wait as before");
                    return Ok(Some(Aftermath::RenewalFailed));
                }
            }
            Step::Stuck(_) => {}
        }
        Ok(None)
    }

    /// Whether it was written: only if nobody wrote the record since it was looked at.
    async fn write(&self, record: &ShardRecord) -> Result<bool, TopologyError> {
        let topology = &self.reach.topology;
        let key = topology.keys().shard(Some(self.shard));
        let outcome = match &self.seen.sight.record {
            Some(stored) => topology.replace(&key, record, stored.revision).await?,
            None => topology.create(&key, record).await?,
        };
        Ok(matches!(outcome, Outcome::Committed(_)))
    }

    /// The record as it was looked at.
    fn record(&self) -> ShardRecord {
        self.seen.sight.record.as_ref().map(|stored| stored.value.clone()).unwrap_or_default()
    }

    fn tell(&self, object: EventObject, reason: EventReason, observation: String) {
        self.reach.events.record(object, reason, observation);
    }

    async fn appoint(
        &self,
        alias: &TabletAlias,
        term: Term,
        ackers: &BTreeSet<TabletAlias>,
    ) -> Result<(), TopologyError> {
        let record =
            ShardRecord { term, primary: Some(alias.clone()), ackers: ackers.clone(), transition: None };
        if !self.write(&record).await? {
            tracing::info!(shard = %self.shard, "somebody else was faster to appoint a primary");
            return Ok(());
        }
        let waits = match ackers.is_empty() {
            true => "commits wait for nobody".to_owned(),
            false => format!("commits wait for one of {}", list(ackers)),
        };
        let observation = format!("{alias} under term {term}; {waits}");
        self.tell(EventObject::Shard(self.shard.clone()), EventReason::PrimaryAppointed, observation);
        let roles = self.seen.sight.tablets.iter().map(|tablet| {
            let role = if tablet.alias() == alias { TabletRole::Primary } else { TabletRole::Replica };
            self.take_role(tablet, role, term)
        });
        join_all(roles).await;
        Ok(())
    }

    async fn remind(&self, alias: &TabletAlias, role: TabletRole) {
        if let Some(tablet) = self.seen.sight.tablet(alias) {
            self.take_role(tablet, role, self.seen.sight.term()).await;
        }
    }

    /// Tells the tablet of its role. It also follows the record by itself; this only makes it faster.
    async fn take_role(&self, tablet: &SeenTablet, role: TabletRole, term: Term) {
        if tablet.status.is_none() {
            return;
        }
        let address = &tablet.record.agent_address;
        let told = self.reach.agents.assume_role(address, role, term, AGENT_CALL_DEADLINE);
        if let Err(error) = told.await {
            tracing::debug!(alias = %tablet.alias(), %error, "did not take its role yet");
        }
    }

    async fn add_ackers(&self, new: &BTreeSet<TabletAlias>) -> Result<(), TopologyError> {
        let mut record = self.record();
        record.ackers.extend(new.iter().cloned());
        if self.write(&record).await? {
            for alias in new {
                let observation = format!("of {} under term {}", self.shard, record.term);
                self.tell(EventObject::Tablet(alias.clone()), EventReason::AckerAdded, observation);
            }
        }
        Ok(())
    }

    /// The same record under a new revision, which an acker that left the old one may acknowledge under.
    async fn reaffirm(&self) -> Result<(), TopologyError> {
        if self.write(&self.record()).await? {
            tracing::info!(shard = %self.shard, "wrote the record again, for an acker that was asked to leave");
        }
        Ok(())
    }

    /// First it stops, then the record says so: a commit must never be acknowledged by a tablet that the
    /// record does not list.
    async fn take_out_acker(&self, alias: &TabletAlias, why: &str) -> Result<(), TopologyError> {
        let Some(tablet) = self.seen.sight.tablet(alias) else { return Ok(()) };
        let mut record = self.record();
        let left =
            self.reach.agents.leave_ackers(&tablet.record.agent_address, record.term, AGENT_CALL_DEADLINE);
        if let Err(error) = left.await {
            tracing::info!(%alias, %error, "it may acknowledge still, so it stays an acker");
            return Ok(());
        }
        record.ackers.remove(alias);
        if !self.another_has_everything(&record).await {
            tracing::info!(%alias, "the other ackers may lack what it acknowledged, so it stays an acker");
            return Ok(());
        }
        if self.write(&record).await? {
            self.tell(EventObject::Tablet(alias.clone()), EventReason::AckerRemoved, why.to_owned());
        }
        Ok(())
    }

    /// Whether one of the record's ackers has everything that the primary has committed until now, within
    /// `CATCH_UP_PATIENCE`.
    async fn another_has_everything(&self, record: &ShardRecord) -> bool {
        let sight = &self.seen.sight;
        let Some(primary) = sight.primary() else { return false };
        let agents = &self.reach.agents;
        // Unlike its status, which may be a second old, its answer to this is not older than the question.
        let address = &primary.record.agent_address;
        let fresh = agents.assume_role(address, TabletRole::Primary, record.term, AGENT_CALL_DEADLINE).await;
        let fresh = fresh.ok().flatten().filter(|status| status.serves_as_primary(record.term));
        let Some(committed) = fresh.map(|status| status.executed) else { return false };
        let deadline = Instant::now() + CATCH_UP_PATIENCE;
        loop {
            let ackers = record.ackers.iter().filter_map(|alias| sight.tablet(alias));
            let ackers = agents.look_at(ackers.map(|tablet| tablet.record.clone())).await;
            let mut statuses = ackers.iter().filter_map(|tablet| tablet.status.as_ref());
            if statuses.any(|status| status.executed_or_received().contains_all(&committed)) {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            sleep(LEVEL_POLL).await;
        }
    }

    async fn provision(&self, alias: &TabletAlias, donor: &TabletAlias, why: &Flaw) -> Option<Aftermath> {
        let (tablet, from) = (self.seen.sight.tablet(alias)?, self.seen.sight.tablet(donor)?);
        let (address, source) = (&tablet.record.agent_address, &from.record.mysql_address);
        let object = EventObject::Tablet(alias.clone());
        let begun = self.reach.agents.provision(address, self.seen.sight.term(), source, AGENT_CALL_DEADLINE);
        match begun.await {
            Ok(()) => {
                self.tell(object, EventReason::ProvisioningStarted, format!("from {donor}: {why}"));
                Some(Aftermath::CopyBegun { alias: alias.clone(), donor: donor.clone() })
            }
            Err(error) => {
                let observation = format!("from {donor}: {why}; not begun: {error}");
                self.tell(object, EventReason::ProvisioningFailed, observation);
                Some(Aftermath::CopyFailed(alias.clone()))
            }
        }
    }
}

fn list(aliases: &BTreeSet<TabletAlias>) -> String {
    aliases.iter().map(TabletAlias::to_string).collect::<Vec<_>>().join(", ")
}
