//! A folder for a local cluster, and the command line on it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tests::cluster::table;
use tests::folder::Folder;
use tests::process::{pids_naming, wait_for};
use tests::programs;

/// How long anything may take that ought to take a second or two.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The folder of a cluster; whatever runs in it is ended with the test.
pub(crate) struct Bed {
    folder: Folder,
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Bed {
    /// An empty place.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { folder: Folder::new()? })
    }

    /// A cluster that serves, of a file or of the default.
    pub(crate) fn up(file: Option<&str>) -> Result<Self> {
        let bed = Self::new()?;
        match file {
            Some(text) => bed.done(&["local", "up", "-f", &bed.file("cluster.yaml", text)?])?,
            None => bed.done(&["local", "up"])?,
        };
        Ok(bed)
    }

    /// The cluster's folder.
    pub(crate) fn dir(&self) -> PathBuf {
        self.folder.path().join("c")
    }

    /// A file beside the cluster's folder.
    pub(crate) fn file(&self, name: &str, text: &str) -> Result<String> {
        let path = self.folder.path().join(name);
        fs::write(&path, text)?;
        Ok(path.display().to_string())
    }

    /// Runs `shoal` on the folder.
    pub(crate) fn shoal(&self, arguments: &[&str]) -> Result<Said> {
        Ok(Said::of(&self.command(arguments)?.output()?))
    }

    /// `shoal` on the folder, to be run.
    pub(crate) fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(programs::own("shoal")?);
        command.args(arguments).arg("--dir").arg(self.dir()).stdin(Stdio::null());
        Ok(command)
    }

    /// Runs `shoal` where that has to work.
    pub(crate) fn done(&self, arguments: &[&str]) -> Result<Said> {
        let said = self.shoal(arguments)?;
        ensure!(said.code == 0, "shoal {}: {said:?}", arguments.join(" "));
        Ok(said)
    }

    /// Runs SQL through the first gate with the mysql client, as `app`, in keyspace `shop`.
    pub(crate) fn sql(&self, sql: &str) -> Result<Said> {
        let port = self.json("ports.json")?["gates"]["1"].to_string();
        let mut command = Command::new(programs::foreign("mysql")?);
        command.env("MYSQL_PWD", "app").args([
            "--host=127.0.0.1",
            "--user=app",
            "--skip-column-names",
            "--batch",
        ]);
        command
            .arg(format!("--port={port}"))
            .args(["--connect-timeout=5", "-e", sql, "shop"])
            .stdin(Stdio::null());
        Ok(Said::of(&command.output()?))
    }

    /// The answer to SQL that has to work.
    pub(crate) fn query(&self, sql: &str) -> Result<String> {
        let said = self.sql(sql)?;
        ensure!(said.code == 0, "{sql}: {said:?}");
        Ok(said.out)
    }

    /// A JSON file of the cluster's folder.
    pub(crate) fn json(&self, name: &str) -> Result<serde_json::Value> {
        let path = self.dir().join(name);
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    /// The process that plays a part, such as `etcd`.
    pub(crate) fn pid(&self, part: &str) -> Result<u32> {
        pid_in(&self.json(&format!("run/{part}.json"))?)
    }

    /// The mysqld of a tablet.
    pub(crate) fn mysqld(&self, alias: &str) -> Result<u32> {
        pid_in(&self.json(&format!("tablets/{alias}/mysqld.json"))?)
    }

    /// Whether `status` finds everything running and control finds every shard serving.
    pub(crate) fn is_whole(&self) -> bool {
        let whole = || -> Result<bool> {
            let status = self.shoal(&["local", "status"])?;
            let shards = self.done(&["get", "shards"])?.out;
            let serving = |shard: &BTreeMap<&str, &str>| shard.get("SERVING") == Some(&"yes");
            Ok(status.code == 0 && table(&shards).iter().all(serving))
        };
        whole().unwrap_or(false)
    }

    /// Waits until nothing runs that names the folder.
    pub(crate) fn wait_until_empty(&self) -> Result<()> {
        let empty = || pids_naming(self.folder.path()).is_empty();
        wait_for("nothing is left", Duration::from_secs(5), empty)
            .with_context(|| format!("{:?}", pids_naming(self.folder.path())))
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        if self.dir().exists() {
            // The folder judges what is left.
            let _ = self.shoal(&["local", "down"]);
        }
        let _ = self.wait_until_empty();
    }
}

impl Said {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

fn pid_in(json: &serde_json::Value) -> Result<u32> {
    let pid = json["pid"].as_u64().with_context(|| format!("no pid in {json}"))?;
    Ok(u32::try_from(pid)?)
}
