//! A folder for a local cluster, and the command line on it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tests::folder::Folder;
use tests::process::{pids_naming, wait_for};
use tests::programs;

/// How long anything may take that ought to take a second or two.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The folder of a cluster; whatever runs in it is ended with the test.
pub struct Bed {
    folder: Folder,
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Bed {
    /// An empty place.
    pub fn new() -> Self {
        Self { folder: Folder::new().unwrap() }
    }

    /// A cluster that serves, of a file or of the default.
    pub fn up(file: Option<&str>) -> Self {
        let bed = Self::new();
        let said = match file {
            Some(text) => bed.shoal(&["local", "up", "-f", &bed.file("cluster.yaml", text)]),
            None => bed.shoal(&["local", "up"]),
        };
        assert_eq!(said.code, 0, "{said:?}");
        bed
    }

    /// The cluster's folder.
    pub fn dir(&self) -> PathBuf {
        self.folder.path().join("c")
    }

    /// A file beside the cluster's folder.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// Runs `shoal` on the folder.
    pub fn shoal(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(programs::own("shoal").unwrap());
        command.args(arguments).arg("--dir").arg(self.dir()).stdin(Stdio::null());
        Said::of(&command.output().unwrap())
    }

    /// Runs SQL through the first gate with the mysql client, as `app`, in keyspace `shop`.
    pub fn sql(&self, sql: &str) -> Said {
        let port = self.json("ports.json")["gates"]["1"].to_string();
        let mut command = Command::new(programs::foreign("mysql").unwrap());
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
        Said::of(&command.output().unwrap())
    }

    /// The answer to SQL that has to work.
    pub fn query(&self, sql: &str) -> String {
        let said = self.sql(sql);
        assert_eq!(said.code, 0, "{sql}: {said:?}");
        said.out
    }

    /// A JSON file of the cluster's folder.
    pub fn json(&self, name: &str) -> serde_json::Value {
        serde_json::from_slice(&fs::read(self.dir().join(name)).unwrap()).unwrap()
    }

    /// The process that plays a part, such as `etcd`.
    pub fn pid(&self, part: &str) -> i32 {
        pid_in(&self.json(&format!("run/{part}.json")))
    }

    /// The mysqld of a tablet.
    pub fn mysqld(&self, alias: &str) -> i32 {
        pid_in(&self.json(&format!("tablets/{alias}/mysqld.json")))
    }

    /// Whether `status` finds everything running and control finds every shard serving.
    pub fn is_whole(&self) -> bool {
        let shards = self.shoal(&["get", "shards"]);
        let serving = |line: &str| line.split_whitespace().last() == Some("yes");
        self.shoal(&["local", "status"]).code == 0
            && shards.code == 0
            && shards.out.lines().skip(1).all(serving)
    }

    /// Waits until nothing runs that names the folder.
    pub fn wait_until_empty(&self) {
        let empty = || pids_naming(self.folder.path()).is_empty();
        if let Err(error) = wait_for("nothing is left", Duration::from_secs(5), empty) {
            panic!("{error}: {:?}", pids_naming(self.folder.path()));
        }
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        if self.dir().exists() {
            self.shoal(&["local", "down"]);
        }
        let gone = || pids_naming(self.folder.path()).is_empty();
        let _ = wait_for("nothing is left", Duration::from_secs(5), gone);
    }
}

impl Said {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// kill -9.
pub fn kill(pid: i32) {
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}

fn pid_in(json: &serde_json::Value) -> i32 {
    i32::try_from(json["pid"].as_i64().unwrap()).unwrap()
}
