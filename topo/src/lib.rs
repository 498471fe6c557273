//! The shared truth of a Shoal cluster.
//!
//! ```text
//!   records/   what is stored, with format numbers        keys      where
//!   store/     versioned key-value store: etcd, memory    topology  typed reads and writes on it
//!   snapshot   the immutable picture that a gate routes by, kept up to date by a watch
//!   vindex/    from a column's value to a keyspace ID
//! ```
//!
//! This crate never decides anything, never talks RPC and never reads SQL.

pub mod keys;
pub mod records;
pub mod store;
