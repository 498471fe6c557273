//! The shared truth of a Shoal cluster.
//!
//! ```text
//!               writers                                      readers
//!   agents, control, gates after DDL                 gates            agents
//!                  │                                   ▲                ▲
//!                  │                               snapshot         Following
//!                  ▼                          (all records, one     (one record)
//!   topology  typed reads and writes,          revision a step)         │
//!             leases, locks                            ▲                │
//!                  │                                   └───── tail ─────┘
//!                  ▼                                     list, then watch
//!   store     versioned keys: etcd, memory ────────────────────┘
//!
//!   records   what is stored, with format numbers      keys     where
//!   value     from a literal to the value stored       vindex   from that to a keyspace ID
//!   vschema   Vitess' JSON, changes of it, and what becomes of each part
//! ```
//!
//! This crate never decides anything, never serves or calls RPC of Shoal's own, and never reads SQL.

pub mod keys;
pub mod limits;
pub mod records;
pub mod snapshot;
pub mod store;
pub mod topology;
pub mod value;
pub mod vindex;
pub mod vschema;

pub use topology::{Stored, Topology, TopologyError};
