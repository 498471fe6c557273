//! mysql_async, in this program.

use std::fmt::{Debug, Write};
use std::future::Future;

use anyhow::{Context, Result, ensure};
use mysql_async::consts::{ColumnFlags, ColumnType};
use mysql_async::prelude::{FromValue, Queryable};
use mysql_async::{Compression, Conn, Error, IsolationLevel, Opts, OptsBuilder, SslOpts, TxOpts, Value};

use crate::bed::Place;
use crate::said::Said;

/// The checks against a server.
pub(crate) fn said(place: &Place) -> Result<Said> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut checks = Checks { lines: String::new(), place: place.clone() };
    let end = runtime.block_on(checks.all()).err().map(|error| format!("{error:#}"));
    Ok(Said::read(&checks.lines, end))
}

struct Checks {
    lines: String,
    place: Place,
}

const LARGE: usize = 20 << 20;

/// Name, type in SQL, value as it is written and read.
fn kinds() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("tiny", "tinyint", Value::Int(-128)),
        ("big", "bigint", Value::Int(i64::MIN)),
        ("big_unsigned", "bigint unsigned", Value::UInt(u64::MAX)),
        ("decimals", "decimal(40,10)", "-123456789012345678901234567890.0123456789".into()),
        ("single", "float", Value::Float(1.5)),
        ("twice", "double", Value::Double(0.1)),
        ("bits", "bit(10)", Value::Bytes(vec![2, 1])),
        ("day", "date", Value::Date(2024, 2, 29, 0, 0, 0, 0)),
        ("moment", "datetime(6)", Value::Date(2024, 2, 29, 23, 59, 59, 123_456)),
        ("stamp", "timestamp(6)", Value::Date(2037, 12, 31, 1, 2, 3, 4)),
        ("span", "time(6)", Value::Time(true, 3, 22, 59, 58, 999_999)),
        ("in_year", "year", Value::Int(2155)),
        ("four_bytes", "varchar(20)", "𝕊hoal 😀 'q\" \\".into()),
        ("fixed_bytes", "binary(4)", Value::Bytes(b"\x00\xff'\\".to_vec())),
        ("lob", "blob", Value::Bytes(b"\x00\x1a\n\r\\'\"\xff".to_vec())),
        ("choice", "enum('first','ß')", "ß".into()),
        ("choices", "set('x','y','z')", "x,z".into()),
        ("document", "json", "{\"a\": [1, null, \"é😀\"]}".into()),
        ("nothing", "int", Value::NULL),
    ]
}

impl Checks {
    fn options(&self) -> OptsBuilder {
        let tls = SslOpts::default().with_root_certs(vec![self.place.ca.clone().into()]);
        OptsBuilder::default()
            .ip_or_hostname("127.0.0.1")
            .tcp_port(self.place.port)
            .user(Some("app"))
            .pass(Some("app"))
            .db_name(Some(self.place.database))
            .prefer_socket(false)
            .ssl_opts(Some(tls))
    }

    async fn connect(&self) -> Result<Conn> {
        Ok(Conn::new(self.options()).await?)
    }

    /// One check: that the call gives the value.
    async fn check<T: PartialEq + Debug>(
        &mut self,
        name: &str,
        expected: T,
        got: impl Future<Output = Result<T>>,
    ) {
        let line = match got.await {
            Ok(got) if got == expected => format!("ok {name}"),
            Ok(got) => format!("FAILED {name}: expected {expected:?} got {got:?}"),
            Err(error) => format!("FAILED {name}: expected {expected:?} got {error:#}"),
        };
        // Writing to a string does not fail.
        let _ = writeln!(self.lines, "{}", line.replace('\n', "\\n"));
    }

    async fn all(&mut self) -> Result<()> {
        let mut conn = self.connect().await?;
        self.logins().await;
        self.kinds(&mut conn).await?;
        self.large(&mut conn).await?;
        self.transactions(&mut conn).await?;
        self.errors(&mut conn).await?;
        self.answers(&mut conn).await?;
        self.options_of_connections(&mut conn).await?;
        Ok(conn.disconnect().await?)
    }

    async fn logins(&mut self) {
        let plain = Opts::from(self.options().ssl_opts(None::<SslOpts>));
        self.check("login.plain", 1, async { first(&mut Conn::new(plain).await?, "SELECT 1").await }).await;
        let wrong = Opts::from(self.options().pass(Some("wrong")));
        self.check("login.wrong_password", 1045, async { code(Conn::new(wrong).await) }).await;
        let nowhere = Opts::from(self.options().db_name(Some("nowhere")));
        self.check("login.unknown_database", 1049, async { code(Conn::new(nowhere).await) }).await;
        let none = Opts::from(self.options().db_name(None::<String>));
        let database =
            async { first::<Option<String>>(&mut Conn::new(none).await?, "SELECT DATABASE()").await };
        self.check("login.no_database", None, database).await;
    }

