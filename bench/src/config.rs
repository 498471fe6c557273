//! The command line.

use std::fmt;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::Serialize;

use crate::limits::{MAX_CONNECTIONS, MAX_ROUNDS, MAX_ROWS, MAX_SECONDS, MAX_TABLETS};
use crate::load::work::Work;
use crate::shop::ShopConfig;

const EXAMPLES: &str = "\
Examples:
  shoal-bench                                                 all of it, about 40 minutes
  shoal-bench --work point-select,prepared --connections 16   a part of it, 2 minutes
  shoal-bench --json now.json --markdown now.md               the figures for programs and for a document
  shoal-bench --through gate-sharded --connections 1          one way only, such as to profile it
  shoal-bench reparent                                        how long writes stand still when a primary is moved
  shoal-bench shop --port 15306                               no measurement: rows to try things on

The run starts a cluster of its own in a temporary folder by the program `shoal` beside it, and ends it again,
also after Ctrl-C. Every answer is checked against what was loaded; a wrong one ends the run with an error.
Build the programs with `make bench`: figures of a debug build mean nothing.

How to read it: all parts share this machine's cores, so compare within one table only. Trust CPU time per query
more than queries per second, and the ratios most: they compare measurements that were made seconds apart.
Exit code: 0 measured, 1 failed.";

const REPARENT_EXAMPLES: &str = "\
Examples:
  shoal-bench reparent                            30 reparents of 2 shards with 3 tablets each, about 2 minutes
  shoal-bench reparent --runs 4 --markdown now.md

A shard's write gap is the longest time in which none of its writes was acknowledged, from the start of a
reparent until shortly after its end; beside it stands the longest one of the second before. At the end all rows
are read from the primaries, past the gate: a row that was acknowledged and is not there is lost.
Exit code: 0 measured, 1 failed, or rows were lost.";

const SHOP_EXAMPLES: &str = "\
Examples:
  MYSQL_PWD=app shoal-bench shop --port 15306                     about 230,000 rows
  MYSQL_PWD=app shoal-bench shop --port 15306 --customers 1000    a small one
  MYSQL_PWD=app shoal-bench shop --port 15306 --seed 7 --connections 16

The keyspaces must be there, with customers sharded by id, and orders and order_lines by customer_id. A shop that was
loaded to the end is left as it is; tables of one that was broken off, or of another seed or size, are dropped and
made anew.
Exit code: 0 loaded, or there already; 1 failed.";

/// Measures what a gate costs, beside a direct connection, HAProxy and MySQL Router.
#[derive(Debug, Parser)]
#[command(name = "shoal-bench", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct CommandLine {
    /// What is to be measured.
    #[command(flatten)]
    pub config: Config,
    /// Another part of the program.
    #[command(subcommand)]
    pub part: Option<Part>,
}

/// What else the program does.
#[derive(Debug, Subcommand)]
pub enum Part {
    /// Move primaries in order while clients write, and measure how long the writes stand still
    #[command(after_help = REPARENT_EXAMPLES)]
    Reparent(ReparentConfig),
    /// Load a shop of customers, orders and products through a gate
    #[command(after_help = SHOP_EXAMPLES)]
    Shop(ShopConfig),
}

/// What is measured of reparents.
#[derive(Debug, Clone, Args, Serialize)]
pub struct ReparentConfig {
    /// How many reparents, over both shards in turn
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = number(MAX_ROUNDS))]
    pub runs: usize,
    /// Connections that insert rows, one after the other and each by itself
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = number(MAX_CONNECTIONS))]
    pub writers: usize,
    /// Tablets of each of the two shards
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = tablets)]
    pub tablets: usize,
    /// The mysqld to run, MySQL 8.4 or newer [default: the one on PATH, or that of `make deps`]
    #[arg(long, value_name = "PATH")]
    pub mysqld: Option<PathBuf>,
    /// Write all figures of all runs here
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the table here as Markdown
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
}

