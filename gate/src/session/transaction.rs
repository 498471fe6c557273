//! The session's transaction: on one shard, on a connection of its own until it ends.
//!
//! ```text
//!                 BEGIN                first statement                 COMMIT, ROLLBACK
//!   ┌──────┐ ──────────────► ┌───────┐ ───────────────► ┌──────┐ ──────────────────────► none, or begun
//!   │ none │                 │ begun │                  │ open │                         (autocommit = 0, AND CHAIN)
//!   └──────┘ ◄────────────── └───────┘ ◄─────────────── └──────┘
//!              COMMIT, …              nothing done yet      │ connection lost ──► lost ── ROLLBACK ──► none
//! ```
//!
//! BEGIN costs nothing: which shard it is for shows at the first statement. With autocommit = 0 a session is always
//! in one of the three states on the right, and MySQL says in its answers whether a transaction is open.

mod pinned;

use std::rc::Rc;

use proto::errors::{ClientError, ErrorId};
use proto::ids::{KeyspaceName, ShardRef};
use proto::wire::connection::{Connection, Framed};
use proto::wire::packet::write_payload;
use proto::wire::{StatusFlags, command};
use topo::snapshot::{Keyspace, Shard};

use super::held::Next;
use super::sent::Sent;
use super::{Session, SessionEnd};
use crate::backend::{Backend, SessionClass};
use crate::executor::done;
use crate::executor::many::{self, NotDone, execute};
use crate::executor::relay::{RelayError, Relayed, Request, relay};
use crate::hold::Patience;
use crate::limits::MAX_SAVEPOINTS;
use crate::plan::{Afterwards, Beginning, Characteristics, Ending, Plan, Refusal, TransactionStep};
use crate::sql::kind::{Kind, kind_of};
use crate::sql::words::Words;
use pinned::{Manner, Pinned};

/// A session's transaction.
pub(super) struct Transaction {
    /// Whether statements outside a transaction commit by themselves.
    autocommit: bool,
    /// How the next one is to be.
    next: Characteristics,
    state: State,
}

enum State {
    /// Each statement commits by itself.
    None,
    /// It has no shard yet.
    Begun(Begun),
    /// It is on a connection.
    Open(Box<Open>),
    /// The connection to the shard is lost, and the transaction with it.
    Lost(ShardRef),
}

/// What a connection is told first.
#[derive(Clone, Default)]
struct Begun {
    /// `None`: nothing was said, autocommit is off.
    beginning: Option<Beginning>,
    /// Names, the oldest first.
    savepoints: Vec<String>,
}

struct Open {
    shard: Shard,
    backend: Backend,
    class: Rc<SessionClass>,
    begun: Begun,
    footing: Footing,
    /// What becomes of the connection in the end.
    afterwards: Afterwards,
    status: StatusFlags,
}

/// What is known of a transaction on its connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Footing {
    /// Nothing was done in it that another connection would not do as well.
    Fresh,
    /// It is where its rows are.
    Used,
    /// A statement failed, or has warnings that are wanted first: MySQL may have ended the transaction.
    Unsure,
}

impl Default for Transaction {
    fn default() -> Self {
        Self { autocommit: true, next: Characteristics::default(), state: State::None }
    }
}

impl Transaction {
    /// Whether what a keyspace tells of its schema is asked beside the transaction, which has no connection there.
    pub(super) fn is_beside(&self, keyspace: &KeyspaceName) -> bool {
        match &self.state {
            State::Begun(_) => true,
            State::Open(open) => open.class.keyspace != *keyspace,
            State::None | State::Lost(_) => false,
        }
    }

    /// Whether statements go by anything but their own plan.
    pub(super) fn is_active(&self) -> bool {
        !matches!(self.state, State::None)
    }

    /// The status flags of an answer of the gate's own.
    pub(super) fn status(&self) -> StatusFlags {
        let mut status = StatusFlags::empty();
        status.set(StatusFlags::SERVER_STATUS_AUTOCOMMIT, self.autocommit);
        match &self.state {
            State::Begun(Begun { beginning: Some(beginning), .. }) => {
                status |= StatusFlags::SERVER_STATUS_IN_TRANS;
                status.set(StatusFlags::SERVER_STATUS_IN_TRANS_READONLY, beginning.read_only == Some(true));
            }
            State::Open(open) => {
                let of_transaction =
                    StatusFlags::SERVER_STATUS_IN_TRANS | StatusFlags::SERVER_STATUS_IN_TRANS_READONLY;
                status |= open.status & of_transaction;
            }
            State::None | State::Begun(_) | State::Lost(_) => {}
        }
        status
    }

