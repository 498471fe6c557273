//! `shoal sql`: MySQL's own client, told where the cluster is and who asks.
//!
//! What it is told stands in an option file that exists in memory only and that the client inherits: a password is
//! neither on a command line nor in a file on disk nor in an environment, where others could read it.

use std::ffi::OsString;
use std::io::{self, Seek as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::Args;
use rustix::fs::{MemfdFlags, Mode, fchmod, memfd_create};

use super::{CliError, DirArgs};
use crate::local::layout::Layout;
use crate::local::programs::{self, Missing};
use crate::local::reach;
use crate::spec::ShoalCluster;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  shoal sql                              the mysql client, in the first keyspace of the local cluster
  shoal sql main                         in another keyspace
  shoal sql shop -e 'SELECT * FROM customers WHERE id = 7'
  shoal sql shop < schema.sql            what a file says
  shoal sql shop --user eve              as another user of the cluster file, or of CREATE USER (asks for the password)
  shoal sql -e 'SHOW DATABASES' -- --batch --skip-column-names
  shoal sql shop --gate 10.0.0.7:15306 --user app

What stands after `--` goes to the mysql client. Of passwords, those of the cluster file are known; others are asked
for, or taken from MYSQL_PWD. None ever stands on a command line. Option files of MySQL (~/.my.cnf) are not read.
Exit code: that of the mysql client.")]
pub(super) struct SqlArgs {
    #[command(flatten)]
    dir: DirArgs,
    /// Default database [default: the cluster file's first keyspace]
    keyspace: Option<String>,
    /// Execute this and end
    #[arg(short, long, value_name = "SQL")]
    execute: Option<String>,
    /// Who asks [default: the cluster file's first admin]
    #[arg(short, long, value_name = "NAME")]
    user: Option<String>,
    /// Address of a gate, instead of that of the local cluster
    #[arg(long, value_name = "HOST:PORT", requires = "user", conflicts_with = "dir")]
    gate: Option<String>,
    /// More words for the mysql client
    #[arg(last = true, value_name = "WORDS")]
    words: Vec<OsString>,
}

/// Why no client was started.
#[derive(Debug, thiserror::Error)]
pub(super) enum SqlError {
    #[error(transparent)]
    Missing(#[from] Missing),
    #[error("--gate {0:?} is no address; write HOST:PORT, such as 127.0.0.1:15306")]
    BadAddress(String),
    #[error("cannot start {0}: {1}")]
    NotStarted(PathBuf, io::Error),
}

/// Where the client is to connect, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    host: String,
    port: u16,
    user: String,
    password: Password,
    keyspace: Option<String>,
}

/// Where the password comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Password {
    /// The cluster file.
    Known(String),
    /// The client's environment.
    InEnvironment,
    /// The user, whom the client asks.
    AskedFor,
}

impl Password {
    fn unknown() -> Self {
        if std::env::var_os("MYSQL_PWD").is_some() { Self::InEnvironment } else { Self::AskedFor }
    }
}

pub(super) async fn run(args: &SqlArgs) -> Result<ExitCode, CliError> {
    let target = match &args.gate {
        Some(address) => named(args, address)?,
        None => local(args, &args.dir.layout()?).await?,
    };
    let program =
        programs::find("mysql", "run `make deps`, or install MySQL's client").map_err(SqlError::from)?;
    let options = memory_file(&option_file(&target))?;
    let mut client = Command::new(&program);
    // The client opens the descriptor that it inherits anew, so that it may read the file more than once.
    client.arg(format!("--defaults-file=/proc/self/fd/{}", options.as_raw_fd())).arg("--no-login-paths");
    if let Some(sql) = &args.execute {
        client.arg(format!("--execute={sql}"));
    }
    client.args(&args.words);
    if let Some(keyspace) = &target.keyspace {
        client.arg(format!("--database={keyspace}"));
    }
    // This process becomes the client: a terminal, signals and the exit code are its own.
    let error = client.exec();
    Err(SqlError::NotStarted(program, error).into())
}

