//! Loads a shop through a gate: customers with their orders and order lines, and the products that they buy.
//!
//! ```text
//!   data       what every row is: a function of the seed and its key, so that nothing is kept in memory
//!   progress   how far it is, for people
//! ```
//!
//! Several connections take batches of customers in turn. What is loaded does not depend on how many they are.

pub mod data;
pub mod progress;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use tokio::task::JoinSet;

use crate::limits::{MAX_CONNECTIONS, MAX_CUSTOMERS, SHOP_BATCH, SHOWN_STATEMENT};
use crate::load::client::{Client, Endpoint};
use data::Shop;
use progress::Progress;

/// What is loaded, and where.
#[derive(Debug, Clone, Args)]
pub struct ShopConfig {
    /// Port of the gate
    #[arg(long, value_name = "PORT")]
    pub port: u16,
    /// Host of the gate
    #[arg(long, value_name = "HOST", default_value = "127.0.0.1")]
    pub host: String,
    /// Who loads; the password is taken from the environment's MYSQL_PWD
    #[arg(long, value_name = "NAME", default_value = "app")]
    pub user: String,
    /// The sharded keyspace, for customers, orders and order lines
    #[arg(long, value_name = "KEYSPACE", default_value = "shop")]
    pub sharded: String,
    /// The unsharded keyspace, for products
    #[arg(long, value_name = "KEYSPACE", default_value = "main")]
    pub unsharded: String,
    /// How many customers; each has about 3 orders with about 2.5 lines each
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..=MAX_CUSTOMERS))]
    pub customers: u64,
    /// The same seed gives the same rows
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Connections that insert
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = crate::config::number(MAX_CONNECTIONS))]
    pub connections: usize,
}

impl ShopConfig {
    fn endpoint(&self, keyspace: &str) -> Endpoint {
        Endpoint {
            address: format!("{}:{}", self.host, self.port),
            user: self.user.clone(),
            password: std::env::var("MYSQL_PWD").unwrap_or_default(),
            database: keyspace.to_owned(),
        }
    }
}

/// Loads the shop, unless a shop of the same seed and size was loaded to the end before. Tables of a load that was
/// broken off, or of another shop, are made anew.
pub async fn load(config: ShopConfig) -> Result<()> {
    let (shop, began) = (Shop { seed: config.seed, customers: config.customers }, Instant::now());
    let mut main = Client::connect(&config.endpoint(&config.unsharded)).await?;
    let mut sharded = Client::connect(&config.endpoint(&config.sharded)).await?;
    main.execute(data::CREATE_LOADS).await?;
    let found =
        main.rows(&format!("SELECT seed, customers FROM loads WHERE name = '{}'", data::NAME)).await?;
    let wanted = [shop.seed, shop.customers].map(|number| Some(number.to_string()));
    if found.first().is_some_and(|row| row[..] == wanted) {
        println!("{} rows are loaded already (seed {})", progress::grouped(shop.rows()), shop.seed);
        return Ok(());
    }
    main.execute(&format!("DELETE FROM loads WHERE name = '{}'", data::NAME)).await?;
    for (table, create) in data::UNSHARDED_TABLES {
        make(&mut main, table, create).await?;
    }
    for (table, create) in data::SHARDED_TABLES {
        make(&mut sharded, table, create).await?;
    }
    sharded.leave().await;
    let progress = Arc::new(Progress::new(shop.rows()));
    progress.show();
    main.execute(&data::insert_products()).await.context("loading products")?;
    progress.add(data::PRODUCTS);
    load_customers(&config, shop, &progress).await?;
    progress.done();
    main.execute(&format!(
        "INSERT INTO loads (name, seed, customers) VALUES ('{}', {}, {})",
        data::NAME,
        shop.seed,
        shop.customers
    ))
    .await?;
    main.leave().await;
    let (rows, seconds) = (progress::grouped(shop.rows()), began.elapsed().as_secs_f64());
    println!(
        "loaded {rows} rows in {seconds:.1} s: {} customers, {} orders and {} order lines in {}, {} products in {}",
        progress::grouped(shop.customers),
        progress::grouped(shop.orders()),
        progress::grouped(shop.lines()),
        config.sharded,
        data::PRODUCTS,
        config.unsharded
    );
    Ok(())
}

async fn make(client: &mut Client, table: &str, create: &str) -> Result<()> {
    client.execute(&format!("DROP TABLE IF EXISTS {table}")).await?;
    client.execute(create).await
}

async fn load_customers(config: &ShopConfig, shop: Shop, progress: &Arc<Progress>) -> Result<()> {
    let next = Arc::new(AtomicU64::new(1));
    let mut workers: JoinSet<Result<()>> = JoinSet::new();
    for _ in 0..config.connections {
        let (endpoint, next) = (config.endpoint(&config.sharded), next.clone());
        let progress = progress.clone();
        workers.spawn(async move {
            let mut client = Client::connect(&endpoint).await?;
            loop {
                let first = next.fetch_add(SHOP_BATCH, Ordering::Relaxed);
                if first > shop.customers {
                    break;
                }
                let last = shop.customers.min(first + SHOP_BATCH - 1);
                for (insert, rows) in data::inserts(&shop, first..=last) {
                    client.rows(&insert).await.map_err(|error| shortened(&error))?;
                    progress.add(rows);
                }
            }
            client.leave().await;
            Ok(())
        });
    }
    while let Some(worked) = workers.join_next().await {
        if let Err(error) = worked? {
            progress.done();
            bail!("{error:#}\nthe shop is loaded in part; the next load makes its tables anew");
        }
    }
    Ok(())
}

/// The statement itself, which the error names, is too long to be shown.
fn shortened(error: &anyhow::Error) -> anyhow::Error {
    let head: String = error.to_string().chars().take(SHOWN_STATEMENT).collect();
    anyhow::anyhow!("{head}…: {}", error.root_cause())
}
