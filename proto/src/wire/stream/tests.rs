use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use crate::tls::{Identity, Part};
use crate::wire::connection::Connection;
use crate::wire::login::tests::identity;

/// A connected pair, plain or inside TLS with the far end as the server.
async fn pair(identity: Option<&Identity>) -> (Connection, Connection) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap());
    let (near, far) = tokio::join!(near, listener.accept());
    let (near, far) = (Connection::new(near.unwrap()).unwrap(), Connection::new(far.unwrap().0).unwrap());
    let Some(identity) = identity else { return (near, far) };
    let name = Part::Tablet.server_name().unwrap();
    let near = near.connect_tls(identity.client_config(), name);
    let (near, far) = tokio::join!(near, far.accept_tls(identity.server_config()));
    (near.unwrap(), far.unwrap())
}

/// What arrives takes its time; that it is not quiet then has to show.
async fn assert_noticed(connection: &mut Connection) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while connection.is_quiet() {
        assert!(Instant::now() < deadline, "nothing was noticed");
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn an_idle_connection_is_quiet_until_something_arrives() {
    let identity = identity(Part::Tablet);
    for identity in [None, Some(&identity)] {
        let (mut near, mut far) = pair(identity).await;
        assert!(near.is_quiet() && far.is_quiet());
        // Under TLS the server's tickets wait behind the handshake, and come before this.
        far.write_payload(0, b"hello").await.unwrap();
        assert_eq!(near.read_payload(0, 9).await.unwrap().0, b"hello");
        assert!(near.is_quiet());
        // It is as good as before the look.
        near.write_payload(0, b"back").await.unwrap();
        assert_eq!(far.read_payload(0, 9).await.unwrap().0, b"back");
        assert!(near.is_quiet() && far.is_quiet());
        far.write_payload(0, b"goodbye").await.unwrap();
        assert_noticed(&mut near).await;
    }
}

#[tokio::test]
async fn tickets_that_come_to_an_idle_connection_do_not_spoil_it() {
    let identity = identity(Part::Tablet);
    let (mut near, mut far) = pair(Some(&identity)).await;
    // They were sent when the handshake ended and nothing has been read since: whenever they arrive, they are
    // taken in by a look.
    let settled = Instant::now() + Duration::from_millis(50);
    while Instant::now() < settled {
        assert!(near.is_quiet());
        sleep(Duration::from_millis(1)).await;
    }
    near.write_payload(0, b"one").await.unwrap();
    assert_eq!(far.read_payload(0, 9).await.unwrap().0, b"one");
    far.write_payload(0, b"two").await.unwrap();
    assert_eq!(near.read_payload(0, 9).await.unwrap().0, b"two");
}

#[tokio::test]
async fn what_tls_has_decrypted_already_is_noticed() {
    let identity = identity(Part::Tablet);
    let (mut near, mut far) = pair(Some(&identity)).await;
    far.write_all(b"\x03\0\0\0one\x03\0\0\x01two").await.unwrap();
    // Takes its packet and no more; the other one came in the same record.
    assert_eq!(near.read_packet_alone(0, 9).await.unwrap().0, b"one");
    assert!(near.buffered().is_empty() && !near.is_quiet());
}

#[tokio::test]
async fn the_end_of_a_stream_is_noticed_however_it_comes() {
    let identity = identity(Part::Tablet);
    for identity in [None, Some(&identity)] {
        let (mut near, mut far) = pair(identity).await;
        far.shutdown().await;
        assert_noticed(&mut near).await;
        let (mut near, far) = pair(identity).await;
        drop(far);
        assert_noticed(&mut near).await;
    }
}
