//! `shoal local up --ephemeral`: a throw-away cluster, such as for the tests of an application.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitCode, ExitStatus};

use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};
use tokio::sync::oneshot;

use super::{CliError, say};
use crate::local::ephemeral::{Ephemeral, EphemeralError, command_program};
use crate::local::layout::Layout;
use crate::local::up::{GatePorts, Options, Ready, up};

/// Exit code where the command is no program, as of a shell.
const NO_PROGRAM: u8 = 127;
/// Added to the number of the signal that ended a command, as a shell does.
const BY_SIGNAL: i32 = 128;

/// An ephemeral cluster, as it is wanted.
pub(super) struct Wanted {
    pub(super) file: Option<PathBuf>,
    pub(super) mysqld: Option<PathBuf>,
    pub(super) lasts: Lasts,
    /// What is to run beside it; nothing, if it is empty.
    pub(super) command: Vec<OsString>,
}

/// For how long a cluster without a command stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lasts {
    /// Until a signal.
    UntilTold,
    /// Until a signal, or the end of standard input.
    WhileStdin,
}

/// Where the cluster is, for programs.
#[derive(Debug, Serialize)]
struct Address {
    url: String,
    host: &'static str,
    port: u16,
    user: String,
    password: String,
    database: String,
    dir: String,
}

pub(super) async fn run(wanted: Wanted) -> Result<ExitCode, CliError> {
    if let Some(program) = wanted.command.first()
        && command_program(program).is_none()
    {
        say(&format!("error: there is no program {}; nothing was started", program.to_string_lossy()));
        return Ok(ExitCode::from(NO_PROGRAM));
    }
    let ephemeral = Ephemeral::new()?;
    let done = beside(&wanted, ephemeral.layout()).await;
    let ended = ephemeral.end().await;
    let code = done?;
    ended?;
    Ok(code)
}

/// Everything between the folder's making and its end.
async fn beside(wanted: &Wanted, layout: &Layout) -> Result<ExitCode, CliError> {
    // From here on these signals end the cluster in order; the guard would also do it without that.
    let mut told = Told::new()?;
    let options = Options {
        layout: layout.clone(),
        file: wanted.file.clone(),
        mysqld: wanted.mysqld.clone(),
        gate_ports: GatePorts::Free,
    };
    let mut progress = say;
    let ready = tokio::select! {
        ready = up(&options, &mut progress) => ready?,
        _ = told.terminate() => return Ok(ExitCode::from(143)),
    };
    let address = Address::of(&ready, layout);
    match wanted.command.split_first() {
        None => {
            let line = serde_json::to_string(&address).map_err(io::Error::from)?;
            // A reader may take this line and no more.
            writeln!(io::stdout(), "{line}")?;
            io::stdout().flush()?;
            told.any(wanted.lasts).await;
            Ok(ExitCode::SUCCESS)
        }
        Some((program, arguments)) => {
            let mut command = Command::new(program);
            command.args(arguments).envs(address.environment());
            let name = || program.to_string_lossy().into_owned();
            let child = command.spawn().map_err(|error| EphemeralError::NotStarted(name(), error))?;
            let status = told.pass_on(child).await?;
            Ok(exit_code(status))
        }
    }
}

impl Address {
    fn of(ready: &Ready, layout: &Layout) -> Self {
        let spec = &ready.cluster.spec;
        let (user, password) = spec
            .users
            .first()
            .map_or_else(Default::default, |user| (user.name.to_string(), user.password.clone()));
        let port = ready.ports.gates.values().next().copied().unwrap_or(0);
        let database = spec.keyspaces.first().map(|keyspace| keyspace.name.to_string()).unwrap_or_default();
        let url = format!(
            "mysql://{}:{}@127.0.0.1:{port}/{}",
            escaped(&user),
            escaped(&password),
            escaped(&database)
        );
        let dir = layout.dir().display().to_string();
        Self { url, host: "127.0.0.1", port, user, password, database, dir }
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("DATABASE_URL", self.url.clone()),
            ("SHOAL_HOST", self.host.to_owned()),
            ("SHOAL_PORT", self.port.to_string()),
            ("SHOAL_USER", self.user.clone()),
            ("SHOAL_PASSWORD", self.password.clone()),
            ("SHOAL_DATABASE", self.database.clone()),
            ("SHOAL_DIR", self.dir.clone()),
        ]
    }
}

