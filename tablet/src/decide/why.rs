use std::fmt;
use std::time::Duration;

use proto::ids::{TabletAlias, Term};

use crate::term::Accepted;

/// The reason of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// All is well: it serves as primary.
    Serves(Term),
    /// All is well: it receives and applies what the primary commits.
    Replicates(Term),
    /// It is to be primary next, under this term.
    Announced(Term),
    /// The newest heartbeat is so old; `None`: there is none.
    TooOld(Option<Duration>),
    /// mysqld is not there.
    MysqldDown,
    /// mysqld does not answer.
    MysqldSilent,
    /// Its data is being replaced.
    Provisioning,
    /// The topology has not answered yet.
    TopologyUnread,
    /// The shard has no primary yet.
    NoPrimary,
    /// The shard's record names this tablet, which is on its way to serving.
    Becoming(Term),
    /// Everything is ready but no write of its own was acknowledged yet.
    Unproven(Term),
    /// Somebody else is primary, or nobody is any more.
    NotPrimary(Option<TabletAlias>, Term),
    /// The primary cannot be reached now; with what MySQL says.
    Unconnected(TabletAlias, Option<String>),
    /// Replication stopped; with what MySQL says.
    ReplicationFails(TabletAlias, String),
    /// The topology does not say where the primary is.
    PrimaryUnlocated(TabletAlias),
    /// The record names this tablet under a term that it may not follow.
    StaleTerm {
        /// The record's term.
        record: Term,
        /// What stands on disk.
        accepted: Accepted,
    },
}

impl Why {
    /// Whether the tablet does what its role asks for.
    pub fn is_well(&self) -> bool {
        matches!(self, Self::Serves(_) | Self::Replicates(_))
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serves(term) => write!(f, "it is primary under term {term}"),
            Self::Replicates(term) => write!(f, "it replicates under term {term}"),
            Self::Announced(term) => write!(f, "it is to be primary under term {term}"),
            Self::TooOld(Some(lag)) => {
                write!(f, "the newest heartbeat of its primary is {} ms old", lag.as_millis())
            }
            Self::TooOld(None) => f.write_str("no heartbeat of its primary is there"),
            Self::MysqldDown => f.write_str("mysqld is down"),
            Self::MysqldSilent => f.write_str("mysqld runs but does not answer"),
            Self::Provisioning => f.write_str("its data is being replaced by a donor's"),
            Self::TopologyUnread => f.write_str("the topology has not been reached yet"),
            Self::NoPrimary => f.write_str("the shard has no primary yet"),
            Self::Becoming(term) => write!(f, "it becomes primary under term {term}"),
            Self::Unproven(term) => write!(
                f,
                "it serves under term {term} once a write of its own was acknowledged; none was yet"
            ),
            Self::NotPrimary(Some(other), term) => write!(f, "{other} is primary under term {term}"),
            Self::NotPrimary(None, term) => write!(f, "nobody is primary under term {term}"),
            Self::Unconnected(primary, None) => write!(f, "it connects to {primary}"),
            Self::Unconnected(primary, Some(error)) => {
                write!(f, "it cannot connect to {primary}, and tries on: {error}")
            }
            Self::ReplicationFails(primary, error) => {
                write!(f, "replication from {primary} stopped: {error}")
            }
            Self::PrimaryUnlocated(primary) => {
                write!(f, "{primary} is primary, but the topology does not say where it is")
            }
            Self::StaleTerm { record, accepted } => {
                let role =
                    accepted.role.map_or_else(|| "without a role".to_owned(), |role| format!("as {role}"));
                write!(
                    f,
                    "the shard's record names this tablet under term {record}, but term {} was already \
                     accepted {role}; a new primaryship needs a higher term",
                    accepted.term
                )
            }
        }
    }
}
