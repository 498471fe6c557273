//! Random statements on two shards behind a gate and on one plain MySQL with the same rows: whatever the gate
//! does not refuse must come out the same, and afterwards the rows must be the same, each on its shard.
//!
//! ```text
//!   seed ──> forms ──> statements ──> gate ──> refused by name: not compared
//!                                      └─────> anything else: plain MySQL ──> compare
//!   at the end: rows of all shards == rows of the plain one, and each row's vindex names the shard it is on
//! ```
//!
//! `SHOAL_FUZZ_SEED` and `SHOAL_FUZZ_STATEMENTS` set the seed and how many statements run.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Result, bail, ensure};
use proto::key_range::KeyRange;
use tests::cluster::{Cluster, Shard};
use tests::differential::compare::{Aspect, Order, compare};
use tests::differential::outcome::{Outcome, RowSeen};
use tests::differential::session::Session;
use tests::mysqld::PlainMysqld;
use topo::value::ShardingValue;
use topo::vindex::Vindex;

use generator::{Generator, TABLES, Table};
use random::Random;
use statement::{Access, Form, KEYS};

#[path = "routing_fuzz/found.rs"]
mod found;
#[path = "routing_fuzz/generator.rs"]
mod generator;
#[path = "routing_fuzz/random.rs"]
mod random;
#[path = "routing_fuzz/scatters.rs"]
mod scatters;
#[path = "routing_fuzz/statement.rs"]
mod statement;
#[path = "routing_fuzz/writes.rs"]
mod writes;

const FILE: &str = r#"
apiVersion: shoal.dev/v1alpha1
kind: ShoalCluster
metadata: {name: fuzz}
spec:
  # A row is planted on a shard with the account that gates use there.
  tls: off
  gates: {port: {gate_port}}
  users:
    - {name: app, password: app, role: admin}
  keyspaces:
    - name: shop
      shards: ["-80", "80-"]
      vschema:
        vindexes: {spread: {type: xxhash}}
        tables:
          customers: {column_vindexes: [{column: id, name: spread}]}
          orders: {column_vindexes: [{column: customer_id, name: spread}]}
          prefixed: {column_vindexes: [{column: id, name: spread}]}
          filled: {column_vindexes: [{column: id, name: spread}]}
"#;
/// The shards of `FILE`.
const SHARDS: u16 = 2;
/// MySQL's code.
const SYNTAX_ERROR: u16 = 1064;
/// The vindex of `FILE`.
const VINDEX: Vindex = Vindex::XxHash;
const SCHEMA: &[&str] = &[
    "CREATE TABLE customers (id bigint PRIMARY KEY, name varchar(20) DEFAULT 'nobody', balance int DEFAULT 1)",
    "CREATE TABLE orders (customer_id bigint, number int DEFAULT 1, item varchar(20) DEFAULT 'nothing', \
     PRIMARY KEY (customer_id, number))",
];
const SEED: u64 = 20_261_120;
const STATEMENTS: usize = 3000;
/// How many of a hundred statements must at least be routed, and refused: else nothing is tested.
const FLOOR_PERCENT: usize = 20;
/// The run ends at so many breaches.
const MAX_BREACHES: usize = 25;
/// Forms that are written again with other literals.
const KEPT_FORMS: usize = 200;

/// An answer of the plain server's own, or one by which the gate refuses.
fn is_refused(outcome: &Outcome) -> bool {
    outcome.shoal_error().is_some_and(|id| id.starts_with("SH2"))
}

/// Differences that README tells of: an executable comment reaches a shard as what it holds, so that MySQL quotes it
/// without its marks, and cannot warn of a comment inside it; and what a constant is warned of, each shard warns of.
fn is_known(statement: &str, (judge, subject): (&Outcome, &Outcome), aspect: Aspect) -> bool {
    let held = statement.contains("/*!");
    match (aspect, judge, subject) {
        (Aspect::ErrorText, Outcome::Failed(judge), _) => held && judge.code == SYNTAX_ERROR,
        (
            Aspect::Warnings,
            Outcome::Rows { warnings: judge, .. },
            Outcome::Rows { warnings: subject, .. },
        ) => (held && subject < judge) || (judge < subject && *subject <= SHARDS * judge),
        _ => false,
    }
}

/// The judge, and what is judged.
struct Duel {
    judge: Session,
    subject: Session,
    routed: usize,
    failed: usize,
    refused: usize,
    breaches: Vec<String>,
}

impl fmt::Display for Duel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { routed, failed, refused, breaches, .. } = self;
        let breaches = breaches.len();
        write!(
            f,
            "{routed} statements routed, {failed} wrong by themselves, {refused} refused, {breaches} breaches"
        )
    }
}

