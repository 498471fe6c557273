//! What an agent does next: a pure function of what it sees.
//!
//! The rule, for a mysqld that answers (rows from top to bottom, the first that fits):
//!
//! | the shard's record, as this agent read it | fence | then |
//! |---|---|---|
//! | names this tablet, under a term it may follow, read just now | lifted | serve |
//! |   | not lifted | write the term to disk, lift |
//! | the same, but read earlier | lifted | serve |
//! |   | not lifted | read it again first |
//! | names another tablet, or nobody under a higher term | raised | stay fenced |
//! |   | not raised | write the term to disk, raise |
//! | was not read since this agent started, is not there, names nobody yet, or names this tablet under a term that it may not follow | lifted, and the disk says primary | leave it: it serves |
//! |   | raised | leave it: fenced |
//! |   | else | raise |
//!
//! A term may be followed when it is higher than the one on disk, or equal to it and the disk says primary.
//! So an agent that is restarted while the topology is away touches nothing, and never lifts a fence by
//! what it remembers.

use std::fmt;

use proto::ids::{TabletAlias, TabletRole, Term};
use topo::records::ShardRecord;

use crate::fence::FenceState;
use crate::term::Accepted;

/// What an agent sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Which tablet it is the agent of.
    pub me: TabletAlias,
    /// Its mysqld.
    pub mysqld: Mysqld,
    /// What the topology says of its shard.
    pub shard: Reading,
    /// What stands on its disk.
    pub accepted: Accepted,
}

/// How mysqld is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mysqld {
    /// There is none, and it is time to start it.
    StartDue,
    /// There is none, and the next start waits for its time.
    StartLater,
    /// There is none, and it has died too often.
    GivenUp,
    /// The process is there but does not answer.
    Silent,
    /// It answers.
    Up(FenceState),
}

/// The shard's record, and how well it is known; `None` inside: the topology has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// The topology did not answer since this agent started.
    Unread,
    /// Read or watched earlier; the topology may be away now.
    Recalled(Option<ShardRecord>),
    /// Read after mysqld was looked at.
    Fresh(Option<ShardRecord>),
}

/// What to do, in this order: accept, then the step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Put this on disk first.
    pub accept: Option<Accepted>,
    /// Then do this.
    pub step: Step,
    /// Why, in words for `Status`.
    pub why: Why,
}

/// One act on mysqld.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Leave,
    /// Start mysqld; it comes up fenced.
    StartMysqld,
    /// Read the shard's record and decide again.
    ReadRecord,
    /// Raise the fence; where that fails, kill mysqld, which starts fenced.
    Raise,
    /// Kill mysqld: it does not answer, so nobody can raise its fence.
    Kill,
    /// Lift the fence.
    Lift,
}

/// The reason of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// mysqld is not there.
    MysqldDown,
    /// mysqld does not answer.
    MysqldSilent,
    /// The topology has not answered yet.
    TopologyUnread,
    /// The shard has no primary yet.
    NoPrimary,
    /// The shard's record names this tablet.
    Primary(Term),
    /// Somebody else is primary, or nobody is any more.
    NotPrimary(Option<TabletAlias>, Term),
    /// The record names this tablet under a term that it may not follow.
    StaleTerm {
        /// The record's term.
        record: Term,
        /// What stands on disk.
        accepted: Accepted,
    },
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MysqldDown => f.write_str("mysqld is down"),
            Self::MysqldSilent => f.write_str("mysqld runs but does not answer"),
            Self::TopologyUnread => f.write_str("the topology has not been reached yet"),
            Self::NoPrimary => f.write_str("the shard has no primary yet"),
            Self::Primary(term) => write!(f, "it is primary under term {term}"),
            Self::NotPrimary(Some(other), term) => write!(f, "{other} is primary under term {term}"),
            Self::NotPrimary(None, term) => write!(f, "nobody is primary under term {term}"),
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

