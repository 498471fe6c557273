//! Statements about users and rights.

use proto::errors::ErrorId;

use super::{assert_plans, cluster, planned};
use crate::planner::is_final;

#[tokio::test]
async fn statements_about_users_are_read_whole_and_no_mysqld_is_asked_about_them() {
    let snapshot = cluster().await;
    let plan = planned(&snapshot, None, "create user 'ann'@'%' identified by 'hunter2'");
    assert!(plan.starts_with("account Create {") && !plan.contains("hunter2"), "{plan}");
    let cases = [
        ("create user ann@localhost identified by 'hunter2'", "SH2046"),
        ("grant event on shop.* to ann", "SH2046"),
        ("set password for ann to random", "SH2046"),
    ];
    assert_plans(&snapshot, Some("shop"), &cases);
    assert!([ErrorId::AccountForm, ErrorId::InexactGrant, ErrorId::LongUserName].into_iter().all(is_final));
}
