//! What every row of the shop is.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

use crate::limits::{INSERTED_ROWS, MAX_LINES, MAX_ORDERS};

/// Under which name a finished load is put down.
pub const NAME: &str = "shop";
/// How many products there are.
pub const PRODUCTS: u64 = KINDS.len() as u64 * COLOURS.len() as u64;

/// Where finished loads are put down.
pub const CREATE_LOADS: &str = "CREATE TABLE IF NOT EXISTS loads (name VARCHAR(20) NOT NULL PRIMARY KEY, \
     seed BIGINT UNSIGNED NOT NULL, customers BIGINT UNSIGNED NOT NULL, \
     finished_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)";

/// Tables of the unsharded keyspace.
pub const UNSHARDED_TABLES: [(&str, &str); 1] = [(
    "products",
    "CREATE TABLE products (id INT NOT NULL PRIMARY KEY, name VARCHAR(60) NOT NULL, category VARCHAR(20) NOT NULL, \
     price DECIMAL(8,2) NOT NULL, KEY (category))",
)];

/// Tables of the sharded keyspace, all by the customer, so that what belongs to one is on one shard.
pub const SHARDED_TABLES: [(&str, &str); 3] = [
    (
        "customers",
        "CREATE TABLE customers (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(60) NOT NULL, \
         email VARCHAR(80) NOT NULL, city VARCHAR(30) NOT NULL, since DATE NOT NULL, KEY (city))",
    ),
    (
        "orders",
        "CREATE TABLE orders (customer_id BIGINT NOT NULL, id BIGINT NOT NULL, ordered_at DATETIME NOT NULL, \
         status VARCHAR(10) NOT NULL, PRIMARY KEY (customer_id, id))",
    ),
    (
        "order_lines",
        "CREATE TABLE order_lines (customer_id BIGINT NOT NULL, order_id BIGINT NOT NULL, line INT NOT NULL, \
         product_id INT NOT NULL, quantity INT NOT NULL, price DECIMAL(8,2) NOT NULL, \
         PRIMARY KEY (customer_id, order_id, line))",
    ),
];

const FIRST_NAMES: [&str; 16] = [
    "Ada", "Bert", "Clara", "David", "Edith", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Kira", "Liam",
    "Mona", "Noor", "Otto", "Priya",
];
const LAST_NAMES: [&str; 16] = [
    "Abel", "Brandt", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Hansen", "Ivanova", "Jansen",
    "Kowalski", "Larsen", "Moreau", "Nakamura", "Okafor", "Petrov",
];
const CITIES: [&str; 12] = [
    "Amsterdam",
    "Berlin",
    "Copenhagen",
    "Dublin",
    "Edinburgh",
    "Florence",
    "Ghent",
    "Helsinki",
    "Istanbul",
    "Jena",
    "Krakow",
    "Lisbon",
];
const KINDS: [(&str, &str, u64); 20] = [
    ("teapot", "kitchen", 2450),
    ("mug", "kitchen", 890),
    ("kettle", "kitchen", 3900),
    ("pan", "kitchen", 4200),
    ("lamp", "home", 5900),
    ("blanket", "home", 3500),
    ("cushion", "home", 1900),
    ("clock", "home", 2700),
    ("notebook", "office", 450),
    ("pen", "office", 220),
    ("desk", "office", 18900),
    ("chair", "office", 12900),
    ("backpack", "travel", 6900),
    ("suitcase", "travel", 9900),
    ("umbrella", "travel", 1700),
    ("bottle", "travel", 1500),
    ("ball", "sport", 1800),
    ("racket", "sport", 7400),
    ("helmet", "sport", 4900),
    ("bicycle", "sport", 59900),
];
const COLOURS: [&str; 10] =
    ["red", "green", "blue", "black", "white", "yellow", "grey", "brown", "orange", "purple"];
const STATES: [&str; 4] = ["delivered", "delivered", "shipped", "paid"];

/// A shop: all rows follow from this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shop {
    /// Another seed, other rows.
    pub seed: u64,
    /// How many customers, numbered from 1.
    pub customers: u64,
}

impl Shop {
    /// All rows of all tables.
    pub fn rows(&self) -> u64 {
        PRODUCTS + self.customers + self.orders() + self.lines()
    }

    /// All orders.
    pub fn orders(&self) -> u64 {
        (1..=self.customers).map(|customer| self.orders_of(customer)).sum()
    }

    /// All order lines.
    pub fn lines(&self) -> u64 {
        let of = |customer| (1..=self.orders_of(customer)).map(move |n| self.lines_of(order_id(customer, n)));
        (1..=self.customers).flat_map(of).sum()
    }

    fn orders_of(&self, customer: u64) -> u64 {
        1 + self.random(1, customer) % MAX_ORDERS
    }

    fn lines_of(&self, order: u64) -> u64 {
        1 + self.random(2, order) % MAX_LINES
    }