/// What is measured.
#[derive(Debug, Clone, Args, Serialize)]
pub struct Config {
    /// What is asked for, each measured by itself [default: all]
    #[arg(long, value_name = "WORK[,WORK]", value_delimiter = ',', value_enum, hide_default_value = true, default_values_t = Work::ALL)]
    pub work: Vec<Work>,
    /// Numbers of connections, each measured by itself
    #[arg(long, value_name = "N[,N]", value_delimiter = ',', default_value = "1,16,64,256", value_parser = number(MAX_CONNECTIONS))]
    pub connections: Vec<usize>,
    /// Which ways to measure [default: all but gate-tls]; ratios need `haproxy`
    #[arg(long, value_name = "WAY[,WAY]", value_delimiter = ',', value_enum, hide_default_value = true, default_values_t = Way::COMPARED)]
    pub through: Vec<Way>,
    /// How often every way is measured
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = number(MAX_ROUNDS))]
    pub rounds: usize,
    /// How long every way is measured in a round, in seconds
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=MAX_SECONDS))]
    pub seconds: u64,
    /// Rows of the table of rows by key
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = number(MAX_ROWS))]
    pub rows: usize,
    /// The mysqld to run, MySQL 8.4 or newer [default: the one on PATH, or that of `make deps`]
    #[arg(long, value_name = "PATH")]
    pub mysqld: Option<PathBuf>,
    /// Write all figures of all rounds here
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the table here as Markdown
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
}

pub(crate) fn number(most: usize) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync + 'static {
    move |text| match text.parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(format!("write a number from 1 to {most}")),
    }
}

fn tablets(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (2..=MAX_TABLETS).contains(&number) => Ok(number),
        _ => {
            Err(format!("write a number from 2 to {MAX_TABLETS}: one tablet alone has no other to take over"))
        }
    }
}

/// A way from the load to the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// The unsharded keyspace's mysqld, nothing between
    Direct,
    /// The same mysqld through HAProxy, which does not look at what it passes on
    Haproxy,
    /// The same mysqld through MySQL Router
    Router,
    /// The same mysqld through a gate
    GateUnsharded,
    /// A like mysqld of another cluster, where the gate's connections to it are inside TLS
    GateTls,
    /// A keyspace of two shards through a gate
    GateSharded,
}

impl Way {
    /// Those that are compared if no others are asked for, the shortest first.
    pub const COMPARED: [Self; 5] =
        [Self::Direct, Self::Haproxy, Self::Router, Self::GateUnsharded, Self::GateSharded];
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Direct => "direct",
            Self::Haproxy => "HAProxy",
            Self::Router => "MySQL Router",
            Self::GateUnsharded => "gate, unsharded",
            Self::GateTls => "gate, TLS behind",
            Self::GateSharded => "gate, 2 shards",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn parse(arguments: &[&str]) -> Result<CommandLine, clap::Error> {
        CommandLine::try_parse_from([&["shoal-bench"], arguments].concat())
    }

    #[test]
    fn the_command_line_is_sound() {
        CommandLine::command().debug_assert();
        let config = parse(&[]).unwrap().config;
        assert_eq!((config.connections, config.through), (vec![1, 16, 64, 256], Way::COMPARED.to_vec()));
        let config = parse(&["--connections", "1,8,64", "--through", "direct,gate-sharded"]).unwrap().config;
        assert_eq!(config.connections, [1, 8, 64]);
        assert_eq!(config.through, [Way::Direct, Way::GateSharded]);
    }

    #[test]
    fn reparents_are_asked_for_by_name() {
        let Some(Part::Reparent(config)) = parse(&["reparent", "--runs", "4"]).unwrap().part else {
            panic!("not the command that was named")
        };
        assert_eq!((config.runs, config.writers, config.tablets), (4, 16, 3));
        let said = parse(&["reparent", "--tablets", "1"]).unwrap_err().to_string();
        assert!(said.contains("no other to take over"), "{said}");
    }

    #[test]
    fn a_shop_is_loaded_where_it_is_told() {
        let Some(Part::Shop(config)) = parse(&["shop", "--port", "15306"]).unwrap().part else {
            panic!("not the command that was named")
        };
        assert_eq!((config.customers, config.connections, config.sharded.as_str()), (20_000, 8, "shop"));
        assert!(parse(&["shop"]).is_err() && parse(&["shop", "--port", "1", "--customers", "0"]).is_err());
    }

    #[test]
    fn everything_is_bounded() {
        for wrong in ["--connections=0", "--connections=257", "--rounds=101", "--seconds=61", "--rows=0"] {
            assert!(parse(&[wrong]).is_err(), "{wrong}");
        }
        let said = parse(&["--rounds", "x"]).unwrap_err().to_string();
        assert!(said.contains("write a number from 1 to 100"), "{said}");
    }
}
