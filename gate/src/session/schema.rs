//! Statements that change schemas and databases.

use std::rc::Rc;

use proto::account::DataRole;
use proto::errors::ClientError;
use proto::ids::KeyspaceName;
use topo::snapshot::{Shard, Snapshot};

use super::held::Next;
use super::{Session, SessionEnd};
use crate::aim::Database;
use crate::backend::SessionClass;
use crate::executor::done::with_more_warnings;
use crate::executor::schema_change::{self, Made, database};
use crate::hold::Patience;
use crate::plan::{Abandon, DatabaseChange, SchemaChange};

impl Session {
    pub(super) async fn change_schema(
        &mut self,
        change: &SchemaChange,
        sql: &[u8],
        snapshot: &Snapshot,
        patience: &mut Patience,
    ) -> Result<Next, SessionEnd> {
        if let Some(next) = self.while_held(&change.keyspace, snapshot, patience).await? {
            return Ok(next);
        }
        let made = match self.admins_class(&change.keyspace, (change.verb, change.table.as_deref())) {
            Ok(class) => {
                schema_change::run(&self.worker, change, (&class, self.presence.client()), sql).await
            }
            Err(error) => Err(error),
        };
        self.answer_made(made).await
    }

    pub(super) async fn change_database(
        &mut self,
        change: &DatabaseChange,
        sql: &[u8],
        snapshot: &Snapshot,
        patience: &mut Patience,
    ) -> Result<Next, SessionEnd> {
        let (DatabaseChange::Create { host, .. } | DatabaseChange::Drop { host, .. }) = change;
        if let Some(next) = self.while_held(&host.keyspace, snapshot, patience).await? {
            return Ok(next);
        }
        let made = match self.admins_class(change.name(), (change.verb(), None)) {
            Ok(class) => database::run(&self.worker, change, (&class, self.presence.client()), sql).await,
            Err(error) => Err(error),
        };
        let is_gone = self.worker.shared.feed.load().keyspace(change.name().as_str()).is_none();
        if is_gone && self.database.as_ref().and_then(Database::keyspace) == Some(change.name()) {
            // As with MySQL: who drops the default database has none.
            self.database = None;
        }
        self.answer_made(made).await
    }

    pub(super) async fn abandon_schema_change(
        &mut self,
        plan: &Abandon,
        snapshot: &Snapshot,
        patience: &mut Patience,
    ) -> Result<Next, SessionEnd> {
        if let Some(next) = self.while_held(&plan.keyspace, snapshot, patience).await? {
            return Ok(next);
        }
        let made = match self.admins_class(&plan.keyspace, ("ALTER", None)) {
            Ok(class) => schema_change::abandon(&self.worker, plan, (&class, self.presence.client())).await,
            Err(error) => Err(error),
        };
        self.answer_made(made).await
    }

    /// Waits where a shard of the keyspace changes its primary.
    async fn while_held(
        &mut self,
        keyspace: &KeyspaceName,
        snapshot: &Snapshot,
        patience: &mut Patience,
    ) -> Result<Option<Next>, SessionEnd> {
        // MySQL commits what is open before it changes a schema.
        if self.transaction.is_active() && !Box::pin(self.commit_implicitly()).await? {
            return Ok(Some(Next::Answered));
        }
        let keyspace = snapshot.keyspace(keyspace.as_str());
        let is_held = |shard: &&Shard| self.worker.shared.holding.is_held(shard);
        match keyspace.and_then(|keyspace| keyspace.shards.iter().find(is_held)) {
            Some(shard) => self.hold(shard, patience).await.map(Some),
            None => Ok(None),
        }
    }

    /// The class of connections by which the session changes schemas; one who may not is told so in these words.
    pub(super) fn admins_class(
        &mut self,
        keyspace: &KeyspaceName,
        doing: (&str, Option<&str>),
    ) -> Result<Rc<SessionClass>, ClientError> {
        let class = self.class_for(keyspace)?;
        if class.role < DataRole::Admin { Err(self.who.denied(keyspace, doing)) } else { Ok(class) }
    }

    async fn answer_made(&mut self, made: Result<Made, ClientError>) -> Result<Next, SessionEnd> {
        match made {
            Ok(made) => {
                made.notes.iter().for_each(|note| self.warnings.note(note));
                let packet = with_more_warnings(made.answer, self.warnings.notes());
                self.warnings.take(made.warnings);
                self.warnings.mysqls_error(&packet);
                self.answer_packet(&packet).await.map(|()| Next::Answered)
            }
            Err(error) => self.tell(&error).await,
        }
    }
}