    /// A number that looks random and follows from the seed, a purpose and a key: SplitMix64 (Steele, Lea, Flood,
    /// "Fast splittable pseudorandom number generators", 2014) of their mixture.
    fn random(&self, purpose: u64, key: u64) -> u64 {
        let start = self.seed ^ purpose.wrapping_mul(0xa076_1d64_78bd_642f);
        let mut z = start.wrapping_add(key.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Orders are numbered over all customers, and each customer's one after the other.
fn order_id(customer: u64, number: u64) -> u64 {
    (customer - 1) * MAX_ORDERS + number
}

fn pick<T: Copy>(from: &[T], random: u64) -> T {
    from[(random % from.len() as u64) as usize]
}

/// The price of a product, in cents.
fn price(product: u64) -> u64 {
    let (_, _, price) = KINDS[((product - 1) / COLOURS.len() as u64) as usize];
    price
}

fn money(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// All products, in one statement.
pub fn insert_products() -> String {
    let mut sql = String::from("INSERT INTO products (id, name, category, price) VALUES ");
    let mut id = 0;
    for (kind, category, price) in KINDS {
        for colour in COLOURS {
            id += 1;
            let comma = if id > 1 { ", " } else { "" };
            let _ = write!(sql, "{comma}({id}, '{colour} {kind}', '{category}', {})", money(price));
        }
    }
    sql
}

/// Statements that insert these customers with all that is theirs, each with its number of rows.
pub fn inserts(shop: &Shop, customers: RangeInclusive<u64>) -> Vec<(String, u64)> {
    let (mut people, mut orders, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    for customer in customers {
        people.push(customer_row(shop, customer));
        for number in 1..=shop.orders_of(customer) {
            let order = order_id(customer, number);
            orders.push(order_row(shop, customer, order));
            lines.extend((1..=shop.lines_of(order)).map(|line| line_row(shop, customer, order, line)));
        }
    }
    let into = |head: &str, rows: Vec<String>| -> Vec<(String, u64)> {
        let statement =
            |part: &[String]| (format!("INSERT INTO {head} VALUES {}", part.join(", ")), part.len() as u64);
        rows.chunks(INSERTED_ROWS).map(statement).collect()
    };
    [
        into("customers (id, name, email, city, since)", people),
        into("orders (customer_id, id, ordered_at, status)", orders),
        into("order_lines (customer_id, order_id, line, product_id, quantity, price)", lines),
    ]
    .concat()
}

fn customer_row(shop: &Shop, id: u64) -> String {
    let random = shop.random(3, id);
    let (first, last) = (pick(&FIRST_NAMES, random), pick(&LAST_NAMES, random >> 8));
    let (city, year, month, day) = (
        pick(&CITIES, random >> 16),
        2015 + (random >> 24) % 10,
        1 + (random >> 32) % 12,
        1 + (random >> 40) % 28,
    );
    let email = format!("{}.{}{id}@example.com", first.to_lowercase(), last.to_lowercase());
    format!("({id}, '{first} {last}', '{email}', '{city}', '{year}-{month:02}-{day:02}')")
}

fn order_row(shop: &Shop, customer: u64, id: u64) -> String {
    let random = shop.random(4, id);
    let (month, day, hour) = (1 + random % 12, 1 + (random >> 8) % 28, (random >> 16) % 24);
    let (minute, status) = ((random >> 24) % 60, pick(&STATES, random >> 32));
    format!("({customer}, {id}, '2026-{month:02}-{day:02} {hour:02}:{minute:02}:00', '{status}')")
}

fn line_row(shop: &Shop, customer: u64, order: u64, line: u64) -> String {
    let random = shop.random(5, order * MAX_LINES + line);
    let (product, quantity) = (1 + random % PRODUCTS, 1 + (random >> 32) % 3);
    format!("({customer}, {order}, {line}, {product}, {quantity}, {})", money(price(product)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: Shop = Shop { seed: 1, customers: 1000 };

    fn all(shop: &Shop, batch: u64) -> Vec<String> {
        let batches = (1..=shop.customers).step_by(batch as usize);
        let inserted = batches.flat_map(|first| inserts(shop, first..=shop.customers.min(first + batch - 1)));
        let mut rows: Vec<String> = Vec::new();
        for (insert, count) in inserted {
            let (head, values) = insert.split_once(" VALUES ").unwrap();
            let table = head.split(' ').nth(2).unwrap();
            let values = values.trim_matches(['(', ')']);
            let own: Vec<String> = values.split("), (").map(|row| format!("{table}: {row}")).collect();
            assert_eq!(own.len() as u64, count);
            rows.extend(own);
        }
        rows.sort();
        rows
    }

    #[test]
    fn rows_depend_on_the_seed_and_not_on_how_they_are_loaded() {
        let rows = all(&SHOP, 100);
        assert_eq!(rows, all(&SHOP, 7));
        assert_ne!(rows, all(&Shop { seed: 2, ..SHOP }, 100));
        assert_eq!(rows.len() as u64 + PRODUCTS, SHOP.rows());
        let of = |table: &str| rows.iter().filter(|row| row.starts_with(table)).count() as u64;
        assert_eq!(
            (of("customers: "), of("orders: "), of("order_lines: ")),
            (1000, SHOP.orders(), SHOP.lines())
        );
    }

    #[test]
    fn the_shop_of_the_demo_is_large_enough() {
        let shop = Shop { seed: 1, customers: 20_000 };
        assert!(shop.rows() >= 200_000, "{}", shop.rows());
    }

    #[test]
    fn every_key_is_there_once() {
        let rows = all(&SHOP, 100);
        let key = |row: &String| {
            let columns = if row.starts_with("customers") {
                1
            } else if row.starts_with("orders") {
                2
            } else {
                3
            };
            row.split(", ").take(columns).collect::<Vec<_>>().join(",")
        };
        let keys: std::collections::BTreeSet<String> = rows.iter().map(key).collect();
        assert_eq!(keys.len(), rows.len());
    }

    #[test]
    fn a_customer_reads_like_one() {
        let (insert, rows) = inserts(&SHOP, 7..=7).into_iter().next().unwrap();
        assert_eq!(rows, 1);
        assert!(
            insert.starts_with("INSERT INTO customers (id, name, email, city, since) VALUES (7, '"),
            "{insert}"
        );
        assert!(insert.contains("7@example.com', '"), "{insert}");
        let products = insert_products();
        assert!(products.contains("(1, 'red teapot', 'kitchen', 24.50)"), "{products}");
        assert_eq!(products.matches('(').count() as u64, PRODUCTS + 1);
    }
}
