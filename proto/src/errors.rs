//! The error table: everything that Shoal itself ever tells a MySQL client, one row each.
//!
//! Errors of mysqld are relayed as they are and do not appear here. The kind of an error is also its metric
//! label and its retry rule; the text is Shoal's own, and a foreign error stands in it only where that is what MySQL
//! tells the client.

mod explanation;

pub use explanation::{EXPLANATIONS, Explanation};

use std::fmt;

/// What sort of trouble an error is; callers decide by this and never by the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The client broke the protocol; the connection ends.
    Protocol,
    /// The client may not do this.
    Access,
    /// The statement is not one that Shoal can answer rightly; retrying does not help.
    Refused,
    /// A part of the cluster cannot be reached; the statement was not executed, retrying may help.
    Unavailable,
    /// The connection to a shard broke after the statement was sent; it may have been executed.
    Unknown,
    /// A bound was reached; retrying later may help.
    Limit,
    /// No error: a note in the list of warnings.
    Note,
    /// A fault in Shoal.
    Internal,
}

/// One row of the table.
#[derive(Debug)]
pub struct ErrorRow {
    /// Stable id, such as `SH2001`; stands at the end of the text that the client sees. Errors `SH1…` are ones
    /// that MySQL gives, too: they have MySQL's words and nothing after them.
    pub id: &'static str,
    /// MySQL error code.
    pub code: u16,
    /// SQLSTATE that MySQL gives with the code.
    pub sqlstate: &'static str,
    /// Metric label and retry rule.
    pub kind: ErrorKind,
    /// The text; `{}` is replaced by the detail.
    pub text: &'static str,
    /// What the user can do; empty where the text says it.
    pub advice: &'static str,
}

impl ErrorRow {
    /// Whether MySQL gives the same error in the same words.
    pub fn is_mysqls_own(&self) -> bool {
        self.id.starts_with("SH1")
    }
}

macro_rules! error_table {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $code:literal, $state:literal, $kind:ident, $text:literal, $advice:literal;)*) => {
        /// The errors, by name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorId {
            $($(#[$doc])* $name,)*
        }

        impl ErrorId {
            /// All errors, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The error's row.
            pub const fn row(self) -> &'static ErrorRow {
                match self {
                    $(Self::$name => &ErrorRow {
                        id: $id, code: $code, sqlstate: $state, kind: ErrorKind::$kind, text: $text, advice: $advice,
                    },)*
                }
            }
        }
    };
}

