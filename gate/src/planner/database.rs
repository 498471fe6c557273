//! CREATE, ALTER and DROP DATABASE.

use proto::errors::{ClientError, ErrorId};
use proto::ids::ShardRef;
use topo::snapshot::{Keyspace, Snapshot};

use super::{Request, schema_change};
use crate::plan::{Answer, DatabaseChange, Plan};
use crate::sql::words::Name;

/// A new keyspace on the tablets of an unsharded one. One that is there already is MySQL's matter: its error, or
/// its note, or a database that an earlier attempt did not get to.
pub(super) fn create(request: &Request<'_>) -> Result<Plan, ClientError> {
    let name = name(request).ok_or_else(|| ErrorId::NotUnderstood.plain())?;
    if let Some(keyspace) = request.snapshot.keyspace(name) {
        return schema_change::of_keyspace(keyspace);
    }
    let host = host(request.snapshot).ok_or_else(|| ErrorId::NoHost.with(name))?;
    let name = name.parse().map_err(|_| ErrorId::DatabaseName.with(name))?;
    Ok(Plan::ChangeDatabase(DatabaseChange::Create { name, host }))
}

/// A keyspace that CREATE DATABASE has made, with all that is in it.
pub(super) fn drop(request: &Request<'_>) -> Result<Plan, ClientError> {
    let name = name(request).ok_or_else(|| ErrorId::NotUnderstood.plain())?;
    let Some(keyspace) = request.snapshot.keyspace(name) else {
        return if request.words.names.iter().any(|word| word.is("EXISTS")) {
            Ok(Plan::Answer(Answer::Ok))
        } else {
            Err(ErrorId::NoDatabaseToDrop.with(name))
        };
    };
    let name = keyspace.name.clone();
    match keyspace.host() {
        Some(host) => Ok(Plan::ChangeDatabase(DatabaseChange::Drop { name, host: host.clone() })),
        None => Err(ErrorId::OwnTablets.with(name)),
    }
}

/// Other settings of a database, on every shard.
pub(super) fn alter<'a>(request: &Request<'a>) -> Result<Option<&'a Keyspace>, ClientError> {
    let words = &request.words.names;
    if words.windows(2).any(|pair| pair[0].is("READ") && pair[1].is("ONLY")) {
        // MySQL does not write it to the binary log, so the next primary would not have it.
        return Err(ErrorId::UnsupportedStatement.with("ALTER DATABASE … READ ONLY"));
    }
    // Without a name it is about the default database.
    let options = ["DEFAULT", "CHARACTER", "CHARSET", "COLLATE", "ENCRYPTION", "READ"];
    match words.get(2).filter(|word| !word.is_one_of(&options)) {
        Some(name) => {
            let found = request.snapshot.keyspace(name.text);
            found
                .map(|keyspace| Some(keyspace.as_ref()))
                .ok_or_else(|| ErrorId::UnknownDatabase.with(name.text))
        }
        None => Ok(None),
    }
}

/// The name behind DATABASE [IF [NOT] EXISTS].
fn name<'a>(request: &Request<'a>) -> Option<&'a str> {
    let of_grammar = |word: &&Name<'_>| word.is_one_of(&["IF", "NOT", "EXISTS"]);
    request.words.names.iter().skip(2).skip_while(of_grammar).map(|name| name.text).next()
}

/// The shard on whose tablets new databases live: that of the first unsharded keyspace with tablets of its own.
fn host(snapshot: &Snapshot) -> Option<ShardRef> {
    let mut hosts = snapshot.keyspaces().filter(|keyspace| !keyspace.sharded && keyspace.host().is_none());
    hosts.find_map(|keyspace| keyspace.shards.first()).map(|shard| shard.shard.clone())
}
