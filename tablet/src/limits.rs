//! Every bound of the agent, by name.

use std::time::Duration;

/// Lifetime of the tablet's liveness in the topology after its agent was last heard of.
pub const LIVENESS_TTL: Duration = Duration::from_secs(5);
/// How often the agent looks at its mysqld when nothing happens.
pub const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Longest time for which a serving agent trusts its watch alone before it reads the shard's record again.
pub const REREAD_INTERVAL: Duration = Duration::from_secs(10);
/// Longest wait for one answer of the topology store; a serving agent goes on without it.
pub const TOPOLOGY_DEADLINE: Duration = Duration::from_secs(2);
/// Pause between two tries to register or to watch while the topology store is away.
pub const TOPOLOGY_RETRY: Duration = Duration::from_millis(500);

/// Longest wait until a process that holds mysqld's lock has written down who it is.
pub const LAUNCH_DEADLINE: Duration = Duration::from_secs(5);
/// Longest wait until a new mysqld takes SQL. Generous, because a crash recovery is a part of it and must
/// not be cut short over and over; a mysqld that exits is noticed at once.
pub const STARTUP_DEADLINE: Duration = Duration::from_secs(300);
/// Pause between two tries to log in while mysqld starts.
pub const STARTUP_POLL: Duration = Duration::from_millis(20);
/// Starts in a row after which a mysqld that keeps dying is left alone.
pub const MAX_STARTS_IN_A_ROW: u32 = 6;
/// A mysqld that lived this long after it was up has ended its row of bad starts. Short, so that one that is
/// killed again and again from outside is not given up.
pub const STEADY_AFTER: Duration = Duration::from_secs(5);
/// Pause before the second start in a row; doubles with each further one.
pub const FIRST_BACKOFF: Duration = Duration::from_millis(200);
/// Longest pause between two starts in a row.
pub const MAX_BACKOFF: Duration = Duration::from_secs(10);
/// Longest wait for a mysqld to shut down in order before it is killed. InnoDB recovers from that.
pub const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(30);
/// Longest wait for a killed process to be gone; only a process stuck in the kernel takes longer.
pub const KILL_DEADLINE: Duration = Duration::from_secs(10);
/// Longest wait for `mysqld --version`.
pub const VERSION_DEADLINE: Duration = Duration::from_secs(20);

/// Longest wait for the answer to one statement of the agent, and for its login. More than
/// `LOCK_WAIT_SECONDS`, so that mysqld gives a waiting statement up before the agent forgets it: an
/// abandoned fence request would stay queued and take effect later.
pub const SQL_DEADLINE: Duration = Duration::from_secs(3);
/// `lock_wait_timeout` of the agent's session, in seconds.
pub const LOCK_WAIT_SECONDS: u32 = 1;
/// Longest time to raise the fence before mysqld is killed instead; it starts fenced. One try of
/// `LOCK_WAIT_SECONDS`: with writers, readers and holders of table locks at work the fence stands after some
/// 10 ms, because offline_mode ends them. What takes a second (a commit that waits for a replica, a long
/// statement that is rolled back) mostly takes much longer, and a primary whose shard may go on without it
/// must not keep it waiting.
pub const FENCE_DEADLINE: Duration = Duration::from_secs(1);
/// Longest wait until offline_mode has ended the data sessions; they are gone some 10 ms after the fence stands.
pub const SESSIONS_DEADLINE: Duration = Duration::from_secs(1);
/// Longest wait, when a primary is demoted, until the statements in progress are done; data sessions that run
/// one after that are cut off.
pub const DRAIN_DEADLINE: Duration = Duration::from_millis(300);
/// Pause between two looks at sessions that are ending.
pub const SESSIONS_POLL: Duration = Duration::from_millis(5);

/// Pause between two tries of a receiver to reach its source, in seconds, the least that MySQL takes.
pub const CONNECT_RETRY_SECONDS: u32 = 1;
/// Tries of a receiver to reach its source before it gives up: a day's.
pub const CONNECT_RETRIES: u32 = 86_400;
/// How often an idle source sends a sign of life over a replication connection, in seconds.
pub const SOURCE_HEARTBEAT_SECONDS: f32 = 0.5;
/// Longest part of a wait for a GTID set that is one statement; less than `SQL_DEADLINE`.
pub const WAIT_SLICE: Duration = Duration::from_secs(1);
/// Shortest wait for a GTID set: to MySQL, zero is for ever.
pub const SHORTEST_WAIT: Duration = Duration::from_millis(1);
/// How long an applier that had stopped by an error is watched after it was started again.
pub const APPLIER_TRIAL: Duration = Duration::from_millis(500);

