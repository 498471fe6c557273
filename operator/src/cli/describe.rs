//! `shoal describe`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use proto::ids::{KeyspaceName, ShardRef, TabletAlias};
use proto::rpc::control::control_client::ControlClient;
use proto::rpc::control::{Event, GetEventsRequest, GetKeyspacesRequest, Shard, Tablet};
use tonic::transport::Channel;

use super::CliError;
use super::cluster::ClusterArgs;
use super::get;
use super::output::{Format, OutputArgs, Shown};
use super::shown::{self, Columns, shard_name};
use super::watch::{WatchArgs, show};
use crate::control::client::{AskError, question};
use crate::limits::DESCRIBED_EVENTS;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  shoal describe keyspace shop           its shards, their tablets, what happened lately
  shoal describe shard shop/-80
  shoal describe shard main/-            the one shard of an unsharded keyspace
  shoal describe tablet zone1-101 --watch
  shoal describe shard shop/-80 -o yaml  for programs")]
pub(super) struct DescribeArgs {
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    watch: WatchArgs,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// A logical database: its shards with their tablets
    #[command(visible_alias = "ks")]
    Keyspace {
        /// Such as shop; `shoal get keyspaces` lists them
        #[arg(value_name = "KEYSPACE")]
        name: KeyspaceName,
    },
    /// A shard: its primary, its replicas, what threatens it
    Shard {
        /// Such as shop/-80, or main/- for the one of an unsharded keyspace; `shoal get shards` lists them
        #[arg(value_name = "KEYSPACE/RANGE")]
        name: ShardRef,
    },
    /// A MySQL server with its agent
    Tablet {
        /// Such as zone1-101; `shoal get tablets` lists them
        #[arg(value_name = "TABLET")]
        name: TabletAlias,
    },
}

