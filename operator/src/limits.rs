//! Every bound of the operator, with its reason.

use std::time::Duration;

/// Most gates of a local cluster; each is a process of its own.
pub const MAX_GATES: u16 = 16;
/// Most tablets of a shard; each is a mysqld of its own.
pub const MAX_TABLETS: u16 = 9;
/// Longest cluster name, in bytes: the bound of a Kubernetes label.
pub const MAX_CLUSTER_NAME: usize = 63;
/// MySQL's bound for the name of a table or column, in characters.
pub const MAX_IDENTIFIER: usize = 64;
/// Most keyspaces of a cluster file: their records are written in one transaction, two for each.
pub const MAX_KEYSPACES: usize = 60;
/// Users written in one transaction.
pub const USERS_PER_COMMIT: usize = 100;
/// Largest cluster file, in bytes.
pub const MAX_CLUSTER_FILE_BYTES: u64 = 1024 * 1024;

/// Longest wait for one tablet's Status; a tablet that takes longer counts as unreachable.
pub const STATUS_TIMEOUT: Duration = Duration::from_secs(2);
/// So much later than control itself an agent gives a call up, which ends it should control be gone.
pub const AGENT_CALL_SLACK: Duration = Duration::from_millis(200);
/// How often a connection to an agent is probed, so that one that died without a trace is found.
pub const AGENT_PING_INTERVAL: Duration = Duration::from_secs(5);
/// Longest wait for the answer to a probe.
pub const AGENT_PING_TIMEOUT: Duration = Duration::from_secs(3);
/// Connections to agents that are kept; more than a cluster has tablets, so that only old addresses add up to it.
pub const MAX_AGENT_CHANNELS: usize = 4096;
/// Longest wait for an agent to take a role, to stop acknowledging, or to begin a copy.
pub const AGENT_CALL_DEADLINE: Duration = Duration::from_secs(5);

/// How often a shard is looked at that is not as it should be, when nothing nudges its loop.
pub const SHARD_LOOP_INTERVAL: Duration = Duration::from_millis(250);
/// How often a shard is looked at whose primary serves.
pub const SHARD_LOOP_SETTLED: Duration = Duration::from_secs(2);
/// Shortest pause between two looks at a shard, however often its loop is nudged.
pub const SHARD_LOOP_SHORTEST: Duration = Duration::from_millis(50);
/// Pause before a loop that failed by a bug is begun again.
pub const LOOP_RESTART_PAUSE: Duration = Duration::from_secs(1);
/// Pause before the topology is followed again for nudges, after it went away.
pub const NUDGE_RETRY: Duration = Duration::from_millis(500);
/// How long the first primary of a shard waits for all of the shard's tablets.
pub const BOOTSTRAP_PATIENCE: Duration = Duration::from_secs(10);
/// A change of primary whose lock nobody holds for so long is ended.
pub const ABANDONED_AFTER: Duration = Duration::from_millis(500);
/// Lifetime of the lock on a change of primary after its holder was last heard of: as long does a shard stay
/// held by its gates when control dies in the middle.
pub const SHARD_LOCK_TTL: Duration = Duration::from_secs(3);
/// A replica further behind than this neither takes over, nor becomes an acker, nor donates its data.
pub const MAX_FIT_LAG: Duration = Duration::from_secs(10);
/// How long a replica may do nothing before that counts as broken.
pub const REPLICATION_PATIENCE: Duration = Duration::from_secs(5);
/// How long an acker that replicates may acknowledge nothing under one and the same record before that is written
/// again: more than the age of what an agent shows, and time enough to take the acker out.
pub const SILENCE_PATIENCE: Duration = Duration::from_secs(2);
/// How long an applier that stopped with an error which may pass is tried again before its data is replaced. With one
/// that tells of other data than the primary's, `REPLICATION_PATIENCE` is enough.
pub const APPLIER_PATIENCE: Duration = Duration::from_secs(30);
/// How long a transaction that only a replica has must be looked for at the primary before it counts as
/// errant: agents show their mysqld as it was up to a second ago.
pub const ERRANT_PATIENCE: Duration = Duration::from_secs(3);
/// How long a replica may be ahead of what was seen of its primary and still be trusted.
pub const SUSPICION_PATIENCE: Duration = Duration::from_millis(2500);
/// How long a shard must have nobody to fail over to before that is an event.
pub const RISK_PATIENCE: Duration = Duration::from_secs(5);
/// How long an agent must not answer, or a mysqld be down, before that is an event: what comes and goes would
/// drive everything else out of the log.
pub const ABSENCE_PATIENCE: Duration = Duration::from_secs(5);
/// Pause after a death of a mysqld was told of before another one of the same tablet is.
pub const DEATHS_PAUSE: Duration = Duration::from_secs(60);
/// An empty replica is not left to replay more transactions than this one by one: it gets a copy.
pub const MAX_REPLAY: u64 = 10_000;
/// Within so long after its beginning a copy is to be seen under way, or is over already.
pub const COPY_START_PATIENCE: Duration = Duration::from_secs(3);
/// Copies within `COPIES_PERIOD` after which a replica that cannot apply what it receives gets no more.
pub const MAX_COPIES_IN_VAIN: u32 = 3;
/// For how long a copy counts to `MAX_COPIES_IN_VAIN`.
pub const COPIES_PERIOD: Duration = Duration::from_secs(3600);
/// Pause after a copy that ended, or was not begun, before the next one to the same tablet.
pub const COPY_PAUSE: Duration = Duration::from_secs(15);
/// Pause after a failed change of a shard's durability before it is tried again.
pub const RENEWAL_PAUSE: Duration = Duration::from_secs(10);

