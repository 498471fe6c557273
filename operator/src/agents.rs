//! What a tablet's agent says of itself when it is asked.

use proto::ids::{TabletRole, Term};
use proto::rpc::tablet::tablet_client::TabletClient;
use proto::rpc::tablet::{Role, StatusRequest, StatusResponse};
use tonic::transport::{Channel, Endpoint};

use crate::limits::STATUS_TIMEOUT;

/// What an agent said just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeenStatus {
    /// The role that it has accepted, if any.
    pub(crate) role: Option<TabletRole>,
    /// The highest term that it has accepted.
    pub(crate) term: Term,
    /// What its mysqld does.
    pub(crate) mysqld: SeenMysqld,
}

/// What a mysqld does, as its agent sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SeenMysqld {
    /// It takes the sessions that its role allows.
    Serving,
    /// It runs and takes no sessions but its agent's.
    Fenced,
    /// It does not run, or does not take SQL yet.
    Down,
}

impl SeenStatus {
    fn from_answer(answer: &StatusResponse) -> Self {
        let mysqld = match answer {
            StatusResponse { mysqld_running: false, .. } => SeenMysqld::Down,
            // Known to be unfenced only if the agent gives no reason for not serving.
            StatusResponse { fenced: false, reason, .. } if reason.is_empty() => SeenMysqld::Serving,
            StatusResponse { fenced: true, .. } => SeenMysqld::Fenced,
            StatusResponse { mysql_version, .. } if mysql_version.is_empty() => SeenMysqld::Down,
            _ => SeenMysqld::Fenced,
        };
        let role = match answer.role() {
            Role::Unspecified => None,
            Role::Primary => Some(TabletRole::Primary),
            Role::Replica => Some(TabletRole::Replica),
        };
        Self { role, term: Term(answer.term), mysqld }
    }

    /// Whether it takes writes as the primary of the term.
    pub(crate) fn serves_as_primary(&self, term: Term) -> bool {
        self.mysqld == SeenMysqld::Serving && self.role == Some(TabletRole::Primary) && self.term == term
    }

    /// Its state in the answers of control.
    pub(crate) fn word(&self) -> &'static str {
        match self.mysqld {
            SeenMysqld::Serving => "serving",
            SeenMysqld::Fenced => "fenced",
            SeenMysqld::Down => "mysqld-down",
        }
    }
}

/// A client of the agent at `host:port`.
pub(crate) async fn agent(address: &str) -> Result<TabletClient<Channel>, tonic::transport::Error> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
    let endpoint =
        endpoint.connect_timeout(proto::limits::CONNECT_TIMEOUT).timeout(proto::limits::RPC_TIMEOUT);
    Ok(TabletClient::new(endpoint.connect().await?))
}

/// Asks an agent how it is; `None` if it does not say so in time.
pub(crate) async fn ask_status(address: &str) -> Option<(SeenStatus, StatusResponse)> {
    let asked = async {
        let answer = agent(address).await.ok()?.status(StatusRequest {}).await.ok()?;
        Some(answer.into_inner())
    };
    let answer = tokio::time::timeout(STATUS_TIMEOUT, asked).await.ok()??;
    Some((SeenStatus::from_answer(&answer), answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tablet_serves_only_when_nothing_speaks_against_it() {
        let answer = |running: bool, fenced: bool, version: &str, reason: &str| StatusResponse {
            role: Role::Primary.into(),
            term: 3,
            mysqld_running: running,
            fenced,
            mysql_version: version.into(),
            reason: reason.into(),
            ..StatusResponse::default()
        };
        let cases = [
            (answer(true, false, "9.7.0", ""), "serving"),
            (answer(true, true, "9.7.0", "not primary"), "fenced"),
            (answer(true, false, "9.7.0", "the term is old"), "fenced"),
            (answer(true, false, "", "does not answer"), "mysqld-down"),
            (answer(false, false, "", "crashed"), "mysqld-down"),
            (StatusResponse::default(), "mysqld-down"),
        ];
        for (answer, word) in cases {
            let seen = SeenStatus::from_answer(&answer);
            assert_eq!(seen.word(), word, "{answer:?}");
            assert_eq!(seen.serves_as_primary(Term(3)), word == "serving");
            assert!(!seen.serves_as_primary(Term(4)));
        }
    }
}
