//! One plain MySQL server: the judge that clusters are compared with.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use rustix::fs::FlockOperation;

use crate::differential::session::Address;
use crate::folder::Folder;
use crate::ports::free_port;
use crate::process::{Running, last_lines};
use crate::programs;

/// The settings of a tablet's mysqld that a statement can notice; the judge has the same ones.
const SETTINGS: &[&str] = &[
    "--sql-require-primary-key=ON",
    "--sql-generate-invisible-primary-key=ON",
    "--show-gipk-in-create-table-and-information-schema=OFF",
    "--gtid-mode=ON",
    "--enforce-gtid-consistency=ON",
    "--log-bin-trust-function-creators=ON",
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
    /// Starts one on a copy of the template and waits until it takes connections.
    pub fn start() -> Result<Self> {
        let mysqld = programs::mysqld()?;
        let folder = Folder::new()?;
        copy_folder(&template(&mysqld)?, &folder.path().join("data"))?;
        fs::write(folder.path().join("init.sql"), ACCOUNT)?;
        let port = free_port()?;
        let mut command = server(&mysqld, &folder.path().join("data"));
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
            password: String::new(),
            database: database.to_owned(),
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

/// The data folder of a fresh server of this version, made once and kept in the cache.
fn template(mysqld: &Path) -> Result<PathBuf> {
    let said = programs::said_version(mysqld);
    let version = programs::version_number(&said).with_context(|| format!("no version in {said:?}"))?;
    let templates = programs::cache()?.join("templates");
    let made = templates.join(format!("judge-{version}"));
    fs::create_dir_all(&templates)?;
    let lock = File::create(templates.join("judge.lock"))?;
    rustix::fs::flock(&lock, FlockOperation::LockExclusive)?;
    if made.is_dir() {
        return Ok(made);
    }
    let fresh = tempfile::Builder::new().prefix("judge-unfinished-").tempdir_in(&templates)?;
    let log = fresh.path().join("initialize.log");
    let mut command = server(mysqld, &fresh.path().join("data"));
    let output = File::create(&log)?;
    command.arg("--initialize-insecure").stdout(output.try_clone()?).stderr(output);
    if !command.status()?.success() {
        bail!("mysqld --initialize failed:\n{}", last_lines(&log));
    }
    // Each copy gives itself a server uuid of its own.
    fs::remove_file(fresh.path().join("data/auto.cnf")).or_else(absent_is_fine)?;
    fs::rename(fresh.path().join("data"), &made)?;
    Ok(made)
}

fn absent_is_fine(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    // cp shares the blocks where the file system can, and keeps holes.
    let status =
        Command::new("cp").args(["-r", "--reflink=auto", "--sparse=auto"]).arg(from).arg(to).status()?;
    ensure!(status.success(), "cannot copy {} to {}", from.display(), to.display());
    Ok(())
}
