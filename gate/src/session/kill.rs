//! KILL: ends another client's statement, or its connection as well.

use proto::account::DataRole;
use proto::errors::ErrorId;
use proto::wire::CapabilityFlags;
use tokio::time::timeout;

use super::held::Next;
use super::{Session, SessionEnd};
use crate::backend::{SessionClass, Target};
use crate::executor::control;
use crate::limits::KILL_PATIENCE;
use crate::plan::Kill;
use crate::sql::character_set::DEFAULT_COLLATION;

impl Session {
    /// Ends what another client of this gate is at.
    pub(super) async fn kill(&mut self, kill: &Kill) -> Result<Next, SessionEnd> {
        if kill.connection == u64::from(self.who.connection) {
            if !kill.statement_only {
                self.presence.killed().cancel();
            }
            return self.tell(&ErrorId::Interrupted.plain()).await;
        }
        let Some(victim) = self.worker.shared.clients.find(kill.connection) else {
            return self.tell(&ErrorId::UnknownThread.with(kill.connection)).await;
        };
        let is_admin = self.rights.grants().everywhere == Some(DataRole::Admin);
        if !is_admin && victim.user() != self.rights.user() {
            return self.tell(&ErrorId::NotOwner.with(kill.connection)).await;
        }
        if !kill.statement_only {
            victim.killed().cancel();
        }
        // As long as this is held its statement does not end, so that no other one is hit in its place.
        let running = victim.running().await;
        for target in running.iter() {
            self.kill_at(target).await;
        }
        drop(running);
        if !kill.statement_only {
            // As at MySQL the socket is closed by the time of the answer: pools look at theirs before they use them. A
            // victim that takes longer ends by itself.
            let _ = timeout(KILL_PATIENCE, victim.gone()).await;
        }
        self.answer_ok().await.map(|()| Next::Answered)
    }

    /// Ends the statement at a mysqld. Where that cannot be told so, its statement goes on, as after a KILL that came too
    /// late.
    async fn kill_at(&self, target: &Target) {
        let class = SessionClass {
            keyspace: target.keyspace.clone(),
            role: target.role,
            database: None,
            capabilities: CapabilityFlags::CLIENT_DEPRECATE_EOF,
            collation: DEFAULT_COLLATION,
            tablets: target.tablets,
            settings: std::rc::Rc::default(),
        };
        if let Ok(mut backend) = self.worker.connection_to(&target.address, &class).await {
            let statement = format!("KILL QUERY {}", target.thread);
            if control::execute(&mut backend.connection, statement.as_bytes()).await.is_ok() {
                self.worker.give_back(backend);
            }
        }
    }
}
