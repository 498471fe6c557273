//! Several tablets of one shard, whose record the test writes as control would.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use proto::account::DataRole;
use proto::ids::{TabletAlias, Term};
use proto::rpc::tablet::{
    AssumeRoleRequest, CatchUpRequest, DemoteRequest, LeaveAckersRequest, ProvisionRequest, Role,
    StatusResponse,
};
use topo::records::{ShardRecord, Transition};

use super::bed::{Bed, serves};

/// MySQL's code for a login while offline_mode is on.
pub(crate) const OFFLINE: u16 = 3032;

/// The tablets of a shard, and its record.
pub(crate) struct Shard {
    /// In the order of their names.
    pub(crate) tablets: Vec<Bed>,
    record: ShardRecord,
}

impl Shard {
    /// Starts tablets from `zone1-101` on, and waits until each of them is up behind its fence.
    pub(crate) async fn start(size: usize) -> Result<Self> {
        let mut tablets = vec![Bed::new("shop/-80")?];
        for uid in 102..101 + size {
            let another = tablets[0].another(&format!("zone1-{uid}"))?;
            tablets.push(another);
        }
        for tablet in &mut tablets {
            tablet.start()?;
        }
        for tablet in &tablets {
            tablet.until_fenced().await?;
        }
        Ok(Self { tablets, record: ShardRecord::default() })
    }

    /// Starts tablets of which the first is primary under term 1 and all others are ackers, and waits until
    /// each does what it is to do.
    pub(crate) async fn serving(size: usize) -> Result<Self> {
        let mut shard = Self::start(size).await?;
        shard.name(0, 1, &(1..size).collect::<Vec<_>>()).await?;
        shard.until_settled().await?;
        Ok(shard)
    }

    /// Writes the record that names a primary and its ackers.
    pub(crate) async fn name(&mut self, primary: usize, term: u64, ackers: &[usize]) -> Result<()> {
        self.record = ShardRecord {
            term: Term(term),
            primary: Some(self.alias(primary)?),
            ackers: ackers.iter().map(|acker| self.alias(*acker)).collect::<Result<_>>()?,
            transition: None,
        };
        self.write().await
    }

    /// Announces a change of primary.
    pub(crate) async fn announce(&mut self, to: usize, next_term: u64) -> Result<()> {
        self.record.transition = Some(Transition { next_term: Term(next_term), to: self.alias(to)? });
        self.write().await
    }

    /// Takes the announcement back.
    pub(crate) async fn end_transition(&mut self) -> Result<()> {
        self.record.transition = None;
        self.write().await
    }

    async fn write(&self) -> Result<()> {
        self.tablets[0].write_record(&self.record).await
    }

    fn alias(&self, tablet: usize) -> Result<TabletAlias> {
        Ok(self.tablets[tablet].alias.parse()?)
    }

    /// Waits until each running tablet does what the record says.
    pub(crate) async fn until_settled(&self) -> Result<()> {
        for tablet in &self.tablets {
            let primary = self.record.primary.as_ref().is_some_and(|alias| alias.to_string() == tablet.alias);
            if primary {
                self.until_serving(tablet).await?;
            } else {
                self.until_replicating(tablet).await?;
            }
        }
        Ok(())
    }

    async fn until_serving(&self, tablet: &Bed) -> Result<StatusResponse> {
        let term = self.record.term.0;
        tablet.until("serving under the term", |status| serves(status) && status.term == term).await
    }

    /// Waits until the tablet replicates from the record's primary, acknowledging iff it is listed.
    pub(crate) async fn until_replicating(&self, tablet: &Bed) -> Result<StatusResponse> {
        let (term, listed) = (self.record.term.0, self.record.ackers.contains(&tablet.alias.parse()?));
        let primary = self.record.primary.as_ref().context("no primary")?.to_string();
        let primary = self.tablets.iter().find(|tablet| tablet.alias == primary).context("not there")?;
        let source = primary.mysql_address();
        let wanted = |status: &StatusResponse| {
            let from = status.replication.as_ref().is_some_and(|replication| replication.source == source);
            let acks = status.semi_sync.is_some_and(|semi_sync| semi_sync.replica_enabled);
            replicates(status) && from && acks == listed && status.term == term
        };
        tablet.until("replicating", wanted).await
    }

