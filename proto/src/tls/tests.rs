use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;

type Ca = CertifiedIssuer<'static, KeyPair>;

fn ca() -> Ca {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn params(part: Part) -> CertificateParams {
    let mut params = CertificateParams::new(vec![part.name().to_owned()]).unwrap();
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params
}

/// A directory with the three files.
fn files(ca: &Ca, params: CertificateParams) -> TempDir {
    let dir = TempDir::new().unwrap();
    let key = KeyPair::generate().unwrap();
    std::fs::write(dir.path().join(CA_FILE), ca.pem()).unwrap();
    std::fs::write(dir.path().join(CERTIFICATE_FILE), params.signed_by(&key, ca).unwrap().pem()).unwrap();
    std::fs::write(dir.path().join(KEY_FILE), key.serialize_pem()).unwrap();
    dir
}

fn identity(ca: &Ca, part: Part) -> Identity {
    Identity::read(files(ca, params(part)).path()).unwrap()
}

fn refusal(dir: &Path) -> String {
    Identity::read(dir).unwrap_err().to_string()
}

/// One byte there and one back; a server's refusal of a certificate comes only after the client's handshake.
async fn talk(server: &Identity, client: Arc<ClientConfig>, looks_for: Part) -> std::io::Result<()> {
    let (near, far): (DuplexStream, DuplexStream) = tokio::io::duplex(64 * 1024);
    let acceptor = TlsAcceptor::from(server.server_config());
    let served = async move {
        let mut stream = acceptor.accept(far).await?;
        let byte = stream.read_u8().await?;
        stream.write_u8(byte).await?;
        stream.shutdown().await
    };
    let asked = async move {
        let mut stream = TlsConnector::from(client).connect(looks_for.server_name().unwrap(), near).await?;
        stream.write_u8(7).await?;
        assert_eq!(stream.read_u8().await?, 7);
        std::io::Result::Ok(())
    };
    let (served, asked) = tokio::join!(served, asked);
    asked.and(served)
}

#[tokio::test]
async fn parts_of_one_cluster_take_each_other_and_nobody_else() {
    let (ours, theirs) = (ca(), ca());
    let (tablet, gate) = (identity(&ours, Part::Tablet), identity(&ours, Part::Gate));
    talk(&tablet, gate.client_config(), Part::Tablet).await.unwrap();

    let wrong_part = talk(&gate, tablet.client_config(), Part::Tablet).await.unwrap_err();
    assert!(wrong_part.to_string().contains("not valid for name"), "{wrong_part}");

    let stranger = identity(&theirs, Part::Gate);
    let refused = talk(&tablet, stranger.client_config(), Part::Tablet).await.unwrap_err();
    assert!(refused.to_string().contains("invalid peer certificate"), "{refused}");

    // One that trusts our CA and comes under another.
    let half = files(&theirs, params(Part::Gate));
    let trusts_ours = roots(ours.pem().as_bytes(), half.path()).unwrap();
    let chain =
        certificates(&std::fs::read(half.path().join(CERTIFICATE_FILE)).unwrap(), half.path(), "").unwrap();
    let key = PrivateKeyDer::from_pem_file(half.path().join(KEY_FILE)).unwrap();
    let config = client_config(&chain, &key, Arc::new(trusts_ours.clone())).unwrap();
    talk(&tablet, Arc::new(config), Part::Tablet).await.unwrap_err();

    // One without a certificate.
    let bare = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(trusts_ours)
        .with_no_client_auth();
    talk(&tablet, Arc::new(bare), Part::Tablet).await.unwrap_err();
}

#[test]
fn every_part_has_a_name_of_its_own() {
    let mut names: Vec<_> = Part::ALL.iter().map(|part| part.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Part::ALL.len());
    for part in Part::ALL {
        part.server_name().unwrap();
    }
}

#[test]
fn refusals_name_the_file() {
    let (ours, theirs) = (ca(), ca());
    for file in [CA_FILE, CERTIFICATE_FILE, KEY_FILE] {
        let dir = files(&ours, params(Part::Tablet));
        let path = dir.path().join(file);
        for content in [Some(""), Some("nonsense"), None] {
            match content {
                Some(content) => std::fs::write(&path, content).unwrap(),
                None => std::fs::remove_file(&path).unwrap(),
            }
            let text = refusal(dir.path());
            assert!(text.contains(&path.display().to_string()), "{text}");
        }
    }

    let dir = files(&ours, params(Part::Tablet));
    std::fs::write(dir.path().join(KEY_FILE), KeyPair::generate().unwrap().serialize_pem()).unwrap();
    assert!(matches!(Identity::read(dir.path()), Err(IdentityError::Pair { .. })), "{}", refusal(dir.path()));

    let dir = files(&ours, params(Part::Tablet));
    std::fs::write(dir.path().join(CA_FILE), theirs.pem()).unwrap();
    assert!(
        matches!(Identity::read(dir.path()), Err(IdentityError::NotTaken { .. })),
        "{}",
        refusal(dir.path())
    );
}

#[test]
fn a_certificate_that_others_would_refuse_is_refused_at_home() {
    let ours = ca();
    let mut expired = params(Part::Tablet);
    expired.not_after = rcgen::date_time_ymd(2001, 1, 1);
    let mut for_servers_only = params(Part::Tablet);
    for_servers_only.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    for params in [expired, for_servers_only] {
        let dir = files(&ours, params);
        assert!(
            matches!(Identity::read(dir.path()), Err(IdentityError::NotTaken { .. })),
            "{}",
            refusal(dir.path())
        );
    }
}

#[test]
fn keys_stay_out_of_logs() {
    let ours = ca();
    let dir = files(&ours, params(Part::Tablet));
    let shown = format!("{:?}", Identity::read(dir.path()).unwrap());
    assert_eq!(shown, format!("Identity({:?})", dir.path()));
}
