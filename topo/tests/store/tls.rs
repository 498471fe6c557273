//! A real etcd that talks TLS only, and only with those who show a certificate.

use std::path::Path;
use std::time::Duration;

use proto::ids::KeyspaceName;
use proto::tls::{CA_FILE, CERTIFICATE_FILE, Identity, KEY_FILE, Part};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use tempfile::TempDir;
use topo::Topology;
use topo::records::KeyspaceRecord;
use topo::snapshot::SnapshotFeed;
use topo::store::{EtcdStore, StoreError};

use crate::etcd_server::EtcdServer;

type Ca = CertifiedIssuer<'static, KeyPair>;

fn ca() -> Ca {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// The three files for a part, as a cluster has them.
fn files(ca: &Ca, trusted: &Ca, part: Part) -> TempDir {
    let dir = TempDir::new().unwrap();
    let key = KeyPair::generate().unwrap();
    let names = [part.name(), "localhost", "127.0.0.1"].map(str::to_owned);
    let mut params = CertificateParams::new(names).unwrap();
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.signed_by(&key, ca).unwrap();
    write(dir.path(), CA_FILE, &trusted.pem());
    write(dir.path(), CERTIFICATE_FILE, &certificate.pem());
    write(dir.path(), KEY_FILE, &key.serialize_pem());
    dir
}

fn write(dir: &Path, file: &str, content: &str) {
    std::fs::write(dir.join(file), content).unwrap();
}

fn identity(ca: &Ca, part: Part) -> Identity {
    Identity::read(files(ca, ca, part).path()).unwrap()
}

async fn refusal(server: &EtcdServer, identity: Option<&Identity>) -> String {
    match EtcdStore::connect(&server.endpoints(), identity).await.map(|_| ()) {
        Err(StoreError::Unavailable(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_topology_works_under_tls() {
    let ca = ca();
    let etcd_files = files(&ca, &ca, Part::Etcd);
    let gate = identity(&ca, Part::Gate);
    let mut server = EtcdServer::start_with(Some(etcd_files.path()));
    server.store_as(Some(&gate)).await;

    let topology = Topology::connect(&server.endpoints(), "shop", Some(&gate)).await.unwrap();
    let feed = SnapshotFeed::start(&topology).await.unwrap();
    let name: KeyspaceName = "shop".parse().unwrap();
    let key = topology.keys().keyspace(Some(&name));
    let written = topology.put(&key, &KeyspaceRecord::unsharded()).await.unwrap();
    let snapshot = feed.at_least(written, Duration::from_secs(5)).await.unwrap();
    assert!(snapshot.keyspace("shop").is_some());
    let lease = topology.lease(Duration::from_secs(5)).await.unwrap();
    lease.close().await;
}

#[tokio::test]
async fn who_shows_no_certificate_of_the_cluster_learns_nothing() {
    let (ours, theirs) = (ca(), ca());
    let etcd_files = files(&ours, &ours, Part::Etcd);
    let mut server = EtcdServer::start_with(Some(etcd_files.path()));
    server.store_as(Some(&identity(&ours, Part::Gate))).await;

    // No certificate at all: as any client of etcd would be, not only ours.
    let only_ca = tonic::transport::Certificate::from_pem(ours.pem());
    let bare = etcd_client::TlsOptions::new().domain_name(Part::Etcd.name()).ca_certificate(only_ca);
    let options = etcd_client::ConnectOptions::new().with_tls(bare);
    let mut client = etcd_client::Client::connect(&server.endpoints(), Some(options)).await.unwrap();
    assert!(client.get("/", None).await.is_err(), "etcd answers a client without a certificate");

    // A certificate from elsewhere; and our URLs are not asked in clear text.
    let stranger = refusal(&server, Some(&identity(&theirs, Part::Gate))).await;
    let plain = refusal(&server, None).await;
    assert!(stranger.contains(&server.endpoints()[0]), "{stranger}");
    assert!(plain.contains("need --tls"), "{plain}");
}

#[tokio::test]
async fn a_server_that_is_not_the_clusters_etcd_is_not_taken_for_it() {
    let ca = ca();
    // Under the right CA, yet another part.
    let tablet_files = files(&ca, &ca, Part::Tablet);
    let gate = identity(&ca, Part::Gate);
    let server = EtcdServer::start_with(Some(tablet_files.path()));
    server.listens().await;
    let why = refusal(&server, Some(&gate)).await;
    assert!(why.contains("etcd.shoal"), "{why}");

    let clear = [server.endpoints()[0].replace("https://", "http://")];
    let error = EtcdStore::connect(&clear, Some(&gate)).await.map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("https://"), "{error}");
}
