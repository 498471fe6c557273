//! Whether a reparent may be tried, and to whom. Pure: a table of cases.

use std::collections::BTreeSet;

use proto::ids::{ShardRef, TabletAlias, Term};
use topo::Stored;
use topo::records::{Durability, ShardRecord, TabletRecord};

use crate::agents::SeenTablet;
use crate::limits::LEVEL_LAG;
use crate::sight::{ShardSight, Unfit};

/// Why a reparent is not tried. Each text names the reason and the cure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// There is no such shard.
    #[error("there is no shard {shard}; {}", known_shards(known))]
    UnknownShard {
        /// As it was named.
        shard: ShardRef,
        /// Those that there are.
        known: Vec<String>,
    },
    /// There is no such tablet.
    #[error("there is no tablet {alias}; the shard's tablets are {}", list(known))]
    UnknownTablet {
        /// As it was named.
        alias: TabletAlias,
        /// Those that the shard has.
        known: Vec<TabletAlias>,
    },
    /// The tablet holds the data of another shard.
    #[error("{alias} is a tablet of {shard}; name a tablet of the shard, as `shoal get tablets` shows them")]
    OtherShard {
        /// The tablet.
        alias: TabletAlias,
        /// Its shard.
        shard: ShardRef,
    },
    /// The shard has no primary yet.
    #[error("the shard has no primary yet; wait until `shoal get shards` shows one")]
    NoPrimary,
    /// It is what it was asked to become.
    #[error("{0} is the primary already; name another tablet, or none to have one chosen")]
    AlreadyPrimary(TabletAlias),
    /// There is nobody else.
    #[error(
        "the shard has one tablet only; give its keyspace more (tablets: 3) in the cluster file and apply it"
    )]
    OnlyTablet,
    /// The primary does not serve, so nobody can say what it has committed.
    #[error(
        "the primary {alias} does not serve ({why}), so what it has committed is not known; wait until it is \
         back, see `shoal get tablets`"
    )]
    PrimaryNotServing {
        /// The primary.
        alias: TabletAlias,
        /// Its agent's reason.
        why: String,
    },
    /// The tablet that was named could not take over.
    #[error("{alias} cannot take over: {why}; {}", cure(why))]
    Unfit {
        /// The tablet.
        alias: TabletAlias,
        /// What is wrong with it.
        why: Unfit,
    },
    /// None of the replicas could take over.
    #[error("no replica can take over: {}; see `shoal get tablets`", reasons(.0))]
    NobodyFit(Vec<(TabletAlias, Unfit)>),
    /// The tablet runs an older MySQL than the primary.
    #[error(
        "{alias} runs MySQL {version}, older than the primary's {primary}; upgrade it first, or name another \
         tablet"
    )]
    OlderVersion {
        /// The tablet.
        alias: TabletAlias,
        /// Its version.
        version: String,
        /// The primary's.
        primary: String,
    },
    /// Somebody else is at it.
    #[error("{owner} is under way; try again when it is done")]
    Locked {
        /// Who, in their own words.
        owner: String,
    },
    /// A change of primary was left half done, and is being ended.
    #[error("a change of primary to {to} under term {term} is being ended; try again in a few seconds")]
    BeingEnded {
        /// To whom.
        to: TabletAlias,
        /// Under which term.
        term: Term,
    },
    /// Others kept writing the shard's record.
    #[error("the shard's record changed while it was looked at; try again")]
    Overtaken,
    /// The topology cannot be read or written.
    #[error("{0}; see that etcd runs and can be reached, then try again")]
    TopologyAway(String),
}

impl Refusal {
    /// Whether it may be over in a moment: after a change of primary, replicas need one to follow it.
    pub(super) fn may_pass(&self) -> bool {
        let passes = |why: &Unfit| matches!(why, Unfit::NotReplicating(_));
        match self {
            Self::Unfit { why, .. } => passes(why),
            Self::NobodyFit(unfit) => unfit.iter().any(|(_, why)| passes(why)),
            _ => false,
        }
    }
}

/// A reparent that may be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// The shard's record as it is.
    pub(super) record: Stored<ShardRecord>,
    /// The primary.
    pub(super) from: TabletRecord,
    /// The next one.
    pub(super) to: TabletRecord,
    /// How far it is behind.
    pub(super) lag_ms: u64,
    /// Every tablet of the shard whose agent answers.
    pub(super) tablets: Vec<TabletRecord>,
    /// Whose acknowledgement commits wait for under the next term.
    pub(super) ackers: BTreeSet<TabletAlias>,
}

impl Plan {
    /// Whether the next primary has next to nothing to catch up.
    pub(super) fn is_level(&self) -> bool {
        u128::from(self.lag_ms) <= LEVEL_LAG.as_millis()
    }
}

