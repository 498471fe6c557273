//! Random statements over two tables of one sharding key, many of them for one shard, some only nearly.

use super::random::Random;
use super::statement::{Access, Form, Piece};

/// A table, and how a statement may name and use it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its sharding column.
    pub(crate) key: &'static str,
    /// Its columns.
    pub(crate) columns: &'static [&'static str],
    /// Its primary key, by which its rows have one order.
    pub(crate) order: &'static str,
}

/// The tables.
pub(crate) const TABLES: [Table; 2] = [
    Table { name: "customers", key: "id", columns: &["id", "name", "balance"], order: "id" },
    Table {
        name: "orders",
        key: "customer_id",
        columns: &["customer_id", "number", "item"],
        order: "customer_id, number",
    },
];

/// Aliases, some of which are names of the tables, or nearly.
const ALIASES: &[&str] = &["a", "b", "c", "`d``e`", "customers", "orders", "Customers", "ORDERS", "dual1"];
/// Names of common table expressions.
const EXPRESSIONS: &[&str] = &["x", "y", "customers", "orders", "Customers", "Orders"];
/// How deep subqueries nest.
const DEPTH: usize = 2;

/// One table of a query block, as its columns are qualified.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    pub(super) name: &'static str,
    pub(super) table: Table,
}

/// What a query block selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    /// One column, so that it fits others in a UNION.
    One,
    /// Whatever.
    Any,
}

/// Makes forms of statements.
#[derive(Debug)]
pub(crate) struct Generator<'a> {
    pub(super) random: &'a mut Random,
    form: Form,
    /// Common table expressions of the present statement.
    pub(super) expressions: Vec<Source>,
    /// The tables of the query blocks around the present one.
    outer: Vec<Source>,
}

impl<'a> Generator<'a> {
    /// One form.
    pub(crate) fn form(random: &'a mut Random) -> Form {
        let mut generator = Self { random, form: Form::default(), expressions: vec![], outer: vec![] };
        match generator.random.below(100) {
            0..40 => generator.read(),
            40..58 => generator.scattered_read(),
            58..76 => generator.insert(),
            76..88 => generator.update(),
            88..92 => generator.scattered_write(),
            _ => generator.delete(),
        }
        generator.form
    }

    pub(super) fn access(&mut self, access: Access) {
        self.form.access = access;
    }

    pub(super) fn take_pieces(&mut self) -> Vec<Piece> {
        std::mem::take(&mut self.form.pieces)
    }

    pub(super) fn put_pieces(&mut self, pieces: Vec<Piece>) {
        self.form.pieces.extend(pieces);
    }

    pub(super) fn words(&mut self, text: &str) {
        self.form.words(text);
    }

    pub(super) fn keys(&mut self, text: &str) {
        self.form.with_keys(text);
    }

    pub(super) fn table(&mut self) -> Table {
        self.random.pick(&TABLES)
    }

    fn read(&mut self) {
        self.form.access = Access::Reads;
        let wrapped = self.random.percent(5);
        if wrapped {
            self.words("(");
        }
        if self.random.percent(20) {
            self.with(0);
        }
        let list = if self.random.percent(40) { List::One } else { List::Any };
        self.select(list, 0);
        if list == List::One && self.random.percent(25) {
            let union = self.random.pick(&["UNION", "UNION ALL", "EXCEPT", "INTERSECT"]);
            self.words(union);
            self.select(List::One, 0);
        }
        if list == List::One && self.random.percent(20) {
            self.words("ORDER BY 1");
            if self.random.percent(50) {
                self.words("LIMIT 2");
            }
        }
        if wrapped {
            self.words(")");
        }
    }

    /// `WITH x AS (…)`, of a name that may be a table's.
    pub(super) fn with(&mut self, depth: usize) {
        let name = self.random.pick(EXPRESSIONS);
        let table = self.table();
        let recursive = if self.random.percent(15) { "RECURSIVE" } else { "" };
        self.words(&format!("WITH {recursive} {name} AS ("));
        if self.random.percent(20) {
            let [first, second, third] = [0, 1, 2].map(|place| table.columns[place]);
            self.keys(&format!("SELECT K AS {first} , 'w' AS {second} , 1 AS {third}"));
        } else {
            self.words(&format!("SELECT * FROM {}", table.name));
            self.pinned(&[Source { name: table.name, table }], depth);
        }
        self.words(")");
        self.expressions.push(Source { name, table });
    }

