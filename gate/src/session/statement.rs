//! COM_QUERY: fingerprint, plan, execute.

use std::rc::Rc;
use std::sync::Arc;

use bytes::BytesMut;
use metrics::Counter;
use proto::errors::{ClientError, ErrorId};
use proto::ids::KeyspaceName;
use proto::wire::connection::Framed;
use proto::wire::packet::write_payload;
use proto::wire::response::End;
use proto::wire::{StatusFlags, command};
use topo::snapshot::{Keyspace, Shard, Snapshot};

use super::held::Next;
use super::{Session, SessionEnd};
use crate::aim::Tablets;
use crate::backend::{Backend, SessionClass, Unreached};
use crate::executor::control::{AskError, prepares};
use crate::executor::relay::{Added, RelayError, Relayed};
use crate::executor::route::{self, Literals};
use crate::hold::Patience;
use crate::hold::decide::{error_code, is_refusal};
use crate::hold::end::HoldEnd;
use crate::limits::MAX_REWRITES;
use crate::measures::Measures;
use crate::plan::{Afterwards, Answer, Piece, Plan, Refusal, Route, SessionValue, Target, rewritten};
use crate::sql::character_set::CharacterSet;
use crate::worker::Statement;

impl Session {
    /// Answers the statement at the front of the client's buffer; gives where it is there by now.
    pub(super) async fn statement(&mut self, mut framed: Framed) -> Result<Framed, SessionEnd> {
        self.presence.begins();
        self.fingerprint.read(&self.client.payload(framed, &mut self.scratch)[1..]);
        let mut patience = Patience::default();
        let (mut rewrites, mut notes) = (0, Vec::new());
        loop {
            match self.attempt(framed, &notes, &mut patience).await? {
                Next::Answered => {
                    self.presence.ends();
                    return Ok(framed);
                }
                // Nothing of it is done.
                Next::Again if self.presence.ending().is_interrupted() => {
                    self.answer_error(&ErrorId::Interrupted.plain()).await?;
                    return Ok(framed);
                }
                Next::Again => self.worker.shared.measures.repeats.increment(1),
                Next::Rewrite(rewrite) if rewrites < MAX_REWRITES => {
                    rewrites += 1;
                    framed = self.rewrite(framed, &rewrite.pieces);
                    notes.extend(rewrite.notes);
                }
                Next::Rewrite(_) => {
                    self.answer_error(&ErrorId::NotUnderstood.plain()).await?;
                    return Ok(framed);
                }
            }
        }
    }

    /// A fact of the session as a literal.
    pub(super) fn literal(&self, value: &SessionValue) -> String {
        self.who.literal(value, self.inserted, &self.variables)
    }

    /// Puts the statement in other words, in place of the client's own.
    fn rewrite(&mut self, framed: Framed, pieces: &[Piece]) -> Framed {
        let payload = self.client.payload(framed, &mut self.scratch);
        let literal = |value: &SessionValue| self.who.literal(value, self.inserted, &self.variables);
        let sql = rewritten(&payload[1..], pieces, literal);
        self.fingerprint.read(&sql);
        self.rewrite_executing();
        self.client.replace(framed, &[&[command::QUERY], sql.as_slice()].concat())
    }

    /// Plans the statement by the newest snapshot and does as planned, unless its shard does not take it now. The notes
    /// are about the words it came in.
    async fn attempt(
        &mut self,
        framed: Framed,
        notes: &[ClientError],
        patience: &mut Patience,
    ) -> Result<Next, SessionEnd> {
        let snapshot = self.worker.shared.feed.snapshot();
        self.follow_rights(&snapshot).await?;
        let sql = &self.client.payload(framed, &mut self.scratch)[1..];
        let statement = Statement {
            sql,
            fingerprint: &self.fingerprint,
            character_set: self.character_set,
            aim: &self.aim,
        };
        let plan = self.worker.plan(statement, &self.rights, &self.database, &snapshot);
        if tells_no_password(&plan) {
            self.presence.executes(sql);
        }
        if !matches!(plan, Plan::ShowWarnings(_)) {
            if self.warnings.are_any() {
                // The list belongs to the statement before.
                self.forget_warnings();
            }
            notes.iter().for_each(|note| self.warnings.note(note));
        }
        let counter = counter_of(&plan);
        let next = self.follow(plan, framed, &snapshot, patience).await?;
        if next == Next::Answered {
            counter(&self.worker.shared.measures).increment(1);
        }
        Ok(next)
    }

