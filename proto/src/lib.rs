//! Names and byte formats that cross a process border in Shoal.
//!
//! ```text
//!   ids, key_range      what things are called
//!   gtid                sets of transactions, as MySQL writes them
//!   account             the MySQL accounts behind, and their passwords
//!   errors              everything Shoal tells a MySQL client
//!   limits              bounds that several programs share
//!   tls                 who a program is towards the others, and how it knows them
//!   program             what every program shows to the outside in the same way
//!   wire/               the MySQL protocol, both sides
//!   rpc/                gRPC: control, tablet
//! ```
//!
//! This crate never knows what SQL means, reads no topology and opens no socket outside `wire/connection.rs`.

pub mod account;
pub mod errors;
pub mod gtid;
pub mod ids;
pub mod invalid_name;
pub mod key_range;
pub mod limits;
pub mod program;
pub mod rpc;
pub mod tls;
pub mod wire;
