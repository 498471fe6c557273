//! The clusters that are measured, as cluster files.

use super::USER;
use crate::config::ReparentConfig;

/// The keyspace of one shard.
pub const UNSHARDED: &str = "whole";
/// The keyspace of two shards.
pub const SHARDED: &str = "halves";
/// Its shards.
pub const SHARDS: [&str; 2] = ["halves/-80", "halves/80-"];

/// For statements: a tablet a shard, as replicas only take CPU time here, and plain connections everywhere, as the load
/// and the other proxies have them.
pub fn statements() -> String {
    format!("{}{}{}", head("tls: off"), unsharded(), sharded(&[("sbtest", "id"), ("sbowned", "owner")], 1))
}

/// For statements through a gate whose connections to the mysqlds are inside TLS.
pub fn statements_tls() -> String {
    format!("{}{}", head("tls: on"), unsharded())
}

/// For reparents: what a cluster is by default, but for its size.
pub fn reparents(config: &ReparentConfig) -> String {
    format!("{}{}", head("tls: on"), sharded(&[("writes", "id")], config.tablets))
}

fn head(tls: &str) -> String {
    format!(
        "apiVersion: shoal.dev/v1alpha1\nkind: ShoalCluster\nmetadata: {{name: bench}}\nspec:\n  {tls}\n  \
         users: [{{name: {USER}, password: {USER}, role: admin}}]\n  keyspaces:\n"
    )
}

fn unsharded() -> String {
    format!("    - {{name: {UNSHARDED}, tablets: 1}}\n")
}

/// Tables by their sharding column.
fn sharded(tables: &[(&str, &str)], tablets: usize) -> String {
    let entry = |(table, column): &(&str, &str)| {
        format!("{table}: {{column_vindexes: [{{column: {column}, name: by_id}}]}}")
    };
    let tables: Vec<String> = tables.iter().map(entry).collect();
    format!(
        "    - name: {SHARDED}\n      shards: [\"-80\", \"80-\"]\n      tablets: {tablets}\n      vschema:\n        \
         vindexes: {{by_id: {{type: xxhash}}}}\n        tables: {{{}}}\n",
        tables.join(", ")
    )
}