    async fn kinds(&mut self, conn: &mut Conn) -> Result<()> {
        let columns: Vec<String> = kinds().iter().map(|(name, kind, _)| format!("{name} {kind}")).collect();
        fresh(conn, "kinds", &format!("id int primary key, {}", columns.join(", "))).await?;
        for (number, (name, _, value)) in kinds().into_iter().enumerate() {
            let (written, connection) = (value.clone(), &mut *conn);
            let there_and_back = async move {
                let insert = format!("INSERT INTO kinds (id, {name}) VALUES (?, ?)");
                connection.exec_drop(insert, (number, written)).await?;
                let select = format!("SELECT {name} FROM kinds WHERE id = ?");
                connection.exec_first::<Value, _, _>(select, (number,)).await?.context("no row")
            };
            self.check(&format!("prepared.{name}"), value, there_and_back).await;
        }
        let count = kinds().len();
        let rows = async { Ok(conn.query::<i64, _>("SELECT id FROM kinds").await?.len()) };
        self.check("text.all_rows", count, rows).await;
        Ok(())
    }

    async fn large(&mut self, conn: &mut Conn) -> Result<()> {
        fresh(conn, "large", "id int primary key, b longblob").await?;
        let content: Vec<u8> = (0..LARGE).map(|at| (at * 31 % 251) as u8).collect();
        let there_and_back = async {
            conn.exec_drop("INSERT INTO large VALUES (?, ?)", (1, &content)).await?;
            let got: Option<Vec<u8>> = conn.exec_first("SELECT b FROM large WHERE id = ?", (1,)).await?;
            Ok(got.as_deref() == Some(&content))
        };
        self.check("large.blob", true, there_and_back).await;
        Ok(())
    }

    async fn transactions(&mut self, conn: &mut Conn) -> Result<()> {
        let mut other = self.connect().await?;
        fresh(conn, "moved", "id int primary key, n int").await?;
        conn.query_drop("INSERT INTO moved VALUES (1, 0)").await?;
        for (name, level, expected) in [
            ("transaction.commit", None, (0, 1)),
            ("transaction.isolation", Some(IsolationLevel::ReadCommitted), (1, 2)),
        ] {
            let mut options = TxOpts::default();
            options.with_isolation_level(level);
            let (one, other) = (&mut *conn, &mut other);
            let moved = async move {
                let mut transaction = one.start_transaction(options).await?;
                transaction.query_drop("UPDATE moved SET n = n + 1 WHERE id = 1").await?;
                let unseen: i64 = first(other, "SELECT n FROM moved WHERE id = 1").await?;
                transaction.commit().await?;
                Ok((unseen, first(other, "SELECT n FROM moved WHERE id = 1").await?))
            };
            self.check(name, expected, moved).await;
        }
        let undone = async {
            let before: i64 = first(conn, "SELECT n FROM moved WHERE id = 1").await?;
            let mut transaction = conn.start_transaction(TxOpts::default()).await?;
            transaction.exec_drop("UPDATE moved SET n = ? WHERE id = 1", (77,)).await?;
            let code = code(transaction.query_drop("INSERT INTO moved VALUES (1, 0)").await)?;
            transaction.rollback().await?;
            let after: i64 = first(conn, "SELECT n FROM moved WHERE id = 1").await?;
            Ok((code, after == before))
        };
        self.check("transaction.rollback", (1062, true), undone).await;
        Ok(())
    }

    async fn errors(&mut self, conn: &mut Conn) -> Result<()> {
        fresh(conn, "strict", "id int primary key, name varchar(3) not null, n tinyint").await?;
        conn.query_drop("INSERT INTO strict VALUES (1, 'a', 1)").await?;
        for (name, expected, sql) in [
            ("duplicate", "1062 23000", "INSERT INTO strict VALUES (1, 'a', 1)"),
            ("no_table", "1146 42S02", "SELECT * FROM missing"),
            ("syntax", "1064 42000", "SELEC 1"),
            ("null", "1048 23000", "INSERT INTO strict VALUES (2, NULL, 1)"),
            ("too_long", "1406 22001", "INSERT INTO strict VALUES (2, 'long', 1)"),
        ] {
            let text = async { state(conn.query_drop(sql).await) };
            self.check(&format!("text.error.{name}"), expected.to_owned(), text).await;
            let prepared = async { state(conn.exec_drop(sql, ()).await) };
            self.check(&format!("prepared.error.{name}"), expected.to_owned(), prepared).await;
        }
        Ok(())
    }