/// Pause between two heartbeats.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_millis(500);
/// How long a heartbeat waits for its acknowledgement before another is begun beside it; doubles each time.
pub const FIRST_HEARTBEAT_PATIENCE: Duration = Duration::from_millis(500);
/// The wait from which on it grows more slowly, and after which a replica that joins ends it.
pub const STEADY_HEARTBEAT_PATIENCE: Duration = Duration::from_secs(16);
/// Heartbeats without an answer in a row after which each waits a sixteenth longer than the one before: then
/// nobody has acknowledged anything for eight minutes.
pub const STEADY_HEARTBEATS: u32 = 32;
/// Rows for heartbeats, and so heartbeats that may wait at once; as many as the table's numbers.
pub const HEARTBEAT_ROWS: u32 = 256;
/// Lag up to which a replica admits readers; turned out they are past `MAX_READ_LAG`, so that a replica whose lag
/// stays near one of the two does not do both over and over.
pub const MAX_ADMITTED_LAG: Duration = Duration::from_secs(10);
/// Pause between two tries to make the accounts of a keyspace that lives on the tablet's mysqld.
pub const HOSTING_RETRY: Duration = Duration::from_millis(500);
/// Longest time in which a donor's data is copied.
pub const CLONE_DEADLINE: Duration = Duration::from_secs(24 * 3600);

/// Lines of mysqld's error log that an error quotes.
pub const LOG_TAIL_LINES: usize = 12;
/// Bytes at the end of mysqld's error log that are looked through for them.
pub const LOG_TAIL_BYTES: u64 = 16 * 1024;
/// Length from which on mysqld's error log is set aside; one such is kept.
pub const MAX_LOG_BYTES: u64 = 16 * 1024 * 1024;
/// Longest wait, once mysqld has ended, for gRPC clients to go and for the topology to take the liveness away.
pub const BACKGROUND_DEADLINE: Duration = Duration::from_secs(8);
/// Steps of one pass of the agent's loop; what is left waits for the next.
pub const MAX_STEPS_A_PASS: u32 = 12;
/// Requests that wait for the agent's loop; more are refused.
pub const MAX_WAITING_REQUESTS: usize = 16;
/// Longest path of a Unix socket, in bytes, without its closing zero (`sun_path` of Linux).
pub const MAX_SOCKET_PATH: usize = 107;

/// `innodb_redo_log_capacity` of the template, in MiB: the least that MySQL takes, so that copies are quick.
pub const TEMPLATE_REDO_MIB: u32 = 8;
/// `innodb_redo_log_capacity` of a tablet's mysqld, in MiB.
pub const REDO_MIB: u32 = 64;
/// `innodb_buffer_pool_size` of a tablet's mysqld, in MiB: several of them share one laptop.
pub const BUFFER_POOL_MIB: u32 = 64;
/// `binlog_expire_logs_seconds` of a tablet's mysqld: a replica that was away for longer is made anew.
pub const BINLOG_KEPT_SECONDS: u32 = 3 * 24 * 3600;
/// `replica_net_timeout` of a tablet's mysqld, in seconds: a source that is silent for so long is connected to
/// anew. Heartbeats come far more often.
pub const SOURCE_SILENCE_SECONDS: u32 = 4;
/// `rpl_stop_replica_timeout` of a tablet's mysqld, in seconds, the least that MySQL takes. Less than
/// `SQL_DEADLINE`, so that mysqld gives up before the agent does.
pub const STOP_REPLICA_SECONDS: u32 = 2;
/// `max_connections` of a tablet's mysqld.
pub const MAX_CONNECTIONS: u32 = 500;
/// `max_prepared_stmt_count` of a tablet's mysqld: more than its gates keep on all connections together, 64 on each.
pub const MAX_PREPARED_STATEMENTS: u32 = 128 * MAX_CONNECTIONS;

/// Pause between two tries to start a replication that stopped with an error.
pub const FOLLOW_RETRY: Duration = Duration::from_secs(3);
/// Longest time of one pass for applying what was received before a primaryship; what is left goes on meanwhile.
pub const APPLY_PATIENCE: Duration = Duration::from_secs(2);
/// Longest wait of the agent's loop, once writes are open, for the first heartbeat: mostly it takes a few
/// milliseconds, and a look at mysqld as long.
pub const PROOF_PATIENCE: Duration = Duration::from_millis(50);
/// Longest wait that a `CatchUp` may ask for.
pub const MAX_CATCH_UP: Duration = Duration::from_secs(60);
/// Longest wait of an `AssumeRole` until the tablet serves as primary; its answer then says why it does not.
pub const ASSUME_PATIENCE: Duration = Duration::from_secs(2);
/// Longest wait, once a copy is complete, for mysqld to end by itself.
pub const CLONE_END_DEADLINE: Duration = Duration::from_secs(60);
/// Longest wait of a heartbeat for its acknowledgement before it is tried on another connection.
pub const HEARTBEAT_PATIENCE: Duration = Duration::from_secs(3600);
/// How often the tablet's health in the topology is renewed while its state stays the same.
pub const HEALTH_INTERVAL: Duration = Duration::from_secs(5);
/// Least pause between two writes of the tablet's health.
pub const HEALTH_MIN_PAUSE: Duration = Duration::from_millis(50);
