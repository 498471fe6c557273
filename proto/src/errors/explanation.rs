//! What leads to each error and what to do about it, at the length that somebody has patience for who looks it up.

use super::ErrorRow;

/// What leads to an error, and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// Which error.
    pub id: &'static str,
    /// What leads to it.
    pub cause: &'static str,
    /// What to do.
    pub cure: &'static str,
}

impl ErrorRow {
    /// What leads to the error and what to do; every row has it.
    pub fn explanation(&self) -> Option<&'static Explanation> {
        EXPLANATIONS.iter().find(|explanation| explanation.id == self.id)
    }
}

macro_rules! explanations {
    ($($id:literal, $cause:literal, $cure:literal;)*) => {
        /// All explanations, ordered by id.
        pub const EXPLANATIONS: &[Explanation] = &[$(Explanation { id: $id, cause: $cause, cure: $cure },)*];
    };
}

explanations! {
    "SH1001", "The name is no user of the cluster, or the password is another one.",
        "Compare with the cluster file's `users` or with SHOW GRANTS as an admin; ALTER USER sets a new password.";
    "SH1002", "A statement or the login names a database, and there is neither a keyspace nor a database of this name.",
        "SHOW DATABASES lists those that you may see; CREATE DATABASE or the cluster file makes new ones.";
    "SH1003", "The statement names a table without its database, and the session has chosen none.",
        "USE a database, name it when you connect, or write database.table.";
    "SH1004", "The client sent a command of the protocol that a gate does not serve.",
        "Use what SQL has for it, such as KILL or SHOW; drivers send such commands only when told to.";
    "SH1005", "A packet of the client does not follow MySQL's protocol.",
        "Use a client for MySQL 5.7 or newer, and look for something between it and the gate that changes what it sends.";
    "SH1006", "One statement or row is larger than MySQL's max_allowed_packet.",
        "Send it in several pieces, such as an INSERT of fewer rows.";
    "SH1007", "Packets of one statement came with numbers that do not follow one another.",
        "Do not let two threads use one connection at the same time.";
    "SH1008", "The client's first packet is not a handshake that a gate can follow.",
        "Use a client for MySQL 5.7 or newer, with protocol 4.1 and a character set that the gate takes.";
    "SH1010", "The gate has as many clients as it takes.",
        "Close connections that are not used, use a pool in the application, or run more gates (`gates.replicas`).";
    "SH1011", "The user's role in the keyspace does not include the statement: read, write or admin.",
        "Ask an admin for GRANT, or log in as another user.";
    "SH1012", "Schema _shoal holds what Shoal needs for itself on every server.",
        "Leave it alone; `shoal get` and `shoal describe` show what is worth knowing of it.";
    "SH1013", "The column's type holds no number above those that are given out already.",
        "ALTER TABLE the column to a larger type, such as BIGINT.";
    "SH1014", "There is no database of this name.",
        "SHOW DATABASES lists those that there are; DROP DATABASE IF EXISTS says nothing.";
    "SH1015", "The transaction has no savepoint of this name, or one before it was rolled back or released.",
        "Set it by SAVEPOINT within the same transaction first.";
    "SH1016", "The client wants a statement prepared that the gate answers by itself, such as SHOW SHARDS or GRANT.",
        "Send statements as text; most clients fall back to it upon this error, and drivers have a setting for it.";
    "SH1045", "The user has a role in some keyspaces, and this is none of them.",
        "Ask an admin for GRANT … ON this database, or USE another one.";
    "SH1046", "The user that the statement makes is there already, or the one that it changes or drops is not.",
        "SHOW GRANTS FOR the user tells whether there is one; IF EXISTS and IF NOT EXISTS pass over it.";
    "SH1047", "The statement is for admins of the whole cluster.",
        "Ask an admin, or log in as one.";
    "SH1048", "There is no user of this name.",
        "Compare with the cluster file, or make the user by CREATE USER.";
    "SH1049", "GRANT gives rights to users that there are, and makes none.",
        "CREATE USER first.";
    "SH1050", "The user does not have what is to be taken away.",
        "SHOW GRANTS FOR the user tells what there is to revoke.";
    "SH1051", "One of the named users does not exist.",
        "Leave out the users that there are not.";
    "SH1052", "MySQL's names of users have at most 32 characters.",
        "Choose a shorter name.";
    "SH1053", "CREATE USER IF NOT EXISTS leaves a user who is there as they are, password and rights included.",
        "Nothing, or change the user with ALTER USER.";
    "SH1054", "ALTER USER IF EXISTS and DROP USER IF EXISTS pass over users who are not there.",
        "Nothing, unless the name is misspelt.";
    "SH1055", "A row's value for the column is longer than the column, and MySQL would not store it whole.",
        "Shorten the value, or make the column longer in a new table that the rows are copied into.";
    "SH1065", "The session has prepared no statement of this number, or has closed it.",
        "Prepare it again. A connection pool that resets its connections loses their statements.";
    "SH1066", "Each session may have so many statements prepared at once.",
        "Close statements that are no longer needed, or let the driver keep fewer (such as by its statement cache's size).";
    "SH1067", "A gate opens no cursors: the rows come at once with the answer to the execution.",
        "Read the rows from that answer; drivers do so when the server has not opened a cursor.";
    "SH1068", "The connection has ended its own statement by KILL.",
        "Nothing: it is what was asked for.";
    "SH1069", "No client of this gate has a connection of this number. Each gate numbers its own.",
        "SHOW PROCESSLIST on the gate that the client is connected to tells the number; KILL there.";
    "SH1070", "The connection belongs to another user.",
        "Ask an admin of all keyspaces, or log in as that user.";
    "SH1071", "The client has sent nothing for as long as its session's `wait_timeout` says: 28800 seconds where nobody has set it.",
        "Connect again; what was not committed is rolled back. A pool of connections should close idle ones earlier, or `SET wait_timeout`.";
    "SH1072", "SET TRANSACTION says how the next transaction is to be, and one is open.",
        "COMMIT or ROLLBACK first, or say it before BEGIN.";
    "SH1073", "SET TRANSACTION READ ONLY was said before, and this statement writes.",
        "Say SET TRANSACTION READ WRITE, or begin a transaction that may write.";
    "SH2001", "Rows of the table are spread over shards by its sharding column, and the statement does not compare that column with a value, so that it could be for any shard.",
        "Add `column = value` for the sharding column; SHOW VSCHEMA VINDEXES ON the table names it.";
    "SH2002", "The value that is compared with the sharding column would be converted by MySQL before it compares, so that its shard is not certain: a text for a number, a number for a text, a function's result. A read, UPDATE or DELETE by such a literal goes to all shards where nothing has to be merged.",
        "Write the value as a literal of the column's own type.";
    "SH2003", "Its values of the sharding column lie on several shards, and together the answers would have to be merged.",
        "Write one statement for each value, or leave out what needs merging.";
    "SH2004", "MySQL takes this form, but the gate cannot see from it which rows are meant, and it never guesses.",
        "Write it in a simpler form: one table, plain comparisons, no nested WITH.";
    "SH2005", "The statement reads or changes what belongs to one session of a server, and a gate's sessions have no server of their own.",
        "Keep the value in the application, or do the work in a single statement.";
    "SH2006", "The statement begins a transaction or a savepoint in a way that a gate does not serve.",
        "Let each statement commit by itself, or use plain BEGIN and COMMIT where the keyspace allows it.";
    "SH2007", "A row lies where its sharding column says. With another value it would have to move to another shard.",
        "Delete the row and insert it with the new value.";
    "SH2008", "Each shard sees its own rows only. A key or constraint that must hold over all of them holds only if it includes the sharding column.",
        "Include the sharding column in it, leave it out, or keep the table in an unsharded keyspace.";
    "SH2009", "The table is in a sharded keyspace, and the vschema does not say by which column its rows are spread.",
        "ALTER VSCHEMA ON the table ADD VINDEX …, or add it to the cluster file or the JSON of `shoal vschema apply`.";
    "SH2010", "What stands in /*! */ is executed by some versions of MySQL and not by others, and only MySQL can read it.",
        "Write the content outside of the comment, or leave it out.";
    "SH2011", "A statement of this kind speaks to one server, and behind a gate there are several.",
        "Use what Shoal has for it (`shoal help` lists commands), or send it to an unsharded keyspace.";
    "SH2012", "Two values that the column takes for equal would not surely lie on one shard, or the vindex maps no values of its type, or the table's entry in the vschema is not served yet.",
        "Choose an integer, a binary or a text column as sharding column, with a vindex that takes its type; `shoal vschema validate` tells more.";
    "SH2013", "Tables of several keyspaces stand in one statement, and no one server has them all.",
        "Write one statement for each keyspace.";
    "SH2014", "In some character sets a byte of a longer character looks like a quote or a backslash, which could make a statement mean something else.",
        "Connect with utf8mb4.";
    "SH2015", "A transaction has one connection to one shard, and the statement has rows on another one.",
        "End the transaction first, or keep to one value of the sharding column within a transaction. Drivers that turn autocommit off, as Python's do by default, begin one with every statement: turn it on for statements over several shards.";
    "SH2016", "The answer would have to be put together from the answers of several shards, by more than writing one after the other.",
        "Compare the sharding column with a value, so that one shard has all the rows, or do this part in the application.";
    "SH2017", "A consistent snapshot is one server's, and there is no moment that several share.",
        "Write START TRANSACTION alone: the first read makes the snapshot of its shard.";
    "SH2020", "The value of an AUTO_INCREMENT column decides on which shard a row lies, or which numbers are still free, and it stands in the statement as something that only MySQL could compute.",
        "Write it as a literal, NULL or DEFAULT, or leave the column out.";
    "SH2021", "Numbers that were new to the gate belong to rows already, because others write rows with numbers of their own ahead of it.",
        "Retry; let either the application or Shoal choose the numbers.";
    "SH2023", "SELECT NEXT VALUES needs a sequence table as Vitess has them, and this is none, or the count is out of bounds.",
        "Make the table in an unsharded keyspace with columns id, next_id and cache and one row with id 0, add it by ALTER VSCHEMA ADD SEQUENCE, and ask for 1 to 1000000 numbers.";
    "SH2025", "A table of a sharded keyspace needs a sharding key. The vschema had none for this one, so the gate chose a column of its primary key.",
        "Nothing, if the column is the one that most statements compare. Otherwise ALTER VSCHEMA ON the table ADD VINDEX while it is empty.";
    "SH2026", "A table of a sharded keyspace needs a sharding key, and there is no primary key to choose one from.",
        "Declare a primary key, or add the table to the vschema with its sharding column first.";
    "SH2027", "A keyspace's name is part of addresses, keys and file names, and some names are MySQL's own.",
        "Choose a name that begins with a letter and goes on with letters, digits and underscores.";
    "SH2028", "The keyspace stands in the cluster file and has servers of its own. DROP DATABASE takes away only what CREATE DATABASE has made on the servers of another keyspace.",
        "Drop the tables that are not needed.";
    "SH2029", "A database that CREATE DATABASE makes lives on the servers of an unsharded keyspace, and there is none.",
        "Add a keyspace without shards to the cluster file and bring the cluster up to it.";
    "SH2030", "Some shards have made a schema change and others have not, because it was cut off. Until that is settled, the keyspace takes no other one.",
        "Repeat the very same statement, which goes on where it was cut off, or write ABANDON SCHEMA CHANGE.";
    "SH2031", "Some shards have made the change, and no general rule tells what its opposite is.",
        "Write ABANDON SCHEMA CHANGE BY and the statement that undoes it on the shards that have made it, or repeat the change to finish it.";
    "SH2032", "Every schema change of the keyspace was finished or taken back already.",
        "Nothing needs to be done.";
    "SH2033", "Each shard would run it by itself and see its own rows only, so that together they would do something else than one server with all rows.",
        "Put it into an unsharded keyspace, or do its work in the application.";
    "SH2034", "MySQL runs an event on the server that made it, and after a change of primary that is another one.",
        "Run its statement from outside, such as by cron and `shoal sql -e`.";
    "SH2035", "The words after ALTER VSCHEMA or SHOW VSCHEMA are in none of the forms that Vitess has.",
        "ALTER VSCHEMA has CREATE VINDEX name USING type [WITH …], DROP VINDEX name, ADD TABLE t, DROP TABLE t, ADD SEQUENCE s, DROP SEQUENCE s, ON t ADD VINDEX name (column) [USING type], ON t DROP VINDEX name, ON t ADD AUTO_INCREMENT column USING s, ON t DROP AUTO_INCREMENT. SHOW VSCHEMA has KEYSPACES, TABLES [FROM keyspace], VINDEXES [ON t].";
    "SH2036", "The change adds what the vschema has, drops what it lacks, or drops what something else in it needs.",
        "Compare with SHOW VSCHEMA TABLES, SHOW VSCHEMA VINDEXES or `shoal vschema get`, and make the changes in another order.";
    "SH2037", "What the vschema would say could not be acted by: an unknown vindex type, a column that cannot be a sharding column, a unique key that the shards could not keep, a sequence in a sharded keyspace.",
        "The text names the part and why. `shoal vschema validate -f file` shows all such parts of a whole vschema at once.";
    "SH2038", "Rows lie on the shards that the present sharding key says. By another key they would not be found any more.",
        "Make another table with the sharding that you want, and copy the rows; or delete them first, if they are not needed.";
    "SH2039", "The table must have no rows for this change, and a transaction that has not ended may have inserted some.",
        "End the transactions that use the table, then repeat the statement.";
    "SH2040", "The name after the keyspace is no key range of one of its shards.",
        "SHOW SHARDS lists the shards.";
    "SH2041", "After @ stands the type of tablets that statements go to, and this is none.",
        "Write keyspace@primary, keyspace@replica or keyspace@rdonly.";
    "SH2042", "USE chose one shard, and a change of the schema on one shard alone would make the shards differ.",
        "USE the keyspace without a shard, then make the change.";
    "SH2043", "USE chose replicas, which only follow their primary.",
        "USE the keyspace without @replica, then write.";
    "SH2044", "No replica of the shard replicates well enough to be read.",
        "SHOW TABLETS or `shoal get tablets` shows how they are; the primary serves without @replica.";
    "SH2045", "The user was dropped while the session was open.",
        "Log in as another user.";
    "SH2046", "The account is written in a form that has no meaning for a gate: users are the same from every host.",
        "Write the name alone or with @'%'.";
    "SH2047", "Rights are the roles read, write and admin in a keyspace or everywhere, and the privileges of the statement are none of these exactly.",
        "Write the statement that the text names.";
    "SH2048", "The cluster file says what this user is, and the next `up` would make it so again.",
        "Change the user in the cluster file and bring the cluster up to it, or take the user out of the file.";
    "SH2049", "The answer of etcd was lost, so that it is not known whether the change was made.",
        "Look with SHOW GRANTS before you repeat it.";
    "SH2050", "A directive of Vitess asks for something that is not done here, or done anyway: a planner, consolidation, memory, priority, fewer shards.",
        "Nothing: the statement was done. QUERY_TIMEOUT_MS in a SELECT without hints of its own is honoured.";
    "SH2051", "Rows lie on the shards by the values of the sharding column, which the change would alter, so that they would no longer be found.",
        "Create a table with the column as it is to be, copy the rows with INSERT and SELECT in the application, and rename the two.";
    "SH2052", "The vschema says that Shoal numbers the column, and after the change it would not be there.",
        "Take the numbering off with ALTER VSCHEMA ON the table DROP AUTO_INCREMENT, make the change, and add it again for the column's new name.";
    "SH2053", "The table's rows lie on the shards that the value of its sharding column says, and the INSERT names no value for that column.",
        "Name the column in the INSERT's list and give each row a value, or let Shoal number it: an AUTO_INCREMENT column may be left out.";
    "SH2056", "Tablespaces, log file groups, foreign servers, resource groups, spatial reference systems and loadable functions are of a MySQL server, not of a database. Several keyspaces may share a server, a keyspace has a server for each of its tablets, and a new replica is a copy that has no such files beside it.",
        "Do without: each table has a file of its own, and the platform gives servers their disks and limits. A spatial reference system may be made by the administrator of each primary's mysqld; its replicas follow.";
    "SH3001", "The shard has no primary that takes statements, or the gate has no connection to it.",
        "Retry in a moment. If it stays, `shoal doctor` and `shoal get tablets` say which part does not run and why.";
    "SH3002", "The server or the network broke while the statement was under way, so its answer was lost.",
        "Read the rows that it should have changed before you repeat it.";
    "SH3003", "etcd, which holds the topology, does not answer. Statements on rows go on; those that change a schema or a vschema need it.",
        "Retry in a moment. If it stays, `shoal local status` or `shoal doctor` says whether etcd runs.";
    "SH3004", "Changes of one keyspace's schema and vschema are made one after the other, and another one holds the lock.",
        "Repeat the statement when the other one is done.";
    "SH3005", "One shard has made the change and another one failed, so the shards differ.",
        "Repair what the failing shard complains of, then repeat the very same statement, which goes on where it stopped; or take it back by ABANDON SCHEMA CHANGE.";
    "SH3006", "The shards have made the change, but the record that gates plan by could not be written or was not seen in time.",
        "When etcd is back, make any schema change of the keyspace: all of its schema is read back then.";
    "SH3007", "The shard changes its primary, which took longer than statements are held for it.",
        "Retry in a moment. `shoal events` and `shoal get tablets` tell how the change goes.";
    "SH3008", "The shard changes its primary, and so many statements wait for it already that the gate takes no more.",
        "Retry in a moment, with fewer statements at once.";
    "SH3009", "The gate was told to stop while the statement waited for a shard to change its primary.",
        "Connect again; with several gates, to another one.";
    "SH3010", "The parts of the statement were committed shard by shard, and one of them did not confirm.",
        "Read the rows on the shards that the text names, and repeat what is missing.";
    "SH3011", "The connection that had the transaction broke, and the server has rolled it back.",
        "ROLLBACK, and do the transaction again from its beginning.";
    "SH3012", "Two shards describe the same columns differently, because a schema change is under way or half made.",
        "Retry when the schema change is done; if there is none, repeat the one that not all shards have.";
    "SH3013", "The server that the database lives on has not made its accounts in time, so nobody could use it.",
        "Repeat the statement once the shard serves; `shoal get tablets` shows how it is.";
    "SH3014", "The statement that was to undo a schema change was executed, and the schema that came out is not the one of before.",
        "Compare the tables on the shards that the text names, and repeat ABANDON SCHEMA CHANGE BY with what is left.";
    "SH3015", "A foreign key is kept by each shard for its own rows. It holds over all of them only where a row and the one that it refers to always lie on the same shard.",
        "Refer to a table that is sharded by the same vindex, sharding column by sharding column, or keep both in an unsharded keyspace.";
    "SH3016", "Warnings belong to the connection of the statement that gave them, and that connection is gone.",
        "Repeat the statement if its warnings are needed.";
    "SH9001", "Something that cannot be has been.",
        "Please report it, with the statement and the lines that the gate logged at that time.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::ErrorId;

    #[test]
    fn every_error_is_explained_once_and_nothing_else_is() {
        let explained: Vec<&str> = EXPLANATIONS.iter().map(|explanation| explanation.id).collect();
        let mut ids: Vec<&str> = ErrorId::ALL.iter().map(|id| id.row().id).collect();
        ids.sort_unstable();
        let lacking: Vec<&&str> = ids.iter().filter(|id| !explained.contains(id)).collect();
        assert!(lacking.is_empty(), "write the explanations of {lacking:?} into errors/explanation.rs");
        assert_eq!(
            explained, ids,
            "explanations stand in the order of their ids, one for each error that there is"
        );
    }

    #[test]
    fn explanations_are_sentences() {
        for Explanation { id, cause, cure } in EXPLANATIONS {
            for text in [cause, cure] {
                assert!(text.len() > 15 && text.ends_with('.') && !text.contains("  "), "{id}: {text}");
            }
        }
    }
}
