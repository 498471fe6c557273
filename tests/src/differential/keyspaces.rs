//! The cluster that the scripts run on: one keyspace of one shard, one of two with all the scripts' tables.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::script::{Script, ShardedTable};
use crate::cluster::GATE_PORT;

/// The keyspace that has one shard and no sharding key.
pub const UNSHARDED: &str = "main";
/// The keyspace of two shards.
pub const SHARDED: &str = "shop";
/// The user, who is also the password.
pub const USER: &str = "app";

/// The cluster file.
pub fn cluster_file(scripts: &[Script]) -> String {
    let tables: Vec<&ShardedTable> = scripts.iter().flat_map(|script| &script.tables).collect();
    let vindexes: BTreeSet<&str> = tables.iter().map(|table| table.vindex.as_str()).collect();
    let mut file = format!(
        "apiVersion: shoal.dev/v1alpha1\n\
         kind: ShoalCluster\n\
         metadata:\n  name: differential\n\
         spec:\n\
         \x20 gates: {{port: {GATE_PORT}}}\n\
         \x20 users:\n\
         \x20   - {{name: {USER}, password: {USER}, role: admin}}\n\
         \x20 keyspaces:\n\
         \x20   - name: {UNSHARDED}\n\
         \x20   - name: {SHARDED}\n\
         \x20     shards: [\"-80\", \"80-\"]\n\
         \x20     vschema:\n\
         \x20       vindexes:\n"
    );
    for vindex in vindexes {
        // Writing to a String does not fail.
        let _ = writeln!(file, "          by_{vindex}: {{type: {vindex}}}");
    }
    file.push_str("        tables:\n");
    for ShardedTable { name, column, vindex } in tables {
        let _ = writeln!(
            file,
            "          {name}: {{column_vindexes: [{{column: {column}, name: by_{vindex}}}]}}"
        );
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_and_vindex_stands_in_the_file_once() {
        let table =
            |name: &str| ShardedTable { name: name.into(), column: "id".into(), vindex: "hash".into() };
        let script = Script { tables: vec![table("a"), table("b")], ..Script::default() };
        let file = cluster_file(&[script]);
        assert_eq!(file.matches("{type: hash}").count(), 1);
        assert!(file.contains("\n          b: {column_vindexes: [{column: id, name: by_hash}]}\n"), "{file}");
        assert!(file.contains("\n    - name: shop\n      shards: "), "{file}");
    }
}