impl Duel {
    fn new(judge: Session, subject: Session) -> Self {
        Self { judge, subject, routed: 0, failed: 0, refused: 0, breaches: vec![] }
    }

    /// Runs a statement on both. False: a write differed, so that nothing is comparable any more.
    async fn run(&mut self, statement: &str, access: Access) -> Result<bool> {
        let subject = self.subject.run(statement).await?;
        if is_refused(&subject) {
            self.refused += 1;
            return Ok(true);
        }
        let judge = self.judge.run(statement).await?;
        match &judge {
            Outcome::Failed(_) => self.failed += 1,
            _ => self.routed += 1,
        }
        let mut found = compare(&judge, &subject, Order::Free);
        found.retain(|difference| !is_known(statement, (&judge, &subject), difference.aspect));
        if found.is_empty() {
            return Ok(true);
        }
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        self.breaches.push(format!("{statement}\n    {}", found.join("\n    ")));
        Ok(access == Access::Reads)
    }

    /// Runs random statements until the rows have come apart or the breaches are enough.
    async fn run_many(&mut self, random: &mut Random, number: usize) -> Result<()> {
        let mut kept: Vec<Form> = vec![];
        for _ in 0..number {
            let form = if !kept.is_empty() && random.percent(30) {
                let mut form = kept[random.below(kept.len())].clone();
                if form.access == Access::Reads && random.percent(20) {
                    form.words(random.pick(&[
                        "/*! OR 1 = 1 */",
                        "/*!99999 AND 0 */",
                        "/* OR 1 = 1 */",
                        "# OR 1 = 1",
                    ]));
                }
                form
            } else {
                Generator::form(random)
            };
            let statement = form.write(random);
            if !self.run(&statement, form.access).await? || self.breaches.len() >= MAX_BREACHES {
                break;
            }
            if kept.len() < KEPT_FORMS {
                kept.push(form);
            } else {
                let place = random.below(KEPT_FORMS);
                kept[place] = form;
            }
        }
        Ok(())
    }
}

/// The rows of a table, in the order of their bytes.
async fn rows(session: &mut Session, table: &Table) -> Result<Vec<RowSeen>> {
    match session.run(&format!("SELECT * FROM {}", table.name)).await? {
        Outcome::Rows { mut rows, .. } => {
            rows.sort();
            Ok(rows)
        }
        other => bail!("{}: {other}", table.name),
    }
}

fn shown(row: &RowSeen) -> String {
    let value = |value: &Option<Vec<u8>>| {
        value.as_ref().map_or("NULL".into(), |v| String::from_utf8_lossy(v).into_owned())
    };
    row.iter().map(value).collect::<Vec<String>>().join(", ")
}

/// What is wrong with where the rows are: some are not those of the judge, or on a shard that is not theirs.
async fn misplaced(judge: &mut Session, shards: &[Shard]) -> Result<Vec<String>> {
    let mut found = vec![];
    for table in &TABLES {
        let mut union = vec![];
        for shard in shards {
            let range = KeyRange::from_str(&shard.name)?;
            let here = rows(&mut Session::connect(&shard.address).await?, table).await?;
            for row in &here {
                let key = row[0].as_ref().context("a key is NULL")?;
                let key: i64 = String::from_utf8_lossy(key).parse()?;
                if !range.contains(&VINDEX.map(&ShardingValue::Signed(key))?) {
                    found.push(format!(
                        "{} on {} does not belong there: {}",
                        table.name,
                        shard.name,
                        shown(row)
                    ));
                }
            }
            union.extend(here);
        }
        union.sort();
        let expected = rows(judge, table).await?;
        let lacking = expected.iter().filter(|row| !union.contains(row));
        found.extend(lacking.map(|row| format!("{} is lacking on all shards: {}", table.name, shown(row))));
        let foreign = union.iter().filter(|row| !expected.contains(row));
        found.extend(foreign.map(|row| format!("{} is only on a shard: {}", table.name, shown(row))));
        if union.len() != expected.len() {
            found.push(format!(
                "{}: {} rows on all shards, {} expected",
                table.name,
                union.len(),
                expected.len()
            ));
        }
    }
    Ok(found)
}

/// A cluster and a plain server with the same tables and rows.
struct Stage {
    plain: PlainMysqld,
    cluster: Cluster,
    shards: Vec<Shard>,
}

