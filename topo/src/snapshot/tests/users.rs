//! What a snapshot knows of users.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_user_whose_record_cannot_be_read_is_gone_and_every_change_gives_a_new_version() {
    let cluster = Cluster::new().await;
    let key = cluster.topology.keys().user("app");
    let feed = SnapshotFeed::start(&cluster.topology).await.unwrap();
    let first = feed.load().users_version();
    let user = UserRecord::new("x", DataRole::Admin).unwrap();
    let revision = cluster.topology.put(&key, &user).await.unwrap();
    let there = feed.at_least(revision, PATIENCE).await.unwrap();
    assert!(there.user("app").is_some() && there.users_version() > first);

    let revision = cluster.put_schema(&[]).await;
    let unchanged = feed.at_least(revision, PATIENCE).await.unwrap();
    assert_eq!(unchanged.users_version(), there.users_version());

    let revision = cluster.put_raw(&key, r#"{"format":9}"#).await;
    let unreadable = feed.at_least(revision, PATIENCE).await.unwrap();
    assert!(unreadable.user("app").is_none() && unreadable.users_version() > there.users_version());
}
