//! Statements on the connection of the session's transaction.

use std::rc::Rc;

use proto::errors::{ClientError, ErrorId};
use proto::ids::KeyspaceName;
use proto::wire::StatusFlags;
use proto::wire::connection::Framed;
use proto::wire::response::End;
use topo::snapshot::{Keyspace, Shard};

use super::{Begun, Footing, Open, State, Transaction};
use crate::aim::Tablets;
use crate::backend::{SessionClass, Unreached};
use crate::executor::done;
use crate::executor::many::{NotDone, Part, execute};
use crate::executor::relay::{RelayError, Relayed};
use crate::hold::Patience;
use crate::hold::decide::{error_code, is_refusal};
use crate::plan::{Afterwards, Characteristics, Refusal, Route, Target};
use crate::session::held::Next;
use crate::session::parts::Written;
use crate::session::sent::Sent;
use crate::session::{Session, SessionEnd};
use crate::sql::character_set::DEFAULT_COLLATION;

/// What became of an attempt to have a connection for the transaction.
pub(super) enum Pinned {
    /// There is one.
    Ready,
    /// The client has been told why not, or it is to be tried again.
    Not(Next),
}

/// How a statement is treated on the transaction's connection.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    pub(super) afterwards: Afterwards,
    pub(super) refusal: Refusal,
    /// Of a transaction that has done nothing before.
    pub(super) footing: Footing,
}

impl Session {
    /// A statement for one shard while a transaction is begun or open.
    pub(in crate::session) async fn route_in_transaction(
        &mut self,
        (route, mut index): (&Route, usize),
        framed: Framed,
        keyspace: &Keyspace,
        patience: &mut Patience,
    ) -> Result<Next, SessionEnd> {
        self.settle().await;
        // It has ended with an error.
        if !self.transaction.is_active() {
            return Box::pin(self.route_to((route, index), framed, keyspace, patience)).await;
        }
        if route.tablets == Tablets::Replicas {
            return self.tell(&ErrorId::SecondShard.with("a replica")).await;
        }
        // What reads no rows is as good on one shard as on another.
        let anywhere = match route.target {
            Target::Free | Target::Schema => true,
            Target::Any => keyspace.sharded,
            _ => false,
        };
        if let (true, State::Open(open)) = (anywhere, &self.transaction.state) {
            let same = |shard: &Shard| shard.shard == open.shard.shard;
            index = keyspace.shards.iter().position(same).unwrap_or(index);
        }
        let pinned = match &self.transaction.state {
            State::Open(open) if route.target == Target::Free => {
                let keyspace = open.class.keyspace.clone();
                self.adapt(&keyspace).await?
            }
            _ => self.pin(keyspace, index, patience).await?,
        };
        if let Pinned::Not(next) = pinned {
            return Ok(next);
        }
        let Some(sent) = self.sent(framed, route) else {
            return self.tell(&ErrorId::NotUnderstood.plain()).await;
        };
        let footing = if anywhere { Footing::Fresh } else { Footing::Used };
        let manner = Manner { afterwards: route.afterwards, refusal: route.refusal, footing };
        self.relay_pinned(sent, manner, patience).await
    }

    /// Relays a statement on the transaction's connection.
    pub(super) async fn relay_pinned(
        &mut self,
        sent: Sent,
        manner: Manner,
        patience: &mut Patience,
    ) -> Result<Next, SessionEnd> {
        let State::Open(open) = &mut self.transaction.state else { return Ok(Next::Again) };
        let (fresh, shard) = (open.footing == Footing::Fresh, open.shard.clone());
        let capabilities = open.class.capabilities;
        open.close_if(manner.afterwards);
        let added = self.warnings.added();
        self.presence.runs_on(&open.backend.target).await;
        let relayed = sent.relay(&mut self.client, &mut open.backend, capabilities, added).await;
        self.presence.runs_nowhere().await;
        match relayed {
            Ok(Relayed::Answered(end)) => {
                let may_insert = end.insert_id != 0 || manner.refusal == Refusal::OfTheRest && !end.failed;
                if may_insert {
                    self.learn_inserted_pinned(end).await;
                }
                let footing = if fresh { manner.footing } else { Footing::Used };
                self.after_answer(end, footing).await;
                Ok(Next::Answered)
            }
            Ok(Relayed::Refused(packet)) => {
                if self.again_after_refusal(&shard, patience).await? {
                    return match fresh && manner.refusal == Refusal::OfAll {
                        true => Ok(self.unpin()),
                        false => self.lost().await,
                    };
                }
                self.answer_packet(&packet).await?;
                self.after_failure();
                Ok(Next::Answered)
            }
            Ok(Relayed::Denied(packet)) => {
                self.after_failure();
                self.answer_packet(&packet).await.map(|()| Next::Answered)
            }
            Err(RelayError::Client(_)) => Err(SessionEnd::Left),
            Err(RelayError::ShardWithinAnswer) => Err(SessionEnd::BrokenAnswer),
            Err(RelayError::NotSent(error)) if fresh => {
                self.unpin();
                self.unreached(&shard, Unreached::NotSent(error), patience).await
            }
            // What may have committed by itself is not certain to be rolled back.
            Err(RelayError::ShardBeforeAnswer) if manner.refusal == Refusal::OfTheRest => {
                self.transaction.state = State::Lost(shard.shard.clone());
                self.tell(&ErrorId::ShardLost.with(&shard.shard)).await
            }
            Err(_) => self.lost().await,
        }
    }