    /// Does as planned.
    async fn follow(
        &mut self,
        plan: Plan,
        framed: Framed,
        snapshot: &Arc<Snapshot>,
        patience: &mut Patience,
    ) -> Result<Next, SessionEnd> {
        if let Some(error) = self.transaction.uses_up_next(&plan, &self.fingerprint.text) {
            return self.tell(&error).await;
        }
        let mut sql = || self.client.payload(framed, &mut self.scratch)[1..].to_vec();
        match plan {
            Plan::Route(route) | Plan::RouteOnce(route) => {
                self.route(&route, framed, snapshot, patience).await
            }
            Plan::Explain(question) => Box::pin(self.explain(&question, framed, snapshot)).await,
            Plan::Rewrite(rewrite) => Ok(Next::Rewrite(rewrite)),
            Plan::Insert(insert) => Box::pin(self.insert(&insert, framed, snapshot, patience)).await,
            Plan::NextNumbers(next) => Box::pin(self.next_numbers(&next, framed, snapshot)).await,
            Plan::Scatter(scatter) => Box::pin(self.scatter(&scatter, framed, snapshot, patience)).await,
            Plan::Transaction { step, snapshot_of } => {
                let keyspace = snapshot_of.and_then(|name| snapshot.keyspace(name.as_str()));
                let of = (&step, keyspace.map(AsRef::as_ref));
                Box::pin(self.transact(of, framed, patience)).await
            }
            Plan::ShowWarnings(show) => Box::pin(self.show_warnings(&show, framed)).await,
            Plan::Answer(answer) => self.answer(answer).await.map(|()| Next::Answered),
            Plan::Set(setting) => {
                let sql = sql();
                Box::pin(self.set(&setting, &sql, snapshot, patience)).await
            }
            Plan::TableStatus(keyspace) => {
                let sql = String::from_utf8_lossy(&sql()).into_owned();
                Box::pin(self.table_status(&keyspace, &sql, snapshot)).await
            }
            Plan::ChangeSchema(change) => {
                let sql = sql();
                Box::pin(self.change_schema(&change, &sql, snapshot, patience)).await
            }
            Plan::ChangeDatabase(change) => {
                let sql = sql();
                Box::pin(self.change_database(&change, &sql, snapshot, patience)).await
            }
            Plan::AbandonSchemaChange(plan) => {
                Box::pin(self.abandon_schema_change(&plan, snapshot, patience)).await
            }
            Plan::SetVariables(set) => {
                let bytes = sql().len();
                Box::pin(self.set_variables(&set, bytes, snapshot, patience)).await
            }
            Plan::Kill(kill) => Box::pin(self.kill(&kill)).await,
            Plan::ChangeVschema(change) => Box::pin(self.change_vschema(&change)).await,
            Plan::Account(statement) => {
                if self.transaction.is_active() && !Box::pin(self.commit_implicitly()).await? {
                    return Ok(Next::Answered);
                }
                Box::pin(self.account_statement(&statement)).await
            }
            Plan::Refuse { error, judge } => {
                let sql = sql();
                Box::pin(self.refuse((error, judge), &sql, snapshot, patience)).await
            }
        }
    }

    async fn route(
        &mut self,
        route: &Route,
        framed: Framed,
        snapshot: &Arc<Snapshot>,
        patience: &mut Patience,
    ) -> Result<Next, SessionEnd> {
        let Some(keyspace) = snapshot.keyspace(route.keyspace.as_str()) else {
            return self.tell(&ErrorId::UnknownDatabase.with(&route.keyspace)).await;
        };
        let literals = Literals {
            sql: &self.client.payload(framed, &mut self.scratch)[1..],
            spans: &self.fingerprint.literals,
            character_set: self.character_set,
        };
        let index = match (route::shard(&route.target, keyspace, literals), &route.otherwise) {
            (Ok(index), _) => index,
            (Err(error), Some(scatter)) if error.id == ErrorId::InexactValue => {
                return Box::pin(self.scatter(scatter, framed, snapshot, patience)).await;
            }
            (Err(error), _) => return self.tell(&error).await,
        };
        self.route_to((route, index), framed, keyspace, patience).await
    }

