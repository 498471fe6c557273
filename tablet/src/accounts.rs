//! The MySQL accounts of a tablet's mysqld, as statements for its init file.
//!
//! mysqld runs the init file at each start, before it takes the first connection: so there is no moment at
//! which somebody could log in as root, a changed secret or a new privilege takes effect with the next
//! start, and the agent itself needs no right to manage accounts. Nothing of it is logged for replicas:
//! every mysqld makes its own.

use std::fmt::Write as _;

use proto::account::{AGENT_ACCOUNT, DataRole, REPLICATION_ACCOUNT, Secret, data_account};
use proto::ids::KeyspaceName;

use crate::heartbeat::OWN_SCHEMA;

/// What the agent's account may do everywhere.
const AGENT_GLOBAL: &[&str] = &[
    // Log in and stay while offline_mode is on, set it, and pass super_read_only's guard.
    "CONNECTION_ADMIN",
    // Set super_read_only and offline_mode.
    "SYSTEM_VARIABLES_ADMIN",
    // See whether data sessions are gone.
    "PROCESS",
    // Set a source, start and stop receiver and applier.
    "REPLICATION_SLAVE_ADMIN",
    // See how they do.
    "REPLICATION CLIENT",
    // Forget a source (RESET REPLICA), and begin a new error log.
    "RELOAD",
    // Make the accounts of keyspaces that live here without being this tablet's own.
    "CREATE USER",
    // Fetch a copy of another tablet's data. Implies the right to shut down, which ends the copying.
    "CLONE_ADMIN",
];
/// What the agent's account may do in Shoal's own schema: make its tables, write heartbeats, read them.
const AGENT_OWN_SCHEMA: &[&str] = &["CREATE", "SELECT", "INSERT", "UPDATE", "DELETE"];

/// What of mysqld's own tables the agent's account may read besides what everybody may: how far a copy is.
const AGENT_PERFORMANCE: &str = "performance_schema.clone_progress";

/// What the account of other tablets may do.
const REPLICATION_GLOBAL: &[&str] = &[
    // Read the binary log.
    "REPLICATION SLAVE",
    // Copy all data (the donor's part of CLONE).
    "BACKUP_ADMIN",
    // Come in and stay while offline_mode is on.
    "CONNECTION_ADMIN",
];

/// Privileges of the read role; all privileges of data accounts are on the keyspace's schema only.
const READ: &[&str] = &[
    "SELECT",
    // SHOW CREATE VIEW.
    "SHOW VIEW",
];
/// What the write role has more.
const WRITE: &[&str] = &[
    "INSERT", "UPDATE", "DELETE", // CALL.
    "EXECUTE",
];
/// What the admin role has more: DDL. Not EVENT: an event would run on every shard, unseen by gates.
const ADMIN: &[&str] = &[
    "CREATE",
    "ALTER",
    "DROP",
    "INDEX",
    // Foreign keys.
    "REFERENCES",
    "CREATE VIEW",
    // A schema change is tried on a copy.
    "CREATE TEMPORARY TABLES",
    "CREATE ROUTINE",
    "ALTER ROUTINE",
    "TRIGGER",
    // Whether a table has rows is certain only while nobody writes them: changes of a vschema look so.
    "LOCK TABLES",
];

/// The secrets that passwords are derived from.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// Of the data accounts; gates have it too.
    pub data: Secret,
    /// Of the agent's account.
    pub agent: Secret,
}

/// How accounts come in over the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// As they like.
    Plain,
    /// Under TLS only, and with a certificate of the cluster besides the password.
    Tls,
}

