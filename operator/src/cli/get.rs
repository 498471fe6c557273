//! `shoal get`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use proto::rpc::control::{
    GetKeyspacesRequest, GetShardsRequest, GetTabletsRequest, Keyspace, Shard, Tablet,
};

use super::CliError;
use super::cluster::ClusterArgs;
use super::table::table;
use crate::control::client::{AskError, question};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  shoal get keyspaces                    of the local cluster
  shoal get shards shop                  of one keyspace
  shoal get tablets --gtids              who has executed what
  shoal get tablets --control 10.0.0.7:15999 --tls /etc/shoal/tls")]
pub(super) struct GetArgs {
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The logical databases
    Keyspaces,
    /// Key ranges with their primaries, and whether they could fail over
    #[command(after_help = "\
SERVING   the primary takes statements
ACKERS    replicas for which commits may wait; `-`: commits wait for nobody
RISK      why no other tablet could take over now")]
    Shards {
        /// Only those of this keyspace
        keyspace: Option<String>,
    },
    /// MySQL servers with their agents
    #[command(after_help = "\
STATE     serving       takes statements, as primary
          replicating   receives and applies what its primary commits
          provisioning  is being given a copy of another tablet's data
          fenced        its mysqld runs and does neither; REASON says why
          mysqld-down   its mysqld does not run, or is starting
          given-up      its mysqld died too often in a row and is left down
          unreachable   its agent does not answer
LAG       of a replica: age of the newest heartbeat of the primary that is applied
SEMI-SYNC source: its commits wait for a replica; acker: commits may wait for it")]
    Tablets {
        /// Only those of this keyspace
        keyspace: Option<String>,
        /// Show the transactions that each has executed, too
        #[arg(long)]
        gtids: bool,
    },
}

/// Which columns of tablets are shown.
#[derive(Clone, Copy)]
enum Columns {
    Usual,
    WithGtids,
}

pub(super) async fn run(args: &GetArgs) -> Result<ExitCode, CliError> {
    let mut control = args.cluster.control().await?;
    let refused = AskError::from;
    let text = match &args.what {
        What::Keyspaces => {
            let answer = control.get_keyspaces(question(GetKeyspacesRequest {})).await.map_err(refused)?;
            keyspaces(answer.into_inner().keyspaces)
        }
        What::Shards { keyspace } => {
            let request = GetShardsRequest { keyspace: keyspace.clone().unwrap_or_default() };
            shards(control.get_shards(question(request)).await.map_err(refused)?.into_inner().shards)
        }
        What::Tablets { keyspace, gtids } => {
            let request = GetTabletsRequest { keyspace: keyspace.clone().unwrap_or_default() };
            let answer = control.get_tablets(question(request)).await.map_err(refused)?;
            let columns = if *gtids { Columns::WithGtids } else { Columns::Usual };
            tablets(answer.into_inner().tablets, columns)
        }
    };
    print!("{text}");
    Ok(ExitCode::SUCCESS)
}

fn keyspaces(keyspaces: Vec<Keyspace>) -> String {
    let rows = keyspaces.into_iter().map(|k| {
        let kind = if k.sharded { "sharded" } else { "unsharded" };
        vec![k.name, kind.into(), format!("{}/{}", k.serving, k.shards), k.tables.to_string()]
    });
    table(&["KEYSPACE", "KIND", "SERVING", "TABLES"], &rows.collect::<Vec<_>>())
}

/// Columns that hold text with blanks stand last, so that the others can be cut out by machines.
fn shards(shards: Vec<Shard>) -> String {
    let rows = shards.into_iter().map(|s| {
        let serving = if s.serving { "yes" } else { "no" };
        let name = format!("{}/{}", s.keyspace, s.range);
        vec![name, s.primary, s.term.to_string(), serving.into(), s.ackers.join(","), s.risk]
    });
    table(&["SHARD", "PRIMARY", "TERM", "SERVING", "ACKERS", "RISK"], &rows.collect::<Vec<_>>())
}

