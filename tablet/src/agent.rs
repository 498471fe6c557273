//! The agent's loop: look, decide, act, for one tablet.
//!
//! ```text
//!   a call, a record's change, mysqld's end, a start that is due, an acknowledged heartbeat, a tick
//!        │
//!        ▼
//!   pass: observe ──► decide ──► act ──► show      (again until nothing is left to do, or a wait begins)
//! ```
//!
//! One task owns all of it, and no step of it waits long: the only statement that may wait for another machine
//! without end is the heartbeat, which has a task of its own.

mod act;
mod calls;
mod provisioning;
mod status;

use proto::account::Secret;
use proto::ids::{ShardRef, TabletAlias};
use proto::rpc::tablet::StatusResponse;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};

pub use calls::{Call, CaughtUp, Refusal, RefusalKind, Reply};

use crate::decide::{Channel, Mysqld, Observation, Reading, Retry, Server, Step, decide};
use crate::dir::TabletDir;
use crate::fence::FenceState;
use crate::heartbeat::Heartbeat;
use crate::lag::LagWatch;
use crate::limits::{HEARTBEAT_PATIENCE, LOOK_INTERVAL, MAX_STEPS_A_PASS};
use crate::look::{Look, glance, look};
use crate::mysqld::supervisor::{StartError, Supervisor};
use crate::replication::{Acks, Login, ReplicationLook, Switch};
use crate::session::{AgentSession, SessionError};
use crate::shard_reader::ShardReader;
use crate::term::TermFile;
use provisioning::Provisioning;

/// What was seen in one look.
struct Sight {
    observation: Observation,
    /// What mysqld said, if it was asked.
    look: Option<Result<Look, SessionError>>,
    depth: Depth,
}

/// How much of mysqld was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// All of it.
    Full,
    /// What the steps of an agent change.
    Glance,
}

/// The agent of one tablet. One task owns it.
pub struct Agent {
    alias: TabletAlias,
    shard: ShardRef,
    dir: TabletDir,
    secret: Secret,
    login: Login,
    supervisor: Supervisor,
    session: AgentSession,
    term: TermFile,
    reader: ShardReader,
    heartbeat: Heartbeat,
    provisioning: Option<Provisioning>,
    status: watch::Sender<StatusResponse>,
    /// How the fence of the present mysqld was last seen.
    fence: Option<FenceState>,
    /// How old the data of the present mysqld may be.
    lag: LagWatch,
    /// What the last act failed with.
    trouble: Option<String>,
    follow_after: Instant,
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
    /// How to log in at the shard's other tablets.
    pub login: Login,
    /// What its shard's record says.
    pub reader: ShardReader,
    /// Where its status is shown.
    pub status: watch::Sender<StatusResponse>,
}

impl Agent {
    /// Puts the agent together; does nothing yet.
    pub fn new(parts: Parts) -> Result<Self, crate::term::TermError> {
        let Parts { alias, shard, dir, supervisor, secret, login, reader, status } = parts;
        let term = TermFile::open(&dir.term_file())?;
        let session = AgentSession::new(dir.socket(), &secret);
        let patient = AgentSession::new(dir.socket(), &secret).with_deadline(HEARTBEAT_PATIENCE);
        let heartbeat = Heartbeat::start(patient, alias.clone());
        Ok(Self {
            alias,
            shard,
            dir,
            secret,
            login,
            supervisor,
            session,
            term,
            reader,
            heartbeat,
            provisioning: None,
            status,
            fence: None,
            lag: LagWatch::default(),
            trouble: None,
            follow_after: Instant::now(),
        })
    }

    /// Makes sure that there is a mysqld: the one that runs is left as it is, else one is started.
    pub async fn begin(&mut self) -> Result<(), StartError> {
        match self.supervisor.process() {
            None => self.supervisor.start(&self.dir, &mut self.session).await,
            Some(_) => Ok(()),
        }
    }