    /// Learns the number that a statement has made; its connection has it for nobody else afterwards.
    async fn learn_inserted_pinned(&mut self, end: End) {
        match std::mem::replace(&mut self.transaction.state, State::None) {
            State::Open(mut open) => {
                let class = open.class.clone();
                if !self.learn_inserted(&mut open.backend, &class, end).await {
                    open.close_if(Afterwards::Close);
                }
                self.transaction.state = State::Open(open);
            }
            other => self.transaction.state = other,
        }
    }

    /// Why a statement for several shards cannot be done inside the transaction.
    pub(in crate::session) fn several_shards(&self) -> ClientError {
        match &self.transaction.state {
            State::Lost(shard) => ErrorId::TransactionLost.with(shard),
            _ => ErrorId::SecondShard.with("several shards"),
        }
    }

    /// A part of a write inside the transaction; there is one at most.
    pub(in crate::session) async fn write_in_transaction(
        &mut self,
        keyspace: &Keyspace,
        parts: &[Part],
        patience: &mut Patience,
    ) -> Result<Written, SessionEnd> {
        let [part] = parts else { return Ok(Written::Failed(self.several_shards())) };
        match self.pin(keyspace, part.shard, patience).await? {
            Pinned::Ready => {}
            Pinned::Not(Next::Again) => return Ok(Written::Again),
            Pinned::Not(_) => return Ok(Written::Told),
        }
        let State::Open(open) = &mut self.transaction.state else { return Ok(Written::Again) };
        let (fresh, shard) = (open.footing == Footing::Fresh, open.shard.clone());
        if keyspace.has_stored_programs {
            open.close_if(Afterwards::Close);
        }
        self.presence.runs_on(&open.backend.target).await;
        let executed = execute(&mut open.backend.connection, &[&part.sql]).await;
        self.presence.runs_nowhere().await;
        match executed {
            Ok(packet) => {
                let end = done::end(&packet);
                let Some(end) = end else {
                    return Ok(Written::Failed(ErrorId::Internal.with("an OK packet that cannot be read")));
                };
                self.after_answer(end, Footing::Used).await;
                Ok(Written::Done(vec![packet]))
            }
            Err(NotDone::Refused(packet)) => {
                let refused = error_code(&packet).is_some_and(is_refusal);
                if refused && self.again_after_refusal(&shard, patience).await? {
                    if fresh {
                        self.unpin();
                        return Ok(Written::Again);
                    }
                    self.transaction.state = State::Lost(shard.shard.clone());
                    return Ok(Written::Failed(ErrorId::TransactionLost.with(&shard.shard)));
                }
                self.after_failure();
                Ok(Written::Refused(packet))
            }
            Err(NotDone::NotSent(_) | NotDone::Lost) => {
                self.transaction.state = State::Lost(shard.shard.clone());
                Ok(Written::Failed(ErrorId::TransactionLost.with(&shard.shard)))
            }
        }
    }