/// The statements that make the accounts of a tablet of the keyspace as they should be, whatever they were.
pub fn init_file(keyspace: &KeyspaceName, secrets: &Secrets, transport: Transport) -> String {
    let mut sql = String::from("SET SESSION sql_log_bin = 0;\n");
    let agent = format!("'{AGENT_ACCOUNT}'@'localhost'");
    // From the local host only, which is the Unix socket.
    push_account(&mut sql, &agent, &secrets.agent.password(AGENT_ACCOUNT), Transport::Plain);
    push_grant(&mut sql, AGENT_GLOBAL, "*.*", &agent);
    // Nobody can give what they do not have. It also makes the keyspace's schema, and reads what is there (tests do).
    push_grant(&mut sql, &privileges(DataRole::Admin), "*.*", &format!("{agent} WITH GRANT OPTION"));
    push_grant(&mut sql, AGENT_OWN_SCHEMA, &schema_pattern(OWN_SCHEMA), &agent);
    push_grant(&mut sql, &["SELECT"], AGENT_PERFORMANCE, &agent);
    push_unlock(&mut sql, &agent);
    let replication = format!("'{REPLICATION_ACCOUNT}'@'%'");
    push_account(&mut sql, &replication, &secrets.agent.password(REPLICATION_ACCOUNT), transport);
    push_grant(&mut sql, REPLICATION_GLOBAL, "*.*", &replication);
    push_unlock(&mut sql, &replication);
    push_data_accounts(&mut sql, keyspace, &secrets.data, transport);
    // The account that initialisation leaves, without a password. It owns MySQL's own views and stays.
    sql.push_str("ALTER USER 'root'@'localhost' ACCOUNT LOCK;\n");
    sql
}

fn push_data_accounts(sql: &mut String, keyspace: &KeyspaceName, secret: &Secret, transport: Transport) {
    for role in DataRole::ALL {
        let name = data_account(keyspace, role);
        let account = format!("'{name}'@'%'");
        push_account(sql, &account, &secret.password(&name), transport);
        push_grant(sql, &privileges(role), &schema_pattern(keyspace.as_str()), &account);
        push_unlock(sql, &account);
    }
}

/// How the accounts of a keyspace come to be that lives on this mysqld without being its tablet's own. Replicas
/// have them from the binary log, as they have its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosted {
    /// Counts the accounts that these very statements have made.
    pub count_made: String,
    /// How many there are then.
    pub accounts: u64,
    /// What makes them so, whatever they were.
    pub statements: Vec<String>,
}

/// The accounts of a keyspace that is not the tablet's own.
pub fn hosted(keyspace: &KeyspaceName, secret: &Secret, transport: Transport) -> Hosted {
    let mut sql = String::new();
    push_data_accounts(&mut sql, keyspace, secret, transport);
    // Of another secret, or another version's rights, there is another seal. It shows nothing of the passwords.
    let seal = secret.password(&sql);
    let names: Vec<String> =
        DataRole::ALL.iter().map(|role| format!("'{}'", data_account(keyspace, *role))).collect();
    for name in &names {
        let _ = writeln!(sql, "ALTER USER {name}@'%' ATTRIBUTE '{{\"shoal\": \"{seal}\"}}';");
    }
    let count_made = format!(
        "SELECT COUNT(*) FROM information_schema.user_attributes WHERE host = '%' AND user IN ({}) \
         AND attribute ->> '$.shoal' = '{seal}'",
        names.join(", ")
    );
    let statements = sql.lines().map(|line| line.trim_end_matches(';').to_owned()).collect();
    Hosted { count_made, accounts: names.len() as u64, statements }
}

/// A new account is locked, until `push_unlock`. Names and passwords come from alphabets without quotes or backslashes (`KeyspaceName`, URL-safe base64).
fn push_account(sql: &mut String, account: &str, password: &str, transport: Transport) {
    let require = match transport {
        Transport::Plain => "NONE",
        // Checked against the settings' `ssl_ca`, which is the authority of the cluster.
        Transport::Tls => "X509",
    };
    // Writing to a String does not fail.
    let _ = writeln!(
        sql,
        "CREATE USER IF NOT EXISTS {account} ACCOUNT LOCK;\n\
         ALTER USER {account} IDENTIFIED WITH caching_sha2_password BY '{password}' \
         REQUIRE {require};\n\
         REVOKE ALL PRIVILEGES, GRANT OPTION FROM {account};"
    );
}

/// Lets the account in, which has all its rights now: who is let in shall not be denied anything by being early.
fn push_unlock(sql: &mut String, account: &str) {
    let _ = writeln!(sql, "ALTER USER {account} ACCOUNT UNLOCK;");
}

fn push_grant(sql: &mut String, privileges: &[&str], on: &str, account: &str) {
    let _ = writeln!(sql, "GRANT {} ON {on} TO {account};", privileges.join(", "));
}

fn privileges(role: DataRole) -> Vec<&'static str> {
    let more: &[&[&str]] = match role {
        DataRole::Read => &[READ],
        DataRole::Write => &[READ, WRITE],
        DataRole::Admin => &[READ, WRITE, ADMIN],
    };
    more.concat()
}