    /// A query block; of one column, or of several.
    fn select(&mut self, list: List, depth: usize) {
        // The list stands before FROM, but is made when its tables are known.
        let before = std::mem::take(&mut self.form.pieces);
        let sources = self.from(depth);
        let from = std::mem::replace(&mut self.form.pieces, before);
        self.words("SELECT");
        self.list(list, &sources, depth);
        self.form.pieces.extend(from);
        self.pinned(&sources, depth);
    }

    fn list(&mut self, list: List, sources: &[Source], depth: usize) {
        let source = self.random.pick(sources);
        let column = self.random.pick(source.table.columns);
        match (list, self.random.below(10)) {
            (List::One, 0..2) => self.words("count(*)"),
            (List::One, 2) => self.words(&format!("max( {}.{column} )", source.name)),
            (List::One, _) => self.words(&format!("{}.{column}", source.name)),
            (List::Any, 0..5) => self.words("*"),
            (List::Any, 5) => self.words("DISTINCT 'it''s', 1 AS 'a\\'b',"),
            (List::Any, 6) if depth < DEPTH => {
                self.words("(");
                self.subquery("count(*)", sources, depth);
                self.words(") AS n ,");
            }
            (List::Any, _) => self.words("\"-- \", 1.5e0 x ,"),
        }
        if list == List::Any && !matches!(self.last(), Some("*")) {
            self.words(&format!("{}.*", source.name));
        }
    }