    /// The connection that it is on.
    pub(super) fn backend(&mut self) -> Option<&mut Backend> {
        match &mut self.state {
            State::Open(open) => Some(&mut open.backend),
            _ => None,
        }
    }

    /// A statement that commits by itself is the next transaction, too. An error where that was to be one that only reads;
    /// of its isolation a single statement shows nothing.
    pub(super) fn uses_up_next(&mut self, plan: &Plan, text: &[u8]) -> Option<ClientError> {
        if self.next == Characteristics::default() || self.is_active() {
            return None;
        }
        let is_sent = matches!(
            plan,
            Plan::Route(_) | Plan::RouteOnce(_) | Plan::Scatter(_) | Plan::Insert(_) | Plan::NextNumbers(_)
        );
        let text = String::from_utf8_lossy(text);
        let words = Words::read(&text);
        let (reads, writes) = match kind_of(&words) {
            Kind::Query => (words.has("FROM") || words.has("TABLE"), false),
            Kind::Insert | Kind::Update | Kind::Delete => (false, true),
            Kind::Call => (true, false),
            _ => (false, false),
        };
        if is_sent && writes && self.next.read_only == Some(true) {
            return Some(ErrorId::ReadOnlyTransaction.plain());
        }
        if is_sent && (reads || writes) {
            self.next = Characteristics::default();
        }
        None
    }

    /// What follows on the end of a transaction.
    fn ended(&self) -> State {
        if self.autocommit { State::None } else { State::Begun(Begun::default()) }
    }
}

/// Asks for the status flags of a connection.
async fn status_of(connection: &mut Connection) -> Result<StatusFlags, NotDone> {
    let mut out = bytes::BytesMut::new();
    write_payload(&mut out, 0, &[command::PING]);
    connection.write_all(&out).await.map_err(NotDone::NotSent)?;
    let payload = many::done(connection, &[]).await?;
    done::end(&payload).map(|end| end.status).ok_or(NotDone::Lost)
}

impl Session {
    /// Does what a statement about transactions says.
    pub(super) async fn transact(
        &mut self,
        (step, snapshot_of): (&TransactionStep, Option<&Keyspace>),
        framed: Framed,
        patience: &mut Patience,
    ) -> Result<Next, SessionEnd> {
        self.settle().await;
        if let State::Lost(shard) = &self.transaction.state {
            let shard = shard.clone();
            return match step {
                TransactionStep::Rollback(ending) => {
                    self.transaction.state = self.transaction.ended();
                    self.ended(*ending, None).await
                }
                TransactionStep::Commit(_) => {
                    self.transaction.state = self.transaction.ended();
                    self.tell(&ErrorId::TransactionLost.with(shard)).await
                }
                _ => self.tell(&ErrorId::TransactionLost.with(shard)).await,
            };
        }
        match step {
            TransactionStep::Begin(beginning) => {
                return self.begin((*beginning, snapshot_of), patience).await;
            }
            TransactionStep::Commit(ending) | TransactionStep::Rollback(ending) => {
                let rolls_back = matches!(step, TransactionStep::Rollback(_));
                return self.end_transaction((*ending, rolls_back), framed).await;
            }
            TransactionStep::Save(_) | TransactionStep::RollbackTo(_) | TransactionStep::Release(_) => {
                return self.savepoint(step, framed, patience).await;
            }
            TransactionStep::Next(characteristics) => match &mut self.transaction {
                Transaction {
                    state: State::Open(_) | State::Begun(Begun { beginning: Some(_), .. }),
                    ..
                } => {
                    self.tell(&ErrorId::InTransaction.plain()).await?;
                }
                transaction => {
                    transaction.next = characteristics.over(transaction.next);
                    self.answer_ok().await?;
                }
            },
            TransactionStep::Autocommit(on) => {
                // Only turning it on ends what is open.
                if *on && !self.transaction.autocommit && !self.commit_implicitly().await? {
                    return Ok(Next::Answered);
                }
                if *on != self.transaction.autocommit {
                    self.transaction.autocommit = *on;
                    return self.follow_autocommit().await;
                }
                self.answer_ok().await?;
            }
        }
        Ok(Next::Answered)
    }