/// One thing with what belongs to it.
#[derive(Debug, Default)]
struct Described {
    kind: &'static str,
    name: String,
    /// What it is, in words, by title.
    facts: Vec<(&'static str, String)>,
    /// The thing itself, for programs.
    own: serde_json::Value,
    shards: Vec<Shard>,
    tablets: Vec<Tablet>,
    events: Vec<Event>,
}

pub(super) async fn run(args: &DescribeArgs) -> Result<ExitCode, CliError> {
    let columns = if args.output.output == Format::Wide { Columns::All } else { Columns::Usual };
    show(&args.watch, args.output.output, async || {
        let mut control = args.cluster.control().await?;
        args.what.look(&mut control).await?.shown(columns)
    })
    .await
}

impl What {
    async fn look(&self, control: &mut ControlClient<Channel>) -> Result<Described, CliError> {
        match self {
            Self::Keyspace { name } => keyspace(control, name).await,
            Self::Shard { name } => shard(control, name).await,
            Self::Tablet { name } => tablet(control, name).await,
        }
    }
}

async fn keyspace(control: &mut ControlClient<Channel>, name: &KeyspaceName) -> Result<Described, CliError> {
    // Refused by control with the names that there are.
    let shards = get::shards(control, Some(name.as_str())).await?;
    let tablets = get::tablets(control, Some(name.as_str())).await?;
    let all = control.get_keyspaces(question(GetKeyspacesRequest {})).await.map_err(AskError::from)?;
    let all = all.into_inner().keyspaces;
    let found: Vec<_> = all.into_iter().filter(|k| k.name == name.as_str()).collect();
    let own = shown::keyspaces(&found, &shards, Columns::All)?.value[0].take();
    let mut facts = Vec::new();
    if let Some(k) = found.first() {
        facts.push(("Kind", if k.sharded { "sharded" } else { "unsharded" }.to_owned()));
        facts.push(("Serving", format!("{} of {} shards", k.serving, k.shards)));
        facts.push(("Tables", k.tables.to_string()));
    }
    let mut events = Vec::new();
    for shard in &shards {
        events.extend(events_of(control, &shard_name(&shard.keyspace, &shard.range)).await?);
    }
    events.sort_by_key(|event| event.sequence);
    events.drain(..events.len().saturating_sub(DESCRIBED_EVENTS as usize));
    Ok(Described { kind: "keyspace", name: name.to_string(), facts, own, shards, tablets, events })
}

async fn shard(control: &mut ControlClient<Channel>, name: &ShardRef) -> Result<Described, CliError> {
    let (keyspace, range) = (name.keyspace.as_str(), name.range.to_string());
    let all = get::shards(control, Some(keyspace)).await?;
    let tablets = get::tablets(control, Some(keyspace)).await?;
    let tablets: Vec<Tablet> = tablets.into_iter().filter(|t| t.range == range).collect();
    let Some(found) = all.iter().find(|s| s.range == range) else {
        let known: Vec<String> = all.iter().map(|s| shard_name(&s.keyspace, &s.range)).collect();
        return Err(CliError::NotFound(format!("there is no shard {name}; there are {}", known.join(", "))));
    };
    let own = shown::shards(std::slice::from_ref(found), &tablets, Columns::All)?.value[0].take();
    let or = |word: &str, none: &str| if word.is_empty() { none.to_owned() } else { word.to_owned() };
    let facts = vec![
        ("Primary", or(&found.primary, "none")),
        ("Term", found.term.to_string()),
        ("Serving", if found.serving { "yes" } else { "no" }.to_owned()),
        ("Ackers", or(&found.ackers.join(", "), "none; commits wait for nobody")),
        ("Risk", or(&found.risk, "none; another tablet could take over")),
    ];
    let events = events_of(control, &name.to_string()).await?;
    Ok(Described {
        kind: "shard",
        name: name.to_string(),
        facts,
        own,
        tablets,
        events,
        ..Described::default()
    })
}

async fn tablet(control: &mut ControlClient<Channel>, name: &TabletAlias) -> Result<Described, CliError> {
    let (alias, all) = (name.to_string(), get::tablets(control, None).await?);
    let Some(found) = all.iter().find(|t| t.alias == alias) else {
        let known: Vec<&str> = all.iter().map(|t| t.alias.as_str()).collect();
        return Err(CliError::NotFound(format!(
            "there is no tablet {alias}; there are {}",
            known.join(", ")
        )));
    };
    let own = shown::tablets(std::slice::from_ref(found), Columns::All)?.value[0].take();
    let or = |word: &str, none: &str| if word.is_empty() { none.to_owned() } else { word.to_owned() };
    let facts = vec![
        ("Shard", shard_name(&found.keyspace, &found.range)),
        ("Role", format!("{} under term {}", or(&found.role, "none"), found.term)),
        ("State", found.state.clone()),
        ("Reason", or(&found.reason, "none; it does what its role asks for")),
        ("Lag", shown::lag_ms(found).map_or_else(|| "none".into(), shown::lag_in_words)),
        (
            "Readers",
            if found.reads { "admitted, as USE …@replica asks for" } else { "not admitted" }.to_owned(),
        ),
        ("Semi-sync", or(&found.semi_sync, "no part in it")),
        ("MySQL", format!("{} at {}", found.mysql_version, found.mysql_address)),
        ("Agent", format!("at {}", found.agent_address)),
        ("Executed", or(&found.gtid_executed.split_whitespace().collect::<String>(), "nothing")),
    ];
    let facts = facts.into_iter().chain(repair(found)).collect();
    let events = events_of(control, &alias).await?;
    Ok(Described { kind: "tablet", name: alias, facts, own, events, ..Described::default() })
}

/// What becomes of a tablet whose data must be replaced.
fn repair(tablet: &Tablet) -> Option<(&'static str, String)> {
    let next = if tablet.hindrance.is_empty() {
        "control gives it a copy of another tablet's data"
    } else {
        &tablet.hindrance
    };
    (!tablet.flaw.is_empty()).then(|| ("Repair", format!("{}; {next}", tablet.flaw)))
}

async fn events_of(control: &mut ControlClient<Channel>, object: &str) -> Result<Vec<Event>, CliError> {
    let request = GetEventsRequest { limit: DESCRIBED_EVENTS, object: object.to_owned() };
    Ok(control.get_events(question(request)).await.map_err(AskError::from)?.into_inner().events)
}

impl Described {
    fn shown(self, columns: Columns) -> Result<Shown, CliError> {
        let mut text = String::new();
        let facts = std::iter::once((self.kind, self.name.clone())).chain(self.facts);
        for (title, fact) in facts {
            let title = format!("{}{}:", title[..1].to_uppercase(), &title[1..]);
            text += &format!("{title:<11}{}\n", fact.trim_end().replace('\n', "\n           "));
        }
        let mut value = self.own;
        let mut add = |key: &str, title: &str, part: Shown, none: &str| {
            let empty = part.value.as_array().is_some_and(Vec::is_empty);
            if empty && none.is_empty() {
                return;
            }
            text += &format!("\n{title}\n");
            let lines = if empty { none } else { &part.text };
            lines.lines().for_each(|line| text += &format!("  {line}\n"));
            value[key] = part.value;
        };
        add("shards", "Shards", shown::shards(&self.shards, &self.tablets, columns)?, "");
        add("tablets", "Tablets", shown::tablets(&self.tablets, columns)?, "");
        add("events", "Latest events", shown::events(&self.events)?, "none is known");
        Ok(Shown { text, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_told_with_what_belongs_to_it() {
        let tablet = Tablet {
            alias: "a-1".into(),
            keyspace: "shop".into(),
            range: "-80".into(),
            state: "serving".into(),
            ..Tablet::default()
        };
        let described = Described {
            kind: "shard",
            name: "shop/-80".into(),
            facts: vec![("Primary", "a-1".into()), ("Risk", "none".into())],
            own: serde_json::json!({"name": "shop/-80"}),
            tablets: vec![tablet],
            ..Described::default()
        };
        let shown = described.shown(Columns::Usual).unwrap();
        let expected = "\
Shard:     shop/-80
Primary:   a-1
Risk:      none

Tablets
  TABLET  SHARD     ROLE  TERM  STATE    LAG  SEMI-SYNC  MYSQL  AGENT  VERSION  REASON
  a-1     shop/-80  -     0     serving  -    -          -      -      -        -

Latest events
  none is known
";
        assert_eq!(shown.text, expected);
        assert_eq!(shown.value["name"], "shop/-80");
        assert_eq!(shown.value["tablets"][0]["alias"], "a-1");
        assert_eq!(shown.value["events"], serde_json::json!([]));
    }
}
