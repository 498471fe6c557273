//! A view, tried under another name: MySQL tells what it shows, and whether each shard could answer it for its own rows.
//! The query whose rows a new table begins with is looked at in the same way.

use proto::errors::{ClientError, ErrorId};
use topo::records::{RowsOf, SchemaRecord};
use topo::snapshot::{Keyspace, Sharding, ShardingKey};

use super::super::super::line::{Line, LineError};
use super::super::vschema::StoredVschema;
use super::super::{quoted, read_back, views};
use super::Verdict;
use crate::plan::{TRIAL_VIEW, ViewTrial};
use crate::worker::Worker;

/// Tries a view.
pub(super) async fn judge(
    worker: &Worker,
    line: &mut Line<'_>,
    keyspace: &Keyspace,
    trial: &ViewTrial,
) -> Result<Verdict, LineError> {
    let ViewTrial { name, takes_place, elsewhere } = trial;
    // What is there already stays, by MySQL's own word.
    let there = read_back::table_type(line, &keyspace.name, name).await.map_err(LineError::Failed)?;
    if there.is_some_and(|kind| !takes_place || kind != "VIEW") {
        return Ok(Verdict::Fit(None));
    }
    let (vschema, tried) = tried(worker, line, keyspace, elsewhere).await?;
    let Tried { key, .. } = match tried {
        Ok(tried) => tried,
        Err(verdict) => return Ok(verdict),
    };
    if vschema.has(name) {
        let what = format_args!("the vschema has {name} for a table");
        return Ok(Verdict::Unfit(ErrorId::VschemaConflict.with(what)));
    }
    // Gates do not all learn at once that it is another one.
    let before = keyspace.table(name).filter(|table| table.view_of.is_some());
    match before.and_then(|table| table.sharding.as_ref()) {
        Some(Sharding::By(other)) if !are_alike(other, &key) => {
            let what =
                format_args!("a view {name} that is sharded otherwise than the one before (drop that first)");
            Ok(Verdict::Unfit(ErrorId::UnenforceableDdl.with(what)))
        }
        _ => Ok(Verdict::Fit(None)),
    }
}

/// Tries the rows that a new table begins with.
pub(super) async fn judge_rows(
    worker: &Worker,
    line: &mut Line<'_>,
    keyspace: &Keyspace,
    query: &str,
) -> Result<Verdict, LineError> {
    let statement = format!("CREATE VIEW {} AS {query}", quoted(TRIAL_VIEW));
    let (_, tried) = tried(worker, line, keyspace, &statement).await?;
    Ok(tried.map_or_else(
        |verdict| verdict,
        |tried| Verdict::Fit(Some(RowsOf { table: tried.table, column: tried.key.column })),
    ))
}

fn are_alike(a: &ShardingKey, b: &ShardingKey) -> bool {
    a.column.eq_ignore_ascii_case(&b.column) && (a.vindex, &a.kind) == (b.vindex, &b.kind)
}

/// What the view under the other name is.
struct Tried {
    /// The table whose rows it shows.
    table: String,
    /// Its sharding column, which is that of the table.
    key: ShardingKey,
}

async fn tried(
    worker: &Worker,
    line: &mut Line<'_>,
    keyspace: &Keyspace,
    statement: &str,
) -> Result<(StoredVschema, Result<Tried, Verdict>), LineError> {
    let vschema = StoredVschema::read(worker, &keyspace.name).await.map_err(LineError::Failed)?;
    let clear = format!("DROP VIEW IF EXISTS {}.{}", quoted(keyspace.name.as_str()), quoted(TRIAL_VIEW));
    line.execute(clear.as_bytes()).await?;
    match line.execute(statement.as_bytes()).await {
        Ok(_) => {}
        Err(LineError::Refused(packet)) => return Ok((vschema, Err(Verdict::Refused(packet)))),
        Err(error) => return Err(error),
    }
    let schema = read_schema(line, keyspace).await;
    line.execute(clear.as_bytes()).await?;
    let mut schema = schema.map_err(LineError::Failed)?;
    let view = schema.views.remove(TRIAL_VIEW);
    let tried = match view {
        Some(view) => vschema.key_of_view(&view, &schema).map(|key| Tried { table: view.table, key }),
        None => Err(ErrorId::WrongPerShard.with("a query of anything but the single rows of one table")),
    };
    Ok((vschema, tried.map_err(Verdict::Unfit)))
}

async fn read_schema(line: &mut Line<'_>, keyspace: &Keyspace) -> Result<SchemaRecord, ClientError> {
    let mut schema = read_back::read_back(line, &keyspace.name).await?;
    schema.views = views::read_back(line, &keyspace.name).await?;
    Ok(schema)
}
