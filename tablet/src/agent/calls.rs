//! What control asks for, checked against the disk and a fresh record, and done.

use std::time::Duration;

use proto::ids::{ShardRef, TabletAlias, TabletRole, Term};
use proto::program::failpoint;
use proto::rpc::tablet::StatusResponse;
use tokio::sync::oneshot;
use topo::records::{ShardRecord, Transition};

use super::{Agent, Ask};
use crate::decide::may_follow;
use crate::fence::{self, FenceError, FenceState};
use crate::limits::MAX_CATCH_UP;
use crate::look::look;
use crate::replication::{self, Source};
use crate::session::SessionError;
use crate::term::{Accepted, TermError};

/// Where an answer goes. Whoever asked may have gone; what was asked for is done all the same.
pub type Reply<T> = oneshot::Sender<Result<T, Refusal>>;

/// A wish of control.
#[derive(Debug)]
pub enum Call {
    /// Take a role.
    AssumeRole(Term, TabletRole, Reply<StatusResponse>),
    /// Stop taking writes; answered with all that was ever committed here.
    Demote(Term, Reply<String>),
    /// Wait until a GTID set is executed, but not longer than this.
    CatchUp(Term, String, Duration, Reply<CaughtUp>),
    /// Stop acknowledging.
    LeaveAckers(Term, Reply<()>),
    /// Replace all data by a donor's.
    Provision(Term, Source, Reply<()>),
}

/// How far a tablet has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaughtUp {
    /// Whether the whole set is executed.
    pub reached: bool,
    /// What is.
    pub gtid_executed: String,
}

/// Why a call is not followed.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// A higher one was accepted before.
    #[error("term {offered} is lower than the accepted term {accepted}")]
    LowerTerm {
        /// The request's.
        offered: Term,
        /// The one on disk.
        accepted: Term,
    },
    /// The topology says something else.
    #[error("the record of shard {shard} does not say so: {record}")]
    NotInRecord {
        /// The shard.
        shard: ShardRef,
        /// What the record says.
        record: String,
    },
    /// Others may count on its acknowledgements.
    #[error(
        "the shard's record lists {0} as acker; have it leave the ackers and take it out of the record first, \
         or copy from the primary"
    )]
    CountedOn(TabletAlias),
    /// Two things at once do not go.
    #[error("its data is being replaced; wait until that is done")]
    Provisioning,
    /// The topology cannot be asked.
    #[error("the topology cannot be reached, so the call cannot be confirmed; try again")]
    TopologyAway,
    /// mysqld is not there or does not answer.
    #[error("mysqld does not do as asked: {0}; try again")]
    Mysqld(#[from] SessionError),
    /// It could not be put on disk.
    #[error("it cannot be kept: {0}; try again")]
    Unkept(#[from] TermError),
    /// It could not stop serving.
    #[error("it could not be demoted, and serves on: {0}")]
    ServesOn(String),
    /// Its term may be over, and it cannot tell what it has committed.
    #[error("it may be demoted: {0}; try again")]
    MaybeDemoted(String),
    /// A change of primary counts on what it has received.
    #[error("a change of primary is under way; wait until it is over")]
    InTransition,
    /// Sessions that read its data would outlive it.
    #[error("its readers could not be turned out: {0}; try again")]
    ReadersStay(FenceError),
    /// No copy was begun.
    #[error("no copy can be noted on disk, so none is begun: {0}")]
    Unmarked(std::io::Error),
}

/// What kind of trouble it is for the one who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// Asking the same again leads nowhere.
    Precondition,
    /// Asking again may do.
    Unavailable,
    /// It was tried, and all is as before.
    Aborted,
}

impl Refusal {
    /// What kind of trouble it is.
    pub fn kind(&self) -> RefusalKind {
        match self {
            Self::LowerTerm { .. }
            | Self::NotInRecord { .. }
            | Self::CountedOn(_)
            | Self::Provisioning
            | Self::InTransition => RefusalKind::Precondition,
            Self::TopologyAway
            | Self::Mysqld(_)
            | Self::Unkept(_)
            | Self::MaybeDemoted(_)
            | Self::ReadersStay(_) => RefusalKind::Unavailable,
            Self::ServesOn(_) | Self::Unmarked(_) => RefusalKind::Aborted,
        }
    }
}

/// Why a demotion was not completed, in words.
enum Undemoted {
    /// Nothing of it is on disk by this attempt.
    Surely(String),
    /// The term may be over.
    Perhaps(String),
}

