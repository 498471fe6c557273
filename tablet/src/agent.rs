//! The agent's loop: look, decide, act, for one tablet.

use proto::account::Secret;
use proto::ids::{ShardRef, TabletAlias, TabletRole, Term};
use proto::rpc::tablet::{Role, StatusResponse};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{MissedTickBehavior, interval};

use crate::decide::{Decision, Mysqld, Observation, Reading, Step, Why, decide};
use crate::dir::TabletDir;
use crate::fence::{self, FenceState};
use crate::limits::{LOOK_INTERVAL, MAX_STEPS_A_PASS};
use crate::look::{Look, look};
use crate::mysqld::supervisor::{StartError, Supervisor};
use crate::session::{AgentSession, SessionError};
use crate::shard_reader::ShardReader;
use crate::term::TermFile;

/// A wish that the tablet take a role.
#[derive(Debug)]
pub struct RoleRequest {
    /// Under this term.
    pub term: Term,
    /// This role.
    pub role: TabletRole,
    /// What became of it.
    pub reply: oneshot::Sender<Result<StatusResponse, RoleRefusal>>,
}

/// Why the tablet does not take a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoleRefusal {
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
    /// The topology cannot be asked.
    #[error("the topology cannot be reached, so the role cannot be confirmed")]
    TopologyAway,
}

/// What was seen in one look.
struct Sight {
    observation: Observation,
    /// What mysqld said, if one runs.
    look: Option<Result<Look, SessionError>>,
}

/// The agent of one tablet. One task owns it.
pub struct Agent {
    alias: TabletAlias,
    shard: ShardRef,
    dir: TabletDir,
    supervisor: Supervisor,
    session: AgentSession,
    term: TermFile,
    reader: ShardReader,
    status: watch::Sender<StatusResponse>,
}

/// What an agent is made of.
pub struct Parts {
    /// The tablet.
    pub alias: TabletAlias,
    /// Its shard.
    pub shard: ShardRef,
    /// Its directory.
    pub dir: TabletDir,
    /// Its mysqld.
    pub supervisor: Supervisor,
    /// Secret of the agent's account.
    pub secret: Secret,
    /// What its shard's record says.
    pub reader: ShardReader,
    /// Where its status is shown.
    pub status: watch::Sender<StatusResponse>,
}

impl Agent {
    /// Puts the agent together; does nothing yet.
    pub fn new(parts: Parts) -> Result<Self, crate::term::TermError> {
        let Parts { alias, shard, dir, supervisor, secret, reader, status } = parts;
        let term = TermFile::open(&dir.term_file())?;
        let session = AgentSession::new(dir.socket(), &secret);
        Ok(Self { alias, shard, dir, supervisor, session, term, reader, status })
    }

    /// Makes sure that there is a mysqld: the one that runs is left as it is, else one is started.
    pub async fn begin(&mut self) -> Result<(), StartError> {
        match self.supervisor.process() {
            Some(_) => Ok(()),
            None => self.supervisor.start(&self.dir, &mut self.session).await,
        }
    }

