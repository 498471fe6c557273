//! The files of statements that are compared, and how they are read.
//!
//! ```text
//! -- @table orders customer_id xxhash     the table's sharding column and vindex, at the top of the file
//!
//! -- What the next statements are about.
//! SELECT total
//! FROM orders WHERE customer_id = 5;      a statement ends at a line that ends in a semicolon
//!
//! -- @refused SH2001                      on a sharded keyspace this is refused, by that error
//! SELECT count(*) FROM orders;
//!
//! -- @refused SH2010 everywhere           and here on an unsharded one too
//! SELECT /*! 1 */;
//!
//! -- @refused SH2002 several              and here only where there are several shards
//! SELECT total FROM orders WHERE customer_id IN (1, 2.5) ORDER BY total;
//!
//! -- @known AffectedRows Info             on a sharded keyspace exactly this differs, for the reason given
//! ALTER TABLE orders FORCE;
//!
//! -- @unordered                           its ORDER BY is not that of the rows
//! SELECT total, row_number() OVER (ORDER BY total) FROM orders WHERE customer_id = 5;
//! ```
//!
//! A file with the line `-- @unsharded` is for unsharded keyspaces only.
//!
//! `{db}` in a statement stands for the keyspace. A line that begins with `--` belongs to the file as long as no
//! statement has begun, and to the statement afterwards.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::compare::Order;

/// One file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// Its name without the folder.
    pub name: String,
    /// Whether sharded keyspaces pass it over.
    pub unsharded: bool,
    /// Its tables that are sharded.
    pub tables: Vec<ShardedTable>,
    /// In the order of the file.
    pub statements: Vec<Statement>,
}

/// How a table is sharded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardedTable {
    /// The table.
    pub name: String,
    /// Its sharding column.
    pub column: String,
    /// The vindex function.
    pub vindex: String,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Where it begins.
    pub line: usize,
    /// Without the closing semicolon.
    pub text: String,
    /// Whether Shoal refuses it.
    pub refused: Option<Refusal>,
    /// Aspects in which the answer of a sharded keyspace is known to differ.
    pub known: Vec<String>,
    /// Whether the order of its rows counts.
    pub order: Order,
}

/// An error of Shoal's own that is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Such as `SH2001`.
    pub id: String,
    /// Which keyspaces give it.
    pub scope: Scope,
}

/// The keyspaces that give an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All.
    Everywhere,
    /// Sharded ones.
    Sharded,
    /// Those of several shards.
    Several,
}

/// Reads all scripts of a folder, by name.
pub fn read_folder(folder: &Path) -> Result<Vec<Script>> {
    let entries = fs::read_dir(folder).with_context(|| format!("no folder {}", folder.display()))?;
    let paths: Result<Vec<PathBuf>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
    paths.sort();
    let read = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        parse(&name, &fs::read_to_string(path)?)
    };
    paths.iter().map(read).collect()
}

/// Reads the text of one script.
pub fn parse(name: &str, text: &str) -> Result<Script> {
    let mut reader =
        Reader { script: Script { name: name.to_owned(), ..Script::default() }, ..Reader::default() };
    for (index, line) in text.lines().enumerate() {
        reader.line(index + 1, line).with_context(|| format!("{name}:{}", index + 1))?;
    }
    ensure!(reader.text.is_empty() && !reader.directed(), "{name}: the last statement has no semicolon");
    Ok(reader.script)
}

#[derive(Default)]
struct Reader {
    script: Script,
    first_line: usize,
    text: String,
    refused: Option<Refusal>,
    known: Vec<String>,
    unordered: bool,
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) -> Result<()> {
        if self.text.is_empty() {
            if let Some(comment) = line.strip_prefix("--") {
                return comment
                    .trim()
                    .strip_prefix('@')
                    .map_or(Ok(()), |directive| self.directive(directive));
            }
            if line.trim().is_empty() {
                return Ok(());
            }
            self.first_line = number;
        } else {
            self.text.push('\n');
        }
        self.text.push_str(line);
        if let Some(whole) = self.text.strip_suffix(';') {
            let order = if whole.to_ascii_uppercase().contains("ORDER BY") && !self.unordered {
                Order::Kept
            } else {
                Order::Free
            };
            let (text, refused) = (whole.to_owned(), self.refused.take());
            let known = std::mem::take(&mut self.known);
            self.script.statements.push(Statement { line: self.first_line, text, refused, known, order });
            self.text.clear();
            self.unordered = false;
        }
        Ok(())
    }

    fn directive(&mut self, directive: &str) -> Result<()> {
        match directive.split_whitespace().collect::<Vec<_>>()[..] {
            ["table", name, column, vindex] => self.script.tables.push(ShardedTable {
                name: name.to_owned(),
                column: column.to_owned(),
                vindex: vindex.to_owned(),
            }),
            ["refused", id, ref scope @ ..] if id.len() == 6 && id.starts_with("SH") => {
                let scope = match scope {
                    [] => Scope::Sharded,
                    ["everywhere"] => Scope::Everywhere,
                    ["several"] => Scope::Several,
                    _ => bail!("unknown directive @{directive}"),
                };
                self.refused = Some(Refusal { id: id.to_owned(), scope });
            }
            ["known", ref aspects @ ..] if !aspects.is_empty() => {
                self.known = aspects.iter().map(ToString::to_string).collect();
            }
            ["unsharded"] => self.script.unsharded = true,
            ["unordered"] => self.unordered = true,
            _ => bail!("unknown directive @{directive}"),
        }
        Ok(())
    }

    fn directed(&self) -> bool {
        self.refused.is_some() || self.unordered || !self.known.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "\
-- @table t id xxhash

-- Why.
SELECT 1
-- inside
FROM t WHERE id = 1;
-- @refused SH2001
SELECT * FROM t order by id;
-- @unordered
SELECT row_number() OVER (ORDER BY id) FROM t WHERE id = 1;
";

    #[test]
    fn statements_keep_their_text_and_directives() {
        let script = parse("sample.sql", SAMPLE).unwrap();
        assert_eq!(script.tables[0].vindex, "xxhash");
        let seen: Vec<_> = script
            .statements
            .iter()
            .map(|s| (s.line, s.refused.as_ref().map(|r| (r.id.as_str(), r.scope)), s.order, s.text.as_str()))
            .collect();
        assert_eq!(seen[0], (4, None, Order::Free, "SELECT 1\n-- inside\nFROM t WHERE id = 1"));
        assert_eq!(
            seen[1],
            (8, Some(("SH2001", Scope::Sharded)), Order::Kept, "SELECT * FROM t order by id")
        );
        assert_eq!((seen[2].0, seen[2].1, seen[2].2), (10, None, Order::Free));
        for (word, scope) in [("everywhere", Scope::Everywhere), ("several", Scope::Several)] {
            let script = parse("x.sql", &format!("-- @refused SH2010 {word}\nSELECT 1;")).unwrap();
            assert!(script.statements[0].refused.as_ref().is_some_and(|refusal| refusal.scope == scope));
        }
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let error = |text: &str| format!("{:#}", parse("x.sql", text).unwrap_err());
        assert!(error("SELECT 1").contains("no semicolon"));
        assert!(error("\n-- @refuse SH2001\n").starts_with("x.sql:2: unknown directive"));
        assert!(error("-- @refused SH2001 somewhere\n").contains("unknown directive"));
        assert!(error("-- @unordered\n").contains("no semicolon"));
    }
}