/// A word as it stands in a URL (RFC 3986, section 2: everything but unreserved characters is escaped).
fn escaped(word: &str) -> String {
    let mut text = String::new();
    for byte in word.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(char::from(byte))
            }
            _ => text += &format!("%{byte:02X}"),
        }
    }
    text
}

/// What tells this command to end.
struct Told {
    interrupt: Signals,
    terminate: Signals,
    hang_up: Signals,
}

impl Told {
    fn new() -> io::Result<Self> {
        let to = |kind| signal(kind);
        Ok(Self {
            interrupt: to(SignalKind::interrupt())?,
            terminate: to(SignalKind::terminate())?,
            hang_up: to(SignalKind::hangup())?,
        })
    }

    /// Until somebody other than a terminal's user wants the end: Ctrl-C is `up`'s own while it works.
    async fn terminate(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }

    async fn any(&mut self, lasts: Lasts) {
        let stdin = async {
            match lasts {
                Lasts::WhileStdin => until_stdin_ends().await,
                Lasts::UntilTold => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
            () = stdin => {}
        }
    }

    /// Waits for the command, and tells it what this process is told. A terminal's Ctrl-C it has got already.
    async fn pass_on(&mut self, mut child: Child) -> io::Result<ExitStatus> {
        let pid = child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        let on_terminal = io::stdin().is_terminal();
        loop {
            let tell = tokio::select! {
                status = child.wait() => return status,
                _ = self.interrupt.recv() => (!on_terminal).then_some(Signal::INT),
                _ = self.terminate.recv() => Some(Signal::TERM),
                _ = self.hang_up.recv() => Some(Signal::HUP),
            };
            if let (Some(pid), Some(tell)) = (pid, tell) {
                // One that has just ended is waited for next.
                let _ = kill_process(pid, tell);
            }
        }
    }
}

/// A thread of its own reads, because nothing else ends a read; it is gone with the process.
async fn until_stdin_ends() {
    let (ended, has_ended) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        drop(ended);
    });
    // An error is what is waited for: the other end is gone.
    let _ = has_ended.await;
}

fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| BY_SIGNAL + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(super::FAILED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_escaped_for_a_url() {
        assert_eq!(escaped("app-1"), "app-1");
        assert_eq!(escaped("p@ss:w/rd é"), "p%40ss%3Aw%2Frd%20%C3%A9");
    }

    #[test]
    fn a_command_that_a_signal_ended_is_told_as_by_a_shell() {
        let code = |raw| exit_code(ExitStatus::from_raw(raw));
        assert_eq!(format!("{:?}", code(7 << 8)), format!("{:?}", ExitCode::from(7)));
        assert_eq!(format!("{:?}", code(9)), format!("{:?}", ExitCode::from(137)));
    }

    #[test]
    fn the_address_is_complete() {
        let address = Address {
            url: "mysql://app:app@127.0.0.1:1/shop".into(),
            host: "127.0.0.1",
            port: 1,
            user: "app".into(),
            password: "app".into(),
            database: "shop".into(),
            dir: "/tmp/x".into(),
        };
        let names: Vec<&str> = address.environment().iter().map(|(name, _)| *name).collect();
        let expected = [
            "DATABASE_URL",
            "SHOAL_HOST",
            "SHOAL_PORT",
            "SHOAL_USER",
            "SHOAL_PASSWORD",
            "SHOAL_DATABASE",
            "SHOAL_DIR",
        ];
        assert_eq!(names, expected);
        let line = serde_json::to_string(&address).unwrap();
        assert!(
            line.starts_with(
                "{\"url\":\"mysql://app:app@127.0.0.1:1/shop\",\"host\":\"127.0.0.1\",\"port\":1,"
            )
        );
    }
}
