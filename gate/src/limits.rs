//! The gate's bounds, by name.

use std::time::Duration;

/// How deep expressions may nest; the parser's own stack is bounded by it.
pub const MAX_PARSE_DEPTH: usize = 128;
/// Longest normalised text that is parsed and planned, in bytes.
pub const MAX_PLANNED_TEXT_BYTES: usize = 1024 * 1024;
/// Most tokens between two commas of a statement that is parsed: what is parsed nests at most so deep.
pub const MAX_TOKENS_IN_A_ROW: usize = 4096;
/// Stack of a serving thread, in bytes: holds a walk over the deepest syntax tree.
pub const SERVING_STACK_BYTES: usize = 64 * 1024 * 1024;
/// How often one statement is put in other words before it is planned: once for comments, once for facts of the
/// session, and once more for what those bring.
pub const MAX_REWRITES: u32 = 4;
/// Longest pattern of a SHOW that the gate answers by itself, in bytes: matching takes the product of its length and
/// the value's.
pub const MAX_LISTED_PATTERN_BYTES: usize = 1024;
/// Longest normalised text whose plan is kept, in bytes.
pub const MAX_CACHED_TEXT_BYTES: usize = 16 * 1024;
/// Plans that one thread keeps; when it has more it begins anew.
pub const MAX_CACHED_PLANS: usize = 4096;
/// Clients of one gate.
pub const MAX_CLIENTS: usize = 4096;
/// Idle connections that one thread keeps to one tablet under one login.
pub const MAX_IDLE_PER_POOL: usize = 64;
/// Idle connections that one thread keeps in all; the oldest is closed for a newer one.
pub const MAX_IDLE_PER_THREAD: usize = 128;
/// Longest time from accepting a client to the end of its login.
pub const LOGIN_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after the system could not accept a client, such as for want of file descriptors.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long clients may go on with their present statement when the gate stops.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
/// How long KILL waits for the connection that it ends to be closed, before it answers all the same.
pub const KILL_PATIENCE: Duration = Duration::from_secs(1);
/// Largest piece of a response that is forwarded at once, in bytes.
pub const MAX_FORWARD_BYTES: usize = 64 * 1024;
/// Largest answer to the gate's own questions to MySQL (schema, judgement), in bytes.
pub const MAX_CONTROL_ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// Life of the lock on a schema change if its gate dies.
pub const SCHEMA_LOCK_TTL: Duration = Duration::from_secs(10);
/// How long a schema change waits for another one: longer than the lock of a gate that died is there.
pub const SCHEMA_LOCK_WAIT: Duration = Duration::from_secs(15);
/// How long a change of a vschema waits for the transactions of a table that must be empty.
pub const TABLE_LOCK_WAIT: Duration = Duration::from_secs(5);
/// How long a schema change waits for its own gate to have learnt of it.
pub const SCHEMA_SEEN_TIMEOUT: Duration = Duration::from_secs(5);
/// How long CREATE DATABASE waits for the accounts of the new database, which its host's agent makes.
pub const ACCOUNTS_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause between two looks at whether they are there.
pub const ACCOUNTS_POLL: Duration = Duration::from_millis(20);
/// How often the records of a schema change are written anew because somebody changed the vschema meanwhile.
pub const RECORD_ATTEMPTS: u32 = 5;
/// Users whose passwords are remembered for fast authentication.
pub const MAX_REMEMBERED_USERS: usize = 10_000;
/// How long a login that would be denied waits for the topology to say whether the user is new or has another
/// password.
pub const UNSEEN_USER_PATIENCE: Duration = Duration::from_secs(1);
/// Users that one statement may name: they are changed in one transaction of the topology.
pub const MAX_USERS_PER_STATEMENT: usize = 50;
/// How often a change of users is begun anew because others changed the same ones.
pub const USER_CHANGE_ATTEMPTS: u32 = 5;
/// How long a change of users waits for its own gate to have learnt of it.
pub const USER_SEEN_TIMEOUT: Duration = Duration::from_secs(5);
/// Statements of one gate that wait at once for shards that change their primary. Each has its client's
/// connection already, so the bound keeps half of the clients free for the other shards.
pub const MAX_HELD_STATEMENTS: usize = MAX_CLIENTS / 2;
/// How long a gate takes one announcement of a change of primary for true. Whoever carries it out, or finds that
/// nobody does, is done long before; later, nobody is there who could, and the primary may still serve.
pub const MAX_HOLD: Duration = Duration::from_secs(15);
/// How long one statement waits for shards that change their primary, in all.
pub const HOLD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the topology may take to say why a shard refuses a statement; then the refusal is the answer.
pub const REFUSAL_PATIENCE: Duration = Duration::from_secs(1);
/// How often one statement that was not executed is tried again.
pub const MAX_REPEATS: u32 = 5;
/// How far the gate reads ahead of a statement that waits, to see whether its client is still there, in bytes.
pub const MAX_READ_AHEAD_BYTES: usize = 64 * 1024;
/// Numbers of an AUTO_INCREMENT column that a gate takes at once at first; what it holds when it ends is lost.
pub const FIRST_NUMBER_BLOCK: u64 = 16;
/// Most numbers that a gate takes at once, where no statement needs more.
pub const MAX_NUMBER_BLOCK: u64 = 1_000;
/// A column's numbers are taken in blocks of at most one in so many of them.
pub const MIN_BLOCKS_OF_A_TYPE: u64 = 128;
/// How often a block is tried to be taken while other gates take theirs.
pub const MAX_NUMBER_CONFLICTS: u32 = 100;
/// Questions for numbers that wait at once.
pub const MAX_NUMBER_REQUESTS: usize = MAX_CLIENTS;
/// How often a gate tells one table's record of numbers that clients wrote by themselves.
pub const PASSED_NUMBERS_INTERVAL: Duration = Duration::from_millis(100);
/// Tables of one schema change whose numbers begin anew with it; the store takes no more in one transaction.
pub const MAX_RENUMBERED_TABLES: usize = 100;
/// How often a statement whose new numbers are there already gets others.
pub const MAX_NUMBER_COLLISIONS: u32 = 3;
/// Most numbers that one `SELECT NEXT n VALUES` takes of a sequence.
pub const MAX_SEQUENCE_NUMBERS: u64 = 1_000_000;
/// Shards that work on one statement of one client at once.
pub const MAX_SHARDS_AT_ONCE: usize = 64;
/// Largest row of an answer that is put together of several, in bytes: MySQL's own bound.
pub const MAX_ROW_BYTES: usize = 1024 * 1024 * 1024;
/// Warnings of one statement that are kept to be shown: MySQL's default `max_error_count`.
pub const MAX_WARNINGS: usize = 1024;
/// User variables of one session.
pub const MAX_USER_VARIABLES: usize = 1024;
/// All of one session's user variables together, as literals, in bytes.
pub const MAX_USER_VARIABLE_BYTES: usize = 16 * 1024 * 1024;
/// Statements that one client has prepared at once.
pub const MAX_PREPARED_STATEMENTS: usize = 4096;
/// Statements that one connection to a mysqld keeps prepared; when it has more it begins anew.
pub const MAX_PREPARED_PER_CONNECTION: usize = 64;
/// Texts of the statements that one client has prepared at once, in bytes.
pub const MAX_PREPARED_BYTES: usize = 64 * 1024 * 1024;
/// Values of one client's prepared statements that are sent ahead, in bytes: as much as one packet may have.
pub const MAX_LONG_DATA_BYTES: usize = proto::limits::MAX_PACKET_BYTES;
/// As much of a statement under way as SHOW FULL PROCESSLIST shows.
pub const MAX_SHOWN_STATEMENT_BYTES: usize = 1024;
/// Savepoints that are set before a transaction has its shard.
pub const MAX_SAVEPOINTS: usize = 1000;
