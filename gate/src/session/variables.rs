//! The session's user variables. Their values are computed by a shard, and kept here as literals.

use std::collections::HashMap;
use std::rc::Rc;

use foldhash::fast::RandomState;
use mysql_common::constants::{ColumnFlags, ColumnType};
use mysql_common::io::ParseBuf;
use mysql_common::packets::Column;
use mysql_common::proto::MyDeserialize;
use proto::errors::{ClientError, ErrorId};
use topo::snapshot::{Keyspace, Snapshot};

use super::held::Next;
use super::{Session, SessionEnd};
use crate::backend::SHAPING;
use crate::executor::control::{self, AskError, Table};
use crate::executor::route::{self, Literals};
use crate::hold::Patience;
use crate::limits::{MAX_REWRITES, MAX_USER_VARIABLE_BYTES, MAX_USER_VARIABLES};
use crate::plan::{By, Piece, Plan, Rewrite, Route, SetVariables, Target, rewritten};
use crate::sql::character_set::CharacterSet;
use crate::sql::fingerprint::Fingerprint;
use crate::worker::Statement;

/// Values by the variables' names in lower case; one that is not there is NULL.
#[derive(Default)]
pub(super) struct UserVariables(HashMap<String, Value, RandomState>);

/// A value as a literal.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Value {
    plain: String,
    /// The same with its type, where it stands for itself.
    typed: String,
}

impl UserVariables {
    /// The literal that a variable is.
    pub(super) fn plain(&self, name: &str) -> String {
        self.0.get(name).map_or_else(|| "NULL".to_owned(), |value| value.plain.clone())
    }

    /// The same with its type, where it stands for itself.
    pub(super) fn typed(&self, name: &str) -> String {
        self.0.get(name).map_or_else(|| "NULL".to_owned(), |value| value.typed.clone())
    }

    /// Takes values; they are as before if these would be too many or too large.
    fn set(&mut self, values: Vec<(String, Value)>) -> Result<(), ClientError> {
        let new = values.iter().filter(|(name, _)| !self.0.contains_key(name)).count();
        let bytes = |value: &Value| value.plain.len();
        let present: usize = self.0.values().map(bytes).sum();
        let coming: usize = values.iter().map(|(_, value)| bytes(value)).sum();
        if self.0.len() + new > MAX_USER_VARIABLES || present + coming > MAX_USER_VARIABLE_BYTES {
            let what = format_args!(
                "more than {MAX_USER_VARIABLES} user variables, or {MAX_USER_VARIABLE_BYTES} bytes of them,"
            );
            return Err(ErrorId::SessionState.with(what));
        }
        self.0.extend(values);
        Ok(())
    }
}

impl Value {
    /// From a value of a text result set.
    fn read(column: &[u8], value: Option<&[u8]>, character_set: CharacterSet) -> Option<Self> {
        let same = |plain: String| Self { typed: plain.clone(), plain };
        let Some(value) = value else { return Some(same("NULL".to_owned())) };
        let column = Column::deserialize((), &mut ParseBuf(column)).ok()?;
        let number = || std::str::from_utf8(value).ok().map(str::to_owned);
        Some(match column.column_type() {
            ColumnType::MYSQL_TYPE_TINY
            | ColumnType::MYSQL_TYPE_SHORT
            | ColumnType::MYSQL_TYPE_INT24
            | ColumnType::MYSQL_TYPE_LONG
            | ColumnType::MYSQL_TYPE_LONGLONG
            | ColumnType::MYSQL_TYPE_YEAR => {
                let sign =
                    if column.flags().contains(ColumnFlags::UNSIGNED_FLAG) { "UNSIGNED" } else { "SIGNED" };
                let plain = number()?;
                Self { typed: or_null(&format!("CAST({plain} AS {sign})")), plain }
            }
            ColumnType::MYSQL_TYPE_DECIMAL | ColumnType::MYSQL_TYPE_NEWDECIMAL => {
                let plain = number()?;
                Self { typed: or_null(&format!("CAST({plain} AS DECIMAL(65,30))")), plain }
            }
            ColumnType::MYSQL_TYPE_FLOAT | ColumnType::MYSQL_TYPE_DOUBLE => {
                let text = number()?;
                same(if text.contains('e') { text } else { format!("{text}e0") })
            }
            _ => {
                const BINARY: u16 = 63;
                let set = if column.character_set() == BINARY { "binary" } else { character_set.name() };
                let plain = text(value, set);
                Self { typed: or_null(&plain), plain }
            }
        })
    }
}

