//! From a file and a keyspace to proven steps, by way of scratch databases that are dropped in the end.

use std::io::{self, Read as _};

use super::diff::{Partitioned, Step, Wanted, steps};
use super::session::{AskError, Gate, Session};
use super::statements::{BadFile, create_tables};
use super::table::Table;

/// What names of scratch databases begin with.
pub(crate) const SCRATCH: &str = "shoal_scratch_";

/// Why there are no steps.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SchemaError {
    /// The file is no wanted schema.
    #[error(transparent)]
    BadFile(#[from] BadFile),
    /// A statement failed.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The file says something that MySQL does not take.
    #[error("the wanted schema is not good: {0}")]
    BadTable(AskError),
    /// No scratch database could be made.
    #[error("cannot make a scratch database, in which the wanted tables are tried: {0}")]
    NoScratch(AskError),
    /// A difference that is not for us.
    #[error(transparent)]
    Partitioned(#[from] Partitioned),
    /// A step that does not lead where it should.
    #[error(
        "the change of table {table} could not be derived: {why}\nthe statement that was tried on an empty copy:\n{sql}\n\
         make the change with an ALTER TABLE of your own, by `shoal sql`"
    )]
    Unproven {
        /// The table.
        table: String,
        /// What was tried.
        sql: String,
        /// What came of it.
        why: String,
    },
    /// No random name.
    #[error("cannot choose a name: {0}")]
    Io(#[from] io::Error),
}

/// The steps that make the keyspace's tables what the file says, each ALTER proven on an empty copy.
pub(crate) async fn plan(gate: &Gate, keyspace: &str, text: &str) -> Result<Vec<Step>, SchemaError> {
    let creates = create_tables(text)?;
    let mut own = Session::open(gate, Some(keyspace)).await?;
    let mut have = Vec::new();
    for name in own.tables().await? {
        have.push(own.table(&name).await?);
    }
    let scratch = Scratch::new(gate).await?;
    let planned = in_scratch(gate, &scratch, &creates, &have).await;
    // Also after a failure; what failed first is what is told.
    let dropped = scratch.drop().await;
    let steps = planned?;
    dropped?;
    Ok(steps)
}

async fn in_scratch(
    gate: &Gate,
    scratch: &Scratch,
    creates: &[&str],
    have: &[(String, Table)],
) -> Result<Vec<Step>, SchemaError> {
    let mut session = Session::open(gate, Some(&scratch.wanted)).await?;
    for create in creates {
        session.ask(create).await.map_err(SchemaError::BadTable)?;
    }
    let mut want = Vec::new();
    for name in session.tables().await? {
        let (create, table) = session.table(&name).await?;
        want.push(Wanted { table, create });
    }
    // In the order of the file, because a table may refer to one before it.
    let place =
        |name: &str| creates.iter().position(|create| names_table(create, name)).unwrap_or(usize::MAX);
    want.sort_by_key(|wanted| place(&wanted.table.name));
    let tables: Vec<Table> = have.iter().map(|(_, table)| table.clone()).collect();
    let steps = steps(&tables, &want)?;
    let mut copies = Session::open(gate, Some(&scratch.copies)).await?;
    copy(&mut copies, have).await?;
    prove(&mut copies, &steps, &want).await?;
    Ok(steps)
}

/// Makes the tables that there are, empty. One that refers to another is made after it, whatever their names are.
async fn copy(copies: &mut Session, have: &[(String, Table)]) -> Result<(), SchemaError> {
    let mut pending: Vec<&String> = have.iter().map(|(create, _)| create).collect();
    while !pending.is_empty() {
        let (mut left, mut failed) = (Vec::new(), None);
        for create in &pending {
            if let Err(error) = copies.ask(create).await {
                left.push(*create);
                failed = Some(error);
            }
        }
        match failed {
            Some(error) if left.len() == pending.len() => return Err(error.into()),
            _ => pending = left,
        }
    }
    Ok(())
}

/// Executes the steps on the copies, and looks whether every table is what is wanted then.
async fn prove(copies: &mut Session, steps: &[Step], want: &[Wanted]) -> Result<(), SchemaError> {
    let unproven = |step: &Step, why: String| SchemaError::Unproven {
        table: step.table.clone(),
        sql: step.sql.clone(),
        why,
    };
    for step in steps {
        copies.ask(&step.sql).await.map_err(|error| unproven(step, error.to_string()))?;
    }
    for step in steps {
        let Some(wanted) = want.iter().find(|wanted| wanted.table.name == step.table) else { continue };
        let (came, table) = copies.table(&step.table).await?;
        if table != wanted.table {
            return Err(unproven(step, format!("it leads to another table:\n{came}")));
        }
    }
    Ok(())
}

/// Whether a CREATE TABLE statement is about the table: its name stands before the first parenthesis.
fn names_table(create: &str, name: &str) -> bool {
    let head = create.split('(').next().unwrap_or_default();
    let last = head.split_whitespace().last().unwrap_or_default();
    last.trim_matches('`').eq_ignore_ascii_case(name)
}

/// Two databases that are there while steps are derived.
struct Scratch {
    session: Session,
    wanted: String,
    copies: String,
}

impl Scratch {
    async fn new(gate: &Gate) -> Result<Self, SchemaError> {
        let mut bytes = [0; 8];
        std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        let name: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let session = Session::open(gate, None).await?;
        let (wanted, copies) = (format!("{SCRATCH}{name}_wanted"), format!("{SCRATCH}{name}_copies"));
        let mut scratch = Self { session, wanted, copies };
        for name in [scratch.wanted.clone(), scratch.copies.clone()] {
            if let Err(error) = scratch.session.ask(&format!("CREATE DATABASE {name}")).await {
                let _ = scratch.drop().await;
                return Err(SchemaError::NoScratch(error));
            }
        }
        Ok(scratch)
    }

    async fn drop(mut self) -> Result<(), SchemaError> {
        for name in [self.wanted, self.copies] {
            self.session.ask(&format!("DROP DATABASE IF EXISTS {name}")).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_told_by_the_table_that_it_makes() {
        assert!(names_table("CREATE TABLE `Orders` (id INT)", "orders"));
        assert!(names_table("create table if not exists orders(id INT)", "orders"));
        assert!(!names_table("CREATE TABLE customers (orders INT)", "orders"));
    }
}
