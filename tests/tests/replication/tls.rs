//! mysqlds that take nobody from the network without TLS and a certificate of the cluster.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use proto::account::DataRole;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tablet::limits::CLONE_DEADLINE;
use tablet::provision;
use tablet::replication::{self, Acks, Switch};
use tests::folder::Folder;
use tests::programs;

use crate::bed::{Node, client_with_table, shard, shard_with, until};

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
fn ask(node: &Node, tls: &[String], sql: &str) -> Result<Output> {
    let mut command = Command::new(programs::foreign("mysql")?);
    command.args(["--no-defaults", "--host=127.0.0.1", "--protocol=tcp", "--skip-column-names"]);
    command.arg(format!("--port={}", node.port)).arg(format!("--user={}", node.account(DataRole::Admin)));
    command.env("MYSQL_PWD", node.password(DataRole::Admin)).args(tls).args(["--execute", sql, "shop"]);
    Ok(command.output()?)
}

/// Options of a client that knows the cluster, and shows nothing.
fn nameless(tls: &Path) -> Vec<String> {
    vec!["--ssl-mode=VERIFY_CA".to_owned(), format!("--ssl-ca={}", tls.join("ca.pem").display())]
}

/// Options of a client that knows the cluster, and shows the certificate in `own`.
fn named(tls: &Path, own: &Path) -> Vec<String> {
    let file = |option: &str, file: &str| format!("--ssl-{option}={}", own.join(file).display());
    [nameless(tls), vec![file("cert", "cert.pem"), file("key", "key.pem")]].concat()
}

fn ensure_refused(answer: &Output, code: &str) -> Result<()> {
    ensure!(String::from_utf8_lossy(&answer.stderr).contains(&format!("ERROR {code} ")), "{answer:?}");
    Ok(())
}

