//! Which crate may need which, from what cargo says of the workspace.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Breach;

/// Our crates, and those of ours that each may need.
const OURS: &[(&str, &[&str])] = &[
    ("shoal-proto", &[]),
    ("shoal-topo", &["shoal-proto"]),
    ("shoal-gate", &["shoal-proto", "shoal-topo"]),
    ("shoal-tablet", &["shoal-proto", "shoal-topo"]),
    ("shoal-operator", &["shoal-proto", "shoal-topo"]),
    ("shoal-bench", &["shoal-proto"]),
    (
        "shoal-tests",
        &["shoal-proto", "shoal-topo", "shoal-gate", "shoal-tablet", "shoal-operator", "shoal-bench"],
    ),
];

/// Foreign crates that have one place, and the crates of ours that are this place.
const FOREIGN: &[(&str, &[&str])] = &[
    ("etcd-client", &["shoal-topo"]),
    ("kube", &["shoal-operator"]),
    ("sqlparser", &["shoal-gate"]),
    ("mysql_async", &["shoal-tablet", "shoal-bench", "shoal-tests"]),
    ("opensrv-mysql", &["shoal-tests"]),
];

/// Judges the output of `cargo metadata --no-deps`.
pub fn check(metadata: &Value) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for package in list(metadata, "packages") {
        let name = text(package, "name");
        let mut add = |what: String| breaches.push(Breach { path: format!("crate {name}"), line: 0, what });
        let Some((_, allowed)) = OURS.iter().find(|(ours, _)| *ours == name) else {
            add("has no place among the crates: give it one in the rule".to_owned());
            continue;
        };
        for needed in list(package, "dependencies").map(|dependency| text(dependency, "name")) {
            let is_ours = needed.starts_with("shoal-");
            let homes = FOREIGN.iter().find(|(foreign, _)| *foreign == needed).map(|(_, homes)| *homes);
            if (is_ours && !allowed.contains(&needed)) || homes.is_some_and(|homes| !homes.contains(&name)) {
                add(format!("may not need {needed}"));
            }
        }
    }
    breaches
}

/// Every foreign crate of the workspace stands in ARCHITECTURE.md with its reason, and every one there is needed.
/// `metadata` is the output of `cargo metadata --no-deps`; the table's rows begin with the crates' names.
pub fn unexplained(metadata: &Value, architecture: &str) -> Vec<Breach> {
    let needed: BTreeSet<&str> = list(metadata, "packages")
        .flat_map(|package| list(package, "dependencies"))
        .map(|dependency| text(dependency, "name"))
        .filter(|name| !name.starts_with("shoal-"))
        .collect();
    let table = architecture.split("## Crates we depend on").nth(1).unwrap_or_default();
    let explained: BTreeSet<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next())
        .flat_map(|names| names.split(", "))
        .filter(|name| *name != "crate")
        .collect();
    let breach = |name: &str, what: &str| Breach {
        path: "ARCHITECTURE.md".to_owned(),
        line: 0,
        what: format!("crate {name} {what}"),
    };
    let missing =
        needed.difference(&explained).map(|name| breach(name, "has no row: say where and why it is used"));
    let stale = explained.difference(&needed).map(|name| breach(name, "is explained and not needed"));
    missing.chain(stale).collect()
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}