/// What the record says to this tablet.
enum Verdict {
    /// Serve under the term.
    Primary(Term),
    /// Do not serve; somebody else may.
    NotPrimary(Why, Term),
    /// Nothing that could be acted on.
    Undecided(Why),
}

/// Decides.
pub fn decide(seen: &Observation) -> Decision {
    let verdict = judge(seen);
    let accept = newly_accepted(&verdict, seen.accepted);
    let fence = match seen.mysqld {
        Mysqld::StartDue => return Decision { accept, step: Step::StartMysqld, why: Why::MysqldDown },
        Mysqld::StartLater | Mysqld::GivenUp => {
            return Decision { accept, step: Step::Leave, why: Why::MysqldDown };
        }
        Mysqld::Silent => return decide_silent(verdict, accept),
        Mysqld::Up(fence) => fence,
    };
    match verdict {
        Verdict::Primary(term) => {
            let fresh = matches!(seen.shard, Reading::Fresh(_));
            let (accept, step) = match (fence, fresh) {
                (FenceState::Lifted, _) => (accept, Step::Leave),
                (_, true) => (accept, Step::Lift),
                (_, false) => (None, Step::ReadRecord),
            };
            Decision { accept, step, why: Why::Primary(term) }
        }
        Verdict::NotPrimary(why, _) => {
            let step = if fence == FenceState::Raised { Step::Leave } else { Step::Raise };
            Decision { accept, step, why }
        }
        Verdict::Undecided(why) => {
            let was_primary = seen.accepted.role == Some(TabletRole::Primary);
            let step = match fence {
                FenceState::Raised => Step::Leave,
                FenceState::Lifted if was_primary => Step::Leave,
                FenceState::Lifted | FenceState::Half => Step::Raise,
            };
            Decision { accept, step, why }
        }
    }
}

/// A frozen mysqld may wake up any moment: where another one serves it must not.
fn decide_silent(verdict: Verdict, accept: Option<Accepted>) -> Decision {
    match (verdict, accept) {
        // The role changes just now, so this mysqld may have its fence lifted.
        (Verdict::NotPrimary(why, _), Some(accept)) => {
            Decision { accept: Some(accept), step: Step::Kill, why }
        }
        _ => Decision { accept: None, step: Step::Leave, why: Why::MysqldSilent },
    }
}

fn judge(seen: &Observation) -> Verdict {
    let record = match &seen.shard {
        Reading::Unread => return Verdict::Undecided(Why::TopologyUnread),
        Reading::Recalled(None) | Reading::Fresh(None) => return Verdict::Undecided(Why::NoPrimary),
        Reading::Recalled(Some(record)) | Reading::Fresh(Some(record)) => record,
    };
    match &record.primary {
        Some(primary) if *primary == seen.me => {
            if may_follow(record.term, seen.accepted) {
                Verdict::Primary(record.term)
            } else {
                Verdict::Undecided(Why::StaleTerm { record: record.term, accepted: seen.accepted })
            }
        }
        None if record.term <= seen.accepted.term => Verdict::Undecided(Why::NoPrimary),
        other => Verdict::NotPrimary(Why::NotPrimary(other.clone(), record.term), record.term),
    }
}

/// Whether a primaryship of this tablet under the term is news, or the one that it already has.
fn may_follow(term: Term, accepted: Accepted) -> bool {
    term > accepted.term || (term == accepted.term && accepted.role == Some(TabletRole::Primary))
}

/// What the verdict changes on disk. Terms never fall, also when the topology's does.
fn newly_accepted(verdict: &Verdict, accepted: Accepted) -> Option<Accepted> {
    let next = match verdict {
        Verdict::Primary(term) => Accepted { term: *term, role: Some(TabletRole::Primary) },
        Verdict::NotPrimary(_, term) => {
            Accepted { term: accepted.term.max(*term), role: Some(TabletRole::Replica) }
        }
        Verdict::Undecided(_) => return None,
    };
    (next != accepted).then_some(next)
}

#[cfg(test)]
mod tests;
