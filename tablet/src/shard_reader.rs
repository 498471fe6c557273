//! What the topology says of this tablet's shard, and how well it is known.

use proto::ids::{ShardRef, TabletAlias};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use topo::records::{Record, ShardRecord, TabletRecord};
use topo::store::Revision;
use topo::topology::{Following, Seen};
use topo::{Stored, Topology};

use crate::decide::Reading;
use crate::limits::{REREAD_INTERVAL, TOPOLOGY_DEADLINE};
use crate::replication::Source;

/// A record as it was last seen; outer `None`: never, inner `None`: there is none.
type Last<R> = Option<Option<Stored<R>>>;

/// Follows the shard's record, and that of its primary, once the topology has been reached; reads them anew when
/// asked to.
pub struct ShardReader {
    shard: ShardRef,
    topology: watch::Receiver<Option<Topology>>,
    following: Option<Following<ShardRecord>>,
    last: Last<ShardRecord>,
    primary: Option<Primary>,
    reread_due: Instant,
}

/// The tablet that the shard's record names.
struct Primary {
    alias: TabletAlias,
    following: Following<TabletRecord>,
    last: Last<TabletRecord>,
}

impl ShardReader {
    /// Reads the shard's record in the topology, as soon as there is one.
    pub fn new(shard: ShardRef, topology: watch::Receiver<Option<Topology>>) -> Self {
        Self { shard, topology, following: None, last: None, primary: None, reread_due: Instant::now() }
    }

    /// Waits until more may be known than before. Safe to cancel.
    pub async fn changed(&mut self) {
        if let Some(following) = &mut self.following {
            tokio::select! {
                seen = following.changed() => {
                    take(&mut self.last, seen);
                    self.look_to_primary();
                }
                seen = change_of(&mut self.primary) => {
                    if let Some(primary) = &mut self.primary {
                        take(&mut primary.last, seen);
                    }
                }
            }
            return;
        }
        let connected =
            self.topology.wait_for(Option::is_some).await.ok().and_then(|topology| topology.clone());
        match connected {
            Some(topology) => {
                self.following = Some(topology.follow(&topology.keys().shard(Some(&self.shard))))
            }
            // The task that connects ends only together with the agent.
            None => std::future::pending().await,
        }
    }

    /// What is known without asking; asks all the same when it last did so long ago, in case that the watch
    /// hangs.
    pub async fn recalled(&mut self) -> Reading {
        if Instant::now() >= self.reread_due {
            return self.fresh().await;
        }
        self.known()
    }

    /// Asks the topology; what is known when it does not answer in time.
    pub async fn fresh(&mut self) -> Reading {
        self.reread_due = Instant::now() + REREAD_INTERVAL;
        let Some(topology) = self.topology.borrow().clone() else { return self.known() };
        let key = topology.keys().shard(Some(&self.shard));
        // Mostly the primary is the one that it was.
        let before = self.primary.as_ref().map(|primary| primary.alias.clone());
        let tablet_at = |alias: &TabletAlias| topology.keys().tablet(Some(alias));
        let (found, at) = tokio::join!(read::<ShardRecord>(&topology, &key), async {
            read::<TabletRecord>(&topology, &tablet_at(before.as_ref()?)).await
        });
        let Some(found) = found else { return self.known() };
        let record = found.as_ref().map(|stored| stored.value.clone());
        self.last = Some(found);
        self.look_to_primary();
        if let Some(primary) = &mut self.primary {
            let found = match before {
                Some(before) if before == primary.alias => at,
                _ => read(&topology, &tablet_at(&primary.alias)).await,
            };
            primary.last = found.or(primary.last.take());
        }
        Reading::Fresh(record)
    }

    /// Where the mysqld of the record's primary listens, as far as it is known.
    pub fn primary_at(&self) -> Option<Source> {
        let record = self.primary.as_ref()?.last.as_ref()?.as_ref()?;
        let parsed = source_at(&record.value.mysql_address);
        if parsed.is_none() {
            tracing::debug!(address = record.value.mysql_address, "the primary's address is not host:port");
        }
        parsed
    }

    /// The revision of the record that was last read or watched; `None`: there is none, or it is not known.
    pub fn revision(&self) -> Option<Revision> {
        Some(self.last.as_ref()?.as_ref()?.revision)
    }

    fn known(&self) -> Reading {
        match &self.last {
            None => Reading::Unread,
            Some(found) => Reading::Recalled(found.as_ref().map(|stored| stored.value.clone())),
        }
    }

    /// Follows the record of whoever is primary now.
    fn look_to_primary(&mut self) {
        let known = self.last.as_ref().and_then(Option::as_ref);
        let Some(alias) = known.and_then(|stored| stored.value.primary.clone()) else {
            self.primary = None;
            return;
        };
        if self.primary.as_ref().is_some_and(|primary| primary.alias == alias) {
            return;
        }
        let topology = self.topology.borrow().clone();
        self.primary = topology.map(|topology| {
            let following = topology.follow(&topology.keys().tablet(Some(&alias)));
            Primary { alias, following, last: None }
        });
    }
}

async fn change_of(primary: &mut Option<Primary>) -> Seen<TabletRecord> {
    match primary {
        Some(primary) => primary.following.changed().await,
        None => std::future::pending().await,
    }
}

/// What is at the key; outer `None`: the topology does not say so in time.
async fn read<R: Record>(topology: &Topology, key: &str) -> Last<R> {
    match timeout(TOPOLOGY_DEADLINE, topology.read::<R>(key)).await {
        Ok(Ok(found)) => Some(found),
        Ok(Err(error)) => {
            tracing::info!(%error, key, "cannot read a record");
            None
        }
        Err(_) => {
            tracing::info!(key, "cannot read a record: no answer");
            None
        }
    }
}

/// A watch may lag behind a read: what it brings counts unless it is older than what is known.
fn take<R>(last: &mut Last<R>, seen: Seen<R>) {
    match (seen, &last) {
        (Seen::Unknown, _) => {}
        (Seen::Absent, _) => *last = Some(None),
        (Seen::Record(new), Some(Some(old))) if new.revision < old.revision => {}
        (Seen::Record(new), _) => *last = Some(Some(new)),
    }
}

/// The host and port of `host:port`; an IPv6 address stands in brackets.
pub fn source_at(address: &str) -> Option<Source> {
    let (host, port) = address.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let port = port.parse().ok().filter(|port| *port != 0)?;
    (!host.is_empty()).then(|| Source { host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let at = |host: &str, port| Some(Source { host: host.into(), port });
        assert_eq!(source_at("10.0.0.1:3306"), at("10.0.0.1", 3306));
        assert_eq!(source_at("[::1]:3306"), at("::1", 3306));
        for bad in ["", "3306", ":3306", "host:", "host:0", "host:70000"] {
            assert_eq!(source_at(bad), None, "{bad}");
        }
    }
}