impl Agent {
    /// Does as asked and looks around afterwards.
    pub(super) async fn answer(&mut self, call: Call) {
        // An answer that nobody waits for any more is dropped.
        match call {
            Call::AssumeRole(term, role, reply) => {
                let _ = reply.send(Box::pin(self.assume_role(term, role)).await);
                return;
            }
            Call::Demote(term, reply) => {
                let _ = reply.send(Box::pin(self.demote(term)).await);
            }
            Call::CatchUp(term, gtid_set, patience, reply) => {
                return self.catch_up((term, gtid_set, patience), reply).await;
            }
            Call::LeaveAckers(term, reply) => {
                let _ = reply.send(Box::pin(self.leave_ackers(term)).await);
            }
            Call::Provision(term, donor, reply) => {
                let _ = reply.send(Box::pin(self.provision(term, donor)).await);
            }
        }
        Box::pin(self.pass(Ask::IfDue)).await;
    }

    async fn assume_role(&mut self, term: Term, role: TabletRole) -> Result<StatusResponse, Refusal> {
        let record = self.record_for(term).await?;
        let mine = record.primary.as_ref() == Some(&self.alias);
        let says = if mine { TabletRole::Primary } else { TabletRole::Replica };
        if record.term != term || record.primary.is_none() || says != role {
            return Err(self.not_in_record(&record));
        }
        Box::pin(self.pass(Ask::Anyway)).await;
        Ok(self.status.borrow().clone())
    }

    /// The fence goes up before the term is used up, so that what cannot be done in time can be taken back.
    async fn demote(&mut self, term: Term) -> Result<String, Refusal> {
        let record = self.record_for(term).await?;
        let transition = self.announced(&record, term)?;
        if record.primary.as_ref() != Some(&self.alias) {
            return Err(self.not_in_record(&record));
        }
        // Whoever is to be primary again must be able to take the next term.
        let spent = if transition.to == self.alias { record.term } else { term };
        let after = Accepted { term: spent, role: Some(TabletRole::Replica) };
        let accepted = self.term.accepted();
        if accepted == after {
            let seen = look(&mut self.session).await?;
            if seen.fence == FenceState::Raised {
                return Ok(seen.gtid_executed);
            }
        } else if !may_follow(record.term, accepted) {
            return Err(Refusal::LowerTerm { offered: record.term, accepted: accepted.term });
        }
        let served = look(&mut self.session).await?.fence == FenceState::Lifted;
        self.heartbeat.pause();
        match self.try_demote(after).await {
            Ok(gtid_executed) => {
                tracing::info!(%term, "demoted, in favour of {}", transition.to);
                Ok(gtid_executed)
            }
            Err(undemoted) => {
                let (Undemoted::Surely(why) | Undemoted::Perhaps(why)) = &undemoted;
                tracing::info!("not demoted: {why}");
                let over = self.term.accepted() == after;
                if served && !over {
                    self.serve_on(record.term).await;
                }
                Err(match undemoted {
                    Undemoted::Surely(why) if !over => Refusal::ServesOn(why),
                    Undemoted::Surely(why) | Undemoted::Perhaps(why) => Refusal::MaybeDemoted(why),
                })
            }
        }
    }

    async fn try_demote(&mut self, after: Accepted) -> Result<String, Undemoted> {
        fence::demote(&mut self.session).await.map_err(|error| Undemoted::Surely(error.to_string()))?;
        failpoint::reach("tablet::before_demote_accept");
        self.term.accept(after).map_err(|error| match &error {
            TermError::Unsure { .. } => Undemoted::Perhaps(error.to_string()),
            _ => Undemoted::Surely(error.to_string()),
        })?;
        failpoint::reach("tablet::after_demote");
        match look(&mut self.session).await {
            Ok(seen) => Ok(seen.gtid_executed),
            Err(error) => Err(Undemoted::Perhaps(error.to_string())),
        }
    }

    async fn serve_on(&mut self, term: Term) {
        match fence::reopen(&mut self.session).await {
            Ok(()) => self.heartbeat.beat_under(term),
            // The next pass opens it in the usual order.
            Err(error) => tracing::warn!(%error, "the fence could not be opened again yet"),
        }
    }

