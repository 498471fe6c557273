use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::program::metrics::GaugeId;

const THINGS: GaugeId = GaugeId::new("shoal_gate_things", "Things that this test has.");
/// Longest wait for anything here.
const PATIENCE: Duration = Duration::from_secs(30);

struct Bed {
    readiness: Readiness,
    server: Server,
}

impl Bed {
    async fn start() -> Self {
        let readiness = Readiness::default();
        let recorder = Recorder::of(|| THINGS.handle(&[]).set(3.0));
        let server = Server::start(([127, 0, 0, 1], 0).into(), readiness.clone(), recorder).await.unwrap();
        Self { readiness, server }
    }

    async fn ask(&self, method: &str, path: &str) -> String {
        let asked = async {
            let mut stream = TcpStream::connect(self.server.address()).await.unwrap();
            let request = format!("{method} {path} HTTP/1.1\r\nHost: test\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        };
        timeout(PATIENCE, asked).await.unwrap()
    }

    async fn get(&self, path: &str) -> (String, String) {
        let answer = self.ask("GET", path).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), body.to_owned())
    }
}

#[tokio::test]
async fn probes_and_metrics_are_answered() {
    let bed = Bed::start().await;
    assert_eq!(bed.get("/healthz").await, ("HTTP/1.1 200 OK".into(), "ok\n".into()));
    let (status, body) = bed.get("/metrics").await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(body.contains("# HELP shoal_gate_things Things that this test has.\n"), "{body}");
    assert!(body.contains("\nshoal_gate_things 3\n"), "{body}");
    assert_eq!(bed.get("/").await.0, "HTTP/1.1 404 Not Found");
    assert!(bed.ask("POST", "/metrics").await.starts_with("HTTP/1.1 405 "));
    let head = bed.ask("HEAD", "/healthz").await;
    assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
}

#[tokio::test]
async fn readiness_says_why_not() {
    let bed = Bed::start().await;
    let unready = |why: &str| ("HTTP/1.1 503 Service Unavailable".to_owned(), format!("not ready: {why}\n"));
    assert_eq!(bed.get("/readyz").await, unready("the program is starting"));
    bed.readiness.ready();
    assert_eq!(bed.get("/readyz").await, ("HTTP/1.1 200 OK".into(), "ready\n".into()));
    bed.readiness.not_ready("mysqld is down");
    assert_eq!(bed.get("/readyz").await, unready("mysqld is down"));
}

#[tokio::test]
async fn clients_that_say_nothing_keep_nobody_out() {
    let bed = Bed::start().await;
    let mut silent = vec![];
    for _ in 0..MAX_CONNECTIONS {
        silent.push(TcpStream::connect(bed.server.address()).await.unwrap());
    }
    assert_eq!(bed.get("/healthz").await.0, "HTTP/1.1 200 OK");
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let error = Server::start(address, Readiness::default(), Recorder::of(|| ())).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&address.to_string()) && text.contains("--http"), "{text}");
}
