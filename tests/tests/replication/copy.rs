//! A tablet's data replaced by a copy of another's.

use std::time::Instant;

use anyhow::{Result, ensure};
use mysql_async::prelude::Queryable;
use proto::account::DataRole;
use tablet::fence::FenceState;
use tablet::limits::CLONE_DEADLINE;
use tablet::provision;
use tablet::replication::{self, Acks, Switch};
use tests::folder::Folder;

use crate::bed::{Node, client_with_table, insert, shard};

async fn copy(recipient: &mut Node, donor: &Node) -> Result<()> {
    let mut session = recipient.another_session().with_deadline(CLONE_DEADLINE);
    recipient.supervisor.begin_copy()?;
    provision::clone_from(&mut session, &donor.source(), &donor.login()).await?;
    // mysqld waits for sessions that stay.
    recipient.session.reset();
    let ending = recipient.ended().await?;
    ensure!(recipient.supervisor.failure().is_none(), "the end was expected: {ending}");
    recipient.restart().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tablet_with_other_data_becomes_a_copy_of_a_replica() -> Result<()> {
    let folder = Folder::new()?;
    let (mut primary, mut replicas) = shard(&folder, 2).await?;
    let mut client = client_with_table(&primary).await?;
    insert(&mut client, 1..=20).await?;
    let [donor, recipient] = &mut replicas[..] else { return Ok(()) };
    donor.catch_up(&mut primary).await?;
    // Writes that nobody else has, and received ones that are not applied.
    replication::stop_acking(&mut recipient.session).await?;
    recipient.session.run("STOP REPLICA").await?;
    recipient.serve(Switch::Off).await?;
    let mut errant = recipient.client(DataRole::Admin).await?;
    errant.query_drop("CREATE TABLE errant (id INT PRIMARY KEY)").await?;
    errant.disconnect().await?;
    tablet::fence::raise(&mut recipient.session).await?;
    let uuid: String = recipient.session.row("SELECT @@server_uuid").await?;

    let began = Instant::now();
    copy(recipient, donor).await?;
    println!("copy and restart: {} ms", began.elapsed().as_millis());
    let look = recipient.look().await?;
    ensure!(look.fence == FenceState::Raised && look.replication.is_none(), "{look:?}");
    ensure!(look.gtid_executed == donor.look().await?.gtid_executed, "{look:?}");
    ensure!(recipient.session.row::<String>("SELECT @@server_uuid").await? == uuid, "no server has two");
    ensure!(recipient.supervisor.starts_in_a_row() <= 1, "the end was counted as a crash");

    recipient.follow(&primary.source(), Acks::Yes).await?;
    insert(&mut client, 21..=25).await?;
    recipient.catch_up(&mut primary).await?;
    ensure!(recipient.look().await?.gtid_executed == primary.look().await?.gtid_executed);
    replication::detach(&mut recipient.session).await?;
    ensure!(recipient.ids().await? == (1..=25).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_from_a_primary_that_serves_goes_on_from_there() -> Result<()> {
    let folder = Folder::new()?;
    let (mut primary, _) = shard(&folder, 0).await?;
    let mut client = client_with_table(&primary).await?;
    insert(&mut client, 1..=5).await?;
    let mut fresh = Node::start(&folder, 109, None).await?;
    copy(&mut fresh, &primary).await?;
    insert(&mut client, 6..=10).await?;
    fresh.follow(&primary.source(), Acks::No).await?;
    fresh.catch_up(&mut primary).await?;
    replication::detach(&mut fresh.session).await?;
    ensure!(fresh.ids().await? == (1..=10).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_fails_or_is_cut_off_leaves_a_mysqld_that_can_be_given_another() -> Result<()> {
    let folder = Folder::new()?;
    let (mut primary, mut replicas) = shard(&folder, 1).await?;
    let mut client = client_with_table(&primary).await?;
    insert(&mut client, 1..=5).await?;
    let recipient = &mut replicas[0];
    recipient.catch_up(&mut primary).await?;
    replication::stop_acking(&mut recipient.session).await?;
    replication::set_source_semi_sync(&mut primary.session, Switch::Off).await?;

    // Nobody is there to copy from.
    let mut nowhere = primary.source();
    nowhere.port = tests::ports::free_port()?;
    recipient.supervisor.begin_copy()?;
    let mut session = recipient.another_session().with_deadline(CLONE_DEADLINE);
    let failed = provision::clone_from(&mut session, &nowhere, &primary.login()).await;
    ensure!(failed.is_err(), "a copy of nothing");
    recipient.supervisor.give_copy_up()?;
    recipient.ended().await?;
    recipient.restart().await?;
    ensure!(!recipient.dir.copy_mark().exists(), "the mark is left");
    ensure!(recipient.look().await?.replication.is_none(), "a source is left");

    // The agent is killed: the next one starts mysqld anew, because nobody knows what it was given.
    recipient.follow(&primary.source(), Acks::No).await?;
    recipient.supervisor.begin_copy()?;
    recipient.change_agents().await?;
    ensure!(recipient.supervisor.process().is_none(), "a mysqld was taken over in the midst of a copy");
    recipient.session.reset();
    recipient.restart().await?;
    ensure!(recipient.look().await?.replication.is_none(), "a source is left");

    copy(recipient, &primary).await?;
    ensure!(recipient.ids().await? == (1..=5).collect::<Vec<_>>());
    Ok(())
}
