//! Tables that the gate makes of what it knows: SHOW DATABASES, SHOW SHARDS and the like, in Vitess' columns.

use proto::ids::TabletRole;
use proto::wire::result::{ResultColumn, ResultRow};
use topo::records::{TabletHealth, TabletState};
use topo::snapshot::{Endpoint, Keyspace, Shard, Snapshot};

use crate::accounts::rights::Rights;
use crate::sql::kind::Listed;

/// Longest name of a shard, tablet or host that clients are told to make room for, in characters.
const MAX_SHOWN_NAME: u32 = 255;

/// A table to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Its columns.
    pub columns: Vec<ResultColumn>,
    /// Its rows.
    pub rows: Vec<ResultRow>,
}

/// Databases that every server has, and that say something true through a gate.
const SERVER_DATABASES: [&str; 1] = ["information_schema"];

/// What the gate knows, as a table: of the keyspaces that the user may see.
pub fn list(listed: Listed, rights: &Rights, snapshot: &Snapshot) -> Listing {
    let keyspaces: Vec<&Keyspace> =
        snapshot.keyspaces().map(AsRef::as_ref).filter(|keyspace| rights.may_see(&keyspace.name)).collect();
    let shards = || keyspaces.iter().flat_map(|keyspace| shards_of(keyspace));
    let one = |values: Vec<String>| values.into_iter().map(|value| vec![Some(value)]).collect();
    let rows: Vec<ResultRow> = match listed {
        Listed::Databases => {
            let mut names: Vec<String> = keyspaces.iter().map(|keyspace| keyspace.name.to_string()).collect();
            names.extend(SERVER_DATABASES.map(str::to_owned));
            names.sort();
            one(names)
        }
        Listed::Keyspaces => one(keyspaces.iter().map(|keyspace| keyspace.name.to_string()).collect()),
        Listed::Shards => one(shards().map(|(keyspace, shard)| name(keyspace, shard)).collect()),
        Listed::Tablets => shards().flat_map(|(keyspace, shard)| tablets(keyspace, shard)).collect(),
        Listed::Targets => one(shards().flat_map(|(keyspace, shard)| targets(keyspace, shard)).collect()),
        Listed::Replication => shards().flat_map(|(keyspace, shard)| replication(keyspace, shard)).collect(),
    };
    Listing { columns: columns(listed), rows }
}

fn columns(listed: Listed) -> Vec<ResultColumn> {
    let texts = |names: &[&str]| -> Vec<ResultColumn> {
        names.iter().map(|name| ResultColumn::text(*name, MAX_SHOWN_NAME)).collect()
    };
    match listed {
        Listed::Databases | Listed::Keyspaces => vec![ResultColumn::databases()],
        Listed::Shards => texts(&["Shards"]),
        Listed::Targets => texts(&["Target"]),
        Listed::Tablets => texts(&[
            "Cell",
            "Keyspace",
            "Shard",
            "TabletType",
            "State",
            "Alias",
            "Hostname",
            "PrimaryTermStartTime",
        ]),
        Listed::Replication => texts(&[
            "Keyspace",
            "Shard",
            "TabletType",
            "Alias",
            "Hostname",
            "ReplicationSource",
            "ReplicationHealth",
            "ReplicationLag",
            "ThrottlerStatus",
        ]),
    }
}
/// The shards of a keyspace that has tablets of its own.
fn shards_of(keyspace: &Keyspace) -> impl Iterator<Item = (&Keyspace, &Shard)> {
    keyspace.shards.iter().map(move |shard| (keyspace, shard))
}

fn name(keyspace: &Keyspace, shard: &Shard) -> String {
    format!("{}/{}", keyspace.name, shard.shard.range)
}

fn targets(keyspace: &Keyspace, shard: &Shard) -> Vec<String> {
    let target = |role| format!("{}:{}@{role}", keyspace.name, shard.shard.range);
    let primary = shard.primary.iter().map(|_| target(TabletRole::Primary));
    primary.chain(shard.replicas.first().map(|_| target(TabletRole::Replica))).collect()
}

