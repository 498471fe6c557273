//! An etcd for one test.

use std::net::TcpStream;
use std::process::Command;

use anyhow::Result;

use crate::folder::Folder;
use crate::ports::free_port;
use crate::process::Running;
use crate::programs;

/// A running etcd of one member; ends when dropped.
#[derive(Debug)]
pub struct Etcd {
    // Before the folder: the process ends first.
    running: Running,
    client_port: u16,
    _folder: Folder,
}

impl Etcd {
    /// Starts it and waits until it takes connections.
    pub fn start() -> Result<Self> {
        let folder = Folder::new()?;
        let (client_port, peer_port) = (free_port()?, free_port()?);
        let client = format!("http://127.0.0.1:{client_port}");
        let peer = format!("http://127.0.0.1:{peer_port}");
        let mut command = Command::new(programs::foreign("etcd")?);
        command.arg("--data-dir").arg(folder.path().join("etcd")).args([
            "--name",
            "test",
            "--log-level",
            "warn",
        ]);
        command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        command.args(["--initial-cluster", &format!("test={peer}"), "--unsafe-no-fsync"]);
        let mut running = Running::start("etcd", &mut command, &folder.path().join("etcd.log"))?;
        running.wait_until(|| TcpStream::connect(("127.0.0.1", client_port)).is_ok())?;
        Ok(Self { running, client_port, _folder: folder })
    }

    /// Where clients find it.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.client_port)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.running.pid()
    }
}