    /// BEGIN: on no connection yet, unless it is to see the keyspace as it is now.
    async fn begin(
        &mut self,
        (beginning, snapshot_of): (Beginning, Option<&Keyspace>),
        patience: &mut Patience,
    ) -> Result<Next, SessionEnd> {
        if !self.commit_implicitly().await? {
            return Ok(Next::Answered);
        }
        let next = self.transaction.next;
        let read_only = beginning.read_only.or(next.read_only);
        let beginning = Beginning { read_only, isolation: next.isolation, ..beginning };
        let begun = State::Begun(Begun { beginning: Some(beginning), savepoints: Vec::new() });
        let before = std::mem::replace(&mut self.transaction.state, begun);
        if let Some(keyspace) = snapshot_of {
            if let Pinned::Not(next) = self.pin(keyspace, 0, patience).await? {
                self.transaction.state = before;
                return Ok(next);
            }
            if let State::Open(open) = &mut self.transaction.state {
                open.footing = Footing::Used;
            }
        }
        self.transaction.next = Characteristics::default();
        self.answer_ok().await.map(|()| Next::Answered)
    }

    /// Autocommit was turned on or off.
    async fn follow_autocommit(&mut self) -> Result<Next, SessionEnd> {
        match &mut self.transaction.state {
            State::None => self.transaction.state = self.transaction.ended(),
            State::Begun(Begun { beginning: None, .. }) => self.transaction.state = self.transaction.ended(),
            State::Begun(_) | State::Lost(_) => {}
            State::Open(open) => {
                let text: &[u8] =
                    if self.transaction.autocommit { b"SET autocommit = 1" } else { b"SET autocommit = 0" };
                if execute(&mut open.backend.connection, &[text]).await.is_err() {
                    return self.lost().await;
                }
            }
        }
        self.answer_ok().await.map(|()| Next::Answered)
    }

    /// COMMIT and ROLLBACK.
    async fn end_transaction(
        &mut self,
        (ending, rolls_back): (Ending, bool),
        framed: Framed,
    ) -> Result<Next, SessionEnd> {
        let open = match std::mem::replace(&mut self.transaction.state, State::None) {
            State::Open(open) => open,
            State::Begun(begun) => {
                self.transaction.state = self.transaction.ended();
                return self.ended(ending, begun.beginning).await;
            }
            State::None | State::Lost(_) => {
                self.transaction.next = Characteristics::default();
                self.transaction.state = self.transaction.ended();
                return self.ended(ending, None).await;
            }
        };
        let mut open = open;
        if !rolls_back && !open.backend.connection.is_quiet() {
            // It is gone already, so that the COMMIT cannot have been executed.
            self.transaction.state = self.transaction.ended();
            return self.tell(&ErrorId::TransactionLost.with(&open.shard.shard)).await;
        }
        let request = Request::Front(framed.wire_bytes);
        let capabilities = open.class.capabilities;
        let added = self.warnings.added();
        // What KILL QUERY does to a COMMIT is MySQL's: one that waits for its acknowledgement goes on.
        self.presence.runs_on(&open.backend.target).await;
        let relayed =
            relay(&mut self.client, request, &mut open.backend.connection, capabilities, added).await;
        self.presence.runs_nowhere().await;
        self.transaction.state = self.transaction.ended();
        match relayed {
            Ok(Relayed::Answered(end)) => {
                if ending == Ending::Release {
                    self.client.shutdown().await;
                    return Err(SessionEnd::Left);
                }
                let chained = open.begun.beginning.filter(|_| ending == Ending::Chain);
                let beginning = chained.map(|before| Beginning { snapshot: false, ..before });
                open.begun = Begun { beginning, savepoints: Vec::new() };
                self.transaction.state = State::Open(open);
                self.after_answer(end, Footing::Fresh).await;
                Ok(Next::Answered)
            }
            // MySQL has rolled it back.
            Ok(Relayed::Refused(packet) | Relayed::Denied(packet)) => {
                self.answer_packet(&packet).await.map(|()| Next::Answered)
            }
            Err(RelayError::Client(_)) => Err(SessionEnd::Left),
            Err(RelayError::ShardWithinAnswer) => Err(SessionEnd::BrokenAnswer),
            // Without its connection a transaction is rolled back.
            Err(_) if rolls_back => self.ended(ending, open.begun.beginning).await,
            Err(RelayError::NotSent(_)) => self.tell(&ErrorId::TransactionLost.with(&open.shard.shard)).await,
            Err(RelayError::ShardBeforeAnswer) => {
                self.tell(&ErrorId::ShardLost.with(&open.shard.shard)).await
            }
        }
    }

    /// The gate answers the end of a transaction that was on no connection.
    async fn ended(&mut self, ending: Ending, beginning: Option<Beginning>) -> Result<Next, SessionEnd> {
        if ending == Ending::Chain {
            let beginning = beginning.map(|before| Beginning { snapshot: false, ..before });
            let begun = Begun { beginning: Some(beginning.unwrap_or_default()), savepoints: Vec::new() };
            self.transaction.state = State::Begun(begun);
        }
        self.answer_ok().await?;
        if ending == Ending::Release {
            self.client.shutdown().await;
            return Err(SessionEnd::Left);
        }
        Ok(Next::Answered)
    }

