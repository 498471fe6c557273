//! Starting, serving, dying and ending.

use std::time::Instant;

use anyhow::{Context, Result};
use mysql_async::prelude::Queryable;
use proto::account::DataRole;
use topo::records::{TabletLiveness, TabletRecord};

use super::bed::{ALIAS, Bed, PATIENCE, refusal, serves};
use tests::process::{pids_naming, wait_for};
use tests::signals;

/// MySQL's code for a login while offline_mode is on.
const OFFLINE: u16 = 3032;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tablet_serves_only_once_it_is_named_and_ends_without_a_trace() -> Result<()> {
    let mut bed = Bed::new("shop/-80")?;
    let began = Instant::now();
    bed.start()?;
    let status = bed.until_fenced().await?;
    let up = began.elapsed();
    assert_eq!(status.gtid_executed, "", "making the accounts is not logged");
    assert!(!status.mysql_version.is_empty());
    bed.until("without a primary", |status| status.reason == "the shard has no primary yet").await?;
    assert_eq!(bed.login_refusal().await?, OFFLINE);

    let topology = bed.topology().await?;
    let keys = topology.keys();
    let (alias, deadline) = (ALIAS.parse()?, Instant::now() + PATIENCE);
    let alive = loop {
        match topology.read::<TabletLiveness>(&keys.alive(Some(&alias))).await? {
            Some(alive) => break alive.value,
            None => assert!(Instant::now() < deadline, "never registered"),
        }
    };
    let record = topology.read::<TabletRecord>(&keys.tablet(Some(&alias))).await?.context("no record")?.value;
    assert_eq!(record.mysql_address, format!("127.0.0.1:{}", bed.mysql_port));
    assert_eq!(record.agent_address, format!("127.0.0.1:{}", bed.rpc_port));
    assert_eq!((record.mysql_version, &record.shard), (status.mysql_version, &bed.shard));

    let named = Instant::now();
    bed.name_primary(ALIAS, 1).await?;
    while bed.login_refusal().await? == OFFLINE {
        assert!(named.elapsed() < PATIENCE);
    }
    let served = named.elapsed();
    bed.until_serving().await?;
    let mut admin = bed.session(DataRole::Admin).await?;
    admin.query_drop("CREATE TABLE shop.t (id INT PRIMARY KEY); INSERT INTO shop.t VALUES (7)").await?;
    println!("mysqld up, fenced, after {up:?}; serving {served:?} after the record named it");

    let ending = Instant::now();
    assert!(bed.end()?.success());
    println!("ended in order after {:?}", ending.elapsed());
    assert!(admin.query_drop("SELECT 1").await.is_err(), "the session was ended");
    assert!(topology.read::<TabletLiveness>(&keys.alive(Some(&alias))).await?.is_none());
    assert!(topology.read::<TabletRecord>(&keys.tablet(Some(&alias))).await?.is_some());
    let log = std::fs::read_to_string(bed.log())?;
    assert!(log.contains("mysqld exited with status 0"), "{log}");
    for gone in ["mysqld.json", "init.sql", "mysql.sock"] {
        assert!(!bed.dir().join(gone).exists(), "{gone} is left");
    }

    let began = Instant::now();
    bed.start()?;
    bed.until_serving().await?;
    println!("serving again {:?} after the start", began.elapsed());
    let mut reader = bed.session(DataRole::Read).await?;
    assert_eq!(reader.query_first::<u32, _>("SELECT id FROM shop.t").await?, Some(7));
    let again = topology.read::<TabletLiveness>(&keys.alive(Some(&alias))).await?.context("not alive")?.value;
    assert_ne!(again.incarnation, alive.incarnation);
    bed.end()?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_dies_leaves_mysqld_and_its_sessions_alone() -> Result<()> {
    let mut bed = Bed::new("shop/-")?;
    bed.start()?;
    bed.name_primary(ALIAS, 1).await?;
    bed.until_serving().await?;
    let mut client = bed.session(DataRole::Write).await?;
    client.query_drop("SET @mark = 42").await?;
    let mysqld = bed.mysqld_pid()?;

    bed.kill_agent()?;
    assert_eq!(client.query_first::<u32, _>("SELECT @mark").await?, Some(42));
    bed.start()?;
    bed.until_serving().await?;
    assert_eq!(bed.mysqld_pid()?, mysqld);

    // The same while the topology is away: the agent cannot read its role, and touches nothing.
    bed.kill_agent()?;
    signals::freeze(bed.etcd.pid())?;
    bed.start()?;
    let status = bed.until_serving().await?;
    assert_eq!(status.term, 1, "as the disk says");
    assert_eq!(bed.mysqld_pid()?, mysqld);
    assert_eq!(client.query_first::<u32, _>("SELECT @mark").await?, Some(42));
    signals::thaw(bed.etcd.pid())?;

    // What an earlier agent started is watched, too.
    signals::kill(mysqld)?;
    bed.until("serving from a new mysqld", |s| serves(s) && bed.mysqld_pid().is_ok_and(|p| p != mysqld))
        .await?;
    assert!(bed.end()?.success());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mysqld_that_dies_comes_back_fenced_until_the_term_is_confirmed() -> Result<()> {
    let mut bed = Bed::new("shop/80-")?;
    bed.start()?;
    bed.name_primary(ALIAS, 3).await?;
    bed.until_serving().await?;
    let mut client = bed.session(DataRole::Admin).await?;
    client.query_drop("CREATE TABLE shop.t (id INT PRIMARY KEY)").await?;
    client.query_drop("INSERT INTO shop.t VALUES (1)").await?;

    let first = bed.mysqld_pid()?;
    let died = Instant::now();
    signals::kill(first)?;
    bed.until("serving again", |s| serves(s) && bed.mysqld_pid().is_ok_and(|pid| pid != first)).await?;
    println!("serving {:?} after mysqld was killed", died.elapsed());
    let status = bed.status().await?;
    assert_eq!((status.deaths, status.last_death.as_str()), (1, "was killed by signal 9"));
    let mut client = bed.session(DataRole::Write).await?;
    assert_eq!(client.query_first::<u32, _>("SELECT COUNT(*) FROM shop.t").await?, Some(1));

    // With the topology away nobody can confirm the term.
    signals::freeze(bed.etcd.pid())?;
    assert_eq!(
        refusal(&mut client, "INSERT INTO shop.t VALUES (2)").await?,
        0,
        "it serves without the topology"
    );
    let second = bed.mysqld_pid()?;
    signals::kill(second)?;
    bed.until("up again", |s| s.fenced && bed.mysqld_pid().is_ok_and(|pid| pid != second)).await?;
    // Longer than the agent's own patience with the store.
    let until = Instant::now() + tablet::limits::TOPOLOGY_DEADLINE + tablet::limits::LOOK_INTERVAL;
    while Instant::now() < until {
        assert_eq!(bed.login_refusal().await?, OFFLINE);
    }
    signals::thaw(bed.etcd.pid())?;
    bed.until_serving().await?;
    let mut client = bed.session(DataRole::Write).await?;
    assert_eq!(client.query_first::<u32, _>("SELECT COUNT(*) FROM shop.t").await?, Some(2));
    assert!(bed.end()?.success());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_ends_a_mysqld_whose_agent_is_gone() -> Result<()> {
    let mut bed = Bed::new("shop/-")?;
    bed.start()?;
    bed.name_primary(ALIAS, 1).await?;
    bed.until_serving().await?;
    let (status, said) = bed.stop()?;
    assert!(!status.success() && said.contains("an agent already runs"), "{said}");
    bed.until_serving().await?;

    let mysqld = bed.mysqld_pid()?;
    bed.kill_agent()?;
    let (status, said) = bed.stop()?;
    assert!(status.success() && said.contains("stopped the mysqld"), "{said}");
    let log = std::fs::read_to_string(bed.dir().join("mysqld.log"))?;
    assert!(log.contains("Shutdown complete"), "it was not ended in order: {log}");
    wait_for("mysqld is gone", PATIENCE, || !std::path::Path::new(&format!("/proc/{mysqld}/exe")).exists())?;
    let (status, said) = bed.stop()?;
    assert!(status.success() && said.contains("no mysqld runs"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_with_a_long_path_works_too() -> Result<()> {
    let mut bed = Bed::new("shop/-")?;
    // Longer than the path of a Unix socket may be, and with a blank.
    bed.move_dir(&format!("a {}", "long ".repeat(30)));
    bed.start()?;
    bed.name_primary(ALIAS, 1).await?;
    bed.until_serving().await?;
    let settings = std::fs::read_to_string(bed.dir().join("my.cnf"))?;
    let socket = settings.lines().find_map(|line| line.strip_prefix("socket = \"/tmp/shoal-"));
    let folder = socket.and_then(|rest| rest.strip_suffix("/mysql.sock\"")).context("no short socket")?;
    let folder = std::path::PathBuf::from(format!("/tmp/shoal-{folder}"));
    assert!(folder.join("mysql.sock").exists());
    assert!(bed.end()?.success());
    assert!(!folder.exists(), "it is left behind");
    Ok(())
}

/// However the agent dies while it starts mysqld, the next one ends up with exactly one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_killed_in_the_midst_of_a_start_loses_no_mysqld() -> Result<()> {
    let mut bed = Bed::new("shop/-")?;
    bed.start()?;
    bed.until_fenced().await?;
    bed.end()?;
    for round in 0..5 {
        let log_begins = std::fs::metadata(bed.log())?.len();
        bed.start()?;
        // From before anything is done to well into mysqld's own start.
        let moment = Instant::now();
        while moment.elapsed().as_millis() < 20 * round {
            std::hint::spin_loop();
        }
        bed.kill_agent()?;
        bed.start()?;
        bed.until_fenced().await.with_context(|| format!("round {round}"))?;
        let running = pids_naming(&bed.dir().join("my.cnf"));
        let pids: Vec<u32> = running.iter().map(|(pid, _)| *pid).collect();
        assert_eq!(pids, [bed.mysqld_pid()?], "round {round}: {running:?}");
        assert!(bed.end()?.success(), "round {round}");
        let log = std::fs::read(bed.log())?;
        let said = String::from_utf8_lossy(&log[usize::try_from(log_begins)?..]).into_owned();
        assert!(!said.contains("ERROR"), "round {round}: {said}");
    }
    Ok(())
}
