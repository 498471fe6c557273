//! The servers that drivers are run against: a plain MySQL, and a gate with an unsharded and a sharded keyspace.

use std::fmt;
use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use tests::cluster::Cluster;
use tests::differential::session::Session;
use tests::folder::Folder;
use tests::mysqld::PlainMysqld;
use tests::ports::free_port;
use tests::process::Running;
use tests::programs;

const FILE: &str = r#"
apiVersion: shoal.dev/v1alpha1
kind: ShoalCluster
metadata: {name: drivers}
spec:
  gates: {port: {gate_port}}
  users:
    - {name: app, password: app, role: admin}
  keyspaces:
    - name: shop
      shards: ["-80", "80-"]
    - name: main
"#;

/// What the checks run against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// One MySQL.
    Plain,
    /// A keyspace of one shard.
    Unsharded,
    /// A keyspace of two shards.
    Sharded,
}

impl Target {
    pub(crate) const ALL: [Self; 3] = [Self::Plain, Self::Unsharded, Self::Sharded];

    fn database(self) -> &'static str {
        match self {
            Self::Plain | Self::Sharded => "shop",
            Self::Unsharded => "main",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Unsharded => "unsharded",
            Self::Sharded => "sharded",
        })
    }
}

/// Where a driver connects, and as whom.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) port: u16,
    pub(crate) database: &'static str,
    /// The authority of the server's certificate, which is for 127.0.0.1.
    pub(crate) ca: PathBuf,
    /// The server's unix socket, if it has one.
    pub(crate) socket: PathBuf,
}

/// Running servers. All of them show the same certificate, whose authority drivers are told.
pub(crate) struct Bed {
    gate: Running,
    gate_port: u16,
    plain: PlainMysqld,
    cluster: Cluster,
    /// Where drivers' programs put what they make.
    pub(crate) folder: Folder,
}

impl Bed {
    pub(crate) fn start() -> Result<Self> {
        let (cluster, plain, folder) = (Cluster::start(FILE)?, PlainMysqld::start()?, Folder::new()?);
        let gate_port = free_port()?;
        let gate = gate(&cluster, gate_port, &folder)?;
        let bed = Self { gate, gate_port, plain, cluster, folder };
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(bed.furnish())?;
        Ok(bed)
    }

    /// Gives the plain server the user and the databases of the cluster, and the certificate of its gate.
    async fn furnish(&self) -> Result<()> {
        let mut root = Session::connect(&self.plain.root("")).await?;
        let file = |name: &str| self.secret(name).display().to_string();
        root.run_all(&[
            "create user app@'%' identified by 'app'",
            "grant all on *.* to app@'%'",
            "create database shop",
            "set global local_infile = on",
            "install component 'file://component_query_attributes'",
            &format!("set global ssl_ca = '{}'", file("ca.pem")),
            &format!("set global ssl_cert = '{}'", file("cert.pem")),
            &format!("set global ssl_key = '{}'", file("key.pem")),
            "alter instance reload tls",
        ])
        .await
    }

    pub(crate) fn place(&self, target: Target) -> Place {
        let (port, socket) = match target {
            Target::Plain => (self.plain.port(), self.plain.socket()),
            Target::Unsharded | Target::Sharded => (self.gate_port, self.folder.path().join("gate.sock")),
        };
        Place { port, database: target.database(), ca: self.secret("ca.pem"), socket }
    }

    /// Whether the gate still runs, which it does whatever a client sends.
    pub(crate) fn gate_lives(&mut self) -> Result<()> {
        self.gate.wait_until(|| TcpStream::connect(("127.0.0.1", self.gate_port)).is_ok())
    }

    fn secret(&self, name: &str) -> PathBuf {
        self.cluster.dir().join("secrets/tls/gate").join(name)
    }
}

/// A gate that shows clients a certificate they can verify; the one of the cluster file makes its own.
fn gate(cluster: &Cluster, port: u16, folder: &Folder) -> Result<Running> {
    let ports: serde_json::Value = serde_json::from_slice(&fs::read(cluster.dir().join("ports.json"))?)?;
    let etcd = ports["etcd_client"].as_u64().context("no port of etcd")?;
    let secrets = cluster.dir().join("secrets");
    let mut command = Command::new(programs::own("shoal-gate")?);
    command.args(["--cluster", "drivers", "--etcd", &format!("https://127.0.0.1:{etcd}")]);
    command.arg("--listen").arg(format!("127.0.0.1:{port}"));
    command.arg("--secrets").arg(secrets.join("gate")).arg("--tls").arg(secrets.join("tls/gate"));
    command.arg("--tls-cert").arg(secrets.join("tls/gate/cert.pem"));
    command.arg("--tls-key").arg(secrets.join("tls/gate/key.pem"));
    let mut running = Running::start("shoal-gate", &mut command, &folder.path().join("gate.log"))?;
    running.wait_until(|| TcpStream::connect(("127.0.0.1", port)).is_ok())?;
    Ok(running)
}
