//! Numbers from a sequence of Vitess.

use proto::errors::ErrorId;
use proto::wire::connection::Framed;
use proto::wire::result::ResultColumn;
use topo::records::ColumnType;
use topo::snapshot::Snapshot;
use topo::value::{ShardingValue, Sign};

use super::held::Next;
use super::{Session, SessionEnd};
use crate::executor::numbers::{Sequence, next_of};
use crate::limits::MAX_SEQUENCE_NUMBERS;
use crate::plan::NextNumbers;

/// What a count of numbers is read as.
const COUNT: ColumnType = ColumnType::Integer { bits: 64, unsigned: true };

impl Session {
    /// Takes numbers of the sequence and answers with the first. They are taken for good, whatever becomes of the
    /// client's transaction.
    pub(super) async fn next_numbers(
        &mut self,
        plan: &NextNumbers,
        framed: Framed,
        snapshot: &Snapshot,
    ) -> Result<Next, SessionEnd> {
        let Some(keyspace) = snapshot.keyspace(plan.keyspace.as_str()) else {
            return self.tell(&ErrorId::UnknownDatabase.with(&plan.keyspace)).await;
        };
        let count = plan.count.map(|literal| self.literals(framed).value(literal, Sign::Plus, &COUNT));
        let count = match count {
            None => 1,
            Some(Ok(ShardingValue::Unsigned(count @ 1..=MAX_SEQUENCE_NUMBERS))) => count,
            Some(_) => return self.tell(&ErrorId::BadSequence.with(&plan.table)).await,
        };
        let class = match self.class_for(&keyspace.name) {
            Ok(class) => class,
            Err(error) => return self.tell(&error).await,
        };
        let worker = self.worker.clone();
        let sequence = Sequence { keyspace, table: &plan.table };
        match next_of(&worker, &class, sequence, count).await {
            Ok(Ok(first)) => {
                let column = ResultColumn::number("nextval");
                self.answer_result(&[column], &[vec![Some(first.to_string())]]).await?;
            }
            Ok(Err(packet)) => self.answer_packet(&packet).await?,
            Err(error) => self.answer_error(&error).await?,
        }
        Ok(Next::Answered)
    }
}