error_table! {
    /// Wrong user or password.
    AccessDenied = "SH1001", 1045, "28000", Access, "Access denied for user {}", "";
    /// The database is no keyspace.
    UnknownDatabase = "SH1002", 1049, "42000", Refused, "Unknown database '{}'", "";
    /// A statement needs a database and the session has none.
    NoDatabase = "SH1003", 1046, "3D000", Refused, "No database selected", "";
    /// A command byte that Shoal does not serve.
    UnknownCommand = "SH1004", 1047, "08S01", Refused, "Unknown command", "";
    /// A packet that does not follow the protocol.
    MalformedPacket = "SH1005", 1835, "HY000", Protocol, "Malformed communication packet", "";
    /// A packet over the bound.
    PacketTooLarge = "SH1006", 1153, "08S01", Protocol, "Got a packet bigger than 'max_allowed_packet' bytes", "";
    /// A sequence id that is not the next one.
    PacketsOutOfOrder = "SH1007", 1156, "08S01", Protocol, "Got packets out of order", "";
    /// A handshake that Shoal cannot follow.
    BadHandshake = "SH1008", 1043, "08S01", Protocol, "Bad handshake", "";
    /// The gate has as many clients as it takes.
    TooManyConnections = "SH1010", 1040, "08004", Limit, "Too many connections", "";
    /// The account's role does not include the statement.
    RoleTooWeak = "SH1011", 1142, "42000", Access, "{}", "";
    /// A statement that names Shoal's own schema.
    SidecarSchema = "SH1012", 1044, "42000", Access, "Access denied to database '_shoal'", "";
    /// The numbers of an AUTO_INCREMENT column's type are used up.
    NumbersExhausted = "SH1013", 1467, "HY000", Refused, "Failed to read auto-increment value from storage engine", "";
    /// DROP DATABASE of one that is not there.
    NoDatabaseToDrop = "SH1014", 1008, "HY000", Refused, "Can't drop database '{}'; database doesn't exist", "";
    /// A savepoint of the transaction that was not set, or is gone.
    NoSavepoint = "SH1015", 1305, "42000", Refused, "SAVEPOINT {} does not exist", "";
    /// COM_STMT_PREPARE: drivers take it as a sign to send the statement as text.
    UnsupportedPrepare = "SH1016", 1295, "HY000", Refused, "This command is not supported in the prepared statement protocol yet", "";
    /// A prepared statement that the session does not have.
    UnknownStatement = "SH1065", 1243, "HY000", Refused, "Unknown prepared statement handler {}", "";
    /// More prepared statements than one session may have.
    TooManyStatements = "SH1066", 1461, "42000", Limit, "Can't create more than max_prepared_stmt_count statements (current value: {})", "";
    /// Rows of a cursor that is not open.
    NoCursor = "SH1067", 1421, "HY000", Refused, "The statement ({}) has no open cursor.", "";
    /// KILL of the own statement.
    Interrupted = "SH1068", 1317, "70100", Refused, "Query execution was interrupted", "";
    /// KILL of a connection that the gate does not have.
    UnknownThread = "SH1069", 1094, "HY000", Refused, "Unknown thread id: {}", "";
    /// KILL of another user's connection.
    NotOwner = "SH1070", 1095, "HY000", Access, "You are not owner of thread {}", "";
    /// A client was silent for longer than its session's `wait_timeout`.
    Inactive = "SH1071", 4031, "HY000", Limit, "The client was disconnected by the server because of inactivity. See wait_timeout and interactive_timeout for configuring this behavior.", "";
    /// SET TRANSACTION within one.
    InTransaction = "SH1072", 1568, "25001", Refused, "Transaction characteristics can't be changed while a transaction is in progress", "";
    /// A write where SET TRANSACTION READ ONLY has said that there will be none.
    ReadOnlyTransaction = "SH1073", 1792, "25006", Refused, "Cannot execute statement in a READ ONLY transaction.", "";
    /// A database that the user has no rights in.
    DatabaseDenied = "SH1045", 1044, "42000", Access, "Access denied for user {}", "";
    /// CREATE, ALTER, DROP or RENAME USER that fails for who is there, or is not.
    UserOperation = "SH1046", 1396, "HY000", Refused, "Operation {}", "";
    /// A statement that only users with a privilege may give.
    PrivilegeNeeded = "SH1047", 1227, "42000", Access, "Access denied; you need (at least one of) the {} privilege(s) for this operation", "";
    /// SET PASSWORD for nobody.
    NoSuchUserRow = "SH1048", 1133, "42000", Refused, "Can't find any matching row in the user table", "";
    /// GRANT to nobody.
    UserByGrant = "SH1049", 1410, "42000", Refused, "You are not allowed to create a user with GRANT", "";
    /// REVOKE of what was not granted; SHOW GRANTS for nobody.
    NoSuchGrant = "SH1050", 1141, "42000", Refused, "There is no such grant defined for user {}", "";
    /// REVOKE ALL from nobody.
    CannotRevokeAll = "SH1051", 1269, "HY000", Refused, "Can't revoke all privileges for one or more of the requested users", "";
    /// A name that is longer than a user's may be.
    LongUserName = "SH1052", 1470, "HY000", Refused, "String '{}' is too long for user name (should be no longer than 32)", "";

    /// CREATE USER IF NOT EXISTS of one who is there.
    UserThere = "SH1053", 3163, "HY000", Note, "Authorization ID {} already exists.", "";
    /// ALTER or DROP USER IF EXISTS of one who is not there.
    UserNotThere = "SH1054", 3162, "HY000", Note, "Authorization ID {} does not exist.", "";
    /// A row's value for the sharding column that the column cannot hold.
    DataTooLong = "SH1055", 1406, "22001", Refused, "Data too long for column {}", "";

    /// The statement on a sharded table does not fix the sharding column to one value.
    NoShardingValue = "SH2001", 1235, "42000", Refused, "the statement does not say which shard of {} it is for", "compare the sharding column with = to a literal, or give it one in an INSERT";
    /// A value whose shard cannot be told exactly.
    InexactValue = "SH2002", 1235, "42000", Refused, "the value of sharding column {} does not convert exactly to the column's type", "write it as a literal of the column's type";
    /// The statement is for more than one shard.
    SeveralShards = "SH2003", 1235, "42000", Refused, "the statement is for more than one shard", "split it so that each part has one value of the sharding column";
    /// The statement is valid in MySQL but beyond Shoal's parser.
    NotUnderstood = "SH2004", 1235, "42000", Refused, "this form of statement cannot be routed in a sharded keyspace{}", "write it in a simpler form";
    /// The statement reads or changes state of the session that no pooled connection keeps.
    SessionState = "SH2005", 1235, "42000", Refused, "{} is state of a session, which is not kept", "";
    /// A transaction that another coordinator would prepare and commit.
    Transaction = "SH2006", 1235, "42000", Refused, "{} transactions are not supported", "use BEGIN and COMMIT";
    /// An UPDATE of the sharding column.
    ShardingColumnUpdate = "SH2007", 1235, "42000", Refused, "sharding column {} cannot be updated", "delete the row and insert it with the new value";
    /// DDL whose result the shards could not keep true together.
    UnenforceableDdl = "SH2008", 1235, "42000", Refused, "{} cannot be enforced over several shards", "make it include the sharding column, or leave it out";
    /// A sharded table without an entry in the vschema.
    NoVschemaEntry = "SH2009", 1235, "42000", Refused, "table '{}' has no entry in the vschema of its sharded keyspace", "add it with its vindex to the keyspace's vschema";
    /// `/*! … */`, whose content only MySQL can read.
    ExecutableComment = "SH2010", 1235, "42000", Refused, "executable comments (/*! */) are not supported", "write the content outside a comment";
    /// A kind of statement that has no meaning through a gate, or none yet.
    UnsupportedStatement = "SH2011", 1235, "42000", Refused, "{} is not supported through a gate", "";
    /// A column that cannot be a sharding column.
    BadShardingColumn = "SH2012", 1235, "42000", Refused, "{} cannot be a sharding column", "use an integer column, a binary one, or text with MySQL's default collation or another common one";
    /// A statement over tables of several keyspaces.
    SeveralKeyspaces = "SH2013", 1235, "42000", Refused, "the statement names tables of more than one keyspace", "";
    /// A client character set whose bytes could mean something else to MySQL than to Shoal.
    UnsupportedCharacterSet = "SH2014", 1115, "42000", Protocol, "the character set of collation {} cannot be used by a client", "connect with utf8mb4, such as by --default-character-set=utf8mb4";
    /// A transaction would need another shard than the one that it is on.
    SecondShard = "SH2015", 1235, "42000", Refused, "a transaction stays on one shard, and this statement needs {}", "end the transaction first (without autocommit every statement is in one), or let each transaction use one value of the sharding column";
    /// Several shards have rows for the statement, and their answers would have to be merged.
    NeedsMerging = "SH2016", 1235, "42000", Refused, "{} over several shards is not supported", "compare the sharding column with = to a literal, so that one shard has all the rows, or leave it to the application";
    /// A snapshot is wanted before it is known of which shard.
    EarlySnapshot = "SH2017", 1235, "42000", Refused, "WITH CONSISTENT SNAPSHOT is not supported in a sharded keyspace", "write START TRANSACTION alone: the first read makes the snapshot of its shard";
    /// The value of an AUTO_INCREMENT column of a sharded table that the statement does not tell.
    NumberedColumn = "SH2020", 1235, "42000", Refused, "the statement does not tell the value of AUTO_INCREMENT column {}", "write it as a literal, NULL or DEFAULT, or leave it out";
    /// New numbers of a sharded table that are there already, again and again.
    NumbersTaken = "SH2021", 1062, "23000", Limit, "new numbers of table {} are there already, although others were taken several times", "rows are written into it with numbers of their own; retry";
    /// A sequence that is none, or more numbers of it than there are.
    BadSequence = "SH2023", 1235, "42000", Refused, "{} gives no numbers", "a sequence is a table of an unsharded keyspace with columns id, next_id, cache and one row with id 0; ask for 1 to 1000000 numbers";
    /// A new sharded table was given an entry in the vschema.
    AutomaticEntry = "SH2025", 1105, "HY000", Note, "{}, because the vschema had no entry for it", "to shard it otherwise, drop it, add it to the vschema and create it again";
    /// A new sharded table without a column that it could be sharded by.
    NoShardingColumn = "SH2026", 1235, "42000", Refused, "table {} has no primary key to choose its sharding column from", "give it a primary key, or add it with its sharding column to the keyspace's vschema";
    /// A name that no keyspace can have.
    DatabaseName = "SH2027", 1235, "42000", Refused, "a database cannot be called '{}' here", "begin with a letter, go on with letters, digits and '_', at most 64 in all, and leave MySQL's own names alone";
    /// DROP DATABASE of a keyspace with tablets of its own.
    OwnTablets = "SH2028", 1235, "42000", Refused, "keyspace {} has tablets of its own, which DROP DATABASE does not take away", "drop its tables; only databases that CREATE DATABASE has made can be dropped";
    /// CREATE DATABASE where there is no unsharded keyspace.
    NoHost = "SH2029", 1235, "42000", Refused, "there are no tablets for database {}", "add an unsharded keyspace to the cluster file: databases that CREATE DATABASE makes live on its tablets";
    /// Another schema change of the keyspace is half made.
    HalfMade = "SH2030", 1235, "42000", Refused, "another schema change is half made: {}", "repeat that statement, which finishes it, or take it back by ABANDON SCHEMA CHANGE";
    /// A schema change that only a statement of the user's can take back.
    NeedsUndoing = "SH2031", 1235, "42000", Refused, "the schema change is made on {}, and only you know how to take it back", "say how: ABANDON SCHEMA CHANGE BY, and the statement that undoes it";
    /// There is nothing to abandon.
    NothingHalfMade = "SH2032", 1235, "42000", Refused, "no schema change of keyspace {} is half made", "";
    /// Something of a schema that would not be right on every shard.
    WrongPerShard = "SH2033", 1235, "42000", Refused, "{} in a sharded keyspace would not do what it does on one MySQL", "put it into an unsharded keyspace, or do its work in the application";
    /// An event of MySQL.
    Event = "SH2034", 1235, "42000", Refused, "an event would no longer run after a change of primary", "run its statement from outside at its times";
    /// `ALTER VSCHEMA` or `SHOW VSCHEMA` that does not read as one.
    VschemaSyntax = "SH2035", 1064, "42000", Refused, "this is no statement about a vschema: {}", "the forms are those of Vitess, such as ALTER VSCHEMA ON customer ADD VINDEX hash (customer_id) USING hash";
    /// A change of a vschema that does not fit what it has.
    VschemaConflict = "SH2036", 1105, "HY000", Refused, "{}", "SHOW VSCHEMA TABLES and SHOW VSCHEMA VINDEXES show what there is";
    /// A change of a vschema that would say what no gate could act by.
    VschemaUnserved = "SH2037", 1235, "42000", Refused, "the vschema cannot say so: {}", "";
    /// A change of the sharding of a table that has rows.
    VschemaRows = "SH2038", 1235, "42000", Refused, "table {} has rows, which lie by its present sharding", "make a table with another name and the sharding you want, and copy the rows into it";
    /// Whether a table has rows could not be seen.
    VschemaTableBusy = "SH2039", 1205, "HY000", Limit, "table {} is in use, so whether it has rows is not certain", "retry when its transactions have ended";
    /// A shard that USE names.
    UnknownShard = "SH2040", 1049, "42000", Refused, "there is no shard {}", "SHOW SHARDS lists them";
    /// What stands after the @ of USE.
    UnknownTabletType = "SH2041", 1235, "42000", Refused, "'{}' is no type of tablet", "write primary, replica or rdonly";
    /// A statement that concerns all shards, in a session that is narrowed to one.
    ShardChosen = "SH2042", 1235, "42000", Refused, "{} is made on all shards, and USE chose one of them", "USE the keyspace without a shard first";
    /// A statement that writes, in a session that reads from replicas.
    ReplicaChosen = "SH2043", 1290, "HY000", Refused, "replicas take no writes, and USE chose them", "USE the keyspace without @replica first";
    /// There is no replica to be read.
    NoReplica = "SH2044", 1105, "HY000", Unavailable, "shard {} has no replica that can be read", "see `SHOW TABLETS`, or USE the keyspace without @replica";
    /// The session's user was dropped.
    UserGone = "SH2045", 1045, "28000", Access, "user {} no longer exists", "ask whoever administers the cluster, who can make users";
    /// A statement about users and rights that means nothing here; the detail says what to write.
    AccountForm = "SH2046", 1235, "42000", Refused, "{}", "";
    /// Privileges that are not those of a role.
    InexactGrant = "SH2047", 1235, "42000", Refused, "rights come as the roles read, write and admin; write {}", "";
    /// A change of a user that the cluster file would undo.
    UserOfFile = "SH2048", 1235, "42000", Refused, "user {} stands in the cluster file", "change the user there, then `shoal local down` and `shoal local up -f`";
    /// A change of users of which nobody knows whether it was made.
    UsersUncertain = "SH2049", 1105, "HY000", Unknown, "the topology store did not say whether it took the change of users", "look with SHOW GRANTS before you repeat it";
    /// A directive of Vitess that changes nothing here.
    DirectivePassedOver = "SH2050", 1105, "HY000", Note, "directive {} is passed over", "QUERY_TIMEOUT_MS in a SELECT is the one that is honoured; leave the others out";
    /// ALTER TABLE of the sharding column itself.
    ShardingColumnDdl = "SH2051", 1235, "42000", Refused, "the change would drop, rename or convert sharding column {}", "make another table with the column that you want, and copy the rows into it";
    /// ALTER TABLE of the column that the vschema has numbered.
    NumberedColumnDdl = "SH2052", 1235, "42000", Refused, "the change would drop or rename column {}, which the vschema has numbered", "take auto_increment off the table first: ALTER VSCHEMA ON the table DROP AUTO_INCREMENT";
    /// INSERT of rows without a value for the sharding column.
    NoShardingColumnGiven = "SH2053", 1235, "42000", Refused, "the INSERT gives no value to {}, which says on which shard a row lies", "name the column in the INSERT and give it a literal in every row";
    /// Something that a MySQL server has once for all its databases.
    OfServer = "SH2056", 1235, "42000", Refused, "{} belongs to a whole MySQL server, and each keyspace is on several of them", "what belongs to a table, a view or a program of a keyspace is made through a gate";

    /// The shard has no primary, or it cannot be reached; nothing was executed.
    ShardUnavailable = "SH3001", 1105, "HY000", Unavailable, "shard {} cannot be reached", "nothing was executed; retry in a moment, and see `shoal get tablets` if it stays";
    /// The connection to the shard broke while it worked on the statement.
    ShardLost = "SH3002", 1158, "08S01", Unknown, "the connection to shard {} broke while it executed the statement", "whether it took effect is unknown: look before you repeat it";
    /// The topology cannot be reached and the statement needs it.
    TopologyUnavailable = "SH3003", 1105, "HY000", Unavailable, "the topology store cannot be reached", "schema changes and new AUTO_INCREMENT numbers need it; retry in a moment";
    /// Another schema change holds the keyspace's lock.
    SchemaChangeBusy = "SH3004", 1205, "HY000", Limit, "another schema change of keyspace {} is under way", "retry when it is done";
    /// DDL that some shards have executed and others not.
    PartialDdl = "SH3005", 1105, "HY000", Unknown, "the schema change took effect on some shards and failed on {}", "repair the cause and repeat the same statement, which finishes it, or take it back by ABANDON SCHEMA CHANGE";
    /// DDL that was executed, and of which gates could not be told.
    SchemaNotRecorded = "SH3006", 1105, "HY000", Unknown, "the schema change of keyspace {} was made, but the topology could not be told of it", "when the topology store is back, make any schema change of the keyspace, which reads all of it back";
    /// The shard was changing its primary for longer than statements are held.
    HeldTooLong = "SH3007", 1105, "HY000", Unavailable, "shard {} is changing its primary, which takes longer than statements are held", "nothing was executed; retry in a moment, and see `shoal get tablets` and `shoal events` if it stays";
    /// More statements wait for shards that change their primary than the gate holds.
    TooManyHeld = "SH3008", 1105, "HY000", Limit, "shard {} is changing its primary, and the gate holds as many statements as it may", "nothing was executed; retry in a moment";

    /// The gate stopped while the statement waited for a shard that changed its primary.
    StoppedWhileHeld = "SH3009", 1053, "08S01", Unavailable, "the gate stops, and shard {} is changing its primary", "nothing was executed; connect again";

    /// Some shards have committed their part of a statement; of others it is unknown, or certain that they have not.
    PartialCommit = "SH3010", 1105, "HY000", Unknown, "the statement took effect on some of its shards, but perhaps not on {}", "look at the rows of those shards before you repeat it";
    /// The connection that a transaction was on is gone, and the transaction with it.
    TransactionLost = "SH3011", 1105, "HY000", Unavailable, "the transaction is rolled back, since the connection to shard {} broke", "nothing of it was kept: ROLLBACK, and do it again from its beginning";
    /// Shards describe the columns of one answer differently.
    UnequalShards = "SH3012", 1105, "HY000", Unavailable, "shard {} describes the columns of the answer in another way than the shards before it", "if a schema change is under way retry when it is done, else repeat the change that not all shards have";
    /// The accounts of a new database are not made in time.
    AccountsNotMade = "SH3013", 1105, "HY000", Unavailable, "shard {} has not made the accounts of the database yet", "repeat the statement when the shard serves, see `shoal get tablets`";
    /// What was to undo a schema change has not.
    NotUndone = "SH3014", 1105, "HY000", Unknown, "the statement was executed, but {} is not as it was before the schema change", "repeat ABANDON SCHEMA CHANGE BY with what is left to undo";
    /// A foreign key that the shards could not keep true.
    UnenforceableKey = "SH3015", 1235, "42000", Refused, "{} cannot be enforced over several shards", "refer to a table that is sharded by the same vindex, sharding column by sharding column, without SET NULL";

    /// The connection that had a list of warnings is gone.
    WarningsLost = "SH3016", 1105, "HY000", Unavailable, "the list of warnings is gone with the connection that had it", "";

    /// A fault in Shoal.
    Internal = "SH9001", 1105, "HY000", Internal, "internal error: {}", "please report it";
}