impl Stage {
    async fn build() -> Result<Self> {
        let plain = PlainMysqld::start()?;
        let cluster = Cluster::start(FILE)?;
        let shards = cluster.shards("shop")?;
        Session::connect(&plain.root("")).await?.run_all(&["CREATE DATABASE shop"]).await?;
        let stage = Self { plain, cluster, shards };
        for mut session in [stage.judge().await?, stage.gate().await?] {
            session.run_all(SCHEMA).await?;
            for key in 0..KEYS / 2 {
                let customer = format!("INSERT INTO customers VALUES ({key}, {key}, {key})");
                let order = format!("INSERT INTO orders VALUES ({key}, 1, 'a'), ({key}, 2, 'b')");
                session.run_all(&[&customer, &order]).await?;
            }
        }
        Ok(stage)
    }

    async fn judge(&self) -> Result<Session> {
        Session::connect(&self.plain.root("shop")).await
    }

    async fn gate(&self) -> Result<Session> {
        Session::connect(&self.cluster.gate("app", "shop")).await
    }
}

fn setting<T: FromStr>(name: &str, otherwise: T) -> Result<T> {
    match std::env::var(name) {
        Ok(text) => text.parse().ok().with_context(|| format!("{name} is no number: {text}")),
        Err(_) => Ok(otherwise),
    }
}

#[tokio::test]
async fn what_is_routed_is_right() -> Result<()> {
    let seed = setting("SHOAL_FUZZ_SEED", SEED)?;
    let number = setting("SHOAL_FUZZ_STATEMENTS", STATEMENTS)?;
    println!("SHOAL_FUZZ_SEED={seed} SHOAL_FUZZ_STATEMENTS={number}");
    let stage = Stage::build().await?;
    let mut duel = Duel::new(stage.judge().await?, stage.gate().await?);
    duel.run_many(&mut Random::new(seed), number).await?;
    println!("{duel}");
    let misplaced = misplaced(&mut duel.judge, &stage.shards).await?;
    ensure!(duel.breaches.is_empty(), "seed {seed}: {duel}\n{}", duel.breaches.join("\n"));
    ensure!(misplaced.is_empty(), "seed {seed}: rows are not where they belong\n{}", misplaced.join("\n"));
    let floor = number * FLOOR_PERCENT / 100;
    ensure!(duel.routed >= floor && duel.refused >= floor, "too few of one kind to test anything: {duel}");
    Ok(())
}

#[tokio::test]
async fn what_was_wrong_once_is_right() -> Result<()> {
    let stage = Stage::build().await?;
    let mut duel = Duel::new(stage.judge().await?, stage.gate().await?);
    for statement in found::STATEMENTS {
        duel.run(statement, Access::Reads).await?;
    }
    let mut breaches = std::mem::take(&mut duel.breaches);
    breaches.extend(misplaced(&mut duel.judge, &stage.shards).await?);
    for statement in found::FORBIDDEN {
        let outcome = duel.subject.run(statement).await?;
        if !is_refused(&outcome) {
            breaches.push(format!("{statement}\n    must be refused, but: {outcome}"));
        }
    }
    ensure!(breaches.is_empty(), "{} breaches\n{}", breaches.len(), breaches.join("\n"));
    Ok(())
}

/// The statements of the run, but sent to one shard's MySQL wherever their rows are.
#[tokio::test]
async fn wrong_routing_is_caught() -> Result<()> {
    let stage = Stage::build().await?;
    let one_shard = Session::connect(&stage.shards[0].data).await?;
    let mut duel = Duel::new(stage.judge().await?, one_shard);
    let before = misplaced(&mut duel.judge, &stage.shards).await?;
    ensure!(before.is_empty(), "{}", before.join("\n"));
    let mut random = Random::new(SEED);
    duel.run_many(&mut random, STATEMENTS).await?;
    ensure!(!duel.breaches.is_empty(), "reads of the wrong shard were not noticed: {duel}");
    let here = KeyRange::from_str(&stage.shards[0].name)?;
    let is_foreign = |key: &i64| VINDEX.map(&ShardingValue::Signed(*key)).is_ok_and(|id| !here.contains(&id));
    let key = (1000..).find(is_foreign).context("all keys are on one shard")?;
    let agreed =
        duel.run(&format!("INSERT INTO customers VALUES ({key}, 'astray', 1)"), Access::Writes).await?;
    ensure!(agreed, "the planted row itself differs: {:?}", duel.breaches.last());
    let after = misplaced(&mut duel.judge, &stage.shards).await?;
    let named = after.iter().any(|what| what.contains("does not belong there") && what.contains("astray"));
    ensure!(named, "a row on the wrong shard was not noticed: {after:?}");
    Session::connect(&stage.shards[0].data)
        .await?
        .run_all(&[&format!("DELETE FROM customers WHERE id = {key}")])
        .await?;
    let after = misplaced(&mut duel.judge, &stage.shards).await?;
    let named = after.iter().any(|what| what.contains("lacking on all shards") && what.contains("astray"));
    ensure!(named, "a lost row was not noticed: {after:?}");
    Ok(())
}
