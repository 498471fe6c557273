//! What a shard needs. Pure: a table of cases.

use std::fmt;

use proto::ids::{TabletAlias, Term};

use super::observe::{Observation, SeenTablet};

/// What is to be done for a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// Write that the tablet is primary under the term, then tell it.
    Appoint {
        /// The tablet.
        alias: TabletAlias,
        /// The new term.
        term: Term,
    },
    /// The record says it, but the tablet does not act so yet: tell it again.
    Remind {
        /// The tablet.
        alias: TabletAlias,
        /// The term of the record.
        term: Term,
    },
    /// Nothing can be done yet, and nothing is wrong.
    Wait,
    /// Nothing can be done, and somebody ought to know.
    Stuck(Stuck),
    /// The primary serves.
    Settled,
}

/// Why a shard cannot be given a primary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stuck {
    /// A tablet has served under a term that the topology knows nothing of.
    TermUnknown {
        /// The tablet.
        alias: TabletAlias,
        /// Its term.
        term: Term,
        /// The topology's.
        known: Term,
    },
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TermUnknown { alias, term, known } => write!(
                f,
                "tablet {alias} has accepted term {term}, but the topology knows terms up to {known} only: it has \
                 lost records, and no primary is chosen; restore the topology store's data"
            ),
        }
    }
}

/// What follows from an observation.
pub(super) fn decide(seen: &Observation) -> Decision {
    let (term, primary) = match &seen.record {
        Some(stored) => (stored.value.term, stored.value.primary.as_ref()),
        None => (Term(0), None),
    };
    let ahead = |tablet: &&SeenTablet| tablet.status.as_ref().is_some_and(|s| s.term > term);
    if let Some(tablet) = seen.tablets.iter().find(ahead) {
        let theirs = tablet.status.as_ref().map_or(term, |s| s.term);
        return Decision::Stuck(Stuck::TermUnknown {
            alias: tablet.alias.clone(),
            term: theirs,
            known: term,
        });
    }
    match primary {
        None => appoint_first(seen, term),
        Some(alias) => follow_up(seen, alias, term),
    }
}

/// No primary was ever chosen, so no tablet has data that another one lacks: any that answers will do. A
/// tablet whose mysqld does not run would keep the shard waiting.
fn appoint_first(seen: &Observation, term: Term) -> Decision {
    use crate::agents::SeenMysqld::Fenced;
    let fit = |tablet: &&SeenTablet| tablet.status.as_ref().is_some_and(|s| s.mysqld == Fenced);
    match seen.tablets.iter().find(fit) {
        Some(tablet) => Decision::Appoint { alias: tablet.alias.clone(), term: term.next() },
        None => Decision::Wait,
    }
}

fn follow_up(seen: &Observation, alias: &TabletAlias, term: Term) -> Decision {
    let status = seen.tablets.iter().find(|t| t.alias == *alias).and_then(|t| t.status.as_ref());
    match status {
        Some(status) if status.serves_as_primary(term) => Decision::Settled,
        Some(_) => Decision::Remind { alias: alias.clone(), term },
        None => Decision::Wait,
    }
}

#[cfg(test)]
mod tests {
    use proto::ids::TabletRole::{self, Primary, Replica};
    use topo::Stored;
    use topo::records::ShardRecord;
    use topo::store::Revision;

    use super::*;
    use crate::agents::SeenMysqld::{self, Down, Fenced, Serving};
    use crate::agents::SeenStatus;

    fn record(term: u64, primary: &str) -> Option<Stored<ShardRecord>> {
        let primary = (!primary.is_empty()).then(|| primary.parse().unwrap());
        Some(Stored {
            value: ShardRecord { term: Term(term), primary, ..ShardRecord::default() },
            revision: Revision(7),
        })
    }

    fn said(role: impl Into<Option<TabletRole>>, term: u64, mysqld: SeenMysqld) -> Option<SeenStatus> {
        Some(SeenStatus { role: role.into(), term: Term(term), mysqld })
    }

    fn appoint(alias: &str, term: u64) -> Decision {
        Decision::Appoint { alias: alias.parse().unwrap(), term: Term(term) }
    }

    fn remind(term: u64) -> Decision {
        Decision::Remind { alias: "a-1".parse().unwrap(), term: Term(term) }
    }

    fn stuck(term: u64, known: u64) -> Decision {
        let alias = "a-1".parse().unwrap();
        Decision::Stuck(Stuck::TermUnknown { alias, term: Term(term), known: Term(known) })
    }

    #[test]
    fn each_case_has_its_decision() {
        type Case = (&'static str, Option<Stored<ShardRecord>>, Vec<Option<SeenStatus>>, Decision);
        let new = || said(None, 0, Fenced);
        #[rustfmt::skip]
        let cases: Vec<Case> = vec![
            ("no tablet registered", None, vec![], Decision::Wait),
            ("the only tablet is unreachable", None, vec![None], Decision::Wait),
            ("its mysqld starts", None, vec![said(None, 0, Down)], Decision::Wait),
            ("the first tablet is ready", None, vec![new()], appoint("a-1", 1)),
            ("an empty record", record(0, ""), vec![new()], appoint("a-1", 1)),
            ("the first two are not fit", None, vec![None, said(None, 0, Down), new()], appoint("a-3", 1)),
            ("two are fit: the lower alias", None, vec![new(), new()], appoint("a-1", 1)),
            ("a primary was taken back", record(4, ""), vec![said(Replica, 4, Fenced)], appoint("a-1", 5)),
            ("appointed, not told yet", record(1, "a-1"), vec![new()], remind(1)),
            ("told, still fenced", record(1, "a-1"), vec![said(Primary, 1, Fenced)], remind(1)),
            ("serves under an older term", record(2, "a-1"), vec![said(Primary, 1, Serving)], remind(2)),
            ("the primary's mysqld restarts", record(1, "a-1"), vec![said(Primary, 1, Down)], remind(1)),
            ("the primary serves", record(1, "a-1"), vec![said(Primary, 1, Serving)], Decision::Settled),
            ("the primary is unreachable", record(1, "a-1"), vec![None], Decision::Wait),
            ("another one is up, the primary not", record(1, "a-1"), vec![None, new()], Decision::Wait),
            ("the primary is not registered", record(1, "b-9"), vec![new()], Decision::Wait),
            ("the topology lost its record", None, vec![said(Primary, 3, Fenced)], stuck(3, 0)),
            ("the topology went back in time", record(2, "a-1"), vec![said(Primary, 3, Serving)], stuck(3, 2)),
        ];
        for (name, record, statuses, expected) in cases {
            let tablets = statuses.into_iter().enumerate().map(|(index, status)| SeenTablet {
                alias: format!("a-{}", index + 1).parse().unwrap(),
                agent_address: String::new(),
                status,
            });
            let seen = Observation { record, tablets: tablets.collect() };
            assert_eq!(decide(&seen), expected, "{name}");
        }
    }
}