    /// Sees to it that the transaction is on a connection to the shard.
    pub(super) async fn pin(
        &mut self,
        keyspace: &Keyspace,
        index: usize,
        patience: &mut Patience,
    ) -> Result<Pinned, SessionEnd> {
        let Some(shard) = keyspace.shards.get(index) else {
            return self.tell(&ErrorId::ShardUnavailable.with(&keyspace.name)).await.map(Pinned::Not);
        };
        let class = match self.class_for(&keyspace.name) {
            Ok(class) => class,
            Err(error) => return self.tell(&error).await.map(Pinned::Not),
        };
        match &mut self.transaction.state {
            State::Lost(lost) => {
                let error = ErrorId::TransactionLost.with(lost);
                return self.tell(&error).await.map(Pinned::Not);
            }
            State::Open(open) if open.shard.shard == shard.shard && open.class.keyspace == keyspace.name => {
                return self.adapt(&keyspace.name).await;
            }
            State::Open(open) if open.footing != Footing::Fresh => {
                let error = ErrorId::SecondShard
                    .with(format_args!("shard {} beside shard {}", shard.shard, open.shard.shard));
                return self.tell(&error).await.map(Pinned::Not);
            }
            State::Open(_) => self.leave_fresh().await,
            State::None | State::Begun(_) => {}
        }
        self.open(shard, class, patience).await
    }

    /// Lets the transaction's connection, to a shard of this keyspace, follow the session.
    async fn adapt(&mut self, keyspace: &KeyspaceName) -> Result<Pinned, SessionEnd> {
        let class = match self.class_for(keyspace) {
            Ok(class) => class,
            Err(error) => return self.tell(&error).await.map(Pinned::Not),
        };
        match &mut self.transaction.state {
            State::Open(open) => match open.adapt(&class).await {
                Ok(()) => Ok(Pinned::Ready),
                Err(()) => self.lost().await.map(Pinned::Not),
            },
            _ => Ok(Pinned::Not(Next::Again)),
        }
    }

    /// Takes a connection to the shard and begins the transaction there.
    async fn open(
        &mut self,
        shard: &Shard,
        class: Rc<SessionClass>,
        patience: &mut Patience,
    ) -> Result<Pinned, SessionEnd> {
        if self.worker.shared.holding.is_held(shard) {
            return self.hold(shard, patience).await.map(Pinned::Not);
        }
        let State::Begun(begun) = &self.transaction.state else { return Ok(Pinned::Not(Next::Again)) };
        let begun = begun.clone();
        let mut backend = match self.worker.backend(shard, &class).await {
            Ok(backend) => backend,
            Err(unreached) => return self.unreached(shard, unreached, patience).await.map(Pinned::Not),
        };
        let texts = self.transaction.first_texts(&begun);
        let texts: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        let status = match execute(&mut backend.connection, &texts).await {
            Ok(packet) => done::end(&packet).map(|end| end.status).unwrap_or_default(),
            Err(NotDone::Refused(packet)) => {
                let refused = error_code(&packet).is_some_and(is_refusal);
                if refused && self.again_after_refusal(shard, patience).await? {
                    return Ok(Pinned::Not(Next::Again));
                }
                self.answer_packet(&packet).await?;
                return Ok(Pinned::Not(Next::Answered));
            }
            Err(NotDone::NotSent(error)) => {
                let unreached = Unreached::NotSent(error);
                return self.unreached(shard, unreached, patience).await.map(Pinned::Not);
            }
            Err(NotDone::Lost) => {
                let unreached = Unreached::NotSent(std::io::ErrorKind::ConnectionAborted.into());
                return self.unreached(shard, unreached, patience).await.map(Pinned::Not);
            }
        };
        if begun.beginning.is_none() {
            self.transaction.next = Characteristics::default();
        }
        self.transaction.state = State::Open(Box::new(Open {
            shard: shard.clone(),
            backend,
            class,
            begun,
            footing: Footing::Fresh,
            afterwards: Afterwards::Reuse,
            status,
        }));
        Ok(Pinned::Ready)
    }

    /// The transaction has done nothing yet and goes to another shard.
    async fn leave_fresh(&mut self) {
        match std::mem::replace(&mut self.transaction.state, State::None) {
            State::Open(mut open) => {
                self.transaction.state = State::Begun(std::mem::take(&mut open.begun));
                if execute(&mut open.backend.connection, &[b"ROLLBACK"]).await.is_ok() {
                    self.release(*open).await;
                }
            }
            other => self.transaction.state = other,
        }
    }

    /// Drops the connection of a transaction that has done nothing yet.
    fn unpin(&mut self) -> Next {
        if let State::Open(open) = &mut self.transaction.state {
            self.transaction.state = State::Begun(std::mem::take(&mut open.begun));
        }
        Next::Again
    }