    async fn savepoint(
        &mut self,
        step: &TransactionStep,
        framed: Framed,
        patience: &mut Patience,
    ) -> Result<Next, SessionEnd> {
        let begun = match &mut self.transaction.state {
            State::Open(_) => {
                let manner =
                    Manner { afterwards: Afterwards::Reuse, refusal: Refusal::OfAll, footing: Footing::Used };
                return self.relay_pinned(Sent::Front(framed.wire_bytes), manner, patience).await;
            }
            State::Begun(begun) => Some(&mut begun.savepoints),
            State::None | State::Lost(_) => None,
        };
        let place = |names: &[String], name: &str| names.iter().position(|n| n.eq_ignore_ascii_case(name));
        let missing = match (step, begun) {
            (TransactionStep::Save(name), Some(names)) => {
                if let Some(place) = place(names, name) {
                    names.remove(place);
                }
                if names.len() == MAX_SAVEPOINTS {
                    return self.tell(&ErrorId::NotUnderstood.plain()).await;
                }
                names.push(name.clone());
                None
            }
            // Without a transaction there is nothing to mark.
            (TransactionStep::Save(_), None) => None,
            (TransactionStep::RollbackTo(name) | TransactionStep::Release(name), names) => {
                let keep = usize::from(matches!(step, TransactionStep::RollbackTo(_)));
                match names.and_then(|names| Some((place(names, name)?, names))) {
                    Some((place, names)) => {
                        names.truncate(place + keep);
                        None
                    }
                    None => Some(name),
                }
            }
            _ => None,
        };
        match missing {
            Some(name) => self.tell(&ErrorId::NoSavepoint.with(name)).await,
            None => self.answer_ok().await.map(|()| Next::Answered),
        }
    }

    /// The session begins anew: what is open is rolled back, and statements commit by themselves.
    pub(super) async fn roll_back(&mut self) {
        if let State::Open(mut open) = std::mem::replace(&mut self.transaction.state, State::None)
            // Without its connection it is rolled back as well.
            && execute(&mut open.backend.connection, &[b"ROLLBACK"]).await.is_ok()
        {
            self.release(*open).await;
        }
        self.transaction = Transaction::default();
    }

    /// Commits what is open before a statement that does so in MySQL; whether it may go on. If not, the client has
    /// been told.
    pub(super) async fn commit_implicitly(&mut self) -> Result<bool, SessionEnd> {
        self.settle().await;
        let ended = self.transaction.ended();
        match std::mem::replace(&mut self.transaction.state, ended) {
            State::None | State::Begun(_) => Ok(true),
            State::Lost(shard) => {
                self.transaction.state = State::Lost(shard.clone());
                self.tell(&ErrorId::TransactionLost.with(shard)).await?;
                Ok(false)
            }
            State::Open(mut open) => match execute(&mut open.backend.connection, &[b"COMMIT"]).await {
                Ok(_) => {
                    self.release(*open).await;
                    Ok(true)
                }
                Err(NotDone::Refused(packet)) => {
                    self.answer_packet(&packet).await?;
                    Ok(false)
                }
                Err(NotDone::NotSent(_)) => {
                    self.tell(&ErrorId::TransactionLost.with(&open.shard.shard)).await?;
                    Ok(false)
                }
                Err(NotDone::Lost) => {
                    self.tell(&ErrorId::ShardLost.with(&open.shard.shard)).await?;
                    Ok(false)
                }
            },
        }
    }

    /// Gives a connection back whose transaction has ended.
    async fn release(&mut self, mut open: Open) {
        if open.afterwards == Afterwards::Close {
            return;
        }
        // The connection was told so when autocommit was off.
        let undo = [&b"SET autocommit = 1"[..]];
        if self.transaction.autocommit || execute(&mut open.backend.connection, &undo).await.is_ok() {
            self.worker.give_back(open.backend);
        }
    }

    /// After an error only MySQL knows whether the transaction is still open, so it is asked.
    pub(super) async fn settle(&mut self) {
        let State::Open(open) = &mut self.transaction.state else { return };
        if open.footing != Footing::Unsure {
            return;
        }
        open.footing = Footing::Used;
        let (shard, status) = (open.shard.shard.clone(), status_of(&mut open.backend.connection).await);
        match status {
            Ok(status) if status.contains(StatusFlags::SERVER_STATUS_IN_TRANS) => open.status = status,
            Ok(_) => self.let_go().await,
            Err(_) => self.transaction.state = State::Lost(shard),
        }
    }
}
