//! Keyspaces, shards, tablets and events as `get` and `describe` show them.

use proto::rpc::control::{Event, Keyspace, Shard, Tablet};
use serde::Serialize;

use super::CliError;
use super::output::Shown;
use super::time::utc;
use crate::limits::SHOWN_REASON;

/// Which columns of a table are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Columns {
    /// Those that fit a terminal.
    Usual,
    /// All of them.
    All,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyspaceFields<'a> {
    name: &'a str,
    sharded: bool,
    shards: u32,
    serving_shards: u32,
    tables: u32,
    ranges: Vec<&'a str>,
}

/// Keyspaces; `shards` are all that there are.
pub(super) fn keyspaces(
    keyspaces: &[Keyspace],
    shards: &[Shard],
    columns: Columns,
) -> Result<Shown, CliError> {
    let ranges = |name: &str| -> Vec<&str> {
        shards.iter().filter(|shard| shard.keyspace == name).map(|shard| shard.range.as_str()).collect()
    };
    let items: Vec<KeyspaceFields<'_>> = keyspaces
        .iter()
        .map(|k| KeyspaceFields {
            name: &k.name,
            sharded: k.sharded,
            shards: k.shards,
            serving_shards: k.serving,
            tables: k.tables,
            ranges: ranges(&k.name),
        })
        .collect();
    let mut titles = vec!["KEYSPACE", "KIND", "SERVING", "TABLES"];
    if columns == Columns::All {
        titles.push("RANGES");
    }
    let row = |k: &KeyspaceFields<'_>| {
        let kind = if k.sharded { "sharded" } else { "unsharded" };
        let serving = format!("{}/{}", k.serving_shards, k.shards);
        let mut row = vec![k.name.into(), kind.into(), serving, k.tables.to_string()];
        if columns == Columns::All {
            row.push(k.ranges.join(","));
        }
        row
    };
    Shown::listing(&titles, &items.iter().map(row).collect::<Vec<_>>(), &items)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShardFields<'a> {
    name: String,
    keyspace: &'a str,
    range: &'a str,
    primary: Option<&'a str>,
    term: u64,
    serving: bool,
    ackers: &'a [String],
    risk: Option<&'a str>,
    tablets: Vec<&'a str>,
}

/// Full name of a shard.
pub(super) fn shard_name(keyspace: &str, range: &str) -> String {
    format!("{keyspace}/{range}")
}

/// Shards; `tablets` are all that there are. Columns that hold text with blanks stand last, so that the others can
/// be cut out by machines.
pub(super) fn shards(shards: &[Shard], tablets: &[Tablet], columns: Columns) -> Result<Shown, CliError> {
    let of = |shard: &Shard| -> Vec<&Tablet> {
        tablets.iter().filter(|t| t.keyspace == shard.keyspace && t.range == shard.range).collect()
    };
    let fields = |s| {
        let shard: &Shard = s;
        ShardFields {
            name: shard_name(&shard.keyspace, &shard.range),
            keyspace: &shard.keyspace,
            range: &shard.range,
            primary: said(&shard.primary),
            term: shard.term,
            serving: shard.serving,
            ackers: &shard.ackers,
            risk: said(&shard.risk),
            tablets: of(shard).into_iter().map(|t| t.alias.as_str()).collect(),
        }
    };
    let items: Vec<ShardFields<'_>> = shards.iter().map(fields).collect();
    let mut titles = vec!["SHARD", "PRIMARY", "TERM", "SERVING", "ACKERS"];
    if columns == Columns::All {
        titles.push("TABLETS");
    }
    titles.push("RISK");
    let row = |s: &Shard| {
        let serving = if s.serving { "yes" } else { "no" };
        let name = shard_name(&s.keyspace, &s.range);
        let mut row = vec![name, s.primary.clone(), s.term.to_string(), serving.into(), s.ackers.join(",")];
        if columns == Columns::All {
            let told: Vec<String> = of(s).iter().map(|t| format!("{}:{}", t.alias, t.state)).collect();
            row.push(told.join(","));
        }
        row.push(s.risk.clone());
        row
    };
    Shown::listing(&titles, &shards.iter().map(row).collect::<Vec<_>>(), &items)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TabletFields<'a> {
    alias: &'a str,
    keyspace: &'a str,
    range: &'a str,
    role: Option<&'a str>,
    term: u64,
    state: &'a str,
    reason: Option<&'a str>,
    lag_ms: Option<u64>,
    semi_sync: Option<&'a str>,
    reads: bool,
    mysql_address: &'a str,
    agent_address: &'a str,
    mysql_version: &'a str,
    gtid_executed: String,
    flaw: Option<&'a str>,
    hindrance: Option<&'a str>,
}

