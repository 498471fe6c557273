//! The settings under which a tablet's mysqld runs.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use proto::tls::{CA_FILE, CERTIFICATE_FILE, KEY_FILE};

use crate::limits::{
    BINLOG_KEPT_SECONDS, BUFFER_POOL_MIB, MAX_CONNECTIONS, MAX_PREPARED_STATEMENTS, REDO_MIB,
    SOURCE_SILENCE_SECONDS, STOP_REPLICA_SECONDS,
};

/// What differs between two mysqlds.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// Also the tablet's uid.
    pub server_id: u32,
    /// Where it listens for gates.
    pub listen: SocketAddr,
    /// Its data.
    pub data_dir: &'a Path,
    /// Its Unix socket, for the agent.
    pub socket: &'a Path,
    /// Its error log.
    pub log: &'a Path,
    /// Statements that make the accounts; run at each start before anybody can log in.
    pub init_file: &'a Path,
    /// Whom it runs as; `None`: whoever starts it.
    pub user: Option<&'a str>,
    /// Directory with `ca.pem`, `cert.pem` and `key.pem`; `None`: connections may be plain.
    pub tls: Option<&'a Path>,
}

/// The lines of my.cnf that are the same for every tablet, each group with its reason.
const SAME_FOR_ALL: &str = "
# A mysqld always starts fenced. Only the agent lifts the fence, once it has read its role and term.
super_read_only = ON
offline_mode = ON

# Transactions are named by GTIDs, and the binary log holds whole rows with their metadata, because
# replicas, streams and consistency tokens read them.
gtid_mode = ON
enforce_gtid_consistency = ON
log_bin = binlog
binlog_row_image = FULL
binlog_row_metadata = FULL
binlog_row_value_options = \"\"
# Row events make functions and triggers safe to log, so who may write them is a matter of grants alone.
log_bin_trust_function_creators = ON

# A commit that a client was told of is in the relay log of a replica, however long that takes: there is no
# timeout after which it would be told all the same, also while no replica is there. Which mysqld waits and
# which one acknowledges is the agent's to say, at each start anew.
plugin_load_add = semisync_source.so;semisync_replica.so
rpl_semi_sync_source_enabled = OFF
rpl_semi_sync_replica_enabled = OFF
rpl_semi_sync_source_timeout = 1000000000000000000
rpl_semi_sync_source_wait_for_replica_count = 1
rpl_semi_sync_source_wait_no_replica = ON
rpl_semi_sync_source_wait_point = AFTER_SYNC

# Acknowledged means on the disk of the replica, so each event is synced there, and what is in the relay log
# at a start is applied: to recover it from the source would throw away what only this replica has. Nothing
# is received before the agent has read its role. Replicas pass on what they apply, as any may become a
# source.
sync_relay_log = 1
relay_log_recovery = OFF
relay_log = relay
skip_replica_start = ON
log_replica_updates = ON

# InnoDB itself does what a foreign key asks for, on every mysqld alike. Where the server does it instead, which 9.7 has as
# its default, a REPLACE of a parent deletes no child on the primary, and does on replicas.
loose_innodb_native_foreign_keys = ON

# A tablet's data is made anew as a copy of another's.
plugin_load_add = mysql_clone.so

# A table without a key cannot be replicated in parallel or copied in chunks: one is made and kept out of
# sight where a CREATE TABLE has none.
sql_require_primary_key = ON
sql_generate_invisible_primary_key = ON
show_gipk_in_create_table_and_information_schema = OFF

# What a commit says is kept must be, and a copy for a new replica must have it: both hold for InnoDB's tables only.
disabled_storage_engines = \"MyISAM,MRG_MYISAM,MEMORY,ARCHIVE,BLACKHOLE,FEDERATED\"

# Nothing listens but the classic protocol; no statement reads or writes files of this machine; accounts
# are matched by address, never by asking a name server.
mysqlx = OFF
local_infile = OFF
secure_file_priv = NULL
skip_name_resolve = ON

# Statements, locks and sessions are looked up here. Long histories and error counts are kept by no one
# who reads them, and would cost some 100 MB.
performance_schema = ON
performance_schema_digests_size = 1000
performance_schema_error_size = 0
performance_schema_events_stages_history_long_size = 100
performance_schema_events_statements_history_long_size = 100
performance_schema_events_transactions_history_long_size = 100
performance_schema_events_waits_history_long_size = 100
innodb_log_buffer_size = 8M
";