/// Longest wait for a replica that does not replicate yet, as it is just after a change of primary.
pub const FIT_PATIENCE: Duration = Duration::from_secs(4);
/// Longest wait, before gates hold a shard, until the next primary is level with the present one.
pub const LEVEL_PATIENCE: Duration = Duration::from_secs(10);
/// A replica that is no further behind than this is level: what its agent shows is up to a second old, and
/// the heartbeats by which lag is told are half a second apart.
pub const LEVEL_LAG: Duration = Duration::from_secs(2);
/// Pause between two looks at a replica that is not level yet.
pub const LEVEL_POLL: Duration = Duration::from_millis(100);
/// Longest wait for a primary to be demoted; by then the agent itself has given it up or killed its mysqld.
pub const DEMOTE_DEADLINE: Duration = Duration::from_secs(6);
/// Longest wait until the next primary has executed everything that the demoted one had committed.
pub const CATCH_UP_PATIENCE: Duration = Duration::from_secs(2);
/// Longest wait until a tablet that the record names serves; after that its gates are let go all the same.
pub const SERVING_PATIENCE: Duration = Duration::from_secs(8);
/// How often a tablet that is about to serve is looked at.
pub const SERVING_POLL: Duration = Duration::from_millis(3);
/// Pause before a tablet that did not take its role at once is told again.
pub const NUDGE_AGAIN: Duration = Duration::from_millis(50);
/// Longest that a failed change of primary tries to write its end; then the shard's loop does it.
pub const ENDING_PATIENCE: Duration = Duration::from_secs(2);
/// Attempts to write a shard's record while others write it, too.
pub const RECORD_ATTEMPTS: u32 = 3;

/// First pause before a process that ended is started again; doubled each time.
pub const RESTART_FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause before a process that ended is started again.
pub const RESTART_LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A process that ends this many times in a row without running for `RESTART_STABLE` is left down.
pub const RESTART_ATTEMPTS: u32 = 6;
/// A process that ran this long counts as sound: its next restart is immediate again.
pub const RESTART_STABLE: Duration = Duration::from_secs(20);

/// A log is cut when it is larger than this; the older half stays beside it as `.1`.
pub const MAX_LOG_BYTES: u64 = 16 * 1024 * 1024;
/// How often log sizes are looked at.
pub const LOG_CHECK_INTERVAL: Duration = Duration::from_secs(10);
/// Lines of a log that an error shows.
pub const ERROR_LOG_LINES: usize = 20;
/// Lines of each log that an error shows, however many parts it is about.
pub const FEWEST_ERROR_LOG_LINES: usize = 5;
/// Lines of a log that `shoal local logs` shows unless told otherwise.
pub const LOG_LINES: usize = 100;
/// Most bytes that are read to find the last lines of a log.
pub const LOG_TAIL_BYTES: u64 = 256 * 1024;
/// Events that `shoal events` shows unless told otherwise.
pub const EVENT_LINES: u32 = 50;
/// Largest file of a wanted schema, in bytes.
pub const MAX_SCHEMA_FILE_BYTES: u64 = 16 * 1024 * 1024;
/// A process that was started again less than this ago is told of by `shoal doctor`.
pub const RESTARTED_LATELY: Duration = Duration::from_secs(10 * 60);
/// With less space left than this, in bytes, the next large transaction may not fit.
pub const DISK_LEFT_WARNING_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// With less space left than this, in bytes, a mysqld may stop any moment.
pub const DISK_LEFT_ERROR_BYTES: u64 = 256 * 1024 * 1024;
/// Days before its end from which on a certificate is told of.
pub const CERTIFICATE_WARNING_DAYS: i64 = 30;
/// Characters of a tablet's reason that `shoal get tablets` shows in its table.
pub const SHOWN_REASON: usize = 80;
/// Characters of a statement that `shoal doctor` shows.
pub const SHOWN_STATEMENT: usize = 100;
/// Longest wait of `shoal doctor` for a gate's answer.
pub const GATE_ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Events that `shoal describe` shows.
pub const DESCRIBED_EVENTS: u32 = 10;
/// How often `--watch` looks whether something has changed.
pub const WATCH_INTERVAL: Duration = Duration::from_secs(1);
/// How often `shoal local logs -f` looks for new lines.
pub const LOG_FOLLOW_INTERVAL: Duration = Duration::from_millis(200);

