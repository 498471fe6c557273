//! mysqld's error log, which is bounded.

use std::fs::{self, File};

use anyhow::{Result, ensure};
use tablet::limits::MAX_LOG_BYTES;
use tests::folder::Folder;

use crate::bed::Node;

#[tokio::test(flavor = "multi_thread")]
async fn a_long_error_log_is_set_aside_and_nothing_of_it_is_replicated() -> Result<()> {
    let folder = Folder::new()?;
    let mut node = Node::start(&folder, 101, None).await?;
    let log = node.dir.log();
    node.supervisor.tend_log(&node.dir, &mut node.session).await?;
    ensure!(!node.dir.old_log().exists(), "a short log was set aside");
    let before = node.look().await?.gtid_executed;

    File::options().append(true).open(&log)?.set_len(MAX_LOG_BYTES + 1)?;
    node.supervisor.tend_log(&node.dir, &mut node.session).await?;
    ensure!(fs::metadata(node.dir.old_log())?.len() > MAX_LOG_BYTES, "the long one is not kept");
    ensure!(fs::metadata(&log)?.len() < MAX_LOG_BYTES, "mysqld writes on where it did");
    ensure!(node.look().await?.gtid_executed == before, "replicas would have to do it, too");

    File::options().append(true).open(&log)?.set_len(MAX_LOG_BYTES + 1)?;
    node.crash().await?;
    ensure!(fs::metadata(&log)?.len() < MAX_LOG_BYTES, "a start goes on with a long log");
    Ok(())
}
