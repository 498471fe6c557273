//! Programs between the load and the rows: other people's proxies, and copies of any of them to be looked at closely.
//!
//! HAProxy shows what it costs to pass statements on without looking at them, MySQL Router what MySQL's own proxy costs.
//! Each is the stock program on PATH, with a configuration that says as little as it takes.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::limits::{MAX_CONNECTIONS, POLL_INTERVAL, PROGRAM_TIMEOUT};

/// A program that can be started between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// HAProxy in TCP mode, before the server at that address.
    Haproxy(String),
    /// MySQL Router, which reads the protocol, without TLS.
    Router(String),
    /// A gate like one that runs, by the command line of that one.
    Gate(Vec<String>),
}

impl Program {
    /// The command line of a running gate.
    pub fn gate(pid: u32) -> Result<Self> {
        let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).context("the gate has ended")?;
        Ok(Self::Gate(line.split_terminator('\0').map(str::to_owned).collect()))
    }

    fn name(&self) -> &str {
        match self {
            Self::Haproxy(_) => "haproxy",
            Self::Router(_) => "mysqlrouter",
            Self::Gate(_) => "shoal-gate",
        }
    }

    /// The command line that makes it listen on that port.
    fn command_line(&self, port: u16, folder: &TempDir) -> Result<Vec<String>> {
        let path = folder.path().to_str().context("the temporary folder's name is not UTF-8")?;
        let file = format!("{path}/proxy.conf");
        let with = |text: String, options: &[&str]| {
            std::fs::write(&file, text)?;
            let words = [&[self.name()], options, &[file.as_str()]].concat();
            Ok(words.into_iter().map(str::to_owned).collect())
        };
        match self {
            // In the foreground, as one process.
            Self::Haproxy(to) => with(haproxy(port, to), &["-db", "-f"]),
            Self::Router(to) => with(router(port, to, path), &["-c"]),
            Self::Gate(line) => {
                let mut line = line.clone();
                for (option, listen) in [("--listen", port), ("--http", free_port()?)] {
                    let at = line.iter().position(|word| word == option);
                    let value = at.and_then(|at| line.get_mut(at + 1));
                    *value.with_context(|| format!("the gate runs without {option}"))? =
                        format!("127.0.0.1:{listen}");
                }
                Ok(line)
            }
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn haproxy(port: u16, to: &str) -> String {
    format!(
        "global\n  nbthread {cores}\n  maxconn {connections}\ndefaults\n  mode tcp\n  timeout connect 5s\n  \
         timeout client 1h\n  timeout server 1h\nlisten mysql\n  bind 127.0.0.1:{port}\n  server one {to}\n",
        cores = cores(),
        connections = 2 * MAX_CONNECTIONS,
    )
}

fn router(port: u16, to: &str, folder: &str) -> String {
    format!(
        "[DEFAULT]\nlogging_folder =\nruntime_folder = {folder}\ndata_folder = {folder}\n\
         max_total_connections = {connections}\n[io]\nthreads = {cores}\n[logger]\nlevel = error\n\
         [routing:bench]\nbind_address = 127.0.0.1\nbind_port = {port}\ndestinations = {to}\n\
         protocol = classic\nrouting_strategy = first-available\nclient_ssl_mode = DISABLED\n\
         server_ssl_mode = DISABLED\n",
        cores = cores(),
        connections = 2 * MAX_CONNECTIONS,
    )
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A running program between; it ends when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    name: String,
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Proxy {
    /// Starts it, and waits until it takes connections.
    pub async fn start(program: &Program) -> Result<Self> {
        Self::start_under(program, &[], PROGRAM_TIMEOUT).await
    }

    /// The same, as the arguments of another command.
    pub async fn start_under(program: &Program, command: &[String], within: Duration) -> Result<Self> {
        let folder = TempDir::new()?;
        let port = free_port()?;
        let line = [command, &program.command_line(port, &folder)?].concat();
        let (first, arguments) = line.split_first().context("a command of no words")?;
        let mut command = Command::new(first);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        let name = program.name().to_owned();
        let child = command.spawn().with_context(|| {
            format!("{first} does not run; `make bench` puts {name} on PATH, or leave it out of --through")
        })?;
        let mut proxy = Self { name, child, port, _folder: folder };
        let ready = timeout(within, proxy.listens()).await;
        ready.with_context(|| format!("{} does not become ready", proxy.name))??;
        Ok(proxy)
    }

    async fn listens(&mut self) -> Result<()> {
        while TcpStream::connect(self.address()).await.is_err() {
            let ended = self.child.try_wait()?;
            ensure!(ended.is_none(), "{} ended at once: it said why above", self.name);
            sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its process id.
    pub fn pid(&self) -> Result<u32> {
        self.child.id().with_context(|| format!("{} has ended", self.name))
    }

    /// Tells it to end, and waits until it has.
    pub async fn end(mut self, within: Duration) -> Result<()> {
        let pid = Pid::from_raw(self.pid()?.cast_signed()).context("process 0 listens")?;
        kill_process(pid, Signal::TERM)?;
        timeout(within, self.child.wait()).await.with_context(|| format!("{} does not end", self.name))??;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_a_gate_listens_elsewhere() {
        let line = |listen: &str, http: &str| {
            ["shoal-gate", "--cluster", "a", "--listen", listen, "--http", http].map(str::to_owned).to_vec()
        };
        let folder = TempDir::new().unwrap();
        let copied = Program::Gate(line("127.0.0.1:1", "127.0.0.1:2")).command_line(77, &folder).unwrap();
        assert_eq!(copied, line("127.0.0.1:77", &copied[6]));
        assert_ne!(copied[6], "127.0.0.1:2");
        let error = Program::Gate(vec!["shoal-gate".into()]).command_line(77, &folder).unwrap_err();
        assert!(error.to_string().contains("without --listen"), "{error}");
    }
}