/// Waits until the replica's receiver stands with the error.
async fn until_receiver_fails(replica: &mut Node, code: u32) -> Result<()> {
    until(&format!("the receiver says {code}"), async || {
        let look = replica.look().await?;
        Ok(look.replication.and_then(|found| found.error).is_some_and(|(found, _)| found == code))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_come_with_a_certificate_of_the_cluster_only() -> Result<()> {
    let folder = Folder::new()?;
    let tls = certificates(folder.path().join("tls"))?;
    let others = certificates(folder.path().join("others"))?;
    let (primary, _) = shard_with(&folder, 0, Some(&tls)).await?;
    let plain = ["--ssl-mode=DISABLED", "--get-server-public-key"].map(str::to_owned);
    ensure_refused(&ask(&primary, &plain, "SELECT 1")?, "1045")?;
    ensure_refused(&ask(&primary, &nameless(&tls), "SELECT 1")?, "1045")?;
    let stranger = ask(&primary, &named(&tls, &others), "SELECT 1")?;
    ensure!(!stranger.status.success() && stranger.stdout.is_empty(), "{stranger:?}");
    let known = ask(&primary, &named(&tls, &tls), "SELECT 1")?;
    ensure!(known.stdout == b"1\n", "{known:?}");
    Ok(())
}

/// A primary with two rows and a replica that has them, and the certificates that they know each other by.
async fn shard_with_rows(folder: &Folder) -> Result<(PathBuf, Node, Vec<Node>)> {
    let tls = certificates(folder.path().join("tls"))?;
    let (mut primary, mut replicas) = shard_with(folder, 1, Some(&tls)).await?;
    let rows = "CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1), (2)";
    let made = ask(&primary, &named(&tls, &tls), rows)?;
    ensure!(made.status.success(), "{made:?}");
    replicas[0].catch_up(&mut primary).await?;
    Ok((tls, primary, replicas))
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_and_sources_know_each_other_by_certificate() -> Result<()> {
    let folder = Folder::new()?;
    let (tls, mut primary, mut replicas) = shard_with_rows(&folder).await?;
    let replica = &mut replicas[0];

    // A source with a certificate of another authority is not followed.
    let others = certificates(folder.path().join("others"))?;
    let stranger = Node::start(&folder, 109, Some(&others)).await?;
    let mut login = stranger.login();
    login.tls.as_mut().context("no TLS")?.ca = tls.join("ca.pem").display().to_string();
    replication::follow(&mut replica.session, &stranger.source(), Acks::No, &login).await?;
    until_receiver_fails(replica, 2026).await?;

    // A source takes no replica that shows no certificate.
    let mut login = primary.login();
    let files = login.tls.as_mut().context("no TLS")?;
    (files.certificate, files.key) = (String::new(), String::new());
    replication::follow(&mut replica.session, &primary.source(), Acks::No, &login).await?;
    until_receiver_fails(replica, 1045).await?;
    // What such a replica lacks is noticed, though everything else is as it should be.
    replica.follow(&primary.source(), Acks::No).await?;
    replica.catch_up(&mut primary).await
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_are_made_between_two_that_know_each_other() -> Result<()> {
    let folder = Folder::new()?;
    let (_, mut primary, mut replicas) = shard_with_rows(&folder).await?;
    let replica = &mut replicas[0];

    // A donor of another authority is not trusted.
    let others = certificates(folder.path().join("others"))?;
    let mut stranger = Node::start(&folder, 109, Some(&others)).await?;
    stranger.supervisor.begin_copy()?;
    let mut session = stranger.another_session().with_deadline(CLONE_DEADLINE);
    let refused = provision::clone_from(&mut session, &primary.source(), &stranger.login()).await;
    ensure!(refused.is_err(), "a donor of another authority was trusted");

    // A donor hands nothing to one that shows no certificate.
    for option in ["clone_ssl_cert", "clone_ssl_key"] {
        replica.session.run(&format!("SET GLOBAL {option} = ''")).await?;
    }
    replica.supervisor.begin_copy()?;
    let mut session = replica.another_session().with_deadline(CLONE_DEADLINE);
    let refused = provision::clone_from(&mut session, &primary.source(), &primary.login()).await;
    let said = refused.err().context("a copy was had without a certificate")?.to_string();
    ensure!(said.contains("1045"), "{said}");
    replica.supervisor.give_copy_up()?;
    replica.ended().await?;
    replica.restart().await?;

    replica.supervisor.begin_copy()?;
    let mut session = replica.another_session().with_deadline(CLONE_DEADLINE);
    provision::clone_from(&mut session, &primary.source(), &primary.login()).await?;
    replica.ended().await?;
    replica.restart().await?;
    replica.follow(&primary.source(), Acks::Yes).await?;
    replica.catch_up(&mut primary).await?;
    let rows: u64 = replica.session.row("SELECT COUNT(*) FROM shop.t").await?;
    ensure!(rows == 2, "the copy has {rows} rows");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_begins_to_speak_tls_and_ceases_again() -> Result<()> {
    let folder = Folder::new()?;
    let tls = certificates(folder.path().join("tls"))?;
    let (mut primary, mut replicas) = shard(&folder, 1).await?;
    let replica = &mut replicas[0];
    client_with_table(&primary).await?.disconnect().await?;

    for with in [Some(tls.as_path()), None] {
        // The replica first: for a while the two do not understand each other, and nothing is lost.
        replica.switch_tls(with).await?;
        let login = replica.login();
        replication::follow(&mut replica.session, &primary.source(), Acks::Yes, &login).await?;
        primary.switch_tls(with).await?;
        primary.serve(Switch::On).await?;
        replica.follow(&primary.source(), Acks::Yes).await?;

        let plain = ["--ssl-mode=DISABLED", "--get-server-public-key"].map(str::to_owned);
        let id = u32::from(with.is_some());
        let insert = format!("INSERT INTO t VALUES ({id})");
        let answer = match with {
            Some(tls) => {
                ensure_refused(&ask(&primary, &plain, &insert)?, "1045")?;
                ensure_refused(&ask(&primary, &nameless(tls), &insert)?, "1045")?;
                ask(&primary, &named(tls, tls), &insert)?
            }
            None => ask(&primary, &plain, &insert)?,
        };
        ensure!(answer.status.success(), "{answer:?}");
        replica.catch_up(&mut primary).await?;
    }
    ensure!(replica.ids().await? == [0, 1]);
    Ok(())
}