/// The literal of a column that may be NULL, as any variable.
fn or_null(literal: &str) -> String {
    format!("IF(TRUE, {literal}, NULL)")
}

/// In quotes where every client character set means the same by it, else by its bytes.
fn text(value: &[u8], set: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'\'' | b'"' | b'\\') || *byte == b' ';
    if set != "binary" && value.iter().all(plain) {
        return format!("'{}'", String::from_utf8_lossy(value));
    }
    let digits: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("_{set} x'{digits}'")
}

impl Session {
    /// Computes the values and keeps them; what the SET does besides comes after it, as a SET of its own.
    pub(super) async fn set_variables(
        &mut self,
        set: &SetVariables,
        bytes: usize,
        snapshot: &Snapshot,
        patience: &mut Patience,
    ) -> Result<Next, SessionEnd> {
        self.settle().await;
        let mut query = set.query.clone().into_bytes();
        let mut fingerprint = Fingerprint::default();
        let mut route = None;
        for _ in 0..MAX_REWRITES {
            fingerprint.read(&query);
            let (character_set, aim) = (self.character_set, &self.aim);
            let statement = Statement { sql: &query, fingerprint: &fingerprint, character_set, aim };
            match self.worker.plan(statement, &self.rights, &self.database, snapshot) {
                Plan::Rewrite(rewrite) => {
                    query = rewritten(&query, &rewrite.pieces, |value| self.literal(value))
                }
                Plan::Route(found) | Plan::RouteOnce(found) => {
                    route = Some(found);
                    break;
                }
                Plan::Scatter(scatter) if is_of_one_shard(&scatter.route, snapshot) => {
                    route = Some(Rc::new(Route { target: Target::Any, ..scatter.route.clone() }));
                    break;
                }
                Plan::Refuse { error, judge } => {
                    return self.refuse((error, judge), &query, snapshot, patience).await;
                }
                _ => break,
            }
        }
        let Some(route) = route else {
            let what = "a user variable that is set to what several shards would have to say";
            return self.tell(&ErrorId::SessionState.with(what)).await;
        };
        let Some(keyspace) = snapshot.keyspace(route.keyspace.as_str()) else {
            return self.tell(&ErrorId::UnknownDatabase.with(&route.keyspace)).await;
        };
        let literals =
            Literals { sql: &query, spans: &fingerprint.literals, character_set: self.character_set };
        let index = match route::shard(&route.target, keyspace, literals) {
            Ok(index) => index,
            Err(error) => return self.tell(&error).await,
        };
        let table = match self.ask((&route, index), &query, keyspace, patience).await? {
            Ok(table) => table,
            Err(next) => return Ok(next),
        };
        match self.read_values(&set.names, &table) {
            Some(values) => {
                if let Err(error) = self.variables.set(values) {
                    return self.tell(&error).await;
                }
            }
            None => return self.tell(&ErrorId::Internal.with("values that cannot be read")).await,
        }
        match &set.rest {
            None => self.answer_ok().await.map(|()| Next::Answered),
            Some(rest) => {
                let pieces = vec![Piece { start: 0, end: bytes, by: By::Text(rest.clone()) }];
                Ok(Next::Rewrite(Rewrite { pieces, notes: Vec::new() }))
            }
        }
    }

    fn read_values(&self, names: &[String], table: &Table) -> Option<Vec<(String, Value)>> {
        let [row] = table.rows.as_slice() else { return None };
        let values = control::values(row, table.columns.len())?;
        let read = names.iter().zip(table.columns.iter().zip(values));
        read.map(|(name, (column, value))| {
            Some((name.clone(), Value::read(column, value.as_deref(), self.character_set)?))
        })
        .collect()
    }