/// The reason stands last, because it is a text with blanks: machines can cut the others out.
fn tablets(tablets: Vec<Tablet>, columns: Columns) -> String {
    let mut titles = vec!["TABLET", "SHARD", "ROLE", "TERM", "STATE", "LAG", "SEMI-SYNC"];
    titles.extend(["MYSQL", "AGENT", "VERSION"]);
    titles.extend(match columns {
        Columns::Usual => &["REASON"][..],
        Columns::WithGtids => &["GTIDS", "REASON"],
    });
    let rows = tablets.into_iter().map(|t| {
        let shard = format!("{}/{}", t.keyspace, t.range);
        let lag = t.lag_ms.filter(|_| t.role == "replica").map(lag_in_words).unwrap_or_default();
        let mut row = vec![t.alias, shard, t.role, t.term.to_string(), t.state, lag, t.semi_sync];
        row.extend([t.mysql_address, t.agent_address, t.mysql_version]);
        if let Columns::WithGtids = columns {
            row.push(t.gtid_executed.split_whitespace().collect());
        }
        row.push(t.reason);
        row
    });
    let rows: Vec<Vec<String>> = rows.collect();
    table(&titles, &rows)
}

/// A time as short as it can be told to somebody in a hurry.
fn lag_in_words(ms: u64) -> String {
    match ms {
        0..1000 => format!("{ms}ms"),
        1000..60_000 => format!("{}.{}s", ms / 1000, ms % 1000 / 100),
        60_000..3_600_000 => format!("{}m{}s", ms / 60_000, ms % 60_000 / 1000),
        _ => format!("{}h{}m", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tablets_show_what_somebody_on_call_asks_first() {
        let primary = Tablet {
            alias: "a-101".into(),
            keyspace: "shop".into(),
            range: "-80".into(),
            role: "primary".into(),
            term: 3,
            state: "serving".into(),
            mysql_address: "h:1".into(),
            agent_address: "h:2".into(),
            mysql_version: "9.7.4".into(),
            lag_ms: Some(7),
            semi_sync: "source".into(),
            ..Tablet::default()
        };
        let behind = Tablet {
            alias: "b-102".into(),
            role: "replica".into(),
            state: "fenced".into(),
            lag_ms: Some(61_500),
            semi_sync: String::new(),
            reason: "the applier stopped: 1062".into(),
            ..primary.clone()
        };
        let text = tablets(vec![primary.clone(), behind], Columns::Usual);
        let expected = "\
TABLET  SHARD     ROLE     TERM  STATE    LAG   SEMI-SYNC  MYSQL  AGENT  VERSION  REASON
a-101   shop/-80  primary  3     serving  -     source     h:1    h:2    9.7.4    -
b-102   shop/-80  replica  3     fenced   1m1s  -          h:1    h:2    9.7.4    the applier stopped: 1062
";
        assert_eq!(text, expected);
        let primary = Tablet { gtid_executed: "aa:1-5,\nbb:1".into(), ..primary };
        let text = tablets(vec![primary], Columns::WithGtids);
        assert!(text.contains("VERSION  GTIDS        REASON\n"), "{text}");
        assert!(text.ends_with("9.7.4    aa:1-5,bb:1  -\n"), "{text}");
    }

    #[test]
    fn shards_show_their_ackers_and_what_threatens_them() {
        let shard = |range: &str, ackers: &[&str], risk: &str| Shard {
            keyspace: "shop".into(),
            range: range.into(),
            term: 1,
            primary: "a-1".into(),
            serving: true,
            ackers: ackers.iter().map(|a| (*a).into()).collect(),
            risk: risk.into(),
        };
        let text = shards(vec![shard("-80", &["a-2", "a-3"], ""), shard("80-", &[], "it has one tablet")]);
        let expected = "\
SHARD     PRIMARY  TERM  SERVING  ACKERS   RISK
shop/-80  a-1      1     yes      a-2,a-3  -
shop/80-  a-1      1     yes      -        it has one tablet
";
        assert_eq!(text, expected);
    }

    #[test]
    fn lags_are_short() {
        let said: Vec<String> = [5, 1250, 61_000, 3_700_000].map(lag_in_words).to_vec();
        assert_eq!(said, ["5ms", "1.2s", "1m1s", "1h1m"]);
    }
}