/// The whole of my.cnf.
pub fn render(settings: &Settings<'_>) -> String {
    let mut text = String::from(
        "# Written by shoal-tablet at each start of mysqld; changes made here are lost.\n[mysqld]\n",
    );
    let mut line = |name: &str, value: &dyn std::fmt::Display| {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{name} = {value}");
    };
    line("server_id", &settings.server_id);
    line("bind_address", &settings.listen.ip());
    line("port", &settings.listen.port());
    line("datadir", &quoted(settings.data_dir));
    line("socket", &quoted(settings.socket));
    line("pid_file", &quoted(&settings.data_dir.join("mysqld.pid")));
    line("log_error", &quoted(settings.log));
    line("init_file", &quoted(settings.init_file));
    if let Some(user) = settings.user {
        line("user", &user);
    }
    line("max_connections", &MAX_CONNECTIONS);
    line("max_prepared_stmt_count", &MAX_PREPARED_STATEMENTS);
    line("innodb_buffer_pool_size", &format_args!("{BUFFER_POOL_MIB}M"));
    line("innodb_redo_log_capacity", &format_args!("{REDO_MIB}M"));
    line("binlog_expire_logs_seconds", &BINLOG_KEPT_SECONDS);
    line("replica_net_timeout", &SOURCE_SILENCE_SECONDS);
    line("rpl_stop_replica_timeout", &STOP_REPLICA_SECONDS);
    if let Some(tls) = settings.tls {
        // Over the network nobody speaks plainly; the agent comes through the Unix socket. Where this mysqld is
        // the client of a copy it shows the same certificate.
        line("require_secure_transport", &"ON");
        for prefix in ["", "clone_"] {
            line(&format!("{prefix}ssl_ca"), &quoted(&tls.join(CA_FILE)));
            line(&format!("{prefix}ssl_cert"), &quoted(&tls.join(CERTIFICATE_FILE)));
            line(&format!("{prefix}ssl_key"), &quoted(&tls.join(KEY_FILE)));
        }
    }
    text.push_str(SAME_FOR_ALL);
    text
}

/// Whether a path can stand in my.cnf.
pub fn can_hold(path: &Path) -> bool {
    path.to_str().is_some_and(|text| !text.contains(|c: char| c.is_control() || "\"\\'".contains(c)))
}

fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(user: Option<&str>) -> String {
        rendered_with(user, None)
    }

    fn rendered_with(user: Option<&str>, tls: Option<&Path>) -> String {
        render(&Settings {
            server_id: 101,
            listen: "127.0.0.1:13306".parse().unwrap(),
            data_dir: Path::new("/some dir/data"),
            socket: Path::new("/some dir/mysql.sock"),
            log: Path::new("/some dir/mysqld.log"),
            init_file: Path::new("/some dir/init.sql"),
            user,
            tls,
        })
    }

    #[test]
    fn it_starts_fenced_and_names_what_differs() {
        let text = rendered(None);
        for line in [
            "super_read_only = ON",
            "offline_mode = ON",
            "server_id = 101",
            "bind_address = 127.0.0.1",
            "port = 13306",
            "datadir = \"/some dir/data\"",
            "init_file = \"/some dir/init.sql\"",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("\nuser = "));
        assert!(rendered(Some("root")).contains("\nuser = root\n"));
    }

    #[test]
    fn with_certificates_nobody_speaks_plainly() {
        assert!(!rendered(None).contains("ssl"));
        let text = rendered_with(None, Some(Path::new("/some dir/tls")));
        for line in [
            "require_secure_transport = ON",
            "ssl_ca = \"/some dir/tls/ca.pem\"",
            "ssl_key = \"/some dir/tls/key.pem\"",
            "clone_ssl_ca = \"/some dir/tls/ca.pem\"",
            "clone_ssl_cert = \"/some dir/tls/cert.pem\"",
            "clone_ssl_key = \"/some dir/tls/key.pem\"",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn no_setting_stands_twice() {
        let mut seen = std::collections::HashSet::new();
        let text = rendered_with(Some("root"), Some(Path::new("/tls")));
        // The one option that adds to what it was given before.
        for line in text.lines().filter(|l| !l.starts_with("plugin_load_add")).filter(|l| !l.starts_with('#'))
        {
            if let Some((name, _)) = line.split_once(" = ") {
                assert!(seen.insert(name.to_owned()), "{name}");
            }
        }
        assert!(seen.len() > 30);
    }

    #[test]
    fn paths_that_my_cnf_would_misread_are_told_apart() {
        assert!(can_hold(Path::new("/home/a b/#1/ü")));
        for bad in ["/a\"b", "/a\\b", "/a\nb", "/a'b"] {
            assert!(!can_hold(Path::new(bad)), "{bad}");
        }
    }
}
