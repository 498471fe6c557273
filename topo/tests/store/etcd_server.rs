//! One etcd of a test's own.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use proto::tls::{CA_FILE, CERTIFICATE_FILE, Identity, KEY_FILE};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use topo::store::{EtcdStore, Store};

use crate::programs;

const STARTS_WITHIN: Duration = Duration::from_secs(30);
const STANDS_STILL_WITHIN: Duration = Duration::from_secs(10);

/// An etcd on ports from the kernel, with its data in a folder that goes away with it.
pub(crate) struct EtcdServer {
    process: Child,
    folder: TempDir,
    client_port: u16,
    peer_port: u16,
    /// Where its certificate is, if it talks TLS only.
    tls: Option<PathBuf>,
}

impl EtcdServer {
    pub(crate) fn start() -> Self {
        Self::start_with(None)
    }

    /// With the files of an identity: one that talks TLS only, and only with clients under its CA.
    pub(crate) fn start_with(tls: Option<&Path>) -> Self {
        let folder = tempfile::Builder::new().prefix("shoal-topo-etcd").tempdir().unwrap();
        let (client_port, peer_port) = (free_port(), free_port());
        let process = spawn(&folder, client_port, peer_port, tls);
        Self { process, folder, client_port, peer_port, tls: tls.map(Path::to_owned) }
    }

    pub(crate) fn endpoints(&self) -> Vec<String> {
        vec![client_url(self.client_port, self.tls.as_deref())]
    }

    /// A store in it, once it answers.
    pub(crate) async fn store(&mut self) -> EtcdStore {
        self.store_as(None).await
    }

    /// The same for a client who is somebody.
    pub(crate) async fn store_as(&mut self, identity: Option<&Identity>) -> EtcdStore {
        let deadline = Instant::now() + STARTS_WITHIN;
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                panic!("etcd ended with {status}: {log}");
            }
            if TcpStream::connect(("127.0.0.1", self.client_port)).is_ok() {
                let store = EtcdStore::connect(&self.endpoints(), identity).await.unwrap();
                if store.list("/").await.is_ok() {
                    return store;
                }
            }
            assert!(Instant::now() < deadline, "etcd does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until it takes connections, whatever it does with them then.
    pub(crate) async fn listens(&self) {
        let deadline = Instant::now() + STARTS_WITHIN;
        while TcpStream::connect(("127.0.0.1", self.client_port)).is_err() {
            assert!(Instant::now() < deadline, "etcd does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// After `kill`: the same data on the same ports.
    pub(crate) fn restart(&mut self) {
        self.process = spawn(&self.folder, self.client_port, self.peer_port, self.tls.as_deref());
    }

    /// Returns when every thread stands still: the signal goes to one, which stops the others in its turn.
    pub(crate) async fn freeze(&self) {
        kill_process(Pid::from_child(&self.process), Signal::STOP).unwrap();
        let threads = format!("/proc/{}/task", self.process.id());
        let stands_still =
            |stat: &str| stat.rsplit_once(") ").is_none_or(|(_, state)| state.starts_with('T'));
        let deadline = Instant::now() + STANDS_STILL_WITHIN;
        while !fs::read_dir(&threads).unwrap().flatten().all(|thread| {
            // A thread that ended while this looked has no file.
            stands_still(&fs::read_to_string(thread.path().join("stat")).unwrap_or_default())
        }) {
            assert!(Instant::now() < deadline, "etcd goes on though it was told to stop");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) fn thaw(&self) {
        kill_process(Pid::from_child(&self.process), Signal::CONT).unwrap();
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

fn client_url(port: u16, tls: Option<&Path>) -> String {
    let scheme = if tls.is_some() { "https" } else { "http" };
    format!("{scheme}://127.0.0.1:{port}")
}

fn spawn(folder: &TempDir, client_port: u16, peer_port: u16, tls: Option<&Path>) -> Child {
    let client_url = client_url(client_port, tls);
    let peer_url = format!("http://127.0.0.1:{peer_port}");
    let log = std::fs::File::options().create(true).append(true).open(folder.path().join("log")).unwrap();
    let mut command = Command::new(programs::find("etcd", |_| true));
    if let Some(dir) = tls {
        command.arg("--client-cert-auth").arg("--trusted-ca-file").arg(dir.join(CA_FILE));
        command.arg("--cert-file").arg(dir.join(CERTIFICATE_FILE)).arg("--key-file").arg(dir.join(KEY_FILE));
    }
    command
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
