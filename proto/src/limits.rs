//! Bounds that more than one program must agree on.

use std::time::Duration;

/// Longest keyspace name, in bytes: MySQL's bound for a schema name.
pub const MAX_KEYSPACE_NAME: usize = 64;
/// Longest cell name, in bytes.
pub const MAX_CELL_NAME: usize = 32;
/// Longest bound of a key range, in bytes.
pub const MAX_KEYSPACE_ID_BYTES: usize = 16;
/// MySQL's bound for the user part of an account, in characters.
pub const MAX_ACCOUNT_NAME: usize = 32;
/// Largest record that the topology store takes, in bytes (etcd refuses requests over 1.5 MiB).
pub const MAX_RECORD_BYTES: usize = 1024 * 1024;
/// Lag past which a replica is not read: its agent turns readers out, by its own clock and whether or not the
/// topology can be reached, and gates go elsewhere. What a replica answers is no older than this and the time
/// that its agent takes to look and to act.
pub const MAX_READ_LAG: Duration = Duration::from_secs(30);
/// Longest wait for a TCP or Unix connection between Shoal's own programs.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest wait for the answer to one gRPC call between Shoal's own programs.
pub const RPC_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest statement or response packet the wire codec assembles, in bytes (MySQL's default `max_allowed_packet`).
pub const MAX_PACKET_BYTES: usize = 64 * 1024 * 1024;
/// Largest packet accepted from a client that has not logged in yet, in bytes.
pub const MAX_HANDSHAKE_PACKET_BYTES: usize = 64 * 1024;
/// Most rows that a program of Shoal's own reads as the answer to one question.
pub const MAX_ASKED_ROWS: usize = 100_000;
