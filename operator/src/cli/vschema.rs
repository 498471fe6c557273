//! `shoal vschema`.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use proto::rpc::control::{ApplyVschemaRequest, GetVschemaRequest, VschemaFinding};
use serde::Serialize;
use topo::vschema::{Finding, Setting, Verdict, read, report};

use super::cluster::ClusterArgs;
use super::output::{OutputArgs, Shown};
use super::{CliError, FAILED, say};
use crate::control::client::{AskError, question};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  shoal vschema get shop > vschema.json           as Vitess writes it
  shoal vschema apply shop -f vschema.json --dry-run
  shoal vschema apply shop -f vschema.json
  shoal vschema validate -f vschema.json          without a cluster
  shoal vschema validate shop                     what becomes of the one that is stored

The report has one line for each part of the vschema:
  used      statements are planned by it
  kept      it is stored and given back, and nothing is done by it yet; WHAT says what follows from that
  refused   it is not taken, and neither is the rest; WHAT says why

Exit code: 0 nothing is refused, 1 something is.")]
pub(super) struct VschemaArgs {
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    command: VschemaCommand,
}

#[derive(Debug, Subcommand)]
enum VschemaCommand {
    /// Print a keyspace's vschema as JSON
    Get {
        /// The keyspace
        keyspace: String,
    },
    /// Put a vschema in the place of a keyspace's present one
    Apply {
        /// The keyspace
        keyspace: String,
        /// File with the JSON; - reads it from stdin
        #[arg(short, long, value_name = "FILE")]
        file: PathBuf,
        /// Only show the report
        #[arg(long)]
        dry_run: bool,
    },
    /// Report on a vschema and change nothing
    Validate {
        /// The keyspace that it is for [default: any]
        #[arg(required_unless_present = "file")]
        keyspace: Option<String>,
        /// File with the JSON; - reads it from stdin [default: what is stored]
        #[arg(short, long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

/// A line of the report, for programs.
#[derive(Serialize)]
struct Line {
    verdict: String,
    part: String,
    what: String,
}

pub(super) async fn run(args: &VschemaArgs) -> Result<ExitCode, CliError> {
    match &args.command {
        VschemaCommand::Get { keyspace } => {
            println!("{}", stored(args, keyspace).await?.0);
            Ok(ExitCode::SUCCESS)
        }
        VschemaCommand::Apply { keyspace, file, dry_run } => {
            given(args, ApplyVschemaRequest { dry_run: *dry_run, ..request(keyspace, file)? }).await
        }
        VschemaCommand::Validate { keyspace: Some(keyspace), file: Some(file) } => {
            given(args, ApplyVschemaRequest { dry_run: true, ..request(keyspace, file)? }).await
        }
        VschemaCommand::Validate { keyspace: Some(keyspace), file: None } => {
            show(args, stored(args, keyspace).await?.1)
        }
        VschemaCommand::Validate { keyspace: None, file } => {
            let text = file.as_deref().map(text_of).transpose()?.unwrap_or_default();
            show(args, alone(&text).into_iter().map(told).collect())
        }
    }
}

/// The stored vschema and what becomes of its parts.
async fn stored(args: &VschemaArgs, keyspace: &str) -> Result<(String, Vec<VschemaFinding>), CliError> {
    let mut control = args.cluster.control().await?;
    let request = GetVschemaRequest { keyspace: keyspace.to_owned() };
    let answer = control.get_vschema(question(request)).await.map_err(AskError::from)?.into_inner();
    Ok((answer.json, answer.findings))
}

fn request(keyspace: &str, file: &Path) -> Result<ApplyVschemaRequest, CliError> {
    Ok(ApplyVschemaRequest { keyspace: keyspace.to_owned(), json: text_of(file)?, dry_run: false })
}

/// Gives control a vschema, to take or only to look at.
async fn given(args: &VschemaArgs, request: ApplyVschemaRequest) -> Result<ExitCode, CliError> {
    let mut control = args.cluster.control().await?;
    let answer = control.apply_vschema(question(request)).await.map_err(AskError::from)?.into_inner();
    let refused = answer.findings.iter().filter(|finding| is_refused(finding)).count();
    let end = match (refused, answer.applied, answer.changes) {
        (1.., _, _) => format!("not applied: refused parts: {refused}"),
        (0, true, _) => "applied".to_owned(),
        (0, false, true) => "nothing is refused; not applied, as asked".to_owned(),
        (0, false, false) => "the keyspace has this vschema already".to_owned(),
    };
    let code = show(args, answer.findings)?;
    say(&end);
    Ok(code)
}

/// What becomes of a vschema, as far as it shows without a cluster.
fn alone(text: &str) -> Vec<Finding> {
    match read(text) {
        Ok(document) => {
            report(&document.record, Setting { sharded: document.sharded == Some(true), schema: None })
        }
        Err(mistakes) => mistakes,
    }
}

fn show(args: &VschemaArgs, findings: Vec<VschemaFinding>) -> Result<ExitCode, CliError> {
    let refused = findings.iter().any(is_refused);
    let part = |finding: &VschemaFinding| match finding.path.as_str() {
        "" => "vschema".to_owned(),
        path => path.to_owned(),
    };
    let rows = findings.iter().map(|f| vec![f.verdict.clone(), part(f), f.what.clone()]);
    let rows: Vec<Vec<String>> = rows.collect();
    let lines =
        findings.iter().map(|f| Line { verdict: f.verdict.clone(), part: part(f), what: f.what.clone() });
    let shown = Shown::listing(&["VERDICT", "PART", "WHAT"], &rows, &lines.collect::<Vec<_>>())?;
    print!("{}", shown.in_format(args.output.output)?);
    Ok(if refused { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

fn is_refused(finding: &VschemaFinding) -> bool {
    finding.verdict == Verdict::Refused.as_str()
}

fn told(Finding { path, verdict, what }: Finding) -> VschemaFinding {
    VschemaFinding { path, verdict: verdict.to_string(), what }
}

fn text_of(file: &Path) -> Result<String, CliError> {
    if file == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(file).map_err(|error| CliError::NotFound(format!("{}: {error}", file.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_judged_without_a_cluster() {
        let findings =
            alone(r#"{"sharded": true, "vindexes": {"v": {"type": "hash"}}, "tables": {"t": {}}}"#);
        let told: Vec<(&str, &str)> =
            findings.iter().map(|f| (f.verdict.as_str(), f.path.as_str())).collect();
        assert_eq!(told, [("used", "vindexes.v"), ("refused", "tables.t")]);
        assert_eq!(alone("{")[0].verdict, Verdict::Refused);
    }
}
