//! What monitoring asks for: `/metrics`, `/healthz` and `/readyz` over plain HTTP.
//!
//! Every connection gets one answer within a deadline, and there are few of them at a time: who scrapes or
//! probes too much waits, the program itself does not notice.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::metrics::Recorder;
use super::readiness::{Readiness, State};

/// Connections that are served at the same time.
const MAX_CONNECTIONS: usize = 16;
/// Longest time from a connection's beginning to its end.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// How often metrics are folded that nobody scrapes.
const FOLD_INTERVAL: Duration = Duration::from_secs(5);
/// Pause after the system could not accept a connection, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

const PLAIN_TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const PROMETHEUS_TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Nothing can be served at an address.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot listen at {address} for HTTP: {source}; end the program that uses it, or name another --http"
)]
pub struct BindError {
    address: SocketAddr,
    source: std::io::Error,
}

/// A server, as long as this lives.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    task: AbortHandle,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Serves at the address until the end of the process or of this value. Needs a runtime.
    pub async fn start(
        address: SocketAddr,
        readiness: Readiness,
        recorder: Recorder,
    ) -> Result<Self, BindError> {
        let bound = async {
            let listener = TcpListener::bind(address).await?;
            Ok((listener.local_addr()?, listener))
        };
        let (address, listener) = bound.await.map_err(|source| BindError { address, source })?;
        let shown = Shown { readiness, recorder };
        let task = tokio::spawn(async move {
            tokio::join!(accept(listener, &shown), fold(&shown.recorder));
        });
        Ok(Self { address, task: task.abort_handle() })
    }

    /// Where it serves.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// What is shown.
#[derive(Clone)]
struct Shown {
    readiness: Readiness,
    recorder: Recorder,
}

async fn fold(recorder: &Recorder) {
    let mut ticks = interval(FOLD_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        recorder.fold();
    }
}

async fn accept(listener: TcpListener, shown: &Shown) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    // The semaphore is never closed.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let shown = shown.clone();
                tokio::spawn(async move {
                    // Whoever does not take its answer in time goes without.
                    let _ = timeout(ANSWER_TIMEOUT, serve(stream, shown)).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "cannot accept a connection for HTTP");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, shown: Shown) {
    let answering = service_fn(|request: Request<Incoming>| {
        let answer = answer(request.method(), request.uri().path(), &shown);
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), answering);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection for HTTP broke");
    }
}

fn answer(method: &Method, path: &str, shown: &Shown) -> Response<Full<Bytes>> {
    let (status, kind, text) = match path {
        "/metrics" => (StatusCode::OK, PROMETHEUS_TEXT, shown.recorder.render()),
        "/healthz" => (StatusCode::OK, PLAIN_TEXT, "ok\n".to_owned()),
        "/readyz" => match shown.readiness.state() {
            State::Ready => (StatusCode::OK, PLAIN_TEXT, "ready\n".to_owned()),
            State::NotReady(why) => {
                (StatusCode::SERVICE_UNAVAILABLE, PLAIN_TEXT, format!("not ready: {why}\n"))
            }
        },
        _ => (StatusCode::NOT_FOUND, PLAIN_TEXT, "there are /metrics, /healthz and /readyz\n".to_owned()),
    };
    let mut response = if matches!(*method, Method::GET | Method::HEAD) {
        let mut response = Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = status;
        response
    } else {
        let mut response = Response::new(Full::new(Bytes::from_static(b"only GET and HEAD\n")));
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        response
    };
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
mod tests;
