//! Every mix of versions that an upgrade goes through.

use anyhow::{Result, ensure};

use crate::bed::{Age, Bed};

const ALIAS: &str = "zone1-101";

/// A mix takes SQL of every kind, is told truly by control, and nobody complains.
async fn serves(gate: Age, tablet: Age) -> Result<()> {
    let mut bed = Bed::new(1).await?;
    bed.tablet(ALIAS, tablet)?;
    bed.gate(gate)?;
    let listed =
        bed.until_listed(ALIAS, "serving", |tablet| tablet.state == "serving" && tablet.term == 1).await?;
    ensure!(listed.role == "primary" && listed.mysql_version.starts_with(|c: char| c.is_ascii_digit()));

    bed.run("CREATE TABLE notes (id BIGINT PRIMARY KEY, text VARCHAR(20))").await?;
    let mut session = bed.session().await?;
    session
        .run_all(&[
            "INSERT INTO notes VALUES (1, 'one')",
            "INSERT INTO notes VALUES (2, 'two')",
            "UPDATE notes SET text = 'zwei' WHERE id = 2",
            "ALTER TABLE notes ADD COLUMN author VARCHAR(20) DEFAULT 'Ada'",
        ])
        .await?;
    assert_eq!(bed.column("SELECT text FROM notes WHERE id = 2").await?, ["zwei"]);
    assert_eq!(bed.column("SELECT author FROM notes WHERE id = 1").await?, ["Ada"]);
    assert_eq!(bed.complaints()?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_gate_and_a_tablet_of_the_previous_version_serve_under_todays_control() -> Result<()> {
    serves(Age::Previous, Age::Previous).await
}

#[tokio::test]
async fn a_previous_gate_serves_with_todays_tablet() -> Result<()> {
    serves(Age::Previous, Age::Today).await
}

#[tokio::test]
async fn todays_gate_serves_with_a_previous_tablet() -> Result<()> {
    serves(Age::Today, Age::Previous).await
}

#[tokio::test]
async fn todays_programs_take_over_one_by_one_and_every_row_is_there() -> Result<()> {
    let mut bed = Bed::new(1).await?;
    bed.tablet(ALIAS, Age::Previous)?;
    bed.gate(Age::Previous)?;
    bed.run("CREATE TABLE notes (id BIGINT PRIMARY KEY)").await?;
    bed.run("INSERT INTO notes VALUES (1)").await?;

    bed.gate(Age::Today)?;
    bed.run("INSERT INTO notes VALUES (2)").await?;
    // The agent finds a mysqld that was started with the settings of the previous version.
    bed.tablet(ALIAS, Age::Today)?;
    bed.run("INSERT INTO notes VALUES (3)").await?;
    bed.until_listed(ALIAS, "serving", |tablet| tablet.state == "serving").await?;
    // Then one that it started by itself, on the data of the previous version.
    bed.stop(ALIAS, Age::Today)?;
    bed.tablet(ALIAS, Age::Today)?;
    bed.run("INSERT INTO notes VALUES (4)").await?;
    let mut rows = Vec::new();
    for id in 1..=4 {
        rows.extend(bed.column(&format!("SELECT id FROM notes WHERE id = {id}")).await?);
    }
    assert_eq!(rows, ["1", "2", "3", "4"]);
    Ok(())
}

#[tokio::test]
async fn a_tablet_goes_back_to_the_previous_version() -> Result<()> {
    let mut bed = Bed::new(1).await?;
    bed.tablet(ALIAS, Age::Today)?;
    bed.gate(Age::Today)?;
    bed.run("CREATE TABLE notes (id BIGINT PRIMARY KEY)").await?;
    bed.run("INSERT INTO notes VALUES (1)").await?;
    bed.stop(ALIAS, Age::Today)?;

    bed.tablet(ALIAS, Age::Previous)?;
    bed.gate(Age::Previous)?;
    bed.run("INSERT INTO notes VALUES (2)").await?;
    assert_eq!(bed.column("SELECT id FROM notes WHERE id = 1").await?, ["1"]);
    bed.until_listed(ALIAS, "serving", |tablet| tablet.state == "serving").await?;
    Ok(())
}
