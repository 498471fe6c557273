use proto::rpc::tablet::{Activity, Replication, SemiSync, StatusResponse, ThreadState};

use super::fake::FakeTablet;
use super::*;

#[test]
fn a_tablet_does_what_nothing_speaks_against() {
    let primary = StatusResponse {
        role: Role::Primary.into(),
        term: 3,
        mysqld_running: true,
        mysql_version: "9.7.4".into(),
        ..StatusResponse::default()
    };
    let channel = |receiver: ThreadState, applier: ThreadState| {
        let (receiver, applier) = (receiver.into(), applier.into());
        Some(Replication { source: "h:1".into(), receiver, applier, ..Replication::default() })
    };
    let runs = channel(ThreadState::Running, ThreadState::Running);
    let replica =
        StatusResponse { role: Role::Replica.into(), fenced: true, replication: runs, ..primary.clone() };
    let cases = [
        (primary.clone(), "serving"),
        (StatusResponse { fenced: true, ..primary.clone() }, "fenced"),
        (StatusResponse { reason: "the term is old".into(), ..primary.clone() }, "fenced"),
        (StatusResponse { mysql_version: String::new(), ..primary.clone() }, "mysqld-down"),
        (StatusResponse { mysqld_running: false, ..primary.clone() }, "mysqld-down"),
        (StatusResponse { mysqld_running: false, given_up: true, ..primary.clone() }, "given-up"),
        (replica.clone(), "replicating"),
        (StatusResponse { reads: true, ..replica.clone() }, "replicating"),
        (StatusResponse { fenced: false, ..replica.clone() }, "fenced"),
        (StatusResponse { replication: None, ..replica.clone() }, "fenced"),
        (
            StatusResponse {
                replication: channel(ThreadState::Connecting, ThreadState::Running),
                ..replica.clone()
            },
            "fenced",
        ),
        (
            StatusResponse {
                replication: channel(ThreadState::Running, ThreadState::Stopped),
                ..replica.clone()
            },
            "fenced",
        ),
        (
            StatusResponse {
                activity: Activity::Provisioning.into(),
                mysqld_running: false,
                ..replica.clone()
            },
            "provisioning",
        ),
        (StatusResponse::default(), "mysqld-down"),
    ];
    for (answer, word) in cases {
        let seen = SeenStatus::read(answer.clone()).unwrap();
        assert_eq!(seen.word(), word, "{answer:?}");
        assert_eq!(seen.serves_as_primary(Term(3)), word == "serving");
        assert!(!seen.serves_as_primary(Term(4)));
    }
}

#[test]
fn a_part_in_semi_sync_has_a_word() {
    let status = |source_enabled, replica_enabled| {
        let semi_sync = Some(SemiSync { source_enabled, replica_enabled, ..SemiSync::default() });
        SeenStatus::read(StatusResponse { semi_sync, ..StatusResponse::default() }).unwrap()
    };
    let words = [(true, false), (true, true), (false, true), (false, false)]
        .map(|(source, replica)| status(source, replica).semi_sync_word());
    assert_eq!(words, ["source", "source", "acker", ""]);
}

#[test]
fn only_a_clear_no_leaves_everything_as_it_was() {
    for (code, refused) in [
        (Code::Aborted, true),
        (Code::FailedPrecondition, true),
        (Code::Unimplemented, true),
        (Code::ResourceExhausted, true),
        (Code::Unavailable, false),
        (Code::DeadlineExceeded, false),
        (Code::Cancelled, false),
        (Code::Internal, false),
        (Code::Unknown, false),
    ] {
        let error = CallError::from(Status::new(code, "text"));
        assert_eq!(matches!(error, CallError::Refused(_)), refused, "{code}");
        assert_eq!(error.to_string(), "text");
    }
}

#[tokio::test]
async fn a_connection_is_kept_and_made_anew_when_the_agent_comes_back() {
    let agents = Agents::new(None);
    let mut tablet = FakeTablet::start("a-1").await;
    let address = tablet.address.clone();
    assert!(agents.status(&address).await.is_some());
    assert!(agents.status(&address).await.is_some());
    assert_eq!(tablet.connections(), 1);
    tablet.stop().await;
    assert_eq!(agents.status(&address).await, None);
    tablet.restart().await;
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while agents.status(&address).await.is_none() {
        assert!(std::time::Instant::now() < deadline);
    }
}

#[tokio::test]
async fn an_agent_that_does_not_answer_costs_no_more_than_the_deadline() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let agents = Agents::new(None);
    let told = agents.assume_role(&address, TabletRole::Primary, Term(1), Duration::from_millis(50)).await;
    assert_eq!(told, Err(CallError::Unknown("no answer within 50 ms".into())));
    assert!(agents.channels().is_empty(), "a connection without answers is not used again");
}
