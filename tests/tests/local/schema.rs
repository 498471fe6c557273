//! `shoal schema`: tables as a file says, on real servers.

use anyhow::Result;

use crate::bed::{Bed, Said};

const WANTED: &str = "-- what is wanted
DROP TABLE IF EXISTS authors;
CREATE TABLE authors (id INT NOT NULL PRIMARY KEY, name VARCHAR(80) NOT NULL, born DATE, KEY by_name (name));
CREATE TABLE books (
  id INT NOT NULL PRIMARY KEY,
  author INT NOT NULL,
  title VARCHAR(200) NOT NULL COMMENT 'it''s; so',
  CONSTRAINT of_author FOREIGN KEY (author) REFERENCES authors (id)
);
";

fn schema(bed: &Bed, words: &[&str]) -> Result<Said> {
    bed.shoal(&[&["schema"], words].concat())
}

#[test]
fn tables_become_what_a_file_says_and_nothing_is_lost_unasked() -> Result<()> {
    let bed = Bed::up(None)?;
    bed.done(&[
        "sql",
        "main",
        "-e",
        "CREATE TABLE authors (id INT NOT NULL PRIMARY KEY, name VARCHAR(20), nick INT)",
    ])?;
    bed.done(&["sql", "main", "-e", "CREATE TABLE old (id INT PRIMARY KEY)"])?;
    // By its name it comes after the table that it refers to.
    let older = "CREATE TABLE older (id INT PRIMARY KEY, FOREIGN KEY (id) REFERENCES old (id))";
    bed.done(&["sql", "main", "-e", older])?;
    bed.done(&["sql", "main", "-e", "INSERT INTO authors VALUES (1, 'Ada', 7)"])?;
    let file = bed.file("wanted.sql", WANTED)?;

    let diff = schema(&bed, &["diff", "main", "-f", &file])?;
    assert_eq!(diff.code, 4, "{diff:?}");
    let expected = "\
-- drops column `nick` of table authors
ALTER TABLE `authors`
  DROP COLUMN `nick`,
  MODIFY COLUMN `name` varchar(80) NOT NULL,
  ADD COLUMN `born` date DEFAULT NULL,
  ADD KEY `by_name` (`name`);
CREATE TABLE `books` (
";
    assert!(diff.out.starts_with(expected), "{}", diff.out);
    let drops = "-- drops table older with its rows\nDROP TABLE `older`;\n\
                 -- drops table old with its rows\nDROP TABLE `old`;\n";
    assert!(diff.out.ends_with(drops), "{}", diff.out);
    // What would be executed is what the difference is, and nothing was done yet.
    let dry = schema(&bed, &["apply", "main", "-f", &file, "--dry-run"])?;
    assert_eq!((dry.code, &dry.out), (0, &diff.out));
    let refused = schema(&bed, &["apply", "main", "-f", &file])?;
    assert!(refused.code == 1 && refused.err.contains("table old with its rows"), "{refused:?}");
    assert!(refused.err.contains("nothing was done. If that is meant, say --allow-drop"), "{refused:?}");
    let after = schema(&bed, &["diff", "main", "-f", &file])?;
    assert_eq!(after.out, diff.out);

    let applied = schema(&bed, &["apply", "main", "-f", &file, "--allow-drop"])?;
    assert!(applied.code == 0 && applied.out.contains("executed 4 statements"), "{applied:?}");
    let equal = schema(&bed, &["diff", "main", "-f", &file])?;
    assert_eq!((equal.code, equal.out.as_str()), (0, format!("keyspace main is as {file} says\n").as_str()));
    assert_eq!(
        bed.done(&["sql", "main", "-e", "SELECT * FROM authors"])?.out,
        "id\tname\tborn\n1\tAda\tNULL\n"
    );
    in_a_sharded_keyspace(&bed)?;
    bad_input_is_told(&bed)?;
    let databases = bed.done(&["sql", "main", "-e", "SHOW DATABASES"])?.out;
    assert!(!databases.contains("scratch"), "{databases}");
    Ok(())
}

fn in_a_sharded_keyspace(bed: &Bed) -> Result<()> {
    bed.done(&["sql", "shop", "-e", "CREATE TABLE customers (id BIGINT PRIMARY KEY)"])?;
    let file =
        bed.file("shop.sql", "CREATE TABLE customers (id BIGINT PRIMARY KEY, city VARCHAR(20), KEY (city))")?;
    let applied = schema(bed, &["apply", "shop", "-f", &file])?;
    assert_eq!(applied.code, 0, "{applied:?}");
    for id in [1, 8] {
        // One on each shard.
        let insert = format!("INSERT INTO customers VALUES ({id}, 'Rome')");
        bed.done(&["sql", "shop", "-e", &insert])?;
    }
    assert_eq!(schema(bed, &["diff", "shop", "-f", &file])?.code, 0);
    Ok(())
}

fn bad_input_is_told(bed: &Bed) -> Result<()> {
    let cases = [
        (
            "CREATE TABLE a (id INT);\nDELETE FROM a;\n",
            "line 2: a wanted schema holds CREATE TABLE statements",
        ),
        ("CREATE TABLE a (id INT, id INT)", "the wanted schema is not good: CREATE TABLE a"),
        ("CREATE TABLE a (id INT DEFAULT 'x", "line 1: a quote or comment that has no end"),
    ];
    for (text, expected) in cases {
        let said = schema(bed, &["diff", "main", "-f", &bed.file("bad.sql", text)?])?;
        assert!(said.code == 1 && said.err.contains(expected), "{text}: {said:?}");
    }
    // Such as a dump that failed.
    let empty = schema(bed, &["diff", "main", "-f", &bed.file("empty.sql", "\n")?])?;
    assert!(empty.code == 1 && empty.err.contains("is empty, which would mean"), "{empty:?}");
    let missing = schema(bed, &["diff", "main", "-f", "/not/there.sql"])?;
    assert!(missing.code == 1 && missing.err.contains("cannot read the wanted schema"), "{missing:?}");
    let unknown = schema(bed, &["diff", "nope", "-f", &bed.file("none.sql", "-- nothing\n")?])?;
    assert!(unknown.code == 1 && unknown.err.contains("Unknown database 'nope'"), "{unknown:?}");
    Ok(())
}