    fn last(&self) -> Option<&str> {
        match self.form.pieces.last() {
            Some(Piece::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A query block inside another one, whose tables it sees.
    pub(super) fn subquery(&mut self, list: &str, around: &[Source], depth: usize) {
        let seen = self.outer.len();
        self.outer.extend(around);
        let with = self.random.percent(15);
        let known = self.expressions.len();
        if with {
            self.with(depth + 1);
        }
        let before = std::mem::take(&mut self.form.pieces);
        let sources = self.from(depth + 1);
        let from = std::mem::replace(&mut self.form.pieces, before);
        let list = list.replace("{key}", &format!("{}.{}", sources[0].name, sources[0].table.key));
        self.words(&format!("SELECT {list}"));
        self.form.pieces.extend(from);
        self.pinned(&sources, depth + 1);
        self.expressions.truncate(known);
        self.outer.truncate(seen);
    }

    fn from(&mut self, depth: usize) -> Vec<Source> {
        self.words("FROM");
        let mut sources = vec![];
        self.source(&mut sources, depth);
        let more = self.random.pick(&[0, 0, 0, 0, 1, 1, 1, 2]);
        for _ in 0..more {
            self.join(&mut sources, depth);
        }
        sources
    }

    pub(super) fn join(&mut self, sources: &mut Vec<Source>, depth: usize) {
        let kind = self.random.pick(&[
            ",",
            "JOIN",
            "JOIN",
            "CROSS JOIN",
            "STRAIGHT_JOIN",
            "LEFT JOIN",
            "LEFT JOIN",
            "RIGHT JOIN",
        ]);
        self.words(kind);
        if kind != "," && self.random.percent(15) {
            self.words("(");
            let first = sources.len();
            self.source(sources, depth);
            self.words("JOIN");
            self.source(sources, depth);
            self.on(sources, first);
            self.words(")");
        } else {
            self.source(sources, depth);
        }
        if kind != "," {
            self.on(sources, 0);
        }
    }

    /// The ON of a join whose operands begin at the place; now and then it speaks of other tables.
    fn on(&mut self, sources: &[Source], first: usize) {
        let visible = &sources[first..];
        self.words("ON");
        let all: Vec<Source> = sources.iter().chain(&self.outer).copied().collect();
        let some = if self.random.percent(12) { self.random.pick(&all) } else { visible[0] };
        let last = visible[visible.len() - 1];
        self.words(&format!("{}.{} = {}.{}", some.name, some.table.key, last.name, last.table.key));
        for source in [some, last] {
            if self.random.percent(55) {
                self.words("AND");
                self.pin(&source, &[]);
            }
        }
    }

    /// One table of a FROM, under a name that no other one of it has.
    pub(super) fn source(&mut self, sources: &mut Vec<Source>, depth: usize) {
        let free = |name: &str| sources.iter().all(|source| source.name != name);
        let alias = self.random.pick(ALIASES);
        if let (true, true) = (!self.expressions.is_empty(), self.random.percent(60)) {
            let expression = self.random.pick(&self.expressions);
            if free(expression.name) {
                self.words(expression.name);
                return sources.push(expression);
            }
        }
        let table = self.table();
        if depth < DEPTH && free(alias) && self.random.percent(8) {
            self.words(&format!("( SELECT * FROM {}", table.name));
            self.pinned(&[Source { name: table.name, table }], DEPTH);
            self.words(&format!(") AS {alias}"));
            return sources.push(Source { name: alias, table });
        }
        let written = match self.random.below(10) {
            0 => format!("shop . {}", table.name),
            1 => format!("`{}`", table.name),
            2 => format!("shop.`{}`", table.name),
            _ => table.name.to_owned(),
        };
        self.words(&written);
        if free(table.name) && self.random.percent(40) {
            return sources.push(Source { name: table.name, table });
        }
        // Two of the same name are an error, which is compared, too.
        let alias_word = self.random.pick(&["", "AS"]);
        self.words(&format!("{alias_word} {alias}"));
        sources.push(Source { name: alias, table });
    }

    /// `WHERE`, which mostly fixes the key of each table.
    pub(super) fn pinned(&mut self, sources: &[Source], depth: usize) {
        self.words("WHERE");
        for (place, source) in sources.iter().enumerate() {
            if place > 0 {
                self.words("AND");
            }
            if self.random.percent(88) {
                self.pin(source, sources);
            } else {
                self.term(sources, depth);
            }
        }
        while self.random.percent(45) {
            self.connective();
            self.term(sources, depth);
        }
    }

    pub(super) fn connective(&mut self) {
        match self.random.below(40) {
            0 => self.words("OR"),
            1 => self.words("XOR"),
            2 => self.words("||"),
            3 => self.words("&&"),
            4 => self.words("AND 0 XOR"),
            5 => self.words("AND 0 ||"),
            6 => self.words("AND 1 &&"),
            7 => {
                self.form.solid("AND 1.5or");
            }
            8 => {
                self.form.solid("AND 0 --/**/0 OR");
            }
            9 => self.words("AND NOT"),
            10 => self.words("AND !"),
            11 => self.words("AND 1 IS TRUE AND"),
            12 => self.words("IS FALSE AND"),
            13 => self.words("AND 'b' BETWEEN 'a' AND"),
            14 => self.words("AND 1 IN ( 1 ) ="),
            15 => self.words("= 1 AND"),
            16 => self.words("<=> 1 AND"),
            17 => self.words("AND 1 LIKE 1 ="),
            18 => self.words("AND ~ 0 & 1 ="),
            _ => self.words("AND"),
        }
    }

    /// A condition that fixes the key of a table; a few only seem to.
    fn pin(&mut self, source: &Source, block: &[Source]) {
        let key = source.table.key;
        let column = if block.len() == 1 && self.random.percent(60) {
            key.to_owned()
        } else {
            format!("{}.{key}", source.name)
        };
        let condition = match self.random.below(40) {
            0..3 => "K = {}",
            3..6 => "( {} = K )",
            6..9 => "{} IN ( K )",
            9 => "{} <=> K",
            10 => "{} IN ( K , K )",
            11 => "{} BETWEEN K AND K",
            12 => "{} + 0 = K",
            13 => "{} >= K",
            14 => "NOT {} <> K",
            15 => "( {} = K OR 0 )",
            16 => "{} = K IS TRUE",
            17 => "{} = K = 1",
            18 => "{} NOT IN ( K )",
            19 => "( {} , 1 ) = ( K , 1 )",
            20 => "{} = K || 0",
            21 => "CASE {} WHEN K THEN 1 END",
            22 => "{} = K | 0",
            23 => "{} = K DIV 1",
            _ => "{} = K",
        };
        self.keys(&condition.replace("{}", &column));
    }

    /// Any condition.
    pub(super) fn term(&mut self, sources: &[Source], depth: usize) {
        let source = self.random.pick(sources);
        let column = format!("{}.{}", source.name, source.table.columns[1]);
        match self.random.below(12) {
            0 => self.words("1 = 1"),
            1 => self.words("( 1 = 1 )"),
            2 => self.words(&format!("{column} IS NOT NULL")),
            3 => self.words(&format!("{column} < '3'")),
            4 => self.words(&format!("{column} NOT LIKE 'x\\'%' ESCAPE '|'")),
            5 => self.pin(&source, &[]),
            6 | 7 if depth < DEPTH => {
                self.words("EXISTS (");
                self.subquery("1", sources, depth);
                self.words(")");
            }
            8 if depth < DEPTH => {
                self.words(&format!("{}.{} IN (", source.name, source.table.key));
                self.subquery("{key}", sources, depth);
                self.words(")");
            }
            9 if depth < DEPTH => {
                self.words("(");
                self.subquery("count(*)", sources, depth);
                self.words(") > 1");
            }
            _ => self.words(&format!("{}.{} > 2", source.name, source.table.key)),
        }
    }
}
