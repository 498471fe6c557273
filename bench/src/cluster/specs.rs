//! The clusters that are measured, as cluster files.

use super::USER;
use crate::config::ReparentConfig;

/// The keyspace of one shard.
pub const UNSHARDED: &str = "whole";
/// The keyspace of two shards.
pub const SHARDED: &str = "halves";
/// Its shards.
pub const SHARDS: [&str; 2] = ["halves/-80", "halves/80-"];

/// For point selects: a tablet a shard, as replicas only take CPU time here, and plain connections everywhere,
/// as the load and the forwarder have them.
pub fn point_selects() -> String {
    format!("{}{}{}", head("tls: off"), unsharded(), sharded("sbtest", 1))
}

/// For point selects through a gate whose connections to the mysqlds are inside TLS.
pub fn point_selects_tls() -> String {
    format!("{}{}", head("tls: on"), unsharded())
}

/// For reparents: what a cluster is by default, but for its size.
pub fn reparents(config: &ReparentConfig) -> String {
    format!("{}{}", head("tls: on"), sharded("writes", config.tablets))
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

fn sharded(table: &str, tablets: usize) -> String {
    format!(
        "    - name: {SHARDED}\n      shards: [\"-80\", \"80-\"]\n      tablets: {tablets}\n      vschema:\n        \
         vindexes: {{by_id: {{type: xxhash}}}}\n        \
         tables: {{{table}: {{column_vindexes: [{{column: id, name: by_id}}]}}}}\n"
    )
}
