//! One etcd of a test's own.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use topo::store::{EtcdStore, Store};

use crate::programs;

const STARTS_WITHIN: Duration = Duration::from_secs(30);

/// An etcd on ports from the kernel, with its data in a folder that goes away with it.
pub(crate) struct EtcdServer {
    process: Child,
    folder: TempDir,
    client_port: u16,
    peer_port: u16,
}

impl EtcdServer {
    pub(crate) fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("shoal-topo-etcd").tempdir().unwrap();
        let (client_port, peer_port) = (free_port(), free_port());
        let process = spawn(&folder, client_port, peer_port);
        Self { process, folder, client_port, peer_port }
    }

    pub(crate) fn endpoints(&self) -> Vec<String> {
        vec![format!("http://127.0.0.1:{}", self.client_port)]
    }

    /// A store in it, once it answers.
    pub(crate) async fn store(&mut self) -> EtcdStore {
        let deadline = Instant::now() + STARTS_WITHIN;
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                panic!("etcd ended with {status}: {log}");
            }
            if std::net::TcpStream::connect(("127.0.0.1", self.client_port)).is_ok() {
                let store = EtcdStore::connect(&self.endpoints(), None).await.unwrap();
                if store.list("/").await.is_ok() {
                    return store;
                }
            }
            assert!(Instant::now() < deadline, "etcd does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// After `kill`: the same data on the same ports.
    pub(crate) fn restart(&mut self) {
        self.process = spawn(&self.folder, self.client_port, self.peer_port);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw).unwrap();
        kill_process(pid, signal).unwrap();
    }
}

impl Drop for EtcdServer {
    fn drop(&mut self) {
        // It may have ended already, which is what is wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn spawn(folder: &TempDir, client_port: u16, peer_port: u16) -> Child {
    let client_url = format!("http://127.0.0.1:{client_port}");
    let peer_url = format!("http://127.0.0.1:{peer_port}");
    let log = std::fs::File::options().create(true).append(true).open(folder.path().join("log")).unwrap();
    Command::new(programs::find("etcd", |_| true))
        .args(["--name", "test", "--unsafe-no-fsync", "--log-level", "warn"])
        .arg("--data-dir")
        .arg(folder.path().join("data"))
        .args(["--listen-client-urls", &client_url, "--advertise-client-urls", &client_url])
        .args(["--listen-peer-urls", &peer_url, "--initial-advertise-peer-urls", &peer_url])
        .args(["--initial-cluster", &format!("test={peer_url}")])
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}
