//! Shards and tablets, as control sees them.

use std::collections::BTreeMap;

use proto::rpc::control::{Shard, Tablet};

use super::{Finding, Level};
use crate::control::client::Seen;
use crate::limits::MAX_FIT_LAG;

/// Everything that is to be said of shards and tablets.
pub(super) fn judge(seen: &Seen) -> Vec<Finding> {
    let mut findings = Vec::new();
    for shard in &seen.shards {
        let own: Vec<&Tablet> =
            seen.tablets.iter().filter(|t| t.keyspace == shard.keyspace && t.range == shard.range).collect();
        findings.push(judge_shard(shard, &own));
        findings.extend(own.iter().filter_map(|tablet| judge_tablet(shard, tablet)));
    }
    findings.extend(judge_versions(&seen.tablets));
    findings
}

fn judge_shard(shard: &Shard, own: &[&Tablet]) -> Finding {
    let name = format!("{}/{}", shard.keyspace, shard.range);
    let check = format!("shard {name}");
    let events = format!("see `shoal events {name}` and `shoal describe shard {name}`");
    if shard.primary.is_empty() {
        return Finding::bad(check, Level::Error, "it has no primary", events);
    }
    if !shard.serving {
        let primary = own.iter().find(|tablet| tablet.alias == shard.primary);
        let state = primary.map_or("not registered", |tablet| tablet.state.as_str());
        let reason = primary.map(|tablet| tablet.reason.as_str()).filter(|reason| !reason.is_empty());
        let why = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
        let what = format!("its primary {} takes no statements: {state}{why}", shard.primary);
        let logs = format!("`shoal local logs tablet-{}`", shard.primary);
        return Finding::bad(
            check,
            Level::Error,
            what,
            format!("{events}; {logs} tells what its agent does"),
        );
    }
    let replicas = own.iter().filter(|tablet| tablet.alias != shard.primary);
    let behind = replicas.clone().filter_map(|tablet| tablet.lag_ms).max();
    let lag = behind.map_or_else(String::new, |ms| format!(", at most {ms} ms behind"));
    let count = replicas.count();
    let (replicas, ackers) = (counted(count, "replica"), counted(shard.ackers.len(), "acker"));
    let what = format!("{} serves under term {}; {replicas}{lag}, {ackers}", shard.primary, shard.term);
    match (shard.risk.is_empty(), count) {
        (true, _) => Finding::good(check, what),
        (false, 0) => Finding::bad(
            check,
            Level::Note,
            format!("{} serves; it has one tablet and could not fail over", shard.primary),
            format!(
                "for data that matters write `tablets: 3` under keyspace {}, then `shoal local down` and `up -f`",
                shard.keyspace
            ),
        ),
        (false, _) => {
            Finding::bad(check, Level::Warning, format!("it could not fail over now: {}", shard.risk), events)
        }
    }
}

fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// What is wrong with a tablet; a primary is told of with its shard.
fn judge_tablet(shard: &Shard, tablet: &Tablet) -> Option<Finding> {
    if tablet.alias == shard.primary {
        return None;
    }
    let check = format!("tablet {}", tablet.alias);
    let logs = format!("`shoal local logs tablet-{}`", tablet.alias);
    let reason = if tablet.reason.is_empty() { String::new() } else { format!(": {}", tablet.reason) };
    let of = |level, what: String, cure: String| Some(Finding::bad(check.clone(), level, what, cure));
    match tablet.state.as_str() {
        "replicating" => {
            let lag_ms = tablet.lag_ms.unwrap_or(0);
            let too_far = u128::from(lag_ms) > MAX_FIT_LAG.as_millis();
            too_far.then(|| {
                let what = format!("it is {} s behind its primary and could not take over", lag_ms / 1000);
                let cure =
                    "look for long statements and large transactions on the primary; it catches up by itself";
                Finding::bad(check, Level::Warning, what, cure)
            })
        }
        "provisioning" => of(
            Level::Note,
            "it is being given a copy of another tablet's data".into(),
            format!("wait; {logs} tells how far it is"),
        ),
        "given-up" => of(
            Level::Warning,
            format!("its mysqld died too often and was left down{reason}"),
            format!(
                "repair what `shoal local logs mysqld` and {logs} tell, then `shoal local down` and `up`"
            ),
        ),
        "unreachable" => {
            of(Level::Warning, "its agent does not answer".into(), format!("see in {logs} whether it runs"))
        }
        state if !tablet.flaw.is_empty() => of(
            Level::Warning,
            format!("it does not replicate: {state}, because {}", tablet.flaw),
            match tablet.hindrance.as_str() {
                "" => "wait; control gives it a copy of another tablet's data".into(),
                hindrance => hindrance.to_owned(),
            },
        ),
        state => of(
            Level::Warning,
            format!("it does not replicate: {state}{reason}"),
            format!(
                "wait a moment, as it tries again by itself; if it stays, repair what the reason names, and see {logs}"
            ),
        ),
    }
}

/// Whether all run the same MySQL, and no replica an older one than its primary, whose binary log it may not read.
fn judge_versions(tablets: &[Tablet]) -> Option<Finding> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for tablet in tablets.iter().filter(|tablet| !tablet.mysql_version.is_empty()) {
        versions.entry(tablet.mysql_version.as_str()).or_default().push(&tablet.alias);
    }
    let older = tablets.iter().find(|replica| {
        let primary = tablets
            .iter()
            .find(|t| t.role == "primary" && t.keyspace == replica.keyspace && t.range == replica.range);
        primary.is_some_and(|primary| {
            numbers(&replica.mysql_version).is_some_and(|own| Some(own) < numbers(&primary.mysql_version))
        })
    });
    let told: Vec<String> =
        versions.iter().map(|(version, aliases)| format!("{version} ({})", aliases.join(", "))).collect();
    match (older, versions.len()) {
        (Some(replica), _) => Some(Finding::bad(
            "versions",
            Level::Warning,
            format!("replica {} runs an older MySQL than its primary: {}", replica.alias, told.join(", ")),
            "start all tablets with the same mysqld; a replica may not understand what a newer primary writes",
        )),
        (None, 0) => None,
        (None, 1) => Some(Finding::good(
            "versions",
            format!("MySQL {}, Shoal {}", told_one(&versions), env!("CARGO_PKG_VERSION")),
        )),
        (None, _) => Some(Finding::bad(
            "versions",
            Level::Note,
            format!("several versions of MySQL run: {}", told.join(", ")),
            "fine while an upgrade is under way; otherwise start all tablets with the same mysqld",
        )),
    }
}

fn told_one(versions: &BTreeMap<&str, Vec<&str>>) -> String {
    versions.keys().copied().collect()
}

/// The numbers of a version such as 9.7.4.
fn numbers(version: &str) -> Option<Vec<u32>> {
    let plain = version.split(['-', '+']).next()?;
    plain.split('.').map(|part| part.parse().ok()).collect()
}
