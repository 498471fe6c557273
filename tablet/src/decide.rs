//! What an agent does next: a pure function of what it sees.
//!
//! The shard's record says what the tablet is to be, and how far it may be followed depends on what the agent
//! has accepted on disk before. The first row that fits counts:
//!
//! | the shard's record | the tablet is |
//! |---|---|
//! | was not read since this agent started, or is not there | what it was (see below) |
//! | names this tablet, under a higher term than the disk's, or the same and the disk says primary | primary |
//! | names this tablet, under any other term | what it was: such a primaryship is over |
//! | names nobody, under a term that was accepted before | what it was |
//! | names another tablet, or nobody | replica |
//!
//! Each role is a list of steps in an order that keeps every acknowledged write. Each step has a condition
//! that says when it is done, so a pass that was cut short anywhere goes on where it was.
//!
//! ```text
//!   primary (primary.rs)                              replica (replica.rs)
//!     term on disk                                      term on disk
//!     everything received applied, source dropped       fence up but for readers of a replica that keeps up
//!     commits wait for ackers, iff there are ackers     the primary followed where its record says it is,
//!     writes on, data sessions still off                  acknowledging iff listed as acker
//!     an own write acknowledged under the term          commits no longer wait, once no session is left
//!     data sessions on                                  readers on, where it keeps up and is not primary next
//! ```
//!
//! A replica whose lag passes `MAX_READ_LAG` turns its readers out, whatever the record says and whether or not
//! it can be read.
//!
//! What it was, while the record says nothing that can be acted on: a fence that is down stays down where the
//! disk says primary, and goes up elsewhere; one that is up stays up. So an agent that is restarted while the
//! topology is away touches nothing.
//!
//! A tablet that was asked to leave the ackers acknowledges nothing under the record that it read then, however
//! long that stands: only under a record of another revision. Whoever takes it out of the record compares the
//! revision, so either that succeeds before there is such a record, or it does not succeed.
//!
//! What changes on a record's word alone is only ever towards the fence. Opening anything, and following
//! anybody, needs a record that was read after mysqld was looked at.

mod primary;
mod replica;
mod why;

use std::time::Duration;

use proto::ids::{TabletAlias, TabletRole, Term};
use proto::limits::MAX_READ_LAG;
use topo::records::ShardRecord;
use topo::store::Revision;

pub use why::Why;

use crate::fence::FenceState;
use crate::replication::{Acks, Source, Switch, ThreadState};
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
    /// The revision of the record.
    pub revision: Option<Revision>,
    /// Where the record's primary listens, as its own record says.
    pub primary_at: Option<Source>,
    /// What stands on its disk.
    pub accepted: Accepted,
    /// The term under which a write of the agent's own was acknowledged since mysqld started.
    pub proven: Option<Term>,
    /// The revision of the record under which it has left the ackers.
    pub left_at: Option<Revision>,
    /// How old its data may be, as a replica's; `None`: that is not known. Grows also while mysqld is silent.
    pub lag: Option<Duration>,
    /// Whether a replication that stopped with an error may be started again.
    pub retry: Retry,
}

/// How mysqld is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mysqld {
    /// There is none, and it is time to start it.
    StartDue,
    /// There is none, and the next start waits for its time.
    StartLater,
    /// There is none, and it has died too often.
    GivenUp,
    /// The process is there but does not answer. With its fence as this agent last saw it, if it ever did.
    Silent(Option<FenceState>),
    /// Its data is being replaced by a donor's.
    Provisioning,
    /// It answers.
    Up(Server),
}

/// A mysqld that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its fence.
    pub fence: FenceState,
    /// Whether its commits wait for an acknowledgement.
    pub waits: Switch,
    /// Whether it acknowledges what it receives.
    pub acks: Acks,
    /// Whom it replicates from, if a source is set.
    pub channel: Option<Channel>,
}

/// How a mysqld replicates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// From where.
    pub source: Source,
    /// The thread that receives.
    pub receiver: ThreadState,
    /// The threads that apply.
    pub applier: ThreadState,
    /// What stopped one of them.
    pub error: Option<String>,
}

impl Channel {
    fn runs(&self) -> bool {
        self.receiver != ThreadState::Stopped && self.applier != ThreadState::Stopped
    }
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

impl Reading {
    /// What it says, as far as it is known.
    pub fn record(&self) -> Option<&ShardRecord> {
        match self {
            Self::Unread => None,
            Self::Recalled(record) | Self::Fresh(record) => record.as_ref(),
        }
    }

    fn is_fresh(&self) -> bool {
        matches!(self, Self::Fresh(_))
    }
}

/// Whether something that failed may be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Yes.
    Due,
    /// A little later.
    Later,
}

/// What to do, in this order: accept, then see to the heartbeat, then the step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Put this on disk first.
    pub accept: Option<Accepted>,
    /// The term under which heartbeats are written meanwhile; `None`: none are written.
    pub beat: Option<Term>,
    /// Then do this.
    pub step: Step,
    /// Why, in words for `Status`.
    pub why: Why,
}

/// One act on mysqld.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Apply everything that was received, then forget the source.
    LeaveSource,
    /// Make commits wait for an acknowledgement.
    WaitForAcks,
    /// Let commits wait for nobody, once no data session is left; where they stay, kill mysqld.
    StopWaiting,
    /// Take writes, from the agent only, and make what lacks. Done again until a heartbeat was acknowledged.
    OpenWrites,
    /// Let data sessions in.
    Admit,
    /// Let data sessions in that read, as a replica.
    AdmitReaders,
    /// Replicate from there.
    Follow(Source, Acks),
}

