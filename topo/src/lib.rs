//! The shared truth of a Shoal cluster.

pub mod keys;
pub mod limits;
pub mod records;
pub mod store;
pub mod topology;
pub mod value;
pub mod vindex;

pub use topology::{Stored, Topology, TopologyError};
