//! `shoal doctor`.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::cluster::{ClusterArgs, Place};
use super::output::{Format, OutputArgs, Shown};
use super::{CliError, FAILED};
use crate::doctor::{Finding, Level, examine_control, examine_local};

/// Exit code where everything works and something is to be done.
const TO_BE_DONE: u8 = 4;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  shoal doctor                           looks at everything of the local cluster
  shoal doctor -o json                   for programs
  shoal doctor --control 10.0.0.7:15999 --tls /etc/shoal/tls     what control knows of another cluster

It looks at processes, etcd, control, the primary of each shard and whether another tablet could take over, replicas
and how far behind they are, whether each gate answers SQL in each keyspace, disk space, versions and certificates, and
says for whatever is wrong what to do. It changes nothing.
RESULT    ok; note: worth knowing; warning: works, and will not when something else breaks; error: does not work
Exit code: 0 nothing is worse than a note, 1 there are errors, 4 there are warnings.")]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Serialize)]
struct FindingFields<'a> {
    check: &'a str,
    result: &'static str,
    found: &'a str,
    cure: Option<&'a str>,
}

pub(super) async fn run(args: &DoctorArgs) -> Result<ExitCode, CliError> {
    let findings = match args.cluster.place()? {
        Place::Local(layout) => examine_local(&layout).await?,
        Place::Remote => {
            examine_control(args.cluster.control().await.map_err(|error| error.to_string())).await
        }
    };
    print!("{}", shown(&findings, args.output.output)?.in_format(args.output.output)?);
    Ok(match findings.iter().map(|finding| finding.level).max() {
        Some(Level::Error) => ExitCode::from(FAILED),
        Some(Level::Warning) => ExitCode::from(TO_BE_DONE),
        _ => ExitCode::SUCCESS,
    })
}

fn shown(findings: &[Finding], format: Format) -> Result<Shown, CliError> {
    let items: Vec<FindingFields<'_>> = findings
        .iter()
        .map(|f| FindingFields {
            check: &f.check,
            result: f.level.as_str(),
            found: &f.what,
            cure: (!f.cure.is_empty()).then_some(f.cure.as_str()),
        })
        .collect();
    let row = |f: &Finding| vec![f.check.clone(), f.level.as_str().to_owned(), f.what.clone()];
    let rows: Vec<Vec<String>> = findings.iter().map(row).collect();
    let mut shown = Shown::listing(&["CHECK", "RESULT", "FOUND"], &rows, &items)?;
    if format == Format::Table || format == Format::Wide {
        shown.text += &advice(findings);
    }
    Ok(shown)
}

/// What to do, the worst first.
fn advice(findings: &[Finding]) -> String {
    let mut open: Vec<&Finding> = findings.iter().filter(|finding| finding.level > Level::Good).collect();
    open.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    if open.is_empty() {
        return "\nEverything is as it should be.\n".into();
    }
    let mut text = String::from("\nWhat to do:\n");
    for (place, finding) in open.iter().enumerate() {
        let (level, check) = (finding.level.as_str(), &finding.check);
        text += &format!("{:>3}. {level}, {check}: {}\n", place + 1, finding.cure);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(check: &str, level: Level, cure: &str) -> Finding {
        Finding { check: check.into(), level, what: "what is".into(), cure: cure.into() }
    }

    #[test]
    fn findings_are_shown_in_order_and_cures_the_worst_first() {
        let found = [
            finding("etcd", Level::Good, ""),
            finding("disk", Level::Note, "do this"),
            finding("shard shop/-80", Level::Error, "do that"),
        ];
        let expected = "\
CHECK           RESULT  FOUND
etcd            ok      what is
disk            note    what is
shard shop/-80  error   what is

What to do:
  1. error, shard shop/-80: do that
  2. note, disk: do this
";
        let shown = shown(&found, Format::Table).unwrap();
        assert_eq!(shown.text, expected);
        assert_eq!(
            shown.value[0],
            serde_json::json!({"check": "etcd", "result": "ok", "found": "what is", "cure": null})
        );
        assert!(advice(&found[..1]).contains("Everything is as it should be"));
    }
}