/// What the record says to this tablet.
enum Verdict<'a> {
    /// Serve under the record's term.
    Primary(&'a ShardRecord),
    /// Do not serve; somebody else may.
    Replica(&'a ShardRecord),
    /// Nothing that could be acted on.
    Undecided(Why),
}

/// Decides.
pub fn decide(seen: &Observation) -> Decision {
    let verdict = judge(seen);
    let accept = newly_accepted(&verdict, seen.accepted);
    let plain = |step, why| Decision { accept, beat: None, step, why };
    match &seen.mysqld {
        Mysqld::StartDue => plain(Step::StartMysqld, Why::MysqldDown),
        Mysqld::StartLater | Mysqld::GivenUp => plain(Step::Leave, Why::MysqldDown),
        Mysqld::Provisioning => {
            Decision { accept: None, beat: None, step: Step::Leave, why: Why::Provisioning }
        }
        Mysqld::Silent(fence) => silent(seen, &verdict, accept, *fence),
        Mysqld::Up(server) => match &verdict {
            Verdict::Primary(record) => {
                let (step, why) = primary::next(seen, server, record);
                // A role is taken up on a fresh record only; what already serves may change its term.
                let settled = server.fence == FenceState::Lifted || seen.shard.is_fresh();
                let accept = accept.filter(|_| settled);
                let under = accept.unwrap_or(seen.accepted).term;
                let beats = writes(server) && step != Step::Raise && under == record.term;
                Decision { accept, beat: beats.then_some(under), step, why }
            }
            Verdict::Replica(record) => {
                let (step, why) = replica::next(seen, server, record);
                plain(step, why)
            }
            Verdict::Undecided(why) => {
                let (step, why) = as_it_was(seen, server, why);
                let beat = (writes(server) && step == Step::Leave).then_some(seen.accepted.term);
                Decision { accept, beat, step, why }
            }
        },
    }
}

fn writes(server: &Server) -> bool {
    matches!(server.fence, FenceState::Lifted | FenceState::Proving)
}

/// A frozen mysqld may wake up any moment: where another one serves it must not. One whose fence was seen up
/// is no danger, and neither is one that was never heard of while this agent runs: it starts, fenced. A replica that
/// is read is one once its data is too old.
fn silent(
    seen: &Observation,
    verdict: &Verdict<'_>,
    accept: Option<Accepted>,
    fence: Option<FenceState>,
) -> Decision {
    let kill = |accept, why| Decision { accept, beat: None, step: Step::Kill, why };
    let writes = fence.is_some_and(|fence| !matches!(fence, FenceState::Raised | FenceState::Reading));
    let outdated = fence == Some(FenceState::Reading) && !replica::is_young(seen.lag, MAX_READ_LAG);
    match verdict {
        Verdict::Replica(record) if accept.is_some() || writes => {
            kill(accept, Why::NotPrimary(record.primary.clone(), record.term))
        }
        Verdict::Replica(_) if outdated => kill(accept, Why::TooOld(seen.lag)),
        Verdict::Undecided(_) if outdated && seen.accepted.role == Some(TabletRole::Replica) => {
            kill(None, Why::TooOld(seen.lag))
        }
        _ => Decision { accept: None, beat: None, step: Step::Leave, why: Why::MysqldSilent },
    }
}

fn as_it_was(seen: &Observation, server: &Server, why: &Why) -> (Step, Why) {
    let Accepted { term, role } = seen.accepted;
    match (server.fence, role) {
        (FenceState::Lifted, Some(TabletRole::Primary)) => (Step::Leave, Why::Serves(term)),
        // Nobody but the agent is in, and its own write may wait for an acknowledgement.
        (FenceState::Proving, Some(TabletRole::Primary)) => (Step::Leave, why.clone()),
        (FenceState::Raised | FenceState::Reading, Some(TabletRole::Replica))
            if *why == Why::TopologyUnread
                && (server.fence == FenceState::Raised || replica::may_be_read(seen, server)) =>
        {
            let is_well = server.channel.as_ref().is_some_and(replica::is_well);
            (Step::Leave, if is_well { Why::Replicates(term) } else { why.clone() })
        }
        (FenceState::Raised, _) => (Step::Leave, why.clone()),
        _ => (Step::Raise, why.clone()),
    }
}

fn judge(seen: &Observation) -> Verdict<'_> {
    if seen.shard == Reading::Unread {
        return Verdict::Undecided(Why::TopologyUnread);
    }
    let Some(record) = seen.shard.record() else { return Verdict::Undecided(Why::NoPrimary) };
    match &record.primary {
        Some(primary) if *primary == seen.me => {
            if may_follow(record.term, seen.accepted) {
                Verdict::Primary(record)
            } else {
                Verdict::Undecided(Why::StaleTerm { record: record.term, accepted: seen.accepted })
            }
        }
        None if record.term <= seen.accepted.term => Verdict::Undecided(Why::NoPrimary),
        _ => Verdict::Replica(record),
    }
}

/// Whether a primaryship of this tablet under the term is news, or the one that it already has.
pub fn may_follow(term: Term, accepted: Accepted) -> bool {
    term > accepted.term || (term == accepted.term && accepted.role == Some(TabletRole::Primary))
}

/// What the verdict changes on disk. Terms never fall, also when the topology's does.
fn newly_accepted(verdict: &Verdict<'_>, accepted: Accepted) -> Option<Accepted> {
    let next = match verdict {
        Verdict::Primary(record) => Accepted { term: record.term, role: Some(TabletRole::Primary) },
        Verdict::Replica(record) => {
            Accepted { term: accepted.term.max(record.term), role: Some(TabletRole::Replica) }
        }
        Verdict::Undecided(_) => return None,
    };
    (next != accepted).then_some(next)
}

#[cfg(test)]
mod tests;