    /// Relays the statement to one shard of the keyspace.
    pub(super) async fn route_to(
        &mut self,
        (route, index): (&Route, usize),
        framed: Framed,
        keyspace: &Keyspace,
        patience: &mut Patience,
    ) -> Result<Next, SessionEnd> {
        let is_beside = route.target == Target::Schema && self.transaction.is_beside(&route.keyspace);
        if self.transaction.is_active() && !is_beside {
            let in_transaction = self.route_in_transaction((route, index), framed, keyspace, patience);
            return Box::pin(in_transaction).await;
        }
        let shard = &keyspace.shards[index];
        let class = match self.class_for(&route.keyspace) {
            Ok(class) => class,
            Err(error) => return self.tell(&error).await,
        };
        let taken = match route.tablets {
            Tablets::Primary if self.worker.shared.holding.is_held(shard) => {
                return Box::pin(self.hold(shard, patience)).await;
            }
            Tablets::Primary => self.worker.backend(shard, &class).await,
            Tablets::Replicas => Box::pin(self.worker.connection((shard, route.tablets), &class)).await,
        };
        let mut backend = match taken {
            Ok(backend) => backend,
            Err(unreached) => return Box::pin(self.unreached(shard, unreached, patience)).await,
        };
        let Some(sent) = self.sent(framed, route) else {
            return self.tell(&ErrorId::NotUnderstood.plain()).await;
        };
        let status = is_beside.then(|| self.transaction.status());
        let added = Added { status, ..self.warnings.added() };
        self.presence.runs_on(&backend.target).await;
        let relayed = sent.relay(&mut self.client, &mut backend, class.capabilities, added).await;
        self.presence.runs_nowhere().await;
        match relayed {
            Ok(Relayed::Answered(end)) => {
                // What a CALL has inserted its answer does not tell.
                let may_insert = end.insert_id != 0 || (route.refusal == Refusal::OfTheRest && !end.failed);
                let learns = may_insert && !keyspace.sharded;
                if !learns || Box::pin(self.learn_inserted(&mut backend, &class, end)).await {
                    self.leave(backend, end, route.afterwards);
                }
                Ok(Next::Answered)
            }
            Ok(Relayed::Refused(packet)) if route.refusal == Refusal::OfAll => {
                Box::pin(self.refused(shard, &packet, patience)).await
            }
            Ok(Relayed::Refused(packet)) => self.answer_packet(&packet).await.map(|()| Next::Answered),
            Ok(Relayed::Denied(packet)) => {
                if route.afterwards == Afterwards::Reuse {
                    self.worker.give_back(backend);
                }
                self.answer_packet(&packet).await.map(|()| Next::Answered)
            }
            Err(RelayError::NotSent(error)) => {
                Box::pin(self.unreached(shard, Unreached::NotSent(error), patience)).await
            }
            Err(RelayError::Client(_)) => Err(SessionEnd::Left),
            Err(RelayError::ShardBeforeAnswer) => self.tell(&ErrorId::ShardLost.with(&shard.shard)).await,
            Err(RelayError::ShardWithinAnswer) => Err(SessionEnd::BrokenAnswer),
        }
    }

    /// Gives a connection back on which a statement was answered, or keeps it for what that warned of.
    fn leave(&mut self, backend: Backend, end: End, afterwards: Afterwards) {
        let untouched = !end.status.contains(StatusFlags::SERVER_STATUS_IN_TRANS)
            && end.status.contains(StatusFlags::SERVER_STATUS_AUTOCOMMIT);
        if untouched && (end.failed || end.warnings > 0) && end.insert_id == 0 {
            self.warnings.keep(backend, afterwards);
        } else if untouched && afterwards == Afterwards::Reuse {
            self.worker.give_back(backend);
        }
    }

    /// Answers with the gate's refusal, or with MySQL's own error if it has one: the statement is wrong by itself.
    pub(super) async fn refuse(
        &mut self,
        (error, judge): (ClientError, Option<KeyspaceName>),
        sql: &[u8],
        snapshot: &Snapshot,
        patience: &mut Patience,
    ) -> Result<Next, SessionEnd> {
        let keyspace = judge.and_then(|judge| snapshot.keyspace(judge.as_str()));
        let Some((keyspace, shard)) =
            keyspace.and_then(|keyspace| Some((keyspace, keyspace.shards.first()?)))
        else {
            return self.tell(&error).await;
        };
        if self.worker.shared.holding.is_held(shard) {
            return match self.until_released(shard, patience).await? {
                HoldEnd::Released => Ok(Next::Again),
                // The refusal is true also where MySQL cannot be asked.
                _ => self.tell(&error).await,
            };
        }
        match self.mysqls_own_error(keyspace, shard, sql).await {
            Some(packet) => {
                self.warnings.mysqls_error(&packet);
                self.answer_packet(&packet).await.map(|()| Next::Answered)
            }
            None => self.tell(&error).await,
        }
    }

    /// The client has the error for an answer.
    pub(super) async fn tell(&mut self, error: &ClientError) -> Result<Next, SessionEnd> {
        self.answer_error(error).await.map(|()| Next::Answered)
    }

