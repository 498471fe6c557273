//! The local platform: a whole cluster as child processes of one machine, on loopback.
//!
//! ```text
//!   shoal local up ─► files (cluster.yaml, ports.json, secrets) ─► supervisor ⇄ standby
//!                                                                     │  (one lock: the holder is active,
//!      render(spec, observed) → parts ─► keeper of each part ─────────┤   the other takes over when it dies)
//!                                          │ launch, watch, restart    │
//!                                          ▼                          ▼
//!      etcd · control · tablets · gates, each with run/<name>.json   run/state.json
//!   shoal local down ─► ends the supervisors, takes their lock, ends the parts in order, checks that none is left
//! ```
//!
//! No process here holds what another one needs to go on: whoever is killed, the files and the kernel's own
//! records (locks, process start times) say what there is.

pub mod down;
pub mod ephemeral;
pub mod layout;
pub mod logs;
pub mod ports;
pub mod process;
pub mod programs;
pub mod reach;
pub mod render;
pub mod status;
pub mod supervisor;
pub mod up;

mod apply;
mod certificates;
mod greeting;
mod holder;
mod launch;
mod lock;
mod secrets;

pub use certificates::CertificateError;
pub use launch::{LaunchError, launch};

/// The cluster that `shoal local up` starts when no file is given and none is stored.
pub const DEFAULT_CLUSTER: &str = include_str!("default-cluster.yaml");