/// Longest that `shoal local up` waits for the cluster to serve.
pub const UP_DEADLINE: Duration = Duration::from_secs(120);
/// Longest that `shoal local up` waits for replicas once the cluster takes SQL.
pub const REPLICAS_PATIENCE: Duration = Duration::from_secs(30);
/// After so long without news, `shoal local up` says what it waits for.
pub const PROGRESS_INTERVAL: Duration = Duration::from_secs(3);
/// Things that it names then; the others are counted.
pub const SHOWN_WAITS: usize = 3;
/// Longest wait for another command that is just ending.
pub const COMMAND_PATIENCE: Duration = Duration::from_secs(1);
/// How often `up` and `down` look at what they wait for.
pub const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Longest wait for a gate's greeting.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest wait for a gate, control, etcd or supervisor to end after SIGTERM; then it is killed.
pub const STOP_DEADLINE: Duration = Duration::from_secs(15);
/// Longest wait for a tablet's agent, which stops its mysqld first.
pub const TABLET_STOP_DEADLINE: Duration = Duration::from_secs(60);
/// Longest wait for a process to be gone after SIGKILL.
pub const KILL_DEADLINE: Duration = Duration::from_secs(10);

/// Ports are chosen from here up to the first one that the kernel hands to outgoing connections.
pub const FIRST_PORT: u16 = 15000;
/// Attempts to find a free port before giving up.
pub const PORT_ATTEMPTS: u32 = 2000;

/// Attempts to write the cluster file's records while others write too.
pub const APPLY_ATTEMPTS: u32 = 5;
/// Pause before etcd is tried again by the supervisor.
pub const ETCD_RETRY: Duration = Duration::from_millis(100);
/// Reports on parts that wait to be written to the state file.
pub const REPORT_QUEUE: usize = 64;
/// Longest wait for a new supervisor to be there.
pub const SUPERVISOR_START_DEADLINE: Duration = Duration::from_secs(5);
/// Longest wait for an answer of control to the command line.
pub const CONTROL_TIMEOUT: Duration = Duration::from_secs(10);

/// Most events that are kept in the topology; the oldest go first.
pub const MAX_EVENTS: u64 = 1000;
/// Longest observation of an event, in bytes; a longer one is cut.
pub const MAX_OBSERVATION: usize = 1024;
/// Events that wait to be written; more are dropped and counted.
pub const EVENT_QUEUE: usize = 256;
/// Pause before events are written or followed again while the store is away.
pub const EVENT_RETRY: Duration = Duration::from_millis(200);
/// Longest that an ending control tries to write events that wait.
pub const EVENTS_LAST_WORDS: Duration = Duration::from_secs(1);
/// Surplus events removed in one transaction.
pub const EVENTS_PER_COMMIT: usize = 100;
/// Most that follow the events at a time; each is followed in the store and holds a queue.
pub const MAX_EVENT_STREAMS: usize = 64;
/// Answers of a stream that wait for a slow reader.
pub const STREAM_QUEUE: usize = 16;
/// Longest that an ending control waits for changes of primary that are under way.
pub const LAST_TASKS_PATIENCE: Duration = Duration::from_secs(5);

/// Life of the lock on a vschema's change if its control dies.
pub const SCHEMA_LOCK_TTL: Duration = Duration::from_secs(10);
/// How long a vschema's change waits for a schema change that is under way.
pub const SCHEMA_LOCK_WAIT: Duration = Duration::from_secs(5);