    /// The transaction's connection is of no more use.
    pub(in crate::session) async fn lost(&mut self) -> Result<Next, SessionEnd> {
        let State::Open(open) = &self.transaction.state else { return Ok(Next::Again) };
        let shard = open.shard.shard.clone();
        self.transaction.state = State::Lost(shard.clone());
        self.tell(&ErrorId::TransactionLost.with(shard)).await
    }

    /// Sees to it that the transaction is on a connection to the shard, which is used there; else what comes of it.
    pub(in crate::session) async fn pin_for_use(
        &mut self,
        keyspace: &Keyspace,
        index: usize,
        patience: &mut Patience,
    ) -> Result<Option<Next>, SessionEnd> {
        if let Pinned::Not(next) = self.pin(keyspace, index, patience).await? {
            return Ok(Some(next));
        }
        if let State::Open(open) = &mut self.transaction.state {
            open.footing = Footing::Used;
            if keyspace.has_stored_programs {
                open.close_if(Afterwards::Close);
            }
        }
        Ok(None)
    }

    pub(in crate::session) fn after_failure(&mut self) {
        if let State::Open(open) = &mut self.transaction.state {
            open.footing = Footing::Unsure;
            self.warnings.are_of_transaction();
        }
    }

    /// Takes down what an answer says of the transaction.
    pub(super) async fn after_answer(&mut self, end: End, footing: Footing) {
        if end.failed {
            return self.after_failure();
        }
        let State::Open(open) = &mut self.transaction.state else { return };
        open.footing = footing;
        open.status = end.status;
        let is_open = end.status.contains(StatusFlags::SERVER_STATUS_IN_TRANS);
        if end.warnings > 0 {
            self.warnings.are_of_transaction();
            // The list would not outlast what is done to a connection that is given back: later.
            if !is_open {
                open.footing = Footing::Unsure;
            }
        } else if !is_open {
            self.let_go().await;
        }
    }

    /// Gives the connection back on which the transaction has ended.
    pub(super) async fn let_go(&mut self) {
        let ended = match &mut self.transaction.state {
            State::Open(open) if open.footing == Footing::Fresh && !self.transaction.autocommit => {
                State::Begun(std::mem::take(&mut open.begun))
            }
            _ => self.transaction.ended(),
        };
        if let State::Open(open) = std::mem::replace(&mut self.transaction.state, ended) {
            self.release(*open).await;
        }
    }
}

impl Transaction {
    /// What a connection is told first.
    fn first_texts(&self, begun: &Begun) -> Vec<String> {
        let mut texts = Vec::new();
        if !self.autocommit {
            texts.push("SET autocommit = 0".to_owned());
        }
        match begun.beginning {
            Some(beginning) => {
                let isolation = Characteristics { isolation: beginning.isolation, read_only: None };
                texts.extend(isolation.texts());
                texts.push(beginning.text().to_owned());
            }
            None => texts.extend(self.next.texts()),
        }
        texts.extend(begun.savepoints.iter().map(|name| format!("SAVEPOINT `{name}`")));
        texts
    }
}

impl Open {
    /// Follows the session's default database and character set.
    async fn adapt(&mut self, class: &Rc<SessionClass>) -> Result<(), ()> {
        if self.class == *class {
            return Ok(());
        }
        // The user has other rights now: those of the connection are the old ones.
        if self.class.role != class.role {
            return Err(());
        }
        let mut texts = Vec::new();
        if let Some(database) = class.database.as_ref().filter(|_| class.database != self.class.database) {
            texts.push(format!("USE `{database}`"));
        }
        match class.collation {
            same if same == self.class.collation => {}
            DEFAULT_COLLATION => texts.push("SET NAMES utf8mb4".to_owned()),
            _ => return Err(()),
        }
        let texts: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        if !texts.is_empty() {
            self.backend.forget_all().await.map_err(|_| ())?;
            execute(&mut self.backend.connection, &texts).await.map_err(|_| ())?;
            self.afterwards = Afterwards::Close;
        }
        self.backend.adopt(&class.settings).await.map_err(|_| ())?;
        self.class = class.clone();
        Ok(())
    }

    /// The connection is closed in the end, if one statement says so.
    fn close_if(&mut self, afterwards: Afterwards) {
        if afterwards == Afterwards::Close {
            self.afterwards = afterwards;
        }
    }
}
