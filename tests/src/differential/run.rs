//! Runs scripts on the judge and on a keyspace behind a gate.

use std::fmt;

use anyhow::Result;
use proto::errors::ErrorId;

use super::compare::compare;
use super::script::{Refusal, Scope, Script, Statement};
use super::session::Session;

/// The errors that a keyspace of one shard does not give.
const OF_SEVERAL_SHARDS: [ErrorId; 4] =
    [ErrorId::SeveralShards, ErrorId::SecondShard, ErrorId::NeedsMerging, ErrorId::EarlySnapshot];

/// Whether the keyspace of a run has a sharding key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharding {
    /// No keyspace at all but a second plain server.
    Plain,
    /// Everything is on one shard; only what is marked as refused everywhere is.
    Unsharded,
    /// Sharded, with a single shard: like the next, but nothing is for several shards.
    OneShard,
    /// All that is marked as refused must be.
    Sharded,
}

/// The judge and the cluster, each in a database of the same name.
#[derive(Debug)]
pub struct Contest {
    /// The keyspace, and the judge's database.
    pub keyspace: String,
    /// How it is sharded.
    pub sharding: Sharding,
    /// A session on the plain server.
    pub judge: Session,
    /// A session on the gate.
    pub subject: Session,
}

/// What came out.
#[derive(Debug, Default)]
pub struct Report {
    /// Statements whose outcomes were compared.
    pub compared: usize,
    /// Statements that were refused, as the script says.
    pub refused: usize,
    /// One text for each statement that failed the comparison.
    pub breaches: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { compared, refused, breaches } = self;
        write!(f, "{compared} statements compared, {refused} to be refused, {} breaches", breaches.len())
    }
}

impl Contest {
    /// Runs the statements of a script in their order.
    pub async fn run(&mut self, script: &Script, report: &mut Report) -> Result<()> {
        if script.unsharded && matches!(self.sharding, Sharding::OneShard | Sharding::Sharded) {
            return Ok(());
        }
        for statement in &script.statements {
            let text = statement.text.replace("{db}", &self.keyspace);
            let refusal = statement.refused.as_ref().filter(|refusal| self.expects(refusal));
            let found = match refusal {
                Some(refusal) => self.refused(&text, &refusal.id, report).await?,
                None => self.compared(&text, statement, report).await?,
            };
            if !found.is_empty() {
                let at = format!("{}:{} on {}", script.name, statement.line, self.keyspace);
                report.breaches.push(format!("{at}: {text}\n    {}", found.join("\n    ")));
            }
        }
        Ok(())
    }

    fn expects(&self, refusal: &Refusal) -> bool {
        match self.sharding {
            Sharding::Plain => false,
            Sharding::Unsharded => refusal.scope == Scope::Everywhere,
            Sharding::OneShard => {
                refusal.scope != Scope::Several
                    && OF_SEVERAL_SHARDS.iter().all(|error| refusal.id != error.row().id)
            }
            Sharding::Sharded => true,
        }
    }

    async fn refused(&mut self, text: &str, id: &str, report: &mut Report) -> Result<Vec<String>> {
        report.refused += 1;
        let outcome = self.subject.run(text).await?;
        let right = outcome.shoal_error() == Some(id);
        Ok(if right { vec![] } else { vec![format!("expected to be refused by {id}, but: {outcome}")] })
    }

    async fn compared(
        &mut self,
        text: &str,
        statement: &Statement,
        report: &mut Report,
    ) -> Result<Vec<String>> {
        report.compared += 1;
        let judge = self.judge.run(text).await?;
        let subject = self.subject.run(text).await?;
        let found = compare(&judge, &subject, statement.order);
        let aspects: Vec<String> =
            found.iter().map(|difference| format!("{:?}", difference.aspect)).collect();
        if self.sharding == Sharding::Sharded && !statement.known.is_empty() {
            let expected = format!("expected to differ in {:?}, but differs in {aspects:?}", statement.known);
            return Ok(if aspects == statement.known { vec![] } else { vec![expected] });
        }
        Ok(found.iter().map(ToString::to_string).collect())
    }
}
