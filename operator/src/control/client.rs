//! Asking control, for the command line.

use proto::rpc::control::control_client::ControlClient;
use proto::rpc::control::{GetShardsRequest, GetTabletsRequest, Shard, Tablet};
use proto::tls::{Identity, Part};
use tonic::Request;
use tonic::transport::{Channel, Endpoint};

use crate::limits::CONTROL_TIMEOUT;

/// Why control did not answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody answers at the address.
    #[error(
        "control does not answer at {address} ({why}); see `shoal local status`, or name its address with --control \
         and the folder of your certificate with --tls"
    )]
    Unreachable {
        /// Where it was looked for.
        address: String,
        /// What came instead.
        why: String,
    },
    /// The connection broke before it answered.
    #[error(
        "the connection to control broke ({0}); ask again, and if control speaks TLS, name the folder of your \
         certificate with --tls"
    )]
    Broken(String),
    /// It answered that it cannot do it.
    #[error("{0}")]
    Refused(String),
}

impl From<tonic::Status> for AskError {
    fn from(status: tonic::Status) -> Self {
        // A source is there only where the answer did not come from control.
        match std::error::Error::source(&status) {
            Some(_) => Self::Broken(status.message().to_owned()),
            None => Self::Refused(status.message().to_owned()),
        }
    }
}

/// A client of the control service at `host:port`, over TLS if the caller is somebody.
pub async fn connect(address: &str, identity: Option<&Identity>) -> Result<ControlClient<Channel>, AskError> {
    let unreachable = |error: tonic::transport::Error| {
        let why = match std::error::Error::source(&error) {
            Some(source) => source.to_string(),
            None => error.to_string(),
        };
        AskError::Unreachable { address: address.to_owned(), why }
    };
    let scheme = if identity.is_some() { "https" } else { "http" };
    let endpoint = Endpoint::from_shared(format!("{scheme}://{address}")).map_err(unreachable)?;
    let mut endpoint = endpoint.connect_timeout(proto::limits::CONNECT_TIMEOUT);
    if let Some(identity) = identity {
        endpoint = endpoint.tls_config(identity.tonic_client(Part::Control)).map_err(unreachable)?;
    }
    Ok(ControlClient::new(endpoint.connect().await.map_err(unreachable)?))
}

/// A question that control is to answer in a moment.
pub fn question<Q>(question: Q) -> Request<Q> {
    let mut request = Request::new(question);
    request.set_timeout(CONTROL_TIMEOUT);
    request
}

/// A cluster's shards and tablets, as control sees them.
#[derive(Debug)]
pub struct Seen {
    /// Every shard.
    pub shards: Vec<Shard>,
    /// Every registered tablet.
    pub tablets: Vec<Tablet>,
}

/// Shards and tablets, from the control at `host:port`.
pub async fn look(address: &str, identity: Option<&Identity>) -> Result<Seen, AskError> {
    let mut control = connect(address, identity).await?;
    let shards = control.get_shards(question(GetShardsRequest::default())).await?.into_inner().shards;
    let tablets = control.get_tablets(question(GetTabletsRequest::default())).await?.into_inner().tablets;
    Ok(Seen { shards, tablets })
}