    /// Does what is to be done, for ever. Safe to cancel; `stop` comes after.
    pub async fn work(&mut self, mut calls: mpsc::Receiver<Call>) {
        let mut tick = interval(LOOK_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(call) = calls.recv() => {
                    Box::pin(self.answer(call)).await;
                    continue;
                }
                ending = self.supervisor.ended() => {
                    self.supervisor.note_end(ending, &self.dir);
                    self.forget_mysqld();
                }
                copied = provisioning::copied(&mut self.provisioning) => self.note_copy(copied),
                () = self.supervisor.start_due() => {}
                () = self.reader.changed() => {}
                () = self.heartbeat.changed() => {}
                _ = tick.tick() => self.tend_log().await,
            }
            Box::pin(self.pass(Ask::IfDue)).await;
        }
    }

    async fn tend_log(&mut self) {
        if self.supervisor.process().is_some()
            && let Err(error) = self.supervisor.tend_log(&self.dir, &mut self.session).await
        {
            tracing::info!(%error, "mysqld writes on to a long log");
        }
    }

    /// Ends mysqld in order; nothing of it stays.
    pub async fn stop(mut self) -> std::io::Result<()> {
        self.heartbeat.pause();
        self.provisioning = None;
        self.supervisor.stop(&self.dir, &mut self.session).await
    }

    /// Looks, decides and acts until nothing is left to do, or something has to be waited for.
    async fn pass(&mut self, ask: Ask) {
        let mut ask = ask;
        let mut sight = self.observe(ask, None).await;
        for _ in 0..MAX_STEPS_A_PASS {
            let decision = decide(&sight.observation);
            if sight.depth == Depth::Glance && decision.step == Step::Leave {
                // What is shown now is shown for long.
                sight = self.observe(ask, None).await;
                continue;
            }
            // It can take minutes, and nothing else is shown meanwhile.
            if decision.step == Step::StartMysqld {
                self.show(&sight, &decision);
            }
            let go_on = match (&decision.step, ask) {
                // Asked just now, without an answer: the topology is away.
                (Step::ReadRecord, Ask::Anyway) => false,
                _ => self.act(&decision).await,
            };
            self.show(&sight, &decision);
            if !go_on {
                return;
            }
            sight = match decision.step {
                Step::ReadRecord => {
                    // Whoever needed to be sure once does so for the steps after it, too. What counts is that
                    // the record is read after mysqld was looked at, so that look is good still.
                    ask = Ask::Anyway;
                    let shard = self.reader.fresh().await;
                    let observation = self.observation(sight.observation.mysqld, shard);
                    Sight { observation, ..sight }
                }
                // On the way to serving, while a shard has nobody to write to.
                Step::LeaveSource | Step::WaitForAcks | Step::OpenWrites => {
                    self.observe(ask, sight.look.and_then(Result::ok)).await
                }
                _ => self.observe(ask, None).await,
            };
        }
    }

    /// Looks at everything, or glances at what has changed since an earlier look.
    async fn observe(&mut self, ask: Ask, before: Option<Look>) -> Sight {
        let absence = self.supervisor.absence();
        let copies = absence.is_none() && self.provisioning.is_some();
        if copies {
            self.note_progress().await;
        }
        let depth = if before.is_some() { Depth::Glance } else { Depth::Full };
        let look = match (&absence, before) {
            (None, Some(before)) if !copies => Some(glance(&mut self.session, before).await),
            (None, None) if !copies => Some(look(&mut self.session).await),
            _ => None,
        };
        let mysqld = match (&look, absence) {
            (_, Some(absence)) => absence,
            (None, None) => Mysqld::Provisioning,
            (Some(Ok(look)), None) => {
                self.fence = Some(look.fence);
                if depth == Depth::Full {
                    self.lag.note(look.newest_beat.as_ref(), Instant::now());
                }
                self.heartbeat.note_replicas(look.semi_sync.source_clients);
                Mysqld::Up(server(look))
            }
            (Some(Err(_)), None) => Mysqld::Silent(self.fence),
        };
        let shard = match ask {
            Ask::IfDue => self.reader.recalled().await,
            Ask::Anyway => self.reader.fresh().await,
        };
        Sight { observation: self.observation(mysqld, shard), look, depth }
    }

    fn observation(&self, mysqld: Mysqld, shard: Reading) -> Observation {
        Observation {
            me: self.alias.clone(),
            mysqld,
            shard,
            revision: self.reader.revision(),
            primary_at: self.reader.primary_at(),
            accepted: self.term.accepted(),
            proven: self.heartbeat.proven(),
            left_at: self.term.left_at(),
            lag: self.lag.lag(Instant::now()),
            retry: if Instant::now() >= self.follow_after { Retry::Due } else { Retry::Later },
        }
    }

    /// What was known of a mysqld that has ended is not true of the next one.
    fn forget_mysqld(&mut self) {
        self.heartbeat.forget();
        self.fence = None;
        self.lag.forget();
        self.session.reset();
        if let Some(provisioning) = &mut self.provisioning {
            provisioning.note_end();
        }
    }

    /// Another session on the same mysqld, for a task that waits.
    fn another_session(&self) -> AgentSession {
        AgentSession::new(self.dir.socket(), &self.secret)
    }

    /// The shard's record as it is now; `None` inside: there is none.
    async fn fresh_record(&mut self) -> Result<Option<topo::records::ShardRecord>, Refusal> {
        match self.reader.fresh().await {
            Reading::Fresh(record) => Ok(record),
            Reading::Unread | Reading::Recalled(_) => Err(Refusal::TopologyAway),
        }
    }
}

fn server(look: &Look) -> Server {
    Server {
        fence: look.fence,
        waits: if look.semi_sync.source_enabled { Switch::On } else { Switch::Off },
        acks: if look.semi_sync.replica_enabled { Acks::Yes } else { Acks::No },
        channel: look.replication.as_ref().map(channel),
    }
}

fn channel(look: &ReplicationLook) -> Channel {
    Channel {
        source: look.source.clone(),
        receiver: look.receiver,
        applier: look.applier,
        error: look.error.as_ref().map(|(code, text)| format!("{text} ({code})")),
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
