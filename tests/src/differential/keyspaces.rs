//! The cluster that the scripts run on: an unsharded keyspace, and two sharded ones with all the scripts' tables,
//! of one shard and of two.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::script::{Script, ShardedTable};
use crate::cluster::GATE_PORT;

/// The unsharded keyspace.
pub const UNSHARDED: &str = "main";
/// The sharded keyspace of one shard.
pub const ONE_SHARD: &str = "solo";
/// The sharded keyspace of two shards.
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
         \x20   - name: {UNSHARDED}\n"
    );
    let mut vschema = "      vschema:\n        vindexes:\n".to_owned();
    for vindex in vindexes {
        // Writing to a String does not fail.
        let _ = writeln!(vschema, "          by_{vindex}: {{type: {vindex}}}");
    }
    vschema.push_str("        tables:\n");
    for ShardedTable { name, column, vindex } in tables {
        let _ = writeln!(
            vschema,
            "          {name}: {{column_vindexes: [{{column: {column}, name: by_{vindex}}}]}}"
        );
    }
    for (keyspace, shards) in [(ONE_SHARD, r#"["-"]"#), (SHARDED, r#"["-80", "80-"]"#)] {
        let _ = write!(file, "    - name: {keyspace}\n      shards: {shards}\n{vschema}");
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
        assert_eq!(file.matches("{type: hash}").count(), 2);
        assert!(file.contains("\n          b: {column_vindexes: [{column: id, name: by_hash}]}\n"), "{file}");
        assert!(file.contains("\n    - name: shop\n      shards: "), "{file}");
    }
}
