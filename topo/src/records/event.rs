use std::fmt;
use std::str::FromStr;

use proto::ids::{ShardRef, TabletAlias};
use serde::{Deserialize, Serialize};

use super::Record;

/// `events/<sequence>`: something that happened and that people may want to know of. Bounded in number; the
/// oldest go first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRecord {
    /// Milliseconds since 1970, by control's clock. Nothing is ordered by it: the sequence orders.
    pub at_ms: u64,
    /// What it is about.
    pub object: EventObject,
    /// What happened.
    pub reason: EventReason,
    /// What was observed, in words.
    pub observation: String,
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum EventObject {
    /// The cluster as a whole.
    Cluster,
    /// A shard.
    Shard(ShardRef),
    /// A tablet.
    Tablet(TabletAlias),
}

impl fmt::Display for EventObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => f.write_str("cluster"),
            Self::Shard(shard) => shard.fmt(f),
            Self::Tablet(alias) => alias.fmt(f),
        }
    }
}

impl FromStr for EventObject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "cluster" => Ok(Self::Cluster),
            shard if shard.contains('/') => shard.parse().map(Self::Shard).map_err(|e| e.to_string()),
            alias => alias.parse().map(Self::Tablet).map_err(|e| e.to_string()),
        }
    }
}

impl TryFrom<String> for EventObject {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<EventObject> for String {
    fn from(object: EventObject) -> Self {
        object.to_string()
    }
}

macro_rules! event_reasons {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What happened: one of a fixed set of words.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum EventReason {
            $($(#[$doc])* $name,)*
            /// Something that a newer program knows.
            #[serde(other)]
            Unknown,
        }

        impl EventReason {
            /// The word.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                    Self::Unknown => "Unknown",
                }
            }
        }
    };
}

event_reasons! {
    /// A shard got its first primary.
    PrimaryAppointed,
    /// A planned change of primary began.
    ReparentStarted,
    /// It is done.
    ReparentDone,
    /// The primary stays where it was.
    ReparentFailed,
    /// A change of primary that nobody was carrying out any more was ended.
    TransitionEnded,
    /// A replica may acknowledge commits from now on.
    AckerAdded,
    /// A replica acknowledges no longer.
    AckerRemoved,
    /// A shard has nobody to fail over to.
    CannotFailOver,
    /// It has again.
    CanFailOver,
    /// A tablet's data is being replaced by a donor's.
    ProvisioningStarted,
    /// It was.
    ProvisioningDone,
    /// It was not.
    ProvisioningFailed,
    /// A replica needs a donor's data and gets none until somebody has seen to something.
    ProvisioningHindered,
    /// A tablet's mysqld died, and is started again.
    MysqldDied,
    /// A tablet's mysqld went away.
    MysqldDown,
    /// It is back.
    MysqldUp,
    /// It died too often in a row and is left down.
    MysqldGivenUp,
    /// A replica no longer receives or applies.
    ReplicationBroken,
    /// It does again.
    ReplicationRestored,
    /// A replica has transactions that its primary lacks.
    ErrantTransactions,
    /// What a replica's primary changed is not there on the replica, or is there already.
    ReplicaDiverged,
    /// A tablet's agent does not answer.
    TabletUnreachable,
    /// It answers again.
    TabletReachable,
    /// Tablets know terms that the topology does not.
    TopologyBehind,
    /// Events came faster than they could be written.
    EventsDropped,
}

impl fmt::Display for EventReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Record for EventRecord {
    const KIND: &'static str = "event";
    const FORMAT: u32 = 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_newer_programs_are_read_as_far_as_they_are_known() {
        for object in ["cluster", "shop/-80", "zone1-101"] {
            assert_eq!(object.parse::<EventObject>().unwrap().to_string(), object);
        }
        assert!("shop/x".parse::<EventObject>().is_err());
        let text = r#"{"format":1,"at_ms":7,"object":"zone1-101","reason":"Exploded","observation":"loud"}"#;
        let event: EventRecord = super::super::decode("events/1", text.as_bytes()).unwrap();
        assert_eq!((event.reason, event.at_ms), (EventReason::Unknown, 7));
    }
}
