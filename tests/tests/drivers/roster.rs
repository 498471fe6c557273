//! Which drivers are tried, what each needs, and how its program is run.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tablet::mysqld::installation::cache_dir;
use tests::folder::Folder;

use crate::bed::{Bed, Place, Target};
use crate::rust;
use crate::said::Said;
use crate::sqlx;

/// How long one program may take against one server.
const DEADLINE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(20);

/// In what a driver's program is written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Language {
    /// A file in `tests/drivers/python`.
    Python(&'static str),
    Node,
    Go,
    Java,
    /// MySQL's own programs, from a shell.
    Shell,
    /// In this program.
    Rust(fn(&Place) -> Result<Said>),
}

/// A driver.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Driver {
    pub(crate) name: &'static str,
    pub(crate) language: Language,
    /// How many checks there are at least.
    pub(crate) least: usize,
}

/// All of them.
pub(crate) const DRIVERS: &[Driver] = &[
    Driver { name: "pymysql", language: Language::Python("run_pymysql.py"), least: 100 },
    Driver { name: "mysqlclient", language: Language::Python("run_mysqlclient.py"), least: 105 },
    Driver { name: "connector-python", language: Language::Python("run_connector.py"), least: 135 },
    Driver { name: "sqlalchemy", language: Language::Python("run_sqlalchemy.py"), least: 24 },
    Driver { name: "django", language: Language::Python("run_django.py"), least: 22 },
    Driver { name: "go-sql-driver", language: Language::Go, least: 108 },
    Driver { name: "mysql2", language: Language::Node, least: 105 },
    Driver { name: "connector-j", language: Language::Java, least: 120 },
    Driver { name: "mysql_async", language: Language::Rust(rust::said), least: 44 },
    Driver { name: "sqlx", language: Language::Rust(sqlx::said), least: 23 },
    Driver { name: "mysql-client", language: Language::Shell, least: 44 },
];

impl Driver {
    /// One that nothing is known of, for tests.
    #[cfg(test)]
    pub(crate) const NONE: Self = Self { name: "none", language: Language::Rust(rust::said), least: 0 };

    /// What this machine lacks of what the driver needs.
    pub(crate) fn missing(&self) -> Option<String> {
        let (program, made) = match self.language {
            Language::Python(_) => ("python3", Some("python")),
            Language::Node => ("node", Some("node")),
            Language::Go => ("go", Some("go")),
            Language::Java => ("java", Some("java")),
            Language::Shell => ("bash", None),
            Language::Rust(_) => return None,
        };
        let folders = env::var_os("PATH").unwrap_or_default();
        if !env::split_paths(&folders).any(|folder| folder.join(program).is_file()) {
            return Some(format!("no {program} on PATH"));
        }
        let pins = drivers_dir().join(made?).join("PINS");
        (!pins.is_file()).then(|| format!("{} is not there; run `make deps`", pins.display()))
    }

    /// Runs its program against a server.
    pub(crate) fn run(&self, bed: &Bed, target: Target) -> Result<Said> {
        let place = bed.place(target);
        match self.language {
            Language::Rust(said) => said(&place),
            _ => self.said(&place, &bed.folder, target),
        }
    }

    fn said(&self, place: &Place, folder: &Folder, target: Target) -> Result<Said> {
        let out = folder.path().join(format!("{}.{target}", self.name));
        let complaints = out.with_extension(format!("{target}.err"));
        let mut command = self.command();
        tell(&mut command, place);
        command.stdin(Stdio::null());
        command.stdout(std::fs::File::create(&out)?).stderr(std::fs::File::create(&complaints)?);
        let mut child =
            command.spawn().with_context(|| format!("{} does not start: {command:?}", self.name))?;
        let began = Instant::now();
        let end = loop {
            if let Some(status) = child.try_wait()? {
                break (!status.success()).then(|| format!("it ended with {status}"));
            }
            if began.elapsed() > DEADLINE {
                child.kill()?;
                child.wait()?;
                break Some(format!("it had not ended after {DEADLINE:?}"));
            }
            thread::sleep(POLL);
        };
        let complained = tests::process::last_lines(&complaints);
        let end = end.map(|end| format!("{end}; last it complained:\n{complained}"));
        Ok(Said::read(&String::from_utf8_lossy(&std::fs::read(&out)?), end))
    }

    fn command(&self) -> Command {
        let (sources, made) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers"), drivers_dir());
        match self.language {
            Language::Python(file) => {
                let mut command = Command::new(made.join("python/run"));
                // Warnings of deprecated things, and caches beside the sources, are of no use here.
                command.args(["-W", "ignore", "-B"]).arg(sources.join("python").join(file));
                command
            }
            Language::Node => {
                let mut command = Command::new("node");
                command.arg(sources.join("node/main.js"));
                command.env("SHOAL_NODE_MODULES", made.join("node/node_modules"));
                command
            }
            Language::Go => {
                let mut command = Command::new("go");
                command.args(["run", "."]).current_dir(sources.join("go"));
                command.env("GOMODCACHE", made.join("go/mod")).env("GOCACHE", made.join("go/build"));
                command.env("GOPROXY", "off").env("GOFLAGS", "-mod=readonly").env("GOTOOLCHAIN", "local");
                command
            }
            Language::Java => {
                let mut command = Command::new("java");
                // Short-lived: what the second compiler would gain is not earned back.
                command.args(["-XX:TieredStopAtLevel=1", "-Xmx600m", "-cp"]);
                command.arg(made.join("java/driver.jar")).arg(sources.join("java/Main.java"));
                command
            }
            Language::Shell | Language::Rust(_) => Command::new(sources.join("cli/run")),
        }
    }
}

fn drivers_dir() -> PathBuf {
    cache_dir().join("drivers")
}

fn tell(command: &mut Command, place: &Place) {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = [cache_dir().join("bin")].into_iter().chain(env::split_paths(&path));
    command.env("PATH", env::join_paths(folders).unwrap_or(path.clone()));
    command.env("SHOAL_HOST", "127.0.0.1").env("SHOAL_PORT", place.port.to_string());
    command.env("SHOAL_USER", "app").env("SHOAL_PASSWORD", "app").env("SHOAL_DATABASE", place.database);
    command.env("SHOAL_CA", &place.ca).env("SHOAL_SOCKET", &place.socket);
}