/// An error for a client: a row of the table with its detail filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ClientError {
    /// Which row.
    pub id: ErrorId,
    message: String,
}

impl ErrorId {
    /// The error with a detail in place of the text's `{}`.
    pub fn with(self, detail: impl fmt::Display) -> ClientError {
        let row = self.row();
        let mut message = row.text.replacen("{}", &detail.to_string(), 1);
        if row.is_mysqls_own() {
            return ClientError { id: self, message };
        }
        if !row.advice.is_empty() {
            message.push_str("; ");
            message.push_str(row.advice);
        }
        message.push_str(" (");
        message.push_str(row.id);
        message.push(')');
        ClientError { id: self, message }
    }

    /// The error without a detail.
    pub fn plain(self) -> ClientError {
        self.with("")
    }
}

impl ClientError {
    /// The text for the client.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Metric label and retry rule.
    pub fn kind(&self) -> ErrorKind {
        self.id.row().kind
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_are_unique_and_rows_are_whole() {
        let mut seen = HashSet::new();
        for error in ErrorId::ALL {
            let row = error.row();
            assert!(seen.insert(row.id), "{} stands twice", row.id);
            assert_eq!((row.id.len(), row.sqlstate.len()), (6, 5), "{}", row.id);
            assert!(row.text.matches("{}").count() <= 1, "{}", row.id);
            assert!(!row.is_mysqls_own() || row.advice.is_empty(), "{}: MySQL gives no advice", row.id);
        }
    }

    #[test]
    fn texts_carry_detail_advice_and_id() {
        let error = ErrorId::UnknownDatabase.with("shop");
        assert_eq!(error.message(), "Unknown database 'shop'");
        let error = ErrorId::SeveralShards.plain();
        assert!(error.message().contains("; split it") && error.message().ends_with("(SH2003)"));
    }
}