/// The plan of a reparent to the tablet, or to the one that suits best of those that are not ruled out.
pub(super) fn plan(
    sight: &ShardSight,
    to: Option<&TabletAlias>,
    ruled_out: &[(TabletAlias, Unfit)],
) -> Result<Plan, Refusal> {
    let record = sight.record.as_ref().ok_or(Refusal::NoPrimary)?;
    let from = record.value.primary.as_ref().ok_or(Refusal::NoPrimary)?;
    if let Some(transition) = &record.value.transition {
        return Err(Refusal::BeingEnded { to: transition.to.clone(), term: transition.next_term });
    }
    if to == Some(from) {
        return Err(Refusal::AlreadyPrimary(from.clone()));
    }
    if sight.replicas().next().is_none() {
        return Err(Refusal::OnlyTablet);
    }
    let Some((primary, _)) = sight.serving() else {
        let status = sight.primary().and_then(|tablet| tablet.status.as_ref());
        let why = match status {
            None => "its agent does not answer".to_owned(),
            Some(status) if status.reason.is_empty() => status.word().to_owned(),
            Some(status) => status.reason.clone(),
        };
        return Err(Refusal::PrimaryNotServing { alias: from.clone(), why });
    };
    let chosen = match to {
        Some(alias) => named(sight, alias, ruled_out)?,
        None => best(sight, primary, ruled_out)?,
    };
    check_version(primary, chosen)?;
    let mut ackers = BTreeSet::new();
    if sight.keyspace.durability == Durability::SemiSync {
        ackers.clone_from(&record.value.ackers);
        ackers.remove(chosen.alias());
        // It has everything that was ever acknowledged.
        ackers.insert(from.clone());
    }
    let answering = sight.tablets.iter().filter(|tablet| tablet.status.is_some());
    Ok(Plan {
        record: record.clone(),
        from: primary.record.clone(),
        to: chosen.record.clone(),
        lag_ms: chosen.status.as_ref().and_then(|status| status.lag_ms()).unwrap_or(0),
        tablets: answering.map(|tablet| tablet.record.clone()).collect(),
        ackers,
    })
}

fn named<'a>(
    sight: &'a ShardSight,
    alias: &TabletAlias,
    ruled_out: &[(TabletAlias, Unfit)],
) -> Result<&'a SeenTablet, Refusal> {
    let unfit = |why| Refusal::Unfit { alias: alias.clone(), why };
    // It was registered a moment ago.
    let tablet = sight.tablet(alias).ok_or_else(|| unfit(Unfit::Unreachable))?;
    if let Some((_, why)) = ruled_out.iter().find(|(ruled_out, _)| ruled_out == alias) {
        return Err(unfit(why.clone()));
    }
    sight.fitness(tablet).map_err(unfit)?;
    Ok(tablet)
}

/// Ackers first, since they have every acknowledged commit already; then one of the primary's cell, where the
/// applications expect it; then the one that is the least behind.
fn best<'a>(
    sight: &'a ShardSight,
    primary: &SeenTablet,
    ruled_out: &[(TabletAlias, Unfit)],
) -> Result<&'a SeenTablet, Refusal> {
    let is_in = |alias: &TabletAlias| ruled_out.iter().any(|(ruled_out, _)| ruled_out == alias);
    let candidates = sight.fit_replicas().filter(|tablet| !is_in(tablet.alias()));
    let candidates = candidates.filter(|tablet| check_version(primary, tablet).is_ok());
    let rank = |tablet: &&SeenTablet| {
        let elsewhere = tablet.alias().cell != primary.alias().cell;
        let lag = tablet.status.as_ref().and_then(|status| status.lag_ms());
        (!sight.is_acker(tablet.alias()), elsewhere, lag.unwrap_or(u64::MAX))
    };
    candidates.min_by_key(rank).ok_or_else(|| {
        let unfit = sight.replicas().filter_map(|t| Some((t.alias().clone(), sight.fitness(t).err()?)));
        let older = sight.fit_replicas().find_map(|tablet| check_version(primary, tablet).err());
        let unfit: Vec<(TabletAlias, Unfit)> = unfit.chain(ruled_out.iter().cloned()).collect();
        match older {
            Some(older) if unfit.is_empty() => older,
            _ => Refusal::NobodyFit(unfit),
        }
    })
}

/// The old primary would replicate from it, and what an older MySQL writes a newer one reads; but what the
/// newer one has written so far the older one need not understand.
fn check_version(primary: &SeenTablet, tablet: &SeenTablet) -> Result<(), Refusal> {
    let version = |tablet: &SeenTablet| tablet.status.as_ref().map(|status| status.mysql_version.clone());
    let (theirs, primarys) = (version(tablet).unwrap_or_default(), version(primary).unwrap_or_default());
    if numbers(&theirs) >= numbers(&primarys) {
        return Ok(());
    }
    Err(Refusal::OlderVersion { alias: tablet.alias().clone(), version: theirs, primary: primarys })
}

/// The numbers of a version such as `9.7.4-commercial`.
fn numbers(version: &str) -> Vec<u32> {
    let numbers = version.split(|c: char| c != '.' && !c.is_ascii_digit()).next().unwrap_or_default();
    numbers.split('.').map_while(|number| number.parse().ok()).collect()
}

fn cure(why: &Unfit) -> &'static str {
    match why {
        Unfit::Unreachable => "start its agent or mend the network between, or name another tablet",
        Unfit::MysqldDown(_) => "wait until its agent has started it again, or name another tablet",
        Unfit::GivenUp(_) => "see its log, mend the cause and restart its agent, or name another tablet",
        Unfit::Provisioning(_) => "wait until that is done, or name another tablet",
        Unfit::NotReplicating(_) => "mend its replication (see `shoal events`), or name another tablet",
        Unfit::Errant(_) => {
            "control gives it a copy of the primary's data; wait for that, or name another tablet"
        }
        Unfit::Lagging(_) => "wait until it has caught up, or name another tablet",
    }
}

fn known_shards(known: &[String]) -> String {
    if known.is_empty() { "there are none".to_owned() } else { format!("there are {}", known.join(", ")) }
}

fn list(aliases: &[TabletAlias]) -> String {
    if aliases.is_empty() {
        return "none".to_owned();
    }
    aliases.iter().map(TabletAlias::to_string).collect::<Vec<_>>().join(", ")
}

fn reasons(unfit: &[(TabletAlias, Unfit)]) -> String {
    let reasons = unfit.iter().map(|(alias, why)| format!("{alias}: {why}"));
    reasons.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests;