/// In a GRANT on a schema `_` and `%` are wildcards: unescaped, `shop_1` would include `shopx1`.
fn schema_pattern(schema: &str) -> String {
    format!("`{}`.*", schema.replace('_', "\\_").replace('%', "\\%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        Secrets { data: Secret::new(b"the data secret ..."), agent: Secret::new(b"the agent secret ...") }
    }

    #[test]
    fn each_role_includes_the_ones_before_it_and_nothing_global() {
        let keyspace: KeyspaceName = "shop_1".parse().unwrap();
        let sql = init_file(&keyspace, &secrets(), Transport::Plain);
        let grant_of = |account: &str| {
            let end = format!(" TO '{account}'@'%';");
            let grants: Vec<&str> = sql.lines().filter(|l| l.ends_with(&end)).collect();
            assert_eq!(grants.len(), 1, "{account}: {grants:?}");
            grants[0].strip_suffix(&end).unwrap().to_owned()
        };
        assert_eq!(grant_of("shop_1.read"), "GRANT SELECT, SHOW VIEW ON `shop\\_1`.*");
        let (write, admin) = (grant_of("shop_1.write"), grant_of("shop_1.admin"));
        assert!(write.starts_with("GRANT SELECT, SHOW VIEW, INSERT") && !write.contains("CREATE"), "{write}");
        assert!(admin.contains("EXECUTE, CREATE, ALTER, DROP") && !admin.contains("EVENT"), "{admin}");
        let global: Vec<&str> = sql.lines().filter(|l| l.contains(" ON *.* ")).collect();
        assert_eq!(global.len(), 3);
        assert!(global[0].ends_with("TO '_shoal_agent'@'localhost';"));
        assert!(global[1].ends_with("TO '_shoal_agent'@'localhost' WITH GRANT OPTION;"));
        assert!(global[2].ends_with("TO '_shoal_replication'@'%';"));
        assert!(sql.contains(" ON `\\_shoal`.* TO '_shoal_agent'@'localhost';"));
    }

    #[test]
    fn a_hosted_keyspace_has_the_accounts_of_one_with_tablets_and_a_seal() {
        let keyspace: KeyspaceName = "guest".parse().unwrap();
        let made = |secret: &[u8]| hosted(&keyspace, &Secret::new(secret), Transport::Tls);
        let (one, other) = (made(b"the data secret ..."), made(b"another data secret"));
        let own = init_file(&keyspace, &secrets(), Transport::Tls);
        let statements = &one.statements[..one.statements.len() - 3];
        assert!(statements.iter().all(|statement| own.contains(&format!("{statement};"))), "{statements:?}");
        assert!(one.count_made.contains("IN ('guest.read', 'guest.write', 'guest.admin')"));
        assert!(one.statements.last().unwrap().starts_with("ALTER USER 'guest.admin'@'%' ATTRIBUTE"));
        assert_ne!(one.count_made, other.count_made);
    }

    #[test]
    fn nothing_is_logged_and_root_is_locked_last() {
        let sql = init_file(&"shop".parse().unwrap(), &secrets(), Transport::Tls);
        assert_eq!(sql.lines().next(), Some("SET SESSION sql_log_bin = 0;"));
        assert_eq!(sql.lines().last(), Some("ALTER USER 'root'@'localhost' ACCOUNT LOCK;"));
        assert!(sql.lines().all(|line| line.ends_with(';')));
    }

    #[test]
    fn over_the_network_a_certificate_is_required_where_there_are_some() {
        let lines = |transport| -> Vec<String> {
            let sql = init_file(&"shop".parse().unwrap(), &secrets(), transport);
            sql.lines().filter(|line| line.contains(" IDENTIFIED WITH ")).map(str::to_owned).collect()
        };
        // Said either way, or accounts would keep what an earlier start required.
        assert!(lines(Transport::Plain).iter().all(|line| line.contains(" REQUIRE NONE;")));
        let with_certificates = lines(Transport::Tls);
        assert_eq!(with_certificates.len(), 5);
        for line in with_certificates {
            let required = if line.contains("'@'%' ") { " REQUIRE X509;" } else { " REQUIRE NONE;" };
            assert!(line.contains(required), "{line}");
        }
    }
}
