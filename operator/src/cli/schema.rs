//! `shoal schema`.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{CliError, DirArgs, say};
use crate::limits::MAX_SCHEMA_FILE_BYTES;
use crate::local::reach;
use crate::schema::diff::Step;
use crate::schema::session::{Gate, Session};
use crate::schema::work::plan;

/// Exit code of `diff` where there are differences.
const DIFFERS: u8 = 4;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  shoal schema diff shop -f schema.sql            what would make keyspace shop as the file says
  shoal schema apply shop -f schema.sql --dry-run the same, by the command that would do it
  shoal schema apply shop -f schema.sql           does it, one statement after the other
  mysqldump --no-data … | shoal schema diff shop -f -

The file holds CREATE TABLE statements, such as `mysqldump --no-data` writes. MySQL itself reads it, in a scratch
database that is dropped again; what it makes of it is compared with what there is, and all statements are tried on empty
copies of the tables before they are shown. A column or table with another name counts as dropped and made anew.
Indices, checks and foreign keys are compared, too; views, triggers and routines are not touched.")]
pub(super) struct SchemaArgs {
    #[command(flatten)]
    dir: DirArgs,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show the statements that make a keyspace's tables as a file says
    #[command(after_help = "Exit code: 0 there is no difference, 4 there is one, 1 it could not be told.")]
    Diff(Target),
    /// Execute them
    #[command(after_help = "\
Statements are executed one after the other, each on all shards. When one fails, those before it stay: repair the cause
and run the command again, which goes on with what is still different.
Exit code: 0 everything is as the file says, 1 it is not.")]
    Apply {
        #[command(flatten)]
        target: Target,
        /// Show what would be executed, and do nothing
        #[arg(long)]
        dry_run: bool,
        /// Also drop tables and columns that the file does not have, with their data
        #[arg(long)]
        allow_drop: bool,
    },
}

#[derive(Debug, Args)]
struct Target {
    /// The keyspace
    keyspace: String,
    /// The wanted schema; `-` for standard input
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
}

pub(super) async fn run(args: &SchemaArgs) -> Result<ExitCode, CliError> {
    let target = match &args.what {
        What::Diff(target) | What::Apply { target, .. } => target,
    };
    let text = read(&target.file)?;
    if text.trim().is_empty() {
        let file = target.file.display();
        return Err(CliError::Refused(format!(
            "{file} is empty, which would mean a schema without any table; nothing was compared"
        )));
    }
    let gate = gate(&args.dir).await?;
    let steps = plan(&gate, &target.keyspace, &text).await?;
    if steps.is_empty() {
        println!("keyspace {} is as {} says", target.keyspace, target.file.display());
        return Ok(ExitCode::SUCCESS);
    }
    match args.what {
        What::Diff(_) => {
            print!("{}", script(&steps));
            Ok(ExitCode::from(DIFFERS))
        }
        What::Apply { dry_run: true, .. } => {
            print!("{}", script(&steps));
            Ok(ExitCode::SUCCESS)
        }
        What::Apply { allow_drop, .. } => {
            let losses: Vec<&str> = steps.iter().flat_map(|step| &step.loses).map(String::as_str).collect();
            if !losses.is_empty() && !allow_drop {
                return Err(CliError::Refused(format!(
                    "this would drop {}; nothing was done. If that is meant, say --allow-drop",
                    losses.join(", ")
                )));
            }
            apply(&gate, &target.keyspace, &steps).await
        }
    }
}

async fn apply(gate: &Gate, keyspace: &str, steps: &[Step]) -> Result<ExitCode, CliError> {
    let mut session = Session::open(gate, Some(keyspace)).await.map_err(told)?;
    for (done, step) in steps.iter().enumerate() {
        say(&format!("{}/{}  {}", done + 1, steps.len(), first_line(&step.sql)));
        if let Err(error) = session.ask(&step.sql).await {
            return Err(CliError::Refused(format!(
                "{error}\n{done} of {} statements were executed; repair the cause and run the command again, which goes \
                 on with what is still different",
                steps.len()
            )));
        }
    }
    println!("executed {} statements; keyspace {keyspace} is as wanted", steps.len());
    Ok(ExitCode::SUCCESS)
}

fn told(error: crate::schema::session::AskError) -> CliError {
    CliError::Refused(error.to_string())
}

fn first_line(sql: &str) -> String {
    let (first, rest) = sql.split_once('\n').unwrap_or((sql, ""));
    let more = if rest.is_empty() { "" } else { " …" };
    format!("{}{more}", first.trim_end_matches(" ("))
}

/// The statements as the mysql client takes them, with what they lose as comments.
fn script(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        step.loses.iter().for_each(|loss| text += &format!("-- drops {loss}\n"));
        text += &format!("{};\n", step.sql);
    }
    text
}

fn read(file: &Path) -> Result<String, CliError> {
    let failed = |error: std::io::Error| {
        CliError::Refused(format!("cannot read the wanted schema {}: {error}", file.display()))
    };
    let mut text = String::new();
    let input: Box<dyn std::io::Read> = if file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(file).map_err(failed)?)
    };
    input.take(MAX_SCHEMA_FILE_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > MAX_SCHEMA_FILE_BYTES {
        return Err(failed(std::io::Error::other(format!(
            "it is larger than {MAX_SCHEMA_FILE_BYTES} bytes"
        ))));
    }
    Ok(text)
}

/// A gate of the local cluster, as the admin of its file.
async fn gate(dir: &DirArgs) -> Result<Gate, CliError> {
    let layout = dir.layout()?;
    let (cluster, ports) = reach::stored(&layout)?;
    let port = reach::gate(&layout, &ports).await?;
    let user = cluster.spec.usual_user();
    Ok(Gate {
        address: format!("127.0.0.1:{port}"),
        user: user.map(|user| user.name.to_string()).unwrap_or_default(),
        password: user.map(|user| user.password.clone()).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_shown_as_a_script() {
        let steps = [
            Step { table: "a".into(), sql: "CREATE TABLE `a` (\n  `id` int\n)".into(), loses: vec![] },
            Step {
                table: "b".into(),
                sql: "DROP TABLE `b`".into(),
                loses: vec!["table b with its rows".into()],
            },
        ];
        let expected =
            "CREATE TABLE `a` (\n  `id` int\n);\n-- drops table b with its rows\nDROP TABLE `b`;\n";
        assert_eq!(script(&steps), expected);
        assert_eq!(first_line(&steps[0].sql), "CREATE TABLE `a` …");
        assert_eq!(first_line(&steps[1].sql), "DROP TABLE `b`");
    }
}