/// Tablets. The reason stands last, because it is a text with blanks: machines can cut the others out.
pub(super) fn tablets(tablets: &[Tablet], columns: Columns) -> Result<Shown, CliError> {
    let items: Vec<TabletFields<'_>> = tablets
        .iter()
        .map(|t| TabletFields {
            alias: &t.alias,
            keyspace: &t.keyspace,
            range: &t.range,
            role: said(&t.role),
            term: t.term,
            state: &t.state,
            reason: said(&t.reason),
            lag_ms: lag_ms(t),
            semi_sync: said(&t.semi_sync),
            reads: t.reads,
            mysql_address: &t.mysql_address,
            agent_address: &t.agent_address,
            mysql_version: &t.mysql_version,
            gtid_executed: gtids(t),
            flaw: said(&t.flaw),
            hindrance: said(&t.hindrance),
        })
        .collect();
    let mut titles = vec!["TABLET", "SHARD", "ROLE", "TERM", "STATE", "LAG", "SEMI-SYNC"];
    titles.extend(["MYSQL", "AGENT", "VERSION"]);
    titles.extend(match columns {
        Columns::Usual => &["REASON"][..],
        Columns::All => &["READS", "GTIDS", "REASON"],
    });
    let row = |t: &Tablet| {
        let lag = lag_ms(t).map(lag_in_words).unwrap_or_default();
        let name = shard_name(&t.keyspace, &t.range);
        let mut row = vec![t.alias.clone(), name, t.role.clone(), t.term.to_string(), t.state.clone(), lag];
        row.extend([&t.semi_sync, &t.mysql_address, &t.agent_address, &t.mysql_version].map(Clone::clone));
        if columns == Columns::All {
            row.push(if t.reads { "yes" } else { "no" }.to_owned());
            row.push(gtids(t));
        }
        row.push(short(&t.reason));
        row
    };
    Shown::listing(&titles, &tablets.iter().map(row).collect::<Vec<_>>(), &items)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventFields<'a> {
    time: String,
    object: &'a str,
    reason: &'a str,
    observation: &'a str,
}

/// Events, in their order.
pub(super) fn events(events: &[Event]) -> Result<Shown, CliError> {
    let items: Vec<EventFields<'_>> = events
        .iter()
        .map(|e| EventFields {
            time: utc(e.at_ms),
            object: &e.object,
            reason: &e.reason,
            observation: &e.observation,
        })
        .collect();
    let row = |e: &EventFields<'_>| {
        vec![e.time.clone(), e.object.to_owned(), e.reason.to_owned(), e.observation.to_owned()]
    };
    let rows: Vec<Vec<String>> = items.iter().map(row).collect();
    Shown::listing(&["TIME", "OBJECT", "REASON", "OBSERVATION"], &rows, &items)
}

/// A word that may be missing.
fn said(word: &str) -> Option<&str> {
    (!word.is_empty()).then_some(word)
}

/// The beginning of a reason, for a table: its first line, and of that so much as leaves the table one.
fn short(reason: &str) -> String {
    let line = reason.lines().next().unwrap_or_default().trim_end();
    let cut = line.char_indices().nth(SHOWN_REASON).map_or(line, |(end, _)| line[..end].trim_end());
    if cut.len() < reason.trim_end().len() { format!("{cut}…") } else { cut.to_owned() }
}

/// Only a replica can be behind.
pub(super) fn lag_ms(tablet: &Tablet) -> Option<u64> {
    tablet.lag_ms.filter(|_| tablet.role == "replica")
}

/// MySQL breaks a long set into lines.
fn gtids(tablet: &Tablet) -> String {
    tablet.gtid_executed.split_whitespace().collect()
}

/// A time as short as it can be told to somebody in a hurry.
pub(super) fn lag_in_words(ms: u64) -> String {
    match ms {
        0..1000 => format!("{ms}ms"),
        1000..60_000 => format!("{}.{}s", ms / 1000, ms % 1000 / 100),
        60_000..3_600_000 => format!("{}m{}s", ms / 60_000, ms % 60_000 / 1000),
        _ => format!("{}h{}m", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

#[cfg(test)]
mod tests;
