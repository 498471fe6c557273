use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;
use crate::tls::{CA_FILE, CERTIFICATE_FILE, KEY_FILE};
use crate::wire::StatusFlags;
use crate::wire::handshake::{FirstPacket, Greeting, parse_first_packet};
use crate::wire::reply::write_ok;

/// The identity of a part of a cluster of its own.
pub(in crate::wire) fn identity(part: Part) -> Identity {
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
    let mut params = CertificateParams::new(vec![part.name().to_owned()]).unwrap();
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    let dir = TempDir::new().unwrap();
    let write = |file: &str, pem: String| std::fs::write(dir.path().join(file), pem).unwrap();
    write(CA_FILE, ca.pem());
    write(CERTIFICATE_FILE, params.signed_by(&key, &ca).unwrap().pem());
    write(KEY_FILE, key.serialize_pem());
    Identity::read(dir.path()).unwrap()
}

fn login() -> Login {
    Login {
        user: "shop.write".to_owned(),
        password: "open sesame".to_owned(),
        database: None,
        capabilities: CapabilityFlags::CLIENT_FOUND_ROWS,
        collation: 45,
    }
}

/// What a server that asks for the password got.
#[derive(Debug, PartialEq, Eq)]
struct Got {
    before_tls: Vec<u8>,
    user: Vec<u8>,
    collation: u8,
    password: Vec<u8>,
}

/// A server that offers these capabilities, and asks for the password inside TLS.
async fn server(offered: CapabilityFlags, identity: Identity) -> (String, JoinHandle<Option<Got>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let task = tokio::spawn(async move {
        let mut connection = Connection::new(listener.accept().await.unwrap().0).unwrap();
        let greeting = Greeting {
            server_version: "9.7.4",
            connection_id: 1,
            capabilities: offered,
            nonce: b"abcdefghijklmnopqrst",
            collation: 255,
        };
        let sequence = connection.write_payload(0, &greeting.payload()).await.ok()?;
        let (before_tls, sequence) = connection.read_packet_alone(sequence, 1000).await.ok()?;
        assert_eq!(parse_first_packet(&before_tls), Ok(FirstPacket::SslRequest));
        let mut connection = connection.accept_tls(identity.server_config()).await.ok()?;
        let (hello, sequence) = connection.read_payload(sequence, 1000).await.ok()?;
        let Ok(FirstPacket::Hello(hello)) = parse_first_packet(&hello) else { panic!("no hello") };
        let wants = connection.write_payload(sequence, &[auth::MORE_DATA, auth::FULL_NEEDED]).await.ok()?;
        let (password, sequence) = connection.read_payload(wants, 1000).await.ok()?;
        let mut out = bytes::BytesMut::new();
        write_ok(&mut out, sequence, StatusFlags::SERVER_STATUS_AUTOCOMMIT, 0);
        connection.write_all(&out).await.ok()?;
        Some(Got { before_tls, user: hello.user, collation: hello.collation, password })
    });
    (address, task)
}

fn offered() -> CapabilityFlags {
    required() | CapabilityFlags::CLIENT_SSL
}

#[tokio::test]
async fn inside_tls_the_password_itself_is_the_answer_and_before_it_nothing_is_said() {
    let identity = identity(Part::Tablet);
    let (address, server) = server(offered(), identity.clone()).await;
    let connection = connect_tls(&address, &login(), &identity).await.unwrap();
    assert!(connection.is_tls());
    let got = server.await.unwrap().unwrap();
    assert_eq!(got.before_tls.len(), SSL_REQUEST_BYTES);
    assert_eq!((got.user, got.collation), (b"shop.write".to_vec(), 45));
    assert_eq!(got.password, b"open sesame\0");
}

#[tokio::test]
async fn a_server_without_tls_gets_no_login() {
    let identity = identity(Part::Tablet);
    let (address, server) = server(required(), identity.clone()).await;
    let refused = connect_tls(&address, &login(), &identity).await;
    assert!(matches!(refused, Err(LoginError::NoTls)), "{refused:?}");
    assert_eq!(server.await.unwrap(), None);
}

#[tokio::test]
async fn a_server_that_is_no_tablet_of_the_cluster_gets_no_login() {
    let (ours, theirs) = (identity(Part::Tablet), identity(Part::Tablet));
    let gate = identity(Part::Gate);
    for (client, other) in [(&ours, &theirs), (&gate, &gate)] {
        let (address, server) = server(offered(), other.clone()).await;
        let refused = connect_tls(&address, &login(), client).await;
        assert!(matches!(refused, Err(LoginError::Connect(_))), "{refused:?}");
        assert_eq!(server.await.unwrap(), None);
    }
}
