//! What the accounts of a real mysqld may and may not do.

use anyhow::Result;
use mysql_async::prelude::Queryable;
use proto::account::{AGENT_ACCOUNT, AGENT_SECRET_FILE, DataRole};

use super::bed::{ALIAS, Bed, code, refusal};

const ACCESS_DENIED: u16 = 1045;
const NO_SCHEMA: u16 = 1044;
const NO_COMMAND: u16 = 1142;
const NO_PRIVILEGE: u16 = 1227;
const LOCKED: u16 = 3118;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_account_has_what_it_needs_and_no_more() -> Result<()> {
    // With an underscore, which is a wildcard in an unescaped GRANT.
    let mut bed = Bed::new("shop_1/-")?;
    bed.start()?;
    bed.name_primary(ALIAS, 1).await?;
    bed.until_serving().await?;
    data_accounts(&bed).await?;
    admin_account(&bed).await?;
    other_accounts(&bed).await?;
    assert!(bed.end()?.success());
    Ok(())
}

async fn data_accounts(bed: &Bed) -> Result<()> {
    let mut admin = bed.session(DataRole::Admin).await?;
    admin.query_drop("CREATE TABLE shop_1.t (id INT PRIMARY KEY)").await?;
    for role in DataRole::ALL {
        let mut conn = bed.session(role).await?;
        let seen: Vec<String> = conn.query("SHOW DATABASES").await?;
        assert_eq!(seen, ["information_schema", "performance_schema", "shop_1"], "{role}");
        assert_eq!(refusal(&mut conn, "SELECT * FROM shop_1.t").await?, 0, "{role}");
        let writes = if role == DataRole::Read { NO_COMMAND } else { 0 };
        assert_eq!(refusal(&mut conn, "INSERT INTO shop_1.t VALUES (1)").await?, writes, "{role}");
        assert_eq!(refusal(&mut conn, "DELETE FROM shop_1.t").await?, writes, "{role}");
        let ddl = if role == DataRole::Admin { 0 } else { NO_COMMAND };
        assert_eq!(refusal(&mut conn, "CREATE TABLE shop_1.u (id INT)").await?, ddl, "{role}");
        assert_eq!(refusal(&mut conn, "ALTER TABLE shop_1.t COMMENT 'x'").await?, ddl, "{role}");
        for (sql, refused) in [
            ("CREATE DATABASE shopx1", NO_SCHEMA),
            ("CREATE DATABASE other", NO_SCHEMA),
            ("USE mysql", NO_SCHEMA),
            ("SELECT * FROM mysql.user", NO_COMMAND),
            ("SELECT * FROM performance_schema.threads", NO_COMMAND),
            ("SET GLOBAL offline_mode = ON", NO_PRIVILEGE),
            ("SET GLOBAL super_read_only = OFF", NO_PRIVILEGE),
            ("SET SESSION sql_log_bin = 0", NO_PRIVILEGE),
            ("SELECT 1 INTO OUTFILE '/tmp/shoal'", NO_PRIVILEGE),
            ("CREATE USER u", NO_PRIVILEGE),
            ("GRANT SELECT ON shop_1.* TO `shop_1.read`", NO_SCHEMA),
            ("XA RECOVER", 1401),
            ("SHUTDOWN", NO_PRIVILEGE),
        ] {
            assert_eq!(refusal(&mut conn, sql).await?, refused, "{role}: {sql}");
        }
    }
    Ok(())
}

