//! The options that say which cluster a command is about, and the way to its control service.

use std::path::PathBuf;

use clap::Args;
use proto::rpc::control::control_client::ControlClient;
use proto::tls::{Identity, Part};
use tonic::transport::Channel;

use super::{CliError, DirArgs};
use crate::control::client::connect;
use crate::local::layout::Layout;
use crate::local::ports::Ports;

/// Which cluster is meant: a local one by its folder, or any by the address of its control service.
#[derive(Debug, Args)]
pub(super) struct ClusterArgs {
    #[command(flatten)]
    dir: DirArgs,
    /// Address of the control service, instead of that of a local cluster
    #[arg(long, global = true, value_name = "HOST:PORT", conflicts_with = "dir")]
    control: Option<String>,
    /// Directory with ca.pem, cert.pem and key.pem, for a control service that speaks TLS [default: that of the
    /// local cluster]
    #[arg(long, global = true, value_name = "DIR")]
    tls: Option<PathBuf>,
}

/// Where a cluster is.
pub(super) enum Place {
    /// On this machine, in this folder.
    Local(Layout),
    /// Wherever its control service says.
    Remote,
}

impl ClusterArgs {
    /// Where the cluster is that is meant.
    pub(super) fn place(&self) -> Result<Place, CliError> {
        match self.control {
            Some(_) => Ok(Place::Remote),
            None => Ok(Place::Local(self.dir.layout()?)),
        }
    }

    /// A client of the cluster's control service.
    pub(super) async fn control(&self) -> Result<ControlClient<Channel>, CliError> {
        let identity = self.tls.as_deref().map(Identity::read).transpose()?;
        if let Some(address) = &self.control {
            return Ok(connect(address, identity.as_ref()).await?);
        }
        let layout = self.dir.layout()?;
        let ports = ports_of(&layout).ok_or_else(|| {
            let dir = layout.dir().display();
            CliError::NoCluster(format!(
                "there is no cluster in {dir}; name its folder with --dir, or the control service with --control"
            ))
        })?;
        let identity = match identity {
            Some(identity) => Some(identity),
            None => layout.identity(Part::Client, ports.tls)?,
        };
        Ok(connect(&format!("127.0.0.1:{}", ports.control), identity.as_ref()).await?)
    }
}

fn ports_of(layout: &Layout) -> Option<Ports> {
    let bytes = std::fs::read(layout.ports_file()).ok()?;
    serde_json::from_slice(&bytes).ok()
}