    /// The statement's packets with a column list before its VALUES; `None` if there is none to be seen.
    pub(super) fn with_columns(&mut self, framed: Framed, columns: &str) -> Option<BytesMut> {
        let payload = self.client.payload(framed, &mut self.scratch);
        // One for the command byte.
        let (before, after) = payload.split_at(1 + self.fingerprint.values_at?);
        let payload = [before, columns.as_bytes(), after].concat();
        let mut packets = BytesMut::new();
        write_payload(&mut packets, 0, &payload);
        Some(packets)
    }

    async fn answer(&mut self, answer: Answer) -> Result<(), SessionEnd> {
        match answer {
            Answer::Ok => self.answer_ok().await,
            Answer::Use(choice) => {
                self.choose(choice);
                self.answer_ok().await
            }
            Answer::SetNames(collation) => match CharacterSet::of_collation(collation) {
                Ok(set) => {
                    self.collation = collation;
                    self.character_set = set;
                    // They are what it says, too.
                    self.settings = Rc::new(self.settings.without("character_set_results"));
                    self.answer_ok().await
                }
                Err(error) => self.answer_error(&error).await,
            },
            Answer::Listing(listing) => self.answer_result(&listing.columns, &listing.rows).await,
            Answer::Processes(shown) => self.answer_processes(shown).await,
            Answer::Vschema(show) => self.show_vschema(&show).await,
        }
    }

    /// MySQL's error for a statement that the gate refuses, if it has one.
    async fn mysqls_own_error(&mut self, keyspace: &Keyspace, shard: &Shard, sql: &[u8]) -> Option<Vec<u8>> {
        let class = self.class_for(&keyspace.name).ok()?;
        let mut backend = self.worker.backend(shard, &class).await.ok()?;
        match prepares(&mut backend.connection, sql).await {
            Err(AskError::Refused(packet)) if is_about_the_statement(&packet) => Some(packet),
            _ => None,
        }
    }

    /// The class of connections that this session uses in a keyspace; kept until it changes. Nothing reaches a
    /// keyspace but through it, and so with the account of the user's role there.
    pub(super) fn class_for(&mut self, keyspace: &KeyspaceName) -> Result<Rc<SessionClass>, ClientError> {
        let database = self.database.as_ref().filter(|database| database.is_within(keyspace));
        if let Some(kept) = &self.class
            && kept.keyspace == *keyspace
            && kept.database.as_ref() == database
            && kept.collation == self.collation
            && Rc::ptr_eq(&kept.settings, &self.settings)
        {
            return Ok(kept.clone());
        }
        let class = Rc::new(SessionClass {
            keyspace: keyspace.clone(),
            role: self.rights.role(keyspace)?,
            database: database.cloned(),
            capabilities: self.capabilities & crate::backend::SHAPING,
            collation: self.collation,
            tablets: Tablets::Primary,
            settings: self.settings.clone(),
        });
        self.class = Some(class.clone());
        Ok(class)
    }
}

/// Whether others may see the text: not where it is about users, or could be so in other words.
fn tells_no_password(plan: &Plan) -> bool {
    !matches!(plan, Plan::Account(_) | Plan::Rewrite(_) | Plan::Explain(_) | Plan::Refuse { .. })
}

/// What counts the statements that are done like this.
fn counter_of(plan: &Plan) -> fn(&Measures) -> &Counter {
    match plan {
        Plan::Route(_) | Plan::RouteOnce(_) | Plan::Insert(_) | Plan::TableStatus(_) => |of| &of.routed,
        Plan::Scatter(_) => |of| &of.scattered,
        Plan::ChangeSchema(_)
        | Plan::ChangeDatabase(_)
        | Plan::AbandonSchemaChange(_)
        | Plan::ChangeVschema(_) => |of| &of.schema_changes,
        Plan::Refuse { .. } => |of| &of.refusals,
        Plan::Explain(_)
        | Plan::Rewrite(_)
        | Plan::NextNumbers(_)
        | Plan::Transaction { .. }
        | Plan::ShowWarnings(_)
        | Plan::Answer(_)
        | Plan::Set(_)
        | Plan::SetVariables(_)
        | Plan::Kill(_)
        | Plan::Account(_) => |of| &of.answers,
    }
}

/// Whether MySQL's error tells of the statement itself. 1295 says only that such commands are not prepared; errors
/// of access tell of the account behind, whose rights are not the client's; refusals tell of the server.
fn is_about_the_statement(packet: &[u8]) -> bool {
    const NOT_PREPARED: u16 = 1295;
    const ACCESS: [u16; 6] = [1044, 1142, 1143, 1227, 1370, 1419];
    error_code(packet)
        .is_some_and(|code| code != NOT_PREPARED && !ACCESS.contains(&code) && !is_refusal(code))
}
