//! What every program of Shoal shows to the outside in the same way: flags, logs, signals, and what monitoring
//! asks for over HTTP.
//!
//! ```text
//!   main ─ Flags ─┬─ logs          stderr, text or JSON
//!                 ├─ identity      --tls: who it is towards the others
//!                 ├─ shutdown      SIGTERM, SIGINT
//!                 └─ exposed ─┬─ metrics     the one recorder of the process ─┐
//!                             └─ readiness ──────────────────────────────────┴─► http: /metrics /healthz /readyz
//! ```
//!
//! It is here, beside the other forms that cross a process border, because whoever runs Shoal scrapes, probes,
//! stops and greps every program of it alike; what a program measures and when it is ready is its own matter.

pub mod failpoint;
pub mod http;
pub mod logs;
pub mod metrics;
pub mod readiness;
pub mod shutdown;

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::tls::{Identity, IdentityError, Part};

use http::{BindError, Server};
use logs::LogFormat;
use metrics::{Recorder, RecorderError};
use readiness::Readiness;

/// The flags that every program takes.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Flags {
    /// Directory with ca.pem, cert.pem and key.pem, for TLS with the other parts of the cluster [default: none,
    /// plain connections]
    #[arg(long, value_name = "DIR")]
    pub tls: Option<PathBuf>,
    /// Where to serve /metrics, /healthz and /readyz over HTTP, such as 127.0.0.1:9100 [default: nowhere]
    #[arg(long, value_name = "HOST:PORT")]
    pub http: Option<SocketAddr>,
    /// Form of the log, which goes to stderr; RUST_LOG says how much of it
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub log_format: LogFormat,
}

/// Why a program cannot show itself to monitoring.
#[derive(Debug, thiserror::Error)]
pub enum ExposeError {
    /// Nothing can be served at the address.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// Nothing can be measured.
    #[error(transparent)]
    Recorder(#[from] RecorderError),
}

impl Flags {
    /// Who the program is towards the others; `None` without `--tls`.
    pub fn identity(&self) -> Result<Option<Identity>, IdentityError> {
        self.tls.as_deref().map(Identity::read).transpose()
    }

    /// Shows the program to monitoring, if `--http` says where. For main, once, and before anything takes a
    /// metric's handle; needs a runtime.
    pub async fn expose(&self, part: Part) -> Result<Exposed, ExposeError> {
        let readiness = Readiness::default();
        let server = match self.http {
            Some(address) => {
                let recorder = Recorder::install(part)?;
                let server = Server::start(address, readiness.clone(), recorder).await?;
                tracing::info!(address = %server.address(), "serving /metrics, /healthz and /readyz");
                Some(server)
            }
            None => None,
        };
        Ok(Exposed { readiness, _server: server })
    }
}

/// A program that monitoring sees, as long as this lives.
#[derive(Debug)]
pub struct Exposed {
    /// What `/readyz` answers.
    pub readiness: Readiness,
    _server: Option<Server>,
}
