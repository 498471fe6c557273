//! SET of variables of the session.
//!
//! MySQL alone knows what a value means. So one connection does what the client said, and is asked before and after
//! what the variables are; the session keeps what has changed, and every connection that lacks it is told before it
//! is used. What cannot be kept is refused, unless it changes nothing: drivers ask at login for much that is so
//! already.

use std::rc::Rc;

use bytes::BytesMut;
use proto::errors::{ClientError, ErrorId};
use proto::wire::CapabilityFlags;
use proto::wire::reply::write_ok;
use topo::snapshot::Snapshot;

use super::held::Next;
use super::scatter::WARNINGS;
use super::{Session, SessionEnd};
use crate::backend::settings::{Settings, is_replayed, may_keep};
use crate::backend::{Backend, SHAPING};
use crate::executor::control::{self, AskError, Row};
use crate::executor::done::end;
use crate::executor::many::send;
use crate::hold::Patience;
use crate::plan::Setting;

/// What came of a SET on a connection.
enum Tried {
    /// It is done: what MySQL warned of, and what the session's settings are by it.
    Done(Vec<Row>, Settings),
    /// MySQL's error; nothing has changed.
    Refused(Vec<u8>),
    /// It would change what is not kept.
    Unkept,
    /// The connection broke.
    Lost,
}

impl Session {
    /// Does what the client said on one connection, and keeps what changed by it.
    pub(super) async fn set(
        &mut self,
        setting: &Setting,
        sql: &[u8],
        snapshot: &Snapshot,
        patience: &mut Patience,
    ) -> Result<Next, SessionEnd> {
        self.settle().await;
        let all_replayed = setting.variables.iter().all(|variable| is_replayed(variable));
        let (settings, capabilities) = (self.settings.clone(), self.capabilities & SHAPING);
        let question = Question { setting, sql, settings: &settings, capabilities };
        // The transaction goes on with it.
        if let (true, Some(backend)) = (all_replayed, self.transaction.backend()) {
            return match question.ask(backend).await {
                Tried::Lost => self.lost().await,
                tried => self.keep(question.setting, tried).await,
            };
        }
        let keyspace = snapshot.keyspace(setting.keyspace.as_str());
        let Some(shard) = keyspace.and_then(|keyspace| keyspace.shards.first()) else {
            return self.tell(&ErrorId::ShardUnavailable.with(&setting.keyspace)).await;
        };
        if self.worker.shared.holding.is_held(shard) {
            return self.hold(shard, patience).await;
        }
        let class = match self.class_for(&setting.keyspace) {
            Ok(class) => class,
            Err(error) => return self.tell(&error).await,
        };
        let mut backend = match self.worker.backend(shard, &class).await {
            Ok(backend) => backend,
            Err(unreached) => return self.unreached(shard, unreached, patience).await,
        };
        match question.ask(&mut backend).await {
            Tried::Lost => self.tell(&ErrorId::ShardLost.with(&shard.shard)).await,
            tried => {
                // Not everything that a SET of other variables does shows.
                let has_programs = keyspace.is_some_and(|keyspace| keyspace.has_stored_programs);
                if all_replayed && !has_programs && matches!(tried, Tried::Done(..)) {
                    self.worker.give_back(backend);
                }
                self.keep(question.setting, tried).await
            }
        }
    }

    async fn keep(&mut self, setting: &Setting, tried: Tried) -> Result<Next, SessionEnd> {
        match tried {
            Tried::Done(warnings, settings) => {
                if *self.settings != settings {
                    self.settings = Rc::new(settings);
                    self.follow_timeouts();
                }
                let count = u16::try_from(warnings.len()).unwrap_or(u16::MAX);
                let count = count.saturating_add(self.warnings.notes());
                self.warnings.take(warnings);
                // The connection that did it is another one than that of the session's transaction.
                let mut out = BytesMut::new();
                write_ok(&mut out, self.answers_at, self.transaction.status(), count);
                self.client.write_all(&out).await?;
                Ok(Next::Answered)
            }
            Tried::Refused(packet) => {
                self.warnings.mysqls_error(&packet);
                self.answer_packet(&packet).await.map(|()| Next::Answered)
            }
            Tried::Unkept | Tried::Lost => self.tell(&unkept(setting)).await,
        }
    }
}

fn unkept(setting: &Setting) -> ClientError {
    ErrorId::SessionState.with(format_args!("such a value of {}", setting.variables.join(", ")))
}

struct Question<'a> {
    setting: &'a Setting,
    /// The client's own statement.
    sql: &'a [u8],
    /// The session's, which the connection has.
    settings: &'a Settings,
    capabilities: CapabilityFlags,
}

impl Question<'_> {
    async fn ask(&self, backend: &mut Backend) -> Tried {
        let before = match self.values(backend).await {
            Ok(before) => before,
            Err(AskError::Refused(packet)) => return Tried::Refused(packet),
            Err(_) => return Tried::Lost,
        };
        let packet = match control::execute(&mut backend.connection, self.sql).await {
            Ok(packet) => packet,
            Err(AskError::Refused(packet)) => return Tried::Refused(packet),
            Err(_) => return Tried::Lost,
        };
        let Ok(warnings) = self.warnings(backend, &packet).await else { return Tried::Lost };
        let Ok(after) = self.values(backend).await else { return Tried::Lost };
        let variables = self.setting.variables.iter().map(String::as_str);
        let changed: Vec<(&str, Option<&str>, Option<&str>)> = variables
            .zip(before.iter().zip(&after))
            .filter(|(_, (before, after))| before != after)
            .map(|(name, (before, after))| (name, before.as_deref(), after.as_deref()))
            .collect();
        let settings = self.settings.with(changed.iter().copied());
        if changed.iter().all(|(name, _, value)| may_keep(name, *value)) {
            if backend.has_settings(settings.clone()).await.is_err() {
                return Tried::Lost;
            }
            return Tried::Done(warnings, settings);
        }
        // It may be that of the transaction, which goes on with what was.
        let variables = self.setting.variables.iter().map(String::as_str);
        let undone = variables.zip(&before).map(|(name, before)| (name, None, before.as_deref()));
        let undo = Settings::default().with(undone).text();
        match control::execute(&mut backend.connection, undo.as_bytes()).await {
            Ok(_) => Tried::Unkept,
            Err(_) => Tried::Lost,
        }
    }

    /// What the SET that was answered so has warned of.
    async fn warnings(&self, backend: &mut Backend, answer: &[u8]) -> Result<Vec<Row>, AskError> {
        if end(answer).is_none_or(|end| end.warnings == 0) {
            return Ok(Vec::new());
        }
        send(&mut backend.connection, &[WARNINGS]).await.map_err(|_| AskError::Unreadable)?;
        control::answered(&mut backend.connection, self.capabilities).await
    }

    /// What the variables are on the connection.
    async fn values(&self, backend: &mut Backend) -> Result<Row, AskError> {
        let names = self.setting.variables.iter().map(|name| format!("@@session.{name}"));
        let question = format!("SELECT {}", names.collect::<Vec<_>>().join(", "));
        send(&mut backend.connection, &[question.as_bytes()]).await.map_err(|_| AskError::Unreadable)?;
        let rows = control::answered(&mut backend.connection, self.capabilities).await?;
        rows.into_iter().next().ok_or(AskError::Unreadable)
    }
}
