//! Answers VEXPLAIN.

use proto::wire::connection::Framed;
use proto::wire::result::{ResultColumn, ResultRow};
use topo::snapshot::Snapshot;

use super::held::Next;
use super::{Session, SessionEnd};
use crate::executor::explain::{Asked, Query, explain};
use crate::executor::insert::Zero;
use crate::executor::route::Literals;
use crate::plan::{Explain, Form};

/// Longest line of a plan that clients are told to make room for, in characters.
const LINE_LENGTH: u32 = 1024;
/// Longest name of a keyspace or shard, likewise.
const NAME_LENGTH: u32 = 64;

impl Session {
    /// Shows the plan of the statement.
    pub(super) async fn explain(
        &mut self,
        question: &Explain,
        framed: Framed,
        snapshot: &Snapshot,
    ) -> Result<Next, SessionEnd> {
        let sql = &self.client.payload(framed, &mut self.scratch)[1..];
        let literals = Literals { sql, spans: &self.fingerprint.literals, character_set: self.character_set };
        let (values_at, zero) = (self.fingerprint.values_at, Zero::of(&self.settings));
        let asked = Asked { literals, from: question.from, values_at, zero };
        let shown = match explain(&question.plan, snapshot, asked) {
            Ok(shown) => shown,
            Err(error) => {
                self.answer_error(&error).await?;
                return Ok(Next::Answered);
            }
        };
        match question.form {
            Form::Plan => {
                let rows: Vec<ResultRow> = shown.lines.into_iter().map(|line| vec![Some(line)]).collect();
                self.answer_result(&[ResultColumn::text("Plan", LINE_LENGTH)], &rows).await?;
            }
            Form::Queries => {
                let columns = [
                    ResultColumn::number("#"),
                    ResultColumn::text("keyspace", NAME_LENGTH),
                    ResultColumn::text("shard", NAME_LENGTH),
                    ResultColumn::text("query", LINE_LENGTH),
                ];
                let row = |(number, query): (usize, Query)| -> ResultRow {
                    [number.to_string(), query.keyspace, query.shard, query.sql].map(Some).into()
                };
                let rows: Vec<ResultRow> = shown.queries.into_iter().enumerate().map(row).collect();
                self.answer_result(&columns, &rows).await?;
            }
        }
        Ok(Next::Answered)
    }
}
