//! A shard as it is, and what its tablets are good for. Pure.

#[cfg(test)]
pub(crate) mod sample;

use std::fmt;

use proto::gtid::GtidSet;
use proto::ids::{TabletAlias, TabletRole, Term};
use proto::rpc::tablet::ThreadState;
use topo::Stored;
use topo::records::{Durability, KeyspaceRecord, ShardRecord, TabletState};

use crate::agents::{SeenStatus, SeenTablet};
use crate::limits::MAX_FIT_LAG;

/// A shard as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShardSight {
    /// What its keyspace asks for.
    pub(crate) keyspace: KeyspaceRecord,
    /// Its record with the revision that wrote it, if there is one.
    pub(crate) record: Option<Stored<ShardRecord>>,
    /// Its registered tablets, by alias.
    pub(crate) tablets: Vec<SeenTablet>,
}

/// Why a replica is not one that could take over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// Its agent does not answer.
    Unreachable,
    /// Its mysqld does not run, or does not answer; the agent's reason.
    MysqldDown(String),
    /// Its mysqld died too often and is left down; the agent's reason.
    GivenUp(String),
    /// Its data is being replaced.
    Provisioning(String),
    /// It does not replicate from the shard's primary; why.
    NotReplicating(String),
    /// It has transactions that the primary lacks.
    Errant(GtidSet),
    /// It is too far behind, in milliseconds.
    Lagging(u64),
}

/// Why a shard has nobody to fail over to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Risk {
    /// There is nobody else.
    OnlyTablet,
    /// Nobody else is fit.
    NobodyFit(Vec<(TabletAlias, Unfit)>),
    /// The keyspace is semi-sync, but commits do not wait for a replica yet.
    NotWaiting,
    /// Fit are only some that commits do not wait for.
    NoFitAcker,
}

impl ShardSight {
    /// The term of its record; 0 without one.
    pub(crate) fn term(&self) -> Term {
        self.record.as_ref().map_or(Term(0), |stored| stored.value.term)
    }

    /// A tablet of the shard.
    pub(crate) fn tablet(&self, alias: &TabletAlias) -> Option<&SeenTablet> {
        self.tablets.iter().find(|tablet| tablet.alias() == alias)
    }

    /// Whom the record names as primary.
    pub(crate) fn primary_alias(&self) -> Option<&TabletAlias> {
        self.record.as_ref()?.value.primary.as_ref()
    }

    /// The tablet that the record names as primary, if it is registered.
    pub(crate) fn primary(&self) -> Option<&SeenTablet> {
        self.tablet(self.primary_alias()?)
    }

    /// The primary with its status, if it serves under the record's term.
    pub(crate) fn serving(&self) -> Option<(&SeenTablet, &SeenStatus)> {
        let primary = self.primary()?;
        let status = primary.status.as_ref().filter(|status| status.serves_as_primary(self.term()))?;
        Some((primary, status))
    }

    /// Every tablet but the primary.
    pub(crate) fn replicas(&self) -> impl Iterator<Item = &SeenTablet> {
        let primary = self.primary_alias();
        self.tablets.iter().filter(move |tablet| Some(tablet.alias()) != primary)
    }

    /// The replicas that could take over.
    pub(crate) fn fit_replicas(&self) -> impl Iterator<Item = &SeenTablet> {
        self.replicas().filter(|tablet| self.fitness(tablet).is_ok())
    }

    /// Whether the record lists the tablet as acker.
    pub(crate) fn is_acker(&self, alias: &TabletAlias) -> bool {
        self.record.as_ref().is_some_and(|stored| stored.value.ackers.contains(alias))
    }

    /// What the tablet has executed and the primary has not, going by what their agents said: those may have
    /// looked up to a second apart, so this alone convicts nobody.
    pub(crate) fn surplus(&self, tablet: &SeenTablet) -> GtidSet {
        match (&tablet.status, self.serving()) {
            (Some(status), Some((_, primary))) => status.executed.subtract(&primary.executed),
            _ => GtidSet::default(),
        }
    }