async fn admin_account(bed: &Bed) -> Result<()> {
    let mut admin = bed.session(DataRole::Admin).await?;
    admin.query_drop("USE shop_1").await?;
    let (_, shown): (String, String) = admin.query_first("SHOW CREATE TABLE u").await?.unwrap_or_default();
    assert!(!shown.contains("PRIMARY KEY") && !shown.contains("my_row_id"), "{shown}");
    let columns = "SELECT column_name FROM information_schema.columns WHERE table_name = 'u'";
    assert_eq!(admin.query::<String, _>(columns).await?, ["id"]);
    // The hidden key is there all the same.
    admin.query_drop("INSERT INTO u VALUES (5)").await?;
    assert_eq!(admin.query_first::<u32, _>("SELECT my_row_id FROM u").await?, Some(1));
    for sql in [
        "CREATE INDEX by_id ON u (id)",
        "CREATE VIEW v AS SELECT id FROM t",
        "SHOW CREATE VIEW v",
        "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.id = NEW.id + 1",
        "CREATE PROCEDURE p() SELECT 1",
        "CALL p()",
        "CREATE FUNCTION f() RETURNS INT RETURN 1",
        "CREATE TABLE child (id INT PRIMARY KEY, FOREIGN KEY (id) REFERENCES t (id))",
        "ALTER TABLE child ADD COLUMN more INT",
        "TRUNCATE u",
        "DROP TABLE child, u",
        "DROP FUNCTION f",
    ] {
        assert_eq!(refusal(&mut admin, sql).await?, 0, "{sql}");
    }
    assert_eq!(refusal(&mut admin, "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1").await?, NO_SCHEMA);
    Ok(())
}

async fn other_accounts(bed: &Bed) -> Result<()> {
    assert_eq!(code(bed.log_in_locally("root", "").await)?, LOCKED);
    // For an account that is not there mysqld may name any plugin, also one that the driver lacks.
    assert!(bed.log_in("root", "").await.is_err());
    assert_eq!(code(bed.log_in("shop_1.read", "wrong").await)?, ACCESS_DENIED);
    assert_eq!(code(bed.log_in("shop_1.read", "").await)?, ACCESS_DENIED);
    let password = bed.secret(AGENT_SECRET_FILE)?.password(AGENT_ACCOUNT);
    assert!(bed.log_in(AGENT_ACCOUNT, &password).await.is_err(), "only over the socket");

    let mut agent = bed.log_in_locally(AGENT_ACCOUNT, &password).await?;
    let grants: Vec<String> = agent.query("SHOW GRANTS").await?;
    let wanted = [
        "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE USER, TRIGGER ON *.* TO `_shoal_agent`@`localhost` WITH GRANT OPTION",
        "GRANT CLONE_ADMIN,CONNECTION_ADMIN,REPLICATION_SLAVE_ADMIN,SYSTEM_VARIABLES_ADMIN ON *.* TO `_shoal_agent`@`localhost`",
        "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON `\\_shoal`.* TO `_shoal_agent`@`localhost`",
        "GRANT SELECT ON `performance_schema`.`clone_progress` TO `_shoal_agent`@`localhost`",
    ];
    assert_eq!(grants, wanted);
    // It hands on what data accounts may do, and nothing else.
    agent.query_drop("CREATE USER guest").await?;
    assert_eq!(refusal(&mut agent, "GRANT SELECT ON shop_1.* TO guest").await?, 0);
    assert_eq!(refusal(&mut agent, "GRANT EVENT ON shop_1.* TO guest").await?, NO_SCHEMA);
    assert_eq!(refusal(&mut agent, "GRANT FILE ON *.* TO guest").await?, ACCESS_DENIED);
    assert_eq!(refusal(&mut agent, "SELECT 1 INTO OUTFILE '/tmp/shoal'").await?, NO_PRIVILEGE);
    assert_eq!(refusal(&mut agent, "SHUTDOWN").await?, NO_PRIVILEGE);
    let settings = "SELECT @@server_id, @@gtid_mode, @@binlog_row_image, @@binlog_row_metadata, @@local_infile, \
                    @@sql_require_primary_key, @@performance_schema";
    let found: (u32, String, String, String, bool, bool, bool) =
        agent.query_first(settings).await?.unwrap_or_default();
    let full = || "FULL".to_owned();
    assert_eq!(found, (101, "ON".to_owned(), full(), full(), false, true, true));
    Ok(())
}
