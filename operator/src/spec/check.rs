//! Mistakes that show only when the parts of a cluster file are seen together.

use proto::key_range::check_partition;
use topo::limits::MAX_PASSWORD_BYTES;

use topo::vschema::{Setting, Verdict, report};

use super::vschema::vschema_record;
use super::{ClusterSpec, KeyspaceSpec, ShoalCluster, UserSpec, VschemaSpec};
use crate::limits::{MAX_IDENTIFIER, MAX_KEYSPACES};

/// A path of the file with what is wrong there, and what to write.
type Found = Vec<(String, String)>;

/// Everything that does not hold together; empty for a good cluster.
pub(super) fn check(cluster: &ShoalCluster) -> Found {
    let spec = &cluster.spec;
    let mut found = Found::new();
    check_cells(spec, &mut found);
    check_gates(spec, &mut found);
    check_users(spec, &mut found);
    if spec.keyspaces.is_empty() {
        found.push(("spec.keyspaces".into(), "there is no keyspace; write `- name: main`".into()));
    }
    if spec.keyspaces.len() > MAX_KEYSPACES {
        let what = format!("there are {} keyspaces; write at most {MAX_KEYSPACES}", spec.keyspaces.len());
        found.push(("spec.keyspaces".into(), what));
    }
    for (index, keyspace) in spec.keyspaces.iter().enumerate() {
        let path = format!("spec.keyspaces[{index}]");
        let same = |other: &KeyspaceSpec| other.name.as_str().eq_ignore_ascii_case(keyspace.name.as_str());
        if spec.keyspaces[..index].iter().any(same) {
            let what =
                format!("keyspace {:?} stands here twice; give each its own name", keyspace.name.as_str());
            found.push((format!("{path}.name"), what));
        }
        check_keyspace(keyspace, &path, &mut found);
    }
    found
}

fn check_cells(spec: &ClusterSpec, found: &mut Found) {
    if spec.cells.is_empty() {
        found.push(("spec.cells".into(), "there is no cell; write `cells: [{name: zone1}]`".into()));
    }
    for (index, cell) in spec.cells.iter().enumerate() {
        if spec.cells[..index].contains(cell) {
            let what = format!("cell {:?} stands here twice; give each its own name", cell.name.as_str());
            found.push((format!("spec.cells[{index}].name"), what));
        }
    }
}

fn check_gates(spec: &ClusterSpec, found: &mut Found) {
    let count = spec.gates.replicas.get();
    if spec.gates.port.is_some() && spec.gates.named_port(count).is_none() {
        let what = format!(
            "{count} gates from this port on would pass port 65535; write a port up to {}",
            u32::from(u16::MAX) + 1 - u32::from(count)
        );
        found.push(("spec.gates.port".into(), what));
    }
}

fn check_users(spec: &ClusterSpec, found: &mut Found) {
    if spec.users.is_empty() {
        let what = "nobody could log in; write `- {name: app, password: secret, role: admin}`";
        found.push(("spec.users".into(), what.into()));
    }
    for (index, user) in spec.users.iter().enumerate() {
        if spec.users[..index].iter().any(|other| other.name == user.name) {
            let what = format!("user {:?} stands here twice; give each its own name", user.name.as_str());
            found.push((format!("spec.users[{index}].name"), what));
        }
        check_grants(spec, user, &format!("spec.users[{index}]"), found);
        let what = match user.password.len() {
            0 => "the password is empty; write `password: secret`".to_owned(),
            long if long > MAX_PASSWORD_BYTES => {
                format!("the password has {long} bytes; write one of at most {MAX_PASSWORD_BYTES}")
            }
            _ => continue,
        };
        found.push((format!("spec.users[{index}].password"), what));
    }
}

fn check_grants(spec: &ClusterSpec, user: &UserSpec, path: &str, found: &mut Found) {
    if user.role.is_none() && user.grants.is_empty() {
        let what = format!(
            "user {:?} may do nothing; write `role: admin` (or read, or write) for every keyspace, or \
             `grants: [{{keyspace: shop, role: write}}]`",
            user.name.as_str()
        );
        found.push((path.to_owned(), what));
    }
    for (index, grant) in user.grants.iter().enumerate() {
        let path = format!("{path}.grants[{index}].keyspace");
        let name = grant.keyspace.as_str();
        if user.grants[..index].iter().any(|other| other.keyspace == grant.keyspace) {
            found.push((path, format!("keyspace {name:?} stands here twice; give one role in it")));
        } else if !spec.keyspaces.iter().any(|keyspace| keyspace.name == grant.keyspace) {
            let names: Vec<&str> = spec.keyspaces.iter().map(|keyspace| keyspace.name.as_str()).collect();
            found.push((path, format!("there is no keyspace {name:?}; write one of {}", names.join(", "))));
        }
    }
}

fn check_keyspace(keyspace: &KeyspaceSpec, path: &str, found: &mut Found) {
    if let Some(ranges) = &keyspace.shards
        && let Err(why) = check_partition(ranges)
    {
        let what = format!(
            "{why}; write ranges that hold every keyspace ID once, such as `shards: [\"-80\", \"80-\"]`"
        );
        found.push((format!("{path}.shards"), what));
    }
    let Some(vschema) = &keyspace.vschema else { return };
    check_vschema(vschema, keyspace, &format!("{path}.vschema"), found);
}

fn check_vschema(vschema: &VschemaSpec, keyspace: &KeyspaceSpec, path: &str, found: &mut Found) {
    for (name, table) in &vschema.tables {
        let path = format!("{path}.tables.{name}.column_vindexes");
        for (index, by) in table.column_vindexes.iter().enumerate() {
            for column in by.column.iter().chain(&by.columns) {
                check_identifier("column", column, &format!("{path}[{index}].column"), found);
            }
        }
    }
    let sharded = keyspace.is_sharded();
    if vschema.sharded.is_some_and(|said| said != sharded) {
        let what = match sharded {
            true => "the keyspace is sharded, because it has shards; take `sharded: false` out",
            false => {
                "the keyspace has no shards; add `shards: [\"-80\", \"80-\"]` or take `sharded: true` out"
            }
        };
        found.push((format!("{path}.sharded"), what.into()));
    }
    let findings = match vschema_record(vschema) {
        Ok(record) => report(&record, Setting { sharded, schema: None }),
        Err(mistakes) => mistakes,
    };
    for finding in findings.into_iter().filter(|finding| finding.verdict == Verdict::Refused) {
        let path = format!("{path}.{}", finding.path);
        // A name that is none was told above, with what a name is.
        if !found.iter().any(|(told, _)| *told == path) {
            found.push((path, finding.what));
        }
    }
}

/// MySQL's rule for names of tables and columns.
fn check_identifier(kind: &str, name: &str, path: &str, found: &mut Found) {
    if name.is_empty() || name.chars().count() > MAX_IDENTIFIER || name.ends_with(' ') || name.contains('\0')
    {
        let what = format!(
            "{kind} name {name:?} is not valid: 1 to {MAX_IDENTIFIER} characters, no blank at the end"
        );
        found.push((path.to_owned(), what));
    }
}
