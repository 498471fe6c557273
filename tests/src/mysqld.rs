//! One plain MySQL server: the judge that clusters are compared with.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use tablet::mysqld::installation::cache_dir;
use tablet::mysqld::template;

use crate::differential::session::Address;
use crate::folder::Folder;
use crate::ports::free_port;
use crate::process::Running;
use crate::programs;

/// The settings of a tablet's mysqld that a statement can notice; the judge has the same ones.
const SETTINGS: &[&str] = &[
    "--sql-require-primary-key=ON",
    "--sql-generate-invisible-primary-key=ON",
    "--show-gipk-in-create-table-and-information-schema=OFF",
    "--gtid-mode=ON",
    "--enforce-gtid-consistency=ON",
    "--log-bin-trust-function-creators=ON",
    "--loose-innodb-native-foreign-keys=ON",
    "--local-infile=OFF",
    "--secure-file-priv=NULL",
    "--skip-name-resolve",
];

/// Settings that make a server small and quick to start, and change no answer.
const FRUGAL: &[&str] = &[
    "--mysqlx=OFF",
    "--innodb-buffer-pool-size=32M",
    "--innodb-redo-log-capacity=8M",
    "--innodb-flush-log-at-trx-commit=0",
    "--sync-binlog=0",
    "--innodb-flush-method=nosync",
];

/// The account root, as clients over TCP are matched.
const ACCOUNT: &str = "\
CREATE USER IF NOT EXISTS root@'127.0.0.1';
GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;
";

/// A running mysqld whose account root has no password; ends when dropped.
#[derive(Debug)]
pub struct PlainMysqld {
    // Before the folder: the process ends first.
    running: Running,
    port: u16,
    folder: Folder,
}

impl PlainMysqld {
    /// Starts one on a copy of the tablets' template and waits until it takes connections.
    pub fn start() -> Result<Self> {
        let mysqld = programs::mysqld()?;
        let folder = Folder::new()?;
        template::provide(&mysqld, &cache_dir(), &folder.path().join("data"))?;
        fs::write(folder.path().join("init.sql"), ACCOUNT)?;
        let port = free_port()?;
        let mut command = server(&mysqld.program, &folder.path().join("data"));
        command.args(SETTINGS).args(["--bind-address=127.0.0.1", &format!("--port={port}")]);
        command.arg(format!("--init-file={}", folder.path().join("init.sql").display()));
        command.arg(format!("--socket={}", folder.path().join("mysqld.sock").display()));
        let mut running = Running::start("mysqld", &mut command, &folder.path().join("mysqld.log"))?;
        running.wait_until(|| TcpStream::connect(("127.0.0.1", port)).is_ok())?;
        Ok(Self { running, port, folder })
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its account root, in a database or, if that is empty, in none.
    pub fn root(&self, database: &str) -> Address {
        Address {
            port: self.port,
            user: "root".to_owned(),
            database: database.to_owned(),
            ..Address::default()
        }
    }

    /// Its unix socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("mysqld.sock")
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.running.pid()
    }
}

fn server(mysqld: &Path, data: &Path) -> Command {
    let mut command = Command::new(mysqld);
    command.arg("--no-defaults").args(FRUGAL).arg(format!("--datadir={}", data.display()));
    if rustix::process::geteuid().is_root() {
        command.arg("--user=root");
    }
    command
}
