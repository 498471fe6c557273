//! The table of `topo::value`, checked on a real MySQL: what a literal converts to is what MySQL stores for it,
//! and a comparison with it finds no row whose value converts to anything else.

#![allow(clippy::unwrap_used, clippy::panic, reason = "all of this is a test")]

#[path = "../support/programs.rs"]
mod programs;
mod server;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use server::Server;
use topo::records::ColumnType;
use topo::value::collation::{Collation, Padding};
use topo::value::{Inexact, Literal, ShardingValue, Sign, convert, latin1};

/// A literal with the text that stands for it in a statement.
struct Written {
    sql: String,
    literal: Literal<'static>,
}

/// A column and the literals that are tried on it.
struct Column {
    sql: String,
    kind: ColumnType,
    literals: Vec<Written>,
}

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

fn integer(sql: &str) -> Written {
    let sql = sql.to_owned();
    let literal = match sql.strip_prefix('-') {
        Some(digits) => Literal::Integer { sign: Sign::Minus, digits: leak(digits.to_owned()) },
        None => Literal::Integer { sign: Sign::Plus, digits: leak(sql.clone()) },
    };
    Written { sql, literal }
}

fn decimal(sql: &str) -> Written {
    Written { literal: Literal::Decimal(leak(sql.to_owned())), sql: sql.to_owned() }
}

