//! mysqlds that take nobody from the network without TLS.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Result, ensure};
use proto::account::DataRole;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tablet::limits::CLONE_DEADLINE;
use tablet::provision;
use tablet::replication::{self, Acks};
use tests::folder::Folder;
use tests::programs;

use crate::bed::{Node, shard_with};

/// A directory with `ca.pem`, `cert.pem` and `key.pem`, by an authority of its own.
fn certificates(dir: PathBuf) -> Result<PathBuf> {
    fs::create_dir(&dir)?;
    let mut authority = CertificateParams::new(Vec::new())?;
    // Another name than the certificate's, or that would count as signed by itself.
    authority.distinguished_name.push(DnType::CommonName, "the authority of a test");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate()?;
    let ca = authority.self_signed(&authority_key)?;
    let key = KeyPair::generate()?;
    let names = vec!["tablet.shoal".to_owned(), "localhost".to_owned()];
    let certificate =
        CertificateParams::new(names)?.signed_by(&key, &Issuer::new(authority, authority_key))?;
    fs::write(dir.join("ca.pem"), ca.pem())?;
    fs::write(dir.join("cert.pem"), certificate.pem())?;
    fs::write(dir.join("key.pem"), key.serialize_pem())?;
    Ok(dir)
}

/// A statement of a client that is not this test's driver, which speaks no TLS.
fn ask(node: &Node, tls: &[&str], sql: &str) -> Result<Output> {
    let mut command = Command::new(programs::foreign("mysql")?);
    command.args(["--no-defaults", "--host=127.0.0.1", "--protocol=tcp", "--skip-column-names"]);
    command.arg(format!("--port={}", node.port)).arg(format!("--user={}", node.account(DataRole::Admin)));
    command.env("MYSQL_PWD", node.password(DataRole::Admin)).args(tls).args(["--execute", sql, "shop"]);
    Ok(command.output()?)
}

fn verified(tls: &Path) -> [String; 2] {
    ["--ssl-mode=VERIFY_CA".to_owned(), format!("--ssl-ca={}", tls.join("ca.pem").display())]
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_replicas_and_copies_come_under_tls_only() -> Result<()> {
    let folder = Folder::new()?;
    let tls = certificates(folder.path().join("tls"))?;
    let (mut primary, mut replicas) = shard_with(&folder, 1, Some(&tls)).await?;
    let options = verified(&tls);
    let options = options.each_ref().map(String::as_str);
    let made = ask(&primary, &options, "CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1), (2)")?;
    ensure!(made.status.success(), "{made:?}");
    let plain = ask(&primary, &["--ssl-mode=DISABLED", "--get-server-public-key"], "SELECT 1")?;
    ensure!(String::from_utf8_lossy(&plain.stderr).contains("ERROR 1045"), "{plain:?}");

    let replica = &mut replicas[0];
    replica.catch_up(&mut primary).await?;
    // A source with a certificate of another authority is not followed.
    let others = certificates(folder.path().join("others"))?;
    let mut stranger = Node::start(&folder, 109, Some(&others)).await?;
    let mut login = stranger.login();
    login.ca = Some(tls.join("ca.pem"));
    replication::follow(&mut replica.session, &stranger.source(), Acks::No, &login).await?;
    crate::bed::until("the stranger is refused", async || {
        let look = replica.look().await?;
        Ok(look.replication.and_then(|found| found.error).is_some_and(|(code, _)| code == 2026))
    })
    .await?;

    // Nor is one copied, and the primary is.
    stranger.supervisor.begin_copy()?;
    let mut session = stranger.another_session().with_deadline(CLONE_DEADLINE);
    let refused = provision::clone_from(&mut session, &primary.source(), &stranger.login()).await;
    ensure!(refused.is_err(), "a donor of another authority was trusted");
    replica.supervisor.begin_copy()?;
    let mut session = replica.another_session().with_deadline(CLONE_DEADLINE);
    provision::clone_from(&mut session, &primary.source(), &primary.login()).await?;
    replica.ended().await?;
    replica.restart().await?;
    replica.follow(&primary.source(), Acks::Yes).await?;
    replica.catch_up(&mut primary).await?;
    let rows = ask(&primary, &options, "SELECT COUNT(*) FROM t")?;
    ensure!(rows.stdout == b"2\n", "{rows:?}");
    Ok(())
}
