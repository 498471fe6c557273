//! Waiting for what a cluster ought to become.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};
use proto::ids::{ShardRef, TabletAlias};
use proto::rpc::tablet::tablet_client::TabletClient;
use proto::rpc::tablet::{StatusRequest, StatusResponse};
use tonic::transport::Channel;
use topo::Topology;
use topo::records::ShardRecord;

use super::Cluster;
use crate::process::{last_lines, wait_for};

/// How long a cluster may take to come up or to heal.
pub(super) const HEAL_DEADLINE: Duration = Duration::from_secs(60);
/// How long killed processes may take to be gone.
pub(super) const GONE_DEADLINE: Duration = Duration::from_secs(10);
/// How far a replica may be behind.
const LEVEL_LAG: Duration = Duration::from_secs(2);
/// Longest wait for one answer.
const ASK_DEADLINE: Duration = Duration::from_secs(2);

impl Cluster {
    pub(super) fn wait_for_etcd(&mut self) -> Result<()> {
        let url = self.etcd_url()?;
        let address: SocketAddr = url.trim_start_matches("http://").parse()?;
        wait_for("etcd listens", HEAL_DEADLINE, || TcpStream::connect(address).is_ok())
    }

    /// The topology.
    pub fn topology(&self) -> Result<&Topology> {
        self.topology.as_ref().context("the topology is not written yet")
    }

    /// The record of a shard.
    pub fn record(&self, shard: &ShardRef) -> Result<ShardRecord> {
        let topology = self.topology()?;
        let key = topology.keys().shard(Some(shard));
        let found = self.runtime.block_on(topology.read::<ShardRecord>(&key))?;
        Ok(found.with_context(|| format!("{shard} has no record"))?.value)
    }

    /// All shards, in the order of their ranges.
    pub fn shards(&self) -> Vec<ShardRef> {
        let mut shards: Vec<ShardRef> = self.sites.iter().map(|site| site.shard.clone()).collect();
        shards.dedup();
        shards
    }

    /// The primary of a shard, by its record.
    pub fn primary(&self, shard: &ShardRef) -> Result<TabletAlias> {
        self.record(shard)?.primary.with_context(|| format!("{shard} has no primary"))
    }

    /// The other tablets of a shard.
    pub fn replicas(&self, shard: &ShardRef) -> Result<Vec<TabletAlias>> {
        let primary = self.primary(shard)?;
        let others = self.sites.iter().filter(|site| site.shard == *shard && site.alias != primary);
        Ok(others.map(|site| site.alias.clone()).collect())
    }

    /// A connection to an agent.
    pub async fn agent(&self, alias: &TabletAlias) -> Result<TabletClient<Channel>> {
        let site = self.site(alias)?;
        let url = format!("http://{}", SocketAddr::new(site.address, site.agent_port));
        Ok(TabletClient::connect(url).await?)
    }

    /// What an agent says of its tablet.
    pub fn status(&self, alias: &TabletAlias) -> Result<StatusResponse> {
        self.runtime.block_on(async {
            let asked = async {
                let mut client = self.agent(alias).await?;
                anyhow::Ok(client.status(StatusRequest {}).await?.into_inner())
            };
            tokio::time::timeout(ASK_DEADLINE, asked).await.context("the agent is silent")?
        })
    }

    /// Waits until an agent's status is as wanted, and gives it.
    pub fn wait_for_status(
        &self,
        alias: &TabletAlias,
        what: &str,
        wanted: impl Fn(&StatusResponse) -> bool,
    ) -> Result<StatusResponse> {
        let mut last = None;
        let waited = wait_for(what, HEAL_DEADLINE, || {
            last = Some(self.status(alias));
            last.as_ref().is_some_and(|status| status.as_ref().is_ok_and(&wanted))
        });
        waited.with_context(|| {
            format!("{alias} says {last:#?}\n{}", self.log_end(&format!("tablet-{alias}")))
        })?;
        last.context("it was asked")?
    }

    /// What a shard lacks to serve with every replica acknowledging.
    fn lack(&self, shard: &ShardRef) -> Result<Option<String>> {
        let record = self.record(shard)?;
        let Some(primary) = &record.primary else { return Ok(Some("no primary".to_owned())) };
        if record.transition.is_some() {
            return Ok(Some("a transition is under way".to_owned()));
        }
        let replicas = self.replicas(shard)?;
        let outside: Vec<&TabletAlias> =
            replicas.iter().filter(|alias| !record.ackers.contains(alias)).collect();
        if !outside.is_empty() {
            return Ok(Some(format!("{outside:?} are no ackers")));
        }
        let status = self.status(primary)?;
        let semi_sync = status.semi_sync.unwrap_or_default();
        if status.fenced || !status.reason.is_empty() {
            return Ok(Some(format!("primary {primary} does not serve: {}", status.reason)));
        }
        if usize::try_from(semi_sync.source_clients)? != replicas.len() {
            return Ok(Some(format!("{} of {} acknowledge", semi_sync.source_clients, replicas.len())));
        }
        for replica in &replicas {
            let status = self.status(replica)?;
            let lag = status.replication.and_then(|replication| replication.lag_ms);
            if !status.reason.is_empty() || lag.is_none_or(|ms| u128::from(ms) > LEVEL_LAG.as_millis()) {
                return Ok(Some(format!("{replica} does not keep up ({lag:?} ms): {}", status.reason)));
            }
        }
        Ok(None)
    }

    /// What the cluster lacks to be as it was made.
    fn lacks(&self) -> Vec<String> {
        let shards = self.shards();
        let of_shards = shards.iter().filter_map(|shard| match self.lack(shard) {
            Ok(lack) => lack.map(|lack| format!("{shard}: {lack}")),
            Err(error) => Some(format!("{shard}: {error:#}")),
        });
        let closed = |port: &u16| TcpStream::connect(("127.0.0.1", *port)).is_err();
        let ports = self.gates.iter().map(|gate| gate.port).filter(closed);
        of_shards.chain(ports.map(|port| format!("the gate on port {port} is closed"))).collect()
    }

    /// Whether every shard serves, with every replica acknowledging and keeping up, and every gate is open.
    pub fn is_whole(&self) -> bool {
        self.lacks().is_empty()
    }

    /// Waits until the cluster is whole.
    pub fn wait_until_whole(&self) -> Result<()> {
        let mut lacks = Vec::new();
        let waited = wait_for("the cluster is whole", HEAL_DEADLINE, || {
            lacks = self.lacks();
            lacks.is_empty()
        });
        waited.with_context(|| format!("{}\n{}", lacks.join("\n"), self.log_end("control")))
    }

    /// Waits until an event with this reason is there about the object, and gives its line.
    pub fn wait_for_event(&self, object: &str, reason: &str) -> Result<String> {
        let (mut found, mut events) = (None, String::new());
        let waited = wait_for(&format!("the event {reason} of {object}"), HEAL_DEADLINE, || {
            events = self.shoal(&["events", object]).unwrap_or_else(|error| format!("{error:#}"));
            found =
                events.lines().find(|line| line.split_whitespace().any(|w| w == reason)).map(str::to_owned);
            found.is_some()
        });
        waited.with_context(|| events)?;
        found.context("it was found")
    }

    /// The end of a part's log, for an error.
    pub fn log_end(&self, name: &str) -> String {
        let log = self.parts.get(name).map(|part| last_lines(part.log()));
        format!("{name}:\n{}", log.unwrap_or_default())
    }
}