fn float(sql: &str) -> Written {
    Written { literal: Literal::Float(leak(sql.to_owned())), sql: sql.to_owned() }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

fn string(text: &str) -> Written {
    let bytes = Cow::Owned(text.as_bytes().to_vec());
    let sql = format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''").replace('\0', "\\0"));
    Written { sql, literal: Literal::String { bytes, character_set: "utf8mb4" } }
}

fn introduced(character_set: &'static str, bytes: &[u8]) -> Written {
    let literal = Literal::String { bytes: Cow::Owned(bytes.to_vec()), character_set };
    Written { sql: format!("_{character_set} x'{}'", hex(bytes)), literal }
}

fn raw(bytes: &[u8]) -> Written {
    Written { sql: format!("x'{}'", hex(bytes)), literal: Literal::Bytes(Cow::Owned(bytes.to_vec())) }
}

fn raw_text(text: &str) -> Written {
    let literal = Literal::Bytes(Cow::Owned(text.as_bytes().to_vec()));
    Written { sql: format!("_binary'{text}'"), literal }
}

/// The generator of the property tests: SplitMix64, whose seed is printed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// One number in every way that is taken to be it, and in some that are not.
fn ways(value: i128) -> Vec<Written> {
    let (sign, digits) = if value < 0 { ("-", (-value).to_string()) } else { ("", value.to_string()) };
    let plus = if value < 0 { "-" } else { "+" };
    vec![
        integer(&format!("{sign}{digits}")),
        integer(&format!("{sign}00{digits}")),
        string(&format!("{sign}{digits}")),
        string(&format!("{sign}0{digits}")),
        string(&format!("{plus}{digits}")),
        string(&format!("{sign}{digits}.0")),
        string(&format!("{sign}{digits}.000000")),
        introduced("latin1", format!("{sign}{digits}").as_bytes()),
        introduced("ascii", format!("{sign}{digits}.00").as_bytes()),
        introduced("utf8mb3", format!("{sign}{digits}").as_bytes()),
        decimal(&format!("{sign}{digits}.")),
        decimal(&format!("{sign}{digits}.0")),
        decimal(&format!("{sign}0{digits}.000")),
        float(&format!("{sign}{digits}e0")),
        float(&format!("{sign}{digits}.0E0")),
        float(&format!("{sign}{digits}000e-3")),
        // Not taken, or only by chance a whole number.
        string(&format!("{sign}{digits}.5")),
        string(&format!("{sign}{digits}e0")),
        string(&format!("{sign}{digits}x")),
        string(&format!(" {sign}{digits}")),
        string(&format!("{sign}{digits} ")),
        decimal(&format!("{sign}{digits}.5")),
        float(&format!("{sign}{digits}.25e0")),
        raw(digits.as_bytes()),
        raw_text(&digits),
    ]
}

fn integer_column(sql: &str, bits: u8, random: &mut Random) -> Column {
    let unsigned = sql.ends_with(" UNSIGNED");
    let (low, high) =
        if unsigned { (0, (1i128 << bits) - 1) } else { (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1) };
    let double_end = 1i128 << 53;
    let mut values: BTreeSet<i128> = [0, 1, -1, 5, 9, 10].into();
    for edge in [low, high, double_end, -double_end, 1 << 31, 1 << 32, i128::from(i64::MAX)] {
        values.extend([edge - 1, edge, edge + 1]);
    }
    for _ in 0..8 {
        let span = random.below(u64::from(bits)) + 1;
        values.insert(i128::from(random.next() >> (64 - span)));
        values.insert(-i128::from(random.next() >> (64 - span)));
    }
    let mut literals: Vec<Written> = values.into_iter().flat_map(ways).collect();
    literals.push(Written { sql: "TRUE".into(), literal: Literal::Bool(true) });
    literals.push(Written { sql: "FALSE".into(), literal: Literal::Bool(false) });
    literals.extend([
        integer("-0"),
        decimal("-0.0"),
        decimal(".0"),
        decimal("-.0"),
        string("-0"),
        string("-0.0"),
        float("-0e0"),
    ]);
    Column { sql: sql.to_owned(), kind: ColumnType::Integer { bits, unsigned }, literals }
}

fn texts(random: &mut Random) -> Vec<Written> {
    let mut texts: Vec<String> = [
        "", " ", "a", "A", "a ", "a  ", " a", "a\t", "aé", "é", "€", "😀", "a😀 ", "abcd", "abcde", "abcd ",
        "5", "05", "a'b", "a\\",
    ]
    .map(str::to_owned)
    .into();
    let alphabet = ['a', 'A', 'b', ' ', ' ', 'é', 'ß', '€', '😀', '5', '\u{301}'];
    for _ in 0..60 {
        let length = random.below(6);
        texts.push((0..length).map(|_| alphabet[random.below(alphabet.len() as u64) as usize]).collect());
    }
    let mut literals = Vec::new();
    for text in &texts {
        literals.push(string(text));
        literals.push(introduced("utf8mb4", text.as_bytes()));
        literals.push(raw(text.as_bytes()));
        if text.is_ascii() {
            literals.push(introduced("latin1", text.as_bytes()));
            literals.push(introduced("ascii", text.as_bytes()));
        }
        if text.chars().all(|c| c.len_utf8() < 4) {
            literals.push(introduced("utf8mb3", text.as_bytes()));
        }
    }
    literals.push(introduced("latin1", &[0xe9]));
    literals.push(introduced("latin1", "é".as_bytes()));
    literals.push(raw(&[0xe9]));
    literals.extend([integer("5"), decimal("5.0"), float("5e0"), integer("0")]);
    literals
}

fn text_column(declaration: &str, collation: Collation, random: &mut Random) -> Column {
    let collation = collation.name();
    let character_set = collation.split('_').next().unwrap();
    let kind = ColumnType::Text {
        length: 4,
        fixed: declaration.starts_with("CHAR"),
        character_set: character_set.into(),
        collation: collation.into(),
    };
    let sql = format!("{declaration} CHARACTER SET {character_set} COLLATE {collation}");
    Column { sql, kind, literals: texts(random) }
}

fn binary_column(declaration: &str, random: &mut Random) -> Column {
    let mut literals = texts(random);
    for bytes in [&[0][..], &[0, 0], b"a\0", b"a\0\0\0", &[0xff, 0xfe, 0, 1], &[0x80], b"ab\0\0\0"] {
        literals.push(raw(bytes));
    }
    let kind = ColumnType::Binary { length: 4, fixed: declaration.starts_with("BINARY") };
    Column { sql: declaration.into(), kind, literals }
}

fn columns(random: &mut Random) -> Vec<Column> {
    let mut columns = Vec::new();
    for (name, bits) in [("TINYINT", 8), ("SMALLINT", 16), ("MEDIUMINT", 24), ("INT", 32), ("BIGINT", 64)] {
        columns.push(integer_column(name, bits, random));
        columns.push(integer_column(&format!("{name} UNSIGNED"), bits, random));
    }
    for declaration in ["VARCHAR(4)", "CHAR(4)"] {
        for collation in Collation::all() {
            columns.push(text_column(declaration, collation, random));
        }
    }
    columns.push(binary_column("VARBINARY(4)", random));
    columns.push(binary_column("BINARY(4)", random));
    columns
}

/// What the server says of one accepted literal.
struct Said {
    stored: String,
    found: BTreeSet<usize>,
}

/// Stores every accepted literal as row `n`, and looks each up, with the index and without.
fn ask(
    server: &Server,
    column: &Column,
    accepted: &[(usize, ShardingValue)],
    sql_mode: &str,
) -> Result<Vec<Said>, String> {
    let mut script = format!(
        "SET sql_mode='{sql_mode}', group_concat_max_len=1000000; DROP DATABASE IF EXISTS v; CREATE DATABASE v; USE v;\n\
         CREATE TABLE t (n INT PRIMARY KEY, c {}, KEY (c));\n",
        column.sql
    );
    for (n, _) in accepted {
        let _ = writeln!(script, "INSERT INTO t VALUES ({n}, {});", column.literals[*n].sql);
    }
    for (n, _) in accepted {
        let shown = if matches!(column.kind, ColumnType::Integer { .. }) { "c" } else { "HEX(c)" };
        let _ = writeln!(script, "SELECT 'stored', {shown} FROM t WHERE n = {n};");
        for index in ["FORCE INDEX (c)", "IGNORE INDEX (c)"] {
            let sql = &column.literals[*n].sql;
            let _ = writeln!(
                script,
                "SELECT 'found', IFNULL(GROUP_CONCAT(n), '') FROM t {index} WHERE c = {sql};"
            );
        }
    }
    let rows = server.ask(&script).map_err(|error| format!("{} ({sql_mode}): {error}", column.sql))?;
    assert_eq!(rows.len(), accepted.len() * 3, "{}: rows are missing", column.sql);
    let numbers =
        |text: &str| -> BTreeSet<usize> { text.split(',').filter_map(|n| n.parse().ok()).collect() };
    let said = |three: &[Vec<String>]| {
        let (with, without) = (numbers(&three[1][1]), numbers(&three[2][1]));
        assert_eq!(with, without, "{}: the index changes what is found", column.sql);
        Said { stored: three[0][1].clone(), found: with }
    };
    Ok(rows.chunks(3).map(said).collect())
}

/// How the value is shown when it is read back; text has lost the trailing spaces that it may be stored with.
fn shown(value: &ShardingValue) -> String {
    match value {
        ShardingValue::Signed(number) => number.to_string(),
        ShardingValue::Unsigned(number) => number.to_string(),
        ShardingValue::Bytes(bytes) => hex(bytes),
        ShardingValue::Text(text) if text.collation().name().starts_with("latin1") => {
            hex(&text.text().chars().filter_map(latin1::byte).collect::<Vec<u8>>())
        }
        ShardingValue::Text(text) => hex(text.text().as_bytes()),
    }
}

/// Whether the column's collation overlooks spaces at the end.
fn pads(kind: &ColumnType) -> bool {
    let ColumnType::Text { collation, .. } = kind else { return false };
    Collation::named(collation).is_some_and(|collation| collation.padding() == Padding::PadSpace)
}

fn without_trailing_spaces(hex: &str) -> &str {
    let mut rest = hex;
    while rest.len().is_multiple_of(2)
        && let Some(shorter) = rest.strip_suffix("20")
    {
        rest = shorter;
    }
    rest
}

type Conversion = fn(&Literal<'_>, &ColumnType) -> Result<ShardingValue, Inexact>;

/// How many literals the conversion accepts; an error if MySQL disagrees about one of them.
fn check(server: &Server, column: &Column, sql_mode: &str, conversion: Conversion) -> Result<usize, String> {
    let accepted: Vec<(usize, ShardingValue)> = (column.literals.iter().enumerate())
        .filter_map(|(n, written)| Some((n, conversion(&written.literal, &column.kind).ok()?)))
        .collect();
    let said = ask(server, column, &accepted, sql_mode)?;
    for ((n, value), said) in accepted.iter().zip(&said) {
        let what = format!("{} of {} under sql_mode '{sql_mode}'", column.literals[*n].sql, column.sql);
        let stored = if pads(&column.kind) { without_trailing_spaces(&said.stored) } else { &said.stored };
        if stored != shown(value) {
            return Err(format!("{what} is stored as {stored}, not {}", shown(value)));
        }
        let same: BTreeSet<usize> =
            accepted.iter().filter(|(_, other)| other == value).map(|(n, _)| *n).collect();
        if !said.found.is_subset(&same) {
            return Err(format!("{what} finds {:?} beyond {same:?}", said.found));
        }
        if finds_itself(column, *n) && !said.found.contains(n) {
            return Err(format!("{what} does not find its own row"));
        }
    }
    Ok(accepted.len())
}

/// Whether a comparison with the literal finds what storing it has stored. Not so for BINARY(n), which pads, nor
/// for trailing spaces in CHAR(n) or in a binary literal: those find nothing, or only what was stored alike.
fn finds_itself(column: &Column, n: usize) -> bool {
    match &column.kind {
        ColumnType::Binary { fixed, .. } => !fixed,
        ColumnType::Text { fixed, .. } => {
            !fixed && matches!(column.literals[n].literal, Literal::String { .. })
        }
        ColumnType::Integer { .. } | ColumnType::Other => true,
    }
}

/// Conversions that are wrong, each with the column on which that must show.
const PLANTED: [(&str, &str, Conversion); 6] = [
    (
        "the collation is overlooked",
        "VARCHAR(4) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci",
        |literal, kind| match convert(literal, kind)? {
            ShardingValue::Text(text) => Ok(ShardingValue::Bytes(text.text().into())),
            value => Ok(value),
        },
    ),
    (
        "spaces at the end are kept",
        "VARCHAR(4) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        |literal, kind| {
            let value = convert(literal, kind)?;
            match literal {
                Literal::String { bytes, .. } => Ok(ShardingValue::Bytes(bytes.to_vec())),
                _ => Ok(value),
            }
        },
    ),
    (
        "spaces at the end are dropped",
        "VARCHAR(4) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin",
        |literal, kind| match convert(literal, kind)? {
            ShardingValue::Bytes(bytes) => Ok(ShardingValue::Bytes(bytes.trim_ascii_end().to_vec())),
            value => Ok(value),
        },
    ),
    ("BINARY is not padded", "BINARY(4)", |literal, kind| match (convert(literal, kind)?, literal) {
        (_, Literal::String { bytes, .. } | Literal::Bytes(bytes)) => {
            Ok(ShardingValue::Bytes(bytes.to_vec()))
        }
        (value, _) => Ok(value),
    }),
    ("doubles are taken as far as they go", "BIGINT", |literal, kind| match literal {
        Literal::Float(text) => {
            text.parse().map(|n: f64| ShardingValue::Signed(n as i64)).map_err(|_| Inexact::NotWhole)
        }
        _ => convert(literal, kind),
    }),
    ("numbers are cut at the point", "INT", |literal, kind| match literal {
        Literal::Decimal(text) => convert(&Literal::Decimal(text.split('.').next().unwrap_or("")), kind),
        _ => convert(literal, kind),
    }),
];

#[test]
fn mysql_stores_and_finds_what_a_literal_converts_to() {
    let seed = std::env::var("SHOAL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_260_101);
    println!("SHOAL_SEED={seed}");
    let mut random = Random(seed);
    let server = Server::start();
    let columns = columns(&mut random);
    for column in &columns {
        for sql_mode in ["STRICT_TRANS_TABLES", ""] {
            let accepted = check(&server, column, sql_mode, convert).unwrap();
            println!("{}: {accepted} of {} literals accepted", column.sql, column.literals.len());
            assert!(accepted > 50, "{}: hardly anything is accepted", column.sql);
        }
    }
    for (fault, sql, conversion) in PLANTED {
        let column = columns.iter().find(|column| column.sql == sql).unwrap();
        let noticed = check(&server, column, "", conversion);
        println!("planted: {fault}: {noticed:?}");
        assert!(noticed.is_err(), "{fault}: not noticed");
    }
}
