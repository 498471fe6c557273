//! `shoal local up`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::local_ephemeral::{self, Lasts, Wanted};
use super::{CliError, DirArgs, say};
use crate::local::programs;
use crate::local::up::{GatePorts, Options, Ready, up};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  shoal local up                         the stored cluster, or at first 2 shards, user app, password app
  shoal local up -f cluster.yaml         the cluster that the file describes; the file is kept
  shoal local up --dir /tmp/try          in a folder of its own, beside other clusters
  shoal local up --mysqld /opt/mysql/bin/mysqld
  shoal local up --ephemeral             a cluster that is gone when this command ends
  shoal local up --ephemeral -f test.yaml -- pytest -q

After `down` and another `up`, data and ports are the same. A changed cluster file may add keyspaces, users,
vindexes, tables and tablets, and change durability and TLS; what would need data to move, or a tablet to be
taken away, is refused.

With --ephemeral everything is in a temporary folder and on free ports, also where the file names one. When the
cluster takes SQL, its address is printed as one line of JSON; it is gone with all its data when the command ends or is
killed, by whatever signal. With a command after `--`, the address is in the environment of that command instead
(DATABASE_URL, SHOAL_HOST, SHOAL_PORT, SHOAL_USER, SHOAL_PASSWORD, SHOAL_DATABASE; SHOAL_DIR for `shoal` itself), and
the exit code is that of the command: 128 and the signal's number if a signal ended it, 127 if there is no such
program. Any number of them can run at a time.")]
pub(super) struct UpArgs {
    /// The cluster file [default: the one of the last `up`, or a small cluster to try]
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The mysqld to run, MySQL 8.4 or newer [default: the one on PATH, or that of `make deps`]
    #[arg(long, value_name = "PATH")]
    mysqld: Option<PathBuf>,
    /// In a temporary folder, which is removed with all data when this command ends, however it ends
    #[arg(long)]
    ephemeral: bool,
    /// End the ephemeral cluster also when standard input ends, as it does when the program at its other end is gone
    #[arg(long, requires = "ephemeral", conflicts_with = "command")]
    while_stdin: bool,
    /// Run this beside the ephemeral cluster and end with it
    #[arg(last = true, requires = "ephemeral", value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(super) async fn run(dir: &DirArgs, args: UpArgs) -> Result<ExitCode, CliError> {
    if args.ephemeral {
        if dir.dir.is_some() {
            return Err(CliError::NoCluster(
                "an ephemeral cluster has a temporary folder; leave out --dir, or leave out --ephemeral"
                    .into(),
            ));
        }
        let lasts = if args.while_stdin { Lasts::WhileStdin } else { Lasts::UntilTold };
        return local_ephemeral::run(Wanted {
            file: args.file,
            mysqld: args.mysqld,
            lasts,
            command: args.command,
        })
        .await;
    }
    let layout = dir.layout()?;
    let options = Options { layout, file: args.file, mysqld: args.mysqld, gate_ports: GatePorts::Named };
    let ready = up(&options, &mut say).await?;
    print!("{}", how_to_connect(&ready));
    Ok(ExitCode::SUCCESS)
}

fn how_to_connect(ready: &Ready) -> String {
    let spec = &ready.cluster.spec;
    let mut text = format!(
        "cluster {} takes SQL after {:.1} s\n",
        ready.cluster.metadata.name,
        ready.took.as_secs_f64()
    );
    let program = match programs::on_path("mysql") {
        Some(_) => "mysql".to_owned(),
        None => {
            programs::find("mysql", "").map_or_else(|_| "mysql".into(), |path| path.display().to_string())
        }
    };
    if let (Some(user), Some(keyspace), Some(port)) =
        (spec.usual_user(), spec.keyspaces.first(), ready.ports.gates.values().next())
    {
        text += &format!(
            "\n    {program} --host=127.0.0.1 --port={port} --user={} --password={} {}\n\n",
            user.name,
            quoted(&user.password),
            keyspace.name
        );
    }
    text +=
        "`shoal sql` does the same; `shoal local status` shows its processes, `shoal local down` stops it\n";
    text
}

/// The word as a shell reads it.
fn quoted(word: &str) -> String {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=@:".contains(c));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_quoted_for_the_shell() {
        assert_eq!(quoted("app-1"), "app-1");
        assert_eq!(quoted("a b$"), "'a b$'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
