//! Asking control, for the command line.

use proto::rpc::control::control_client::ControlClient;
use proto::rpc::control::{GetShardsRequest, Shard};
use tonic::transport::{Channel, Endpoint};

use crate::limits::CONTROL_TIMEOUT;

/// Why control did not answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody answers at the address.
    #[error("control does not answer at {0}; see `shoal local status`, or name its address with --control")]
    Unreachable(String),
    /// It answered that it cannot do it.
    #[error("{0}")]
    Refused(String),
}

impl From<tonic::Status> for AskError {
    fn from(status: tonic::Status) -> Self {
        Self::Refused(status.message().to_owned())
    }
}

/// A client of the control service at `host:port`.
pub async fn connect(address: &str) -> Result<ControlClient<Channel>, AskError> {
    let unreachable = |_| AskError::Unreachable(address.to_owned());
    let endpoint = Endpoint::from_shared(format!("http://{address}")).map_err(unreachable)?;
    let endpoint = endpoint.connect_timeout(proto::limits::CONNECT_TIMEOUT).timeout(CONTROL_TIMEOUT);
    Ok(ControlClient::new(endpoint.connect().await.map_err(unreachable)?))
}

/// All shards, from the control on a port of this machine.
pub async fn shards(port: u16) -> Result<Vec<Shard>, AskError> {
    let mut control = connect(&format!("127.0.0.1:{port}")).await?;
    Ok(control.get_shards(GetShardsRequest::default()).await?.into_inner().shards)
}