    /// Waits in a task of its own.
    async fn catch_up(&mut self, asked: (Term, String, Duration), reply: Reply<CaughtUp>) {
        let (term, gtid_set, patience) = asked;
        if let Err(refusal) = Box::pin(self.may_catch_up(term)).await {
            let _ = reply.send(Err(refusal));
            return;
        }
        let patience = patience.min(MAX_CATCH_UP);
        let mut session = self.another_session().with_deadline(patience + crate::limits::SQL_DEADLINE);
        tokio::spawn(async move {
            let waited = async {
                let reached = replication::wait_executed(&mut session, &gtid_set, patience).await?;
                let gtid_executed = look(&mut session).await?.gtid_executed;
                session.close().await;
                Ok(CaughtUp { reached, gtid_executed })
            };
            let _ = reply.send(waited.await);
        });
    }

    async fn may_catch_up(&mut self, term: Term) -> Result<(), Refusal> {
        let record = self.record_for(term).await?;
        match self.announced(&record, term)?.to == self.alias {
            // What it has is about to be dropped.
            true if self.provisioning.is_some() => Err(Refusal::Provisioning),
            true => Ok(()),
            false => Err(self.not_in_record(&record)),
        }
    }

    async fn leave_ackers(&mut self, term: Term) -> Result<(), Refusal> {
        let record = self.replica_record(term).await?;
        // Before it stops, so that whoever starts anew, agent or mysqld, does not acknowledge either.
        let revision = self.reader.revision().ok_or_else(|| self.not_in_record(&record))?;
        self.term.leave_ackers(revision)?;
        if self.supervisor.process().is_some() && self.provisioning.is_none() {
            replication::stop_acking(&mut self.session).await?;
            tracing::info!("acknowledging no more");
        }
        Ok(())
    }

    async fn provision(&mut self, term: Term, donor: Source) -> Result<(), Refusal> {
        let record = self.replica_record(term).await?;
        if self.provisioning.is_some() {
            return Ok(());
        }
        if record.transition.is_some() {
            return Err(Refusal::InTransition);
        }
        // Whatever it has acknowledged under the term, the primary has as well.
        let listed = record.ackers.contains(&self.alias);
        if listed && self.reader.primary_at().as_ref() != Some(&donor) {
            return Err(Refusal::CountedOn(self.alias.clone()));
        }
        let seen = look(&mut self.session).await?;
        match seen.fence {
            FenceState::Raised => {}
            FenceState::Reading => {
                fence::turn_readers_out(&mut self.session).await.map_err(Refusal::ReadersStay)?;
            }
            FenceState::Proving | FenceState::Lifted | FenceState::Half => {
                return Err(self.not_in_record(&record));
            }
        }
        if listed {
            // From now on, and after the copy until another record lists it.
            let revision = self.reader.revision().ok_or_else(|| self.not_in_record(&record))?;
            self.term.leave_ackers(revision)?;
        }
        if seen.semi_sync.replica_enabled {
            replication::stop_acking(&mut self.session).await?;
        }
        self.begin_copy(donor).map_err(Refusal::Unmarked)
    }

    /// The record, if it has this term and names another primary.
    async fn replica_record(&mut self, term: Term) -> Result<ShardRecord, Refusal> {
        let record = self.record_for(term).await?;
        let other = record.primary.as_ref().is_some_and(|primary| *primary != self.alias);
        if record.term == term && other { Ok(record) } else { Err(self.not_in_record(&record)) }
    }

    /// A fresh record, for a call under a term that is not over.
    async fn record_for(&mut self, term: Term) -> Result<ShardRecord, Refusal> {
        let accepted = self.term.accepted().term;
        if term < accepted {
            return Err(Refusal::LowerTerm { offered: term, accepted });
        }
        let none = || Refusal::NotInRecord { shard: self.shard.clone(), record: "there is none".to_owned() };
        let absent = none();
        self.fresh_record().await?.ok_or(absent)
    }

    fn announced<'r>(&self, record: &'r ShardRecord, term: Term) -> Result<&'r Transition, Refusal> {
        let announced = record.transition.as_ref().filter(|transition| transition.next_term == term);
        announced.ok_or_else(|| self.not_in_record(record))
    }

    fn not_in_record(&self, record: &ShardRecord) -> Refusal {
        let mut says = match &record.primary {
            None => format!("it names nobody (term {})", record.term),
            Some(primary) => format!("it names {primary} under term {}", record.term),
        };
        if let Some(Transition { next_term, to }) = &record.transition {
            says.push_str(&format!(", and announces {to} under term {next_term}"));
        }
        Refusal::NotInRecord { shard: self.shard.clone(), record: says }
    }
}