    /// Changes the primary as control does, and tells how long the demotion took and how long nobody served.
    pub(crate) async fn reparent(&mut self, from: usize, to: usize) -> Result<(Duration, Duration)> {
        let next = self.record.term.0 + 1;
        self.announce(to, next).await?;
        let began = Instant::now();
        let gtid_set = self.demote(from, next).await?;
        let demoted = began.elapsed();
        let caught_up = self.tablets[to]
            .client()
            .await?
            .catch_up(CatchUpRequest { term: next, gtid_set, timeout_ms: 5_000 })
            .await?;
        ensure!(caught_up.into_inner().reached, "the target stays behind");
        let target = self.alias(to)?;
        self.record.term = Term(next);
        self.record.ackers.remove(&target);
        if let Some(old) = self.record.primary.replace(target) {
            self.record.ackers.insert(old);
        }
        self.write().await?;
        let others = self.tablets.iter().enumerate().filter(|(index, _)| *index != to);
        let mut nudges = tokio::task::JoinSet::new();
        for (_, tablet) in others {
            let mut client = tablet.client().await?;
            let request = AssumeRoleRequest { term: next, role: Role::Replica.into() };
            nudges.spawn(async move { client.assume_role(request).await });
        }
        let served = self.tablets[to].assume(Role::Primary, next).await?;
        let gap = began.elapsed();
        ensure!(serves(&served), "the target does not serve: {served:?}");
        while let Some(nudged) = nudges.join_next().await {
            nudged??;
        }
        self.end_transition().await?;
        Ok((demoted, gap))
    }

    /// Asks a tablet to stop being primary; what it has executed.
    pub(crate) async fn demote(&self, tablet: usize, term: u64) -> Result<String, tonic::Status> {
        let answer = self.tablets[tablet].client().await?.demote(DemoteRequest { term }).await?;
        Ok(answer.into_inner().gtid_executed)
    }

    /// Asks a tablet to acknowledge no more.
    pub(crate) async fn leave_ackers(&self, tablet: usize, term: u64) -> Result<(), tonic::Status> {
        self.tablets[tablet].client().await?.leave_ackers(LeaveAckersRequest { term }).await.map(|_| ())
    }

    /// Asks a tablet to become a copy of another one.
    pub(crate) async fn provision(
        &self,
        tablet: usize,
        term: u64,
        donor: usize,
    ) -> Result<(), tonic::Status> {
        let request = ProvisionRequest { term, donor: self.tablets[donor].mysql_address() };
        self.tablets[tablet].client().await?.provision(request).await.map(|_| ())
    }

    /// A session that may make tables, on the tablet, with the table `t (id)`.
    pub(crate) async fn with_table(&self, tablet: usize) -> Result<Conn> {
        let mut admin = self.tablets[tablet].session(DataRole::Admin).await?;
        admin.query_drop("CREATE TABLE IF NOT EXISTS shop.t (id INT PRIMARY KEY)").await?;
        Ok(admin)
    }

    /// Waits until the tablet has executed all of a GTID set.
    pub(crate) async fn until_executed(&self, tablet: usize, gtids: &str) -> Result<StatusResponse> {
        let all: proto::gtid::GtidSet = gtids.parse()?;
        let wanted = |status: &StatusResponse| {
            status.gtid_executed.parse::<proto::gtid::GtidSet>().is_ok_and(|set| set.contains_all(&all))
        };
        self.tablets[tablet].until("as far", wanted).await
    }

    /// Ends all tablets in order.
    pub(crate) fn end(&mut self) -> Result<()> {
        for tablet in &mut self.tablets {
            ensure!(tablet.end()?.success(), "{} did not end well", tablet.alias);
        }
        Ok(())
    }
}

/// Whether the status is that of a replica with which all is well.
pub(crate) fn replicates(status: &StatusResponse) -> bool {
    status.role() == Role::Replica && status.fenced && status.reason.is_empty()
}