/// Vitess' time of the last change of primary is not known here; the term is, which counts those changes.
fn tablets(keyspace: &Keyspace, shard: &Shard) -> Vec<ResultRow> {
    let row = |endpoint: &Endpoint, role: &str, state: &str| {
        let alias = &endpoint.alias;
        let (cell, host) = (alias.cell.to_string(), endpoint.mysql_address.clone());
        let (name, range) = (keyspace.name.to_string(), shard.shard.range.to_string());
        let row =
            [cell, name, range, role.to_owned(), state.to_owned(), alias.to_string(), host, String::new()];
        row.map(Some).to_vec()
    };
    let primary = shard.primary.iter().map(|primary| row(primary, "PRIMARY", "SERVING"));
    let replicas = shard.replicas.iter().map(|replica| {
        let is_read = replica.health.as_ref().is_some_and(|health| health.reads);
        let state = if is_read { "SERVING" } else { "NOT_SERVING" };
        row(&replica.endpoint, "REPLICA", state)
    });
    primary.chain(replicas).collect()
}

fn replication(keyspace: &Keyspace, shard: &Shard) -> Vec<ResultRow> {
    let source = shard.primary.as_ref().map(|primary| primary.mysql_address.clone()).unwrap_or_default();
    let row = |replica: &topo::snapshot::Replica| {
        let health = replica.health.as_ref();
        let lag = health.and_then(|health| health.lag_ms).map(|lag| (lag / 1000).to_string());
        let running = if keeps_up(health) { "Running" } else { "Stopped" };
        let row = [
            keyspace.name.to_string(),
            shard.shard.range.to_string(),
            "REPLICA".to_owned(),
            replica.endpoint.alias.to_string(),
            replica.endpoint.mysql_address.clone(),
            source.clone(),
            format!("{{\"EventStreamRunning\":\"{running}\",\"EventApplierRunning\":\"{running}\"}}"),
        ];
        row.map(Some).into_iter().chain([lag, Some("{}".to_owned())]).collect()
    };
    shard.replicas.iter().map(row).collect()
}

fn keeps_up(health: Option<&TabletHealth>) -> bool {
    health.is_some_and(|health| health.state == TabletState::Replicating)
}

/// Whether a value is like a pattern of SQL: `%` any text, `_` any character, a backslash before either itself.
pub fn is_like(value: &str, pattern: &str) -> bool {
    let (value, pattern): (Vec<char>, Vec<char>) = (value.chars().collect(), pattern.chars().collect());
    // Where the last `%` stands, and how much of the value it has taken.
    let (mut at, mut place, mut retry) = (0, 0, None);
    while at < value.len() {
        let escaped = pattern.get(place) == Some(&'\\') && place + 1 < pattern.len();
        let wanted = pattern.get(place + usize::from(escaped)).copied();
        match wanted {
            Some('%') if !escaped => {
                retry = Some((at, place + 1));
                place += 1;
            }
            Some(wanted) if wanted == value[at] || (wanted == '_' && !escaped) => {
                at += 1;
                place += 1 + usize::from(escaped);
            }
            _ => {
                let Some((taken, after)) = retry else { return false };
                retry = Some((taken + 1, after));
                (at, place) = (taken + 1, after);
            }
        }
    }
    pattern[place..].iter().all(|rest| *rest == '%')
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn patterns_are_those_of_like() {
        let cases = [
            ("shop", "shop", true),
            ("shop", "SHOP", false),
            ("shop", "sh%", true),
            ("shop", "%o_", true),
            ("shop", "%o", false),
            ("shop", "%%s%%p%", true),
            ("a_b", "a\\_b", true),
            ("axb", "a\\_b", false),
            ("a%b", "a\\%b", true),
            ("", "%", true),
            ("", "_", false),
            ("aab", "%ab", true),
            ("ä", "_", true),
            ("shop", "", false),
        ];
        for (value, pattern, expected) in cases {
            assert_eq!(is_like(value, pattern), expected, "{value} like {pattern}");
        }
    }
}