    /// Asks the shard, on the transaction's connection where that has the rows; `Err`: the client has an answer, or it is
    /// to be tried again.
    async fn ask(
        &mut self,
        (route, index): (&Route, usize),
        query: &[u8],
        keyspace: &Keyspace,
        patience: &mut Patience,
    ) -> Result<Result<Table, Next>, SessionEnd> {
        let capabilities = self.capabilities & SHAPING;
        let has_rows = match route.target {
            Target::Any => !keyspace.sharded || keyspace.shards.len() == 1,
            Target::Free | Target::Schema => false,
            Target::Shard(_) | Target::Pinned(_) | Target::Left => true,
        };
        if has_rows && self.transaction.is_active() {
            if let Some(next) = self.pin_for_use(keyspace, index, patience).await? {
                return Ok(Err(next));
            }
            let Some(backend) = self.transaction.backend() else { return Ok(Err(Next::Again)) };
            return match control::table_under(&mut backend.connection, query, capabilities).await {
                Ok(table) => Ok(Ok(table)),
                Err(AskError::Refused(packet)) => {
                    self.after_failure();
                    self.answer_packet(&packet).await.map(|()| Err(Next::Answered))
                }
                Err(_) => self.lost().await.map(Err),
            };
        }
        let Some(shard) = keyspace.shards.get(index) else {
            return self.tell(&ErrorId::ShardUnavailable.with(&keyspace.name)).await.map(Err);
        };
        if self.worker.shared.holding.is_held(shard) {
            return self.hold(shard, patience).await.map(Err);
        }
        let class = match self.class_for(&route.keyspace) {
            Ok(class) => class,
            Err(error) => return self.tell(&error).await.map(Err),
        };
        let mut backend = match self.worker.connection((shard, route.tablets), &class).await {
            Ok(backend) => backend,
            Err(unreached) => return self.unreached(shard, unreached, patience).await.map(Err),
        };
        match control::table_under(&mut backend.connection, query, capabilities).await {
            Ok(table) => {
                if !keyspace.has_stored_programs {
                    self.worker.give_back(backend);
                }
                Ok(Ok(table))
            }
            Err(AskError::Refused(packet)) => {
                self.warnings.mysqls_error(&packet);
                self.answer_packet(&packet).await.map(|()| Err(Next::Answered))
            }
            Err(_) => self.tell(&ErrorId::ShardLost.with(&shard.shard)).await.map(Err),
        }
    }
}

/// Whether one shard has all rows.
fn is_of_one_shard(route: &Route, snapshot: &Snapshot) -> bool {
    snapshot.keyspace(route.keyspace.as_str()).is_some_and(|keyspace| keyspace.shards.len() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_literals_that_nothing_breaks_out_of() {
        assert_eq!(text(b"a b", "utf8mb4"), "'a b'");
        assert_eq!(text(b"it's", "utf8mb4"), "_utf8mb4 x'69742773'");
        assert_eq!(text("ä".as_bytes(), "utf8mb4"), "_utf8mb4 x'c3a4'");
        assert_eq!(text(b"a", "binary"), "_binary x'61'");
        assert_eq!(text(b"\\", "latin1"), "_latin1 x'5c'");
    }

    #[test]
    fn variables_are_bounded() {
        let mut variables = UserVariables::default();
        let value = |plain: &str| Value { plain: plain.into(), typed: format!("CAST({plain} AS SIGNED)") };
        variables.set(vec![("a".into(), value("1"))]).unwrap();
        assert_eq!((variables.plain("a"), variables.typed("a")), ("1".into(), "CAST(1 AS SIGNED)".into()));
        assert_eq!(variables.typed("b"), "NULL");
        let many = (0..MAX_USER_VARIABLES).map(|number| (number.to_string(), value("2"))).collect();
        assert!(variables.set(many).is_err());
        let large = value(&"x".repeat(MAX_USER_VARIABLE_BYTES));
        assert!(variables.set(vec![("a".into(), large)]).is_err());
        assert_eq!(variables.plain("a"), "1");
    }
}