    async fn answers(&mut self, conn: &mut Conn) -> Result<()> {
        fresh(conn, "counts", "id bigint auto_increment primary key, n int").await?;
        let batch = async {
            let statement = conn.prep("INSERT INTO counts (n) VALUES (?)").await?;
            conn.exec_batch(&statement, (0..20).map(|n| (n,))).await?;
            let given = conn.last_insert_id().unwrap_or_default();
            let found: Option<i64> = conn.exec_first("SELECT n FROM counts WHERE id = ?", (given,)).await?;
            Ok((found, conn.query_drop("UPDATE counts SET n = n").await.is_ok(), conn.affected_rows()))
        };
        self.check("counts.batch", (Some(19), true, 0), batch).await;
        let columns = async {
            let answer = conn.query_iter("SELECT id AS called, name FROM strict s WHERE id = 1").await?;
            let columns = answer.columns().context("no columns")?;
            let told = columns.iter().map(|column| {
                let key = column.flags().contains(ColumnFlags::PRI_KEY_FLAG);
                (
                    column.name_str().into_owned(),
                    column.org_table_str().into_owned(),
                    column.column_type(),
                    key,
                )
            });
            let told: Vec<_> = told.collect();
            answer.drop_result().await?;
            Ok(told)
        };
        let expected = vec![
            ("called".to_owned(), "strict".to_owned(), ColumnType::MYSQL_TYPE_LONG, true),
            ("name".to_owned(), "strict".to_owned(), ColumnType::MYSQL_TYPE_VAR_STRING, false),
        ];
        self.check("metadata.columns", expected, columns).await;
        Ok(())
    }

    async fn options_of_connections(&mut self, conn: &mut Conn) -> Result<()> {
        let several = async {
            let mut answer = conn.query_iter("SELECT 1; SELECT 2").await?;
            let (one, two): (Vec<i64>, Vec<i64>) = (answer.collect().await?, answer.collect().await?);
            Ok((one, two))
        };
        self.check("several.rows", (vec![1], vec![2]), several).await;
        let compressed = Opts::from(self.options().compression(Compression::fast()));
        let compression = async {
            let mut conn = Conn::new(compressed).await?;
            let row: Option<(String, String)> = conn.query_first("SHOW STATUS LIKE 'Compression'").await?;
            Ok(row.map(|row| row.1))
        };
        self.check("option.compressed", Some("ON".to_owned()), compression).await;
        let mut victim = self.connect().await?;
        let killed = async {
            conn.query_drop(format!("KILL {}", victim.id())).await?;
            let lost = victim.query_drop("SELECT 1").await.is_err();
            conn.reset().await?;
            Ok((lost, first::<i64>(conn, "SELECT 2").await?))
        };
        self.check("life.killed", (true, 2), killed).await;
        let mut own = self.connect().await?;
        let changed = async {
            own.query_drop("SET @kept = 1").await?;
            own.change_user(mysql_async::ChangeUserOpts::default()).await?;
            first::<Option<i64>>(&mut own, "SELECT @kept").await
        };
        self.check("life.changed_user", None, changed).await;
        Ok(())
    }
}

async fn fresh(conn: &mut Conn, table: &str, columns: &str) -> Result<()> {
    conn.query_drop(format!("DROP TABLE IF EXISTS {table}")).await?;
    Ok(conn.query_drop(format!("CREATE TABLE {table} ({columns})")).await?)
}

async fn first<T: FromValue + Send + 'static>(conn: &mut Conn, sql: &str) -> Result<T> {
    conn.query_first(sql).await?.with_context(|| format!("no row: {sql}"))
}

/// The number of the error that something must have ended with.
fn code<T>(ended: Result<T, Error>) -> Result<u16> {
    let said = state(ended)?;
    Ok(said.split(' ').next().unwrap_or_default().parse()?)
}

fn state<T>(ended: Result<T, Error>) -> Result<String> {
    ensure!(ended.is_err(), "no error");
    match ended {
        Err(Error::Server(error)) => Ok(format!("{} {}", error.code, error.state)),
        Err(other) => Err(other.into()),
        Ok(_) => Ok(String::new()),
    }
}