    /// Does what is to be done, for ever. Safe to cancel; `stop` comes after.
    pub async fn work(&mut self, mut requests: mpsc::Receiver<RoleRequest>) {
        let mut tick = interval(LOOK_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(request) = requests.recv() => {
                    let answer = Box::pin(self.assume_role(request.term, request.role)).await;
                    // Whoever asked may have gone; the role is taken all the same.
                    let _ = request.reply.send(answer);
                    continue;
                }
                ending = self.supervisor.ended() => self.supervisor.note_end(ending, &self.dir),
                () = self.supervisor.start_due() => {}
                () = self.reader.changed() => {}
                _ = tick.tick() => {}
            }
            Box::pin(self.pass()).await;
        }
    }

    /// Ends mysqld in order; nothing of it stays.
    pub async fn stop(mut self) -> std::io::Result<()> {
        self.supervisor.stop(&self.dir, &mut self.session).await
    }

    async fn assume_role(&mut self, term: Term, role: TabletRole) -> Result<StatusResponse, RoleRefusal> {
        let accepted = self.term.accepted().term;
        if term < accepted {
            return Err(RoleRefusal::LowerTerm { offered: term, accepted });
        }
        let Reading::Fresh(record) = self.reader.fresh().await else { return Err(RoleRefusal::TopologyAway) };
        let says = record.as_ref().and_then(|record| {
            let mine = *record.primary.as_ref()? == self.alias;
            Some((record.term, if mine { TabletRole::Primary } else { TabletRole::Replica }))
        });
        if says != Some((term, role)) {
            let record = match record {
                None => "there is none".to_owned(),
                Some(record) => match record.primary {
                    None => format!("it names nobody (term {})", record.term),
                    Some(primary) => format!("it names {primary} under term {}", record.term),
                },
            };
            return Err(RoleRefusal::NotInRecord { shard: self.shard.clone(), record });
        }
        self.pass().await;
        Ok(self.status.borrow().clone())
    }

    /// Looks, decides and acts until nothing is left to do, or something has to be waited for.
    async fn pass(&mut self) {
        let mut ask = Ask::IfDue;
        for _ in 0..MAX_STEPS_A_PASS {
            let sight = self.observe(ask).await;
            let decision = decide(&sight.observation);
            let go_on = match (decision.step, ask) {
                // Asked just now, without an answer: the topology is away.
                (Step::ReadRecord, Ask::Anyway) => false,
                _ => self.act(&decision).await,
            };
            ask = if decision.step == Step::ReadRecord { Ask::Anyway } else { Ask::IfDue };
            self.show(&sight, &decision);
            if !go_on {
                return;
            }
        }
    }

    async fn observe(&mut self, ask: Ask) -> Sight {
        let absence = self.supervisor.absence();
        let look = match absence {
            Some(_) => None,
            None => Some(look(&mut self.session).await),
        };
        let mysqld = match (&look, absence) {
            (_, Some(absence)) => absence,
            (Some(Ok(look)), None) => Mysqld::Up(look.fence),
            (_, None) => Mysqld::Silent,
        };
        let shard = match ask {
            Ask::IfDue => self.reader.recalled().await,
            Ask::Anyway => self.reader.fresh().await,
        };
        let observation =
            Observation { me: self.alias.clone(), mysqld, shard, accepted: self.term.accepted() };
        Sight { observation, look }
    }

    /// Tells whether to look and decide again at once.
    async fn act(&mut self, decision: &Decision) -> bool {
        if let Some(accept) = decision.accept {
            match self.term.accept(accept) {
                Ok(()) => tracing::info!(term = %accept.term, "accepted: {}", decision.why),
                Err(error) => {
                    tracing::error!(%error, "the term cannot be kept, so nothing is served under it");
                    // A full disk keeps a fence from being lifted, never from being raised.
                    if decision.step == Step::Lift {
                        return false;
                    }
                }
            }
        }
        match decision.step {
            Step::Leave => false,
            Step::ReadRecord => true,
            Step::StartMysqld => match self.supervisor.start(&self.dir, &mut self.session).await {
                Ok(()) => true,
                Err(error) => {
                    tracing::error!(%error, "mysqld does not start");
                    false
                }
            },
            Step::Raise => {
                self.raise(&decision.why).await;
                true
            }
            Step::Kill => {
                self.kill(&decision.why).await;
                true
            }
            Step::Lift => match fence::lift(&mut self.session, &self.shard.keyspace).await {
                Ok(()) => {
                    tracing::info!("lifted the fence: {}", decision.why);
                    true
                }
                Err(error) => {
                    tracing::warn!(%error, "the fence could not be lifted");
                    false
                }
            },
        }
    }

    async fn raise(&mut self, why: &Why) {
        match fence::raise(&mut self.session).await {
            Ok(()) => tracing::info!("raised the fence: {why}"),
            Err(error) => {
                tracing::warn!(%error, "the fence could not be raised");
                self.kill(why).await;
            }
        }
    }

    async fn kill(&mut self, why: &Why) {
        tracing::warn!("killing mysqld, because it could not be fenced; {why}");
        if let Err(error) = self.supervisor.kill(&self.dir).await {
            tracing::error!(%error, "mysqld cannot be killed");
        }
    }

    fn show(&self, sight: &Sight, decision: &Decision) {
        let accepted = self.term.accepted();
        let role = match accepted.role {
            None => Role::Unspecified,
            Some(TabletRole::Primary) => Role::Primary,
            Some(TabletRole::Replica) => Role::Replica,
        };
        let look = sight.look.as_ref().and_then(|look| look.as_ref().ok());
        let serves =
            look.is_some_and(|look| look.fence == FenceState::Lifted) && decision.step == Step::Leave;
        let reason = match (&sight.look, self.supervisor.failure()) {
            _ if serves => String::new(),
            (Some(Err(error)), _) => format!("{}: {error}", decision.why),
            (_, Some(failure)) => failure,
            (_, None) => decision.why.to_string(),
        };
        self.status.send_replace(StatusResponse {
            alias: self.alias.to_string(),
            role: role.into(),
            term: accepted.term.0,
            mysqld_running: self.supervisor.process().is_some(),
            fenced: look.is_some_and(|look| look.fence == FenceState::Raised),
            mysql_version: look.map(|look| look.version.clone()).unwrap_or_default(),
            gtid_executed: look.map(|look| look.gtid_executed.clone()).unwrap_or_default(),
            reason,
            ..StatusResponse::default()
        });
    }
}

/// Whether an observation asks the topology.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    /// Only if it was not asked for long.
    IfDue,
    /// Yes.
    Anyway,
}
