//! ALTER VSCHEMA and SHOW VSCHEMA.

use proto::errors::{ClientError, ErrorId};
use topo::snapshot::Keyspace;

use super::Request;
use crate::plan::{Answer, Plan, ShowVschema, VschemaChange};
use crate::sql::alter_vschema::read;
use crate::sql::words::Name;

/// A change of a vschema.
pub(super) fn alter(request: &Request<'_>) -> Result<Plan, ClientError> {
    let statement = read(request.raw).map_err(|why| ErrorId::VschemaSyntax.with(why))?;
    let keyspace = keyspace(request, statement.keyspace.as_deref())?;
    let change = VschemaChange { keyspace: keyspace.name.clone(), change: statement.change };
    Ok(Plan::ChangeVschema(Box::new(change)))
}

/// `SHOW VSCHEMA KEYSPACES`, `TABLES [FROM keyspace]`, `VINDEXES [FROM table]`.
pub(super) fn show(request: &Request<'_>) -> Result<Plan, ClientError> {
    let wrong =
        || ErrorId::VschemaSyntax.with("KEYSPACES, TABLES or VINDEXES was expected after SHOW VSCHEMA");
    let words: Vec<&Name<'_>> = request.words.names.iter().skip(2).collect();
    let (what, rest) = words.split_first().ok_or_else(wrong)?;
    let show = match (what.keyword().as_str(), rest) {
        ("KEYSPACES", []) => ShowVschema::Keyspaces,
        ("TABLES", []) => ShowVschema::Tables(keyspace(request, None)?.name.clone()),
        ("TABLES", [from, name]) if from.is_one_of(&["FROM", "IN"]) => {
            ShowVschema::Tables(keyspace(request, Some(name.text))?.name.clone())
        }
        ("VINDEXES", []) => ShowVschema::Vindexes,
        ("VINDEXES", [from, name @ ..]) if from.is_one_of(&["FROM", "ON"]) => {
            let (schema, table) = match name {
                [table] => (None, table.text),
                [schema, table] if schema.is_qualifier() => (Some(schema.text), table.text),
                _ => return Err(wrong()),
            };
            let keyspace = keyspace(request, schema)?;
            if !keyspace.vschema().tables.contains_key(table) {
                let what = format!("the vschema of {} has no table {table}", keyspace.name);
                return Err(ErrorId::VschemaConflict.with(what));
            }
            ShowVschema::VindexesOf { keyspace: keyspace.name.clone(), table: table.to_owned() }
        }
        _ => return Err(wrong()),
    };
    Ok(Plan::Answer(Answer::Vschema(show)))
}

fn keyspace<'a>(request: &Request<'a>, name: Option<&str>) -> Result<&'a Keyspace, ClientError> {
    let name = match name {
        Some(name) => name,
        None => request.database.ok_or_else(|| ErrorId::NoDatabase.plain())?.as_str(),
    };
    request.snapshot.keyspace(name).map(AsRef::as_ref).ok_or_else(|| ErrorId::UnknownDatabase.with(name))
}