fn named(args: &SqlArgs, address: &str) -> Result<Target, SqlError> {
    let bad = || SqlError::BadAddress(address.to_owned());
    let (host, port) = address.rsplit_once(':').ok_or_else(bad)?;
    let port = port.parse().map_err(|_| bad())?;
    let user = args.user.clone().ok_or_else(bad)?;
    Ok(Target {
        host: host.to_owned(),
        port,
        user,
        password: Password::unknown(),
        keyspace: args.keyspace.clone(),
    })
}

async fn local(args: &SqlArgs, layout: &Layout) -> Result<Target, CliError> {
    let (cluster, ports) = reach::stored(layout)?;
    let port = reach::gate(layout, &ports).await?;
    Ok(target(args, &cluster, port))
}

fn target(args: &SqlArgs, cluster: &ShoalCluster, port: u16) -> Target {
    let spec = &cluster.spec;
    let known = match &args.user {
        Some(name) => spec.users.iter().find(|user| user.name.to_string() == *name),
        None => spec.usual_user(),
    };
    let first = || spec.keyspaces.first().map(|keyspace| keyspace.name.to_string());
    Target {
        host: "127.0.0.1".into(),
        port,
        user: args.user.clone().or_else(|| known.map(|user| user.name.to_string())).unwrap_or_default(),
        password: known.map_or_else(Password::unknown, |user| Password::Known(user.password.clone())),
        keyspace: args.keyspace.clone().or_else(first),
    }
}

/// An option file of MySQL's.
fn option_file(target: &Target) -> String {
    let Target { host, port, user, password, .. } = target;
    let mut text =
        format!("[client]\nprotocol=TCP\nhost={}\nport={port}\nuser={}\n", quoted(host), quoted(user));
    match password {
        Password::Known(password) => text += &format!("password={}\n", quoted(password)),
        Password::InEnvironment => {}
        // Without a value the client asks.
        Password::AskedFor => text += "password\n",
    }
    text + "[mysql]\nprompt=\"\\\\d> \"\n"
}

/// A value as it stands in an option file (MySQL's reference manual, "Using Option Files").
fn quoted(value: &str) -> String {
    let mut text = String::from("\"");
    for c in value.chars() {
        match c {
            '\n' => text += "\\n",
            '\r' => text += "\\r",
            '\t' => text += "\\t",
            '"' | '\\' => text.extend(['\\', c]),
            _ => text.push(c),
        }
    }
    text + "\""
}

/// A file without a name, which a program that this process becomes inherits.
fn memory_file(content: &str) -> Result<std::fs::File, CliError> {
    let file = memfd_create("shoal-sql", MemfdFlags::empty()).map_err(io::Error::from)?;
    // The client reads no option file that others may write to.
    fchmod(&file, Mode::RUSR | Mode::WUSR).map_err(io::Error::from)?;
    let mut file = std::fs::File::from(file);
    file.write_all(content.as_bytes())?;
    file.rewind()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(password: Password) -> Target {
        Target { host: "127.0.0.1".into(), port: 15306, user: "app".into(), password, keyspace: None }
    }

    #[test]
    fn the_option_file_quotes_what_it_must() {
        let expected = "[client]\nprotocol=TCP\nhost=\"127.0.0.1\"\nport=15306\nuser=\"app\"\n\
                        password=\"a\\\"b\\\\c#d e\"\n[mysql]\nprompt=\"\\\\d> \"\n";
        assert_eq!(option_file(&target(Password::Known("a\"b\\c#d e".into()))), expected);
    }

    #[test]
    fn an_unknown_password_is_asked_for_unless_the_environment_has_it() {
        assert!(option_file(&target(Password::AskedFor)).contains("\npassword\n"));
        assert!(!option_file(&target(Password::InEnvironment)).contains("password"));
    }
}
