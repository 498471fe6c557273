//! One mysqld of a test's own, and the `mysql` client to ask it.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::programs;

const STARTS_WITHIN: Duration = Duration::from_secs(120);

/// A mysqld that listens on a socket in a folder of its own only.
pub(crate) struct Server {
    process: Child,
    folder: TempDir,
    client: PathBuf,
}

/// MySQL 8.4 or newer, and not MariaDB.
fn is_fit(mysqld: &PathBuf) -> bool {
    let Ok(output) = Command::new(mysqld).args(["--no-defaults", "--version"]).output() else { return false };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.split("Ver ").nth(1).and_then(|rest| rest.split([' ', '-']).next()).unwrap_or("");
    let mut numbers = version.split('.').map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    !text.contains("MariaDB") && version >= (8, 4)
}

impl Server {
    pub(crate) fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("shoal-topo-mysql").tempdir().unwrap();
        let mysqld = programs::find("mysqld", is_fit);
        let initialized = command(&mysqld, &folder).arg("--initialize-insecure").status().unwrap();
        let log = || std::fs::read_to_string(folder.path().join("error.log")).unwrap_or_default();
        assert!(initialized.success(), "mysqld --initialize-insecure: {initialized}: {}", log());
        let process = command(&mysqld, &folder).spawn().unwrap();
        let mut server = Self { process, client: programs::find("mysql", |_| true), folder };
        let deadline = Instant::now() + STARTS_WITHIN;
        while server.ask("SELECT 1").is_err() {
            let ended = server.process.try_wait().unwrap();
            let log = std::fs::read_to_string(server.folder.path().join("error.log")).unwrap_or_default();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "mysqld does not answer ({ended:?}): {log}"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        server
    }

    /// The rows of all answers, in order; an error if any statement fails.
    pub(crate) fn ask(&self, script: &str) -> Result<Vec<Vec<String>>, String> {
        let mut client = Command::new(&self.client)
            .args([
                "--no-defaults",
                "--user=root",
                "--batch",
                "--raw",
                "--skip-column-names",
                "--binary-mode",
            ])
            .arg("--default-character-set=utf8mb4")
            .arg(format!("--socket={}", self.folder.path().join("sock").display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| e.to_string())?;
        let mut stdin = client.stdin.take().ok_or("no stdin")?;
        let script = script.to_owned();
        // The client answers while it reads, so both ends must be served.
        let writer = std::thread::spawn(move || stdin.write_all(script.as_bytes()));
        let output = client.wait_with_output().map_err(|e| e.to_string())?;
        let written = writer.join().map_err(|_| "the writer panicked")?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        written.map_err(|e| e.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect())
    }
}

fn command(mysqld: &PathBuf, folder: &TempDir) -> Command {
    let path = |name: &str| folder.path().join(name).display().to_string();
    let mut command = Command::new(mysqld);
    command
        .args(["--no-defaults", "--user=root", "--skip-networking", "--mysqlx=OFF", "--skip-log-bin"])
        .args(["--innodb-redo-log-capacity=8M", "--innodb-flush-log-at-trx-commit=0"])
        .arg(format!("--datadir={}", path("data")))
        .arg(format!("--socket={}", path("sock")))
        .arg(format!("--pid-file={}", path("pid")))
        .arg(format!("--log-error={}", path("error.log")))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its data goes with it, so it need not be asked politely.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
