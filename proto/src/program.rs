//! What every program of Shoal shows to the outside in the same way: flags, logs, signals, and what monitoring
//! asks for over HTTP.
//!
//! It is here, beside the other forms that cross a process border, because whoever runs Shoal scrapes, probes,
//! stops and greps every program of it alike; what a program measures and when it is ready is its own matter.

use std::path::PathBuf;

use crate::tls::{Identity, IdentityError};

/// The flags that every program takes.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Flags {
    /// Directory with ca.pem, cert.pem and key.pem, for TLS with the other parts of the cluster [default: none,
    /// plain connections]
    #[arg(long, value_name = "DIR")]
    pub tls: Option<PathBuf>,
}

impl Flags {
    /// Who the program is towards the others; `None` without `--tls`.
    pub fn identity(&self) -> Result<Option<Identity>, IdentityError> {
        self.tls.as_deref().map(Identity::read).transpose()
    }
}