    /// Whether a replica could take over, as far as its agent can tell: it follows the present primary and is
    /// not far behind.
    pub(crate) fn fitness(&self, tablet: &SeenTablet) -> Result<(), Unfit> {
        let status = tablet.status.as_ref().ok_or(Unfit::Unreachable)?;
        let reason = || status.reason.clone();
        match status.state {
            TabletState::GivenUp => return Err(Unfit::GivenUp(reason())),
            TabletState::MysqldDown => return Err(Unfit::MysqldDown(reason())),
            TabletState::Provisioning => return Err(Unfit::Provisioning(reason())),
            TabletState::Replicating => {}
            TabletState::Serving | TabletState::Fenced | TabletState::Unknown => {
                return Err(Unfit::NotReplicating(reason()));
            }
        }
        self.follows(status)?;
        match status.lag_ms() {
            None => Err(Unfit::NotReplicating("no heartbeat of its primary has arrived yet".into())),
            Some(lag) if u128::from(lag) > MAX_FIT_LAG.as_millis() => Err(Unfit::Lagging(lag)),
            Some(_) => Ok(()),
        }
    }

    /// Whether the replica receives what the primary commits, however much it has still to apply.
    pub(crate) fn receives(&self, tablet: &SeenTablet) -> bool {
        let Some(status) = &tablet.status else { return false };
        let runs = |receiver: ThreadState| receiver == ThreadState::Running;
        matches!(status.state, TabletState::Replicating | TabletState::Fenced)
            && status.replication.as_ref().is_some_and(|replication| runs(replication.receiver))
            && self.follows(status).is_ok()
    }

    /// Whether the replica has the present primary for its source.
    fn follows(&self, status: &SeenStatus) -> Result<(), Unfit> {
        if status.role != Some(TabletRole::Replica) || status.term != self.term() {
            let word = status.role.map_or_else(|| "no role".to_owned(), |role| format!("the role of {role}"));
            return Err(Unfit::NotReplicating(format!("it has {word} under term {}", status.term)));
        }
        let source = status.replication.as_ref().map_or("nobody", |replication| replication.source.as_str());
        if self.primary().is_none_or(|primary| primary.record.mysql_address != source) {
            return Err(Unfit::NotReplicating(format!("it follows {source}")));
        }
        Ok(())
    }

    /// Why the shard has nobody to fail over to; `None` if it has, or no primary to lose.
    pub(crate) fn risk(&self) -> Option<Risk> {
        self.primary_alias()?;
        if self.replicas().next().is_none() {
            return Some(Risk::OnlyTablet);
        }
        if self.fit_replicas().next().is_none() {
            let unfit = self.replicas().filter_map(|t| Some((t.alias().clone(), self.fitness(t).err()?)));
            return Some(Risk::NobodyFit(unfit.collect()));
        }
        let waits = self.record.as_ref().is_some_and(|stored| !stored.value.ackers.is_empty());
        match (self.keyspace.durability, waits) {
            (Durability::Async, false) => None,
            (Durability::SemiSync, false) => Some(Risk::NotWaiting),
            (_, true) if self.fit_replicas().any(|tablet| self.is_acker(tablet.alias())) => None,
            (_, true) => Some(Risk::NoFitAcker),
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, why) = match self {
            Self::Unreachable => return f.write_str("its agent does not answer"),
            Self::Errant(set) => {
                return write!(f, "it has transactions that the primary lacks: {}", one_line(set));
            }
            Self::Lagging(ms) => return write!(f, "it is {ms} ms behind"),
            Self::MysqldDown(why) => ("its mysqld is down", why),
            Self::GivenUp(why) => ("its mysqld died too often and is left down", why),
            Self::Provisioning(why) => ("its data is being replaced", why),
            Self::NotReplicating(why) => ("it does not replicate", why),
        };
        if why.is_empty() { f.write_str(what) } else { write!(f, "{what} ({why})") }
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnlyTablet => f.write_str("the shard has one tablet only"),
            Self::NotWaiting => f.write_str("commits do not wait for a replica yet"),
            Self::NoFitAcker => f.write_str("no replica that commits wait for is fit to take over"),
            Self::NobodyFit(unfit) => {
                f.write_str("no replica is fit to take over: ")?;
                for (index, (alias, why)) in unfit.iter().enumerate() {
                    let separator = if index > 0 { "; " } else { "" };
                    write!(f, "{separator}{alias}: {why}")?;
                }
                Ok(())
            }
        }
    }
}

/// A set of transactions in one line, for people.
pub(crate) fn one_line(set: &GtidSet) -> String {
    set.to_string().replace('\n', " ")
}

#[cfg(test)]
mod tests;
