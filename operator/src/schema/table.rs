//! A table as MySQL itself writes it down.

/// A table, cut into its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    /// Its name.
    pub(crate) name: String,
    /// Columns, in order.
    pub(crate) columns: Vec<Item>,
    /// Keys and constraints.
    pub(crate) others: Vec<Item>,
    /// Engine, character set and what else holds for the table as a whole; without the next number of
    /// AUTO_INCREMENT, which is data.
    pub(crate) options: String,
    /// How it is partitioned; empty if it is not.
    pub(crate) partitions: String,
}

/// A column, key or constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    /// Its name with its quotes; empty for the primary key.
    pub(crate) name: String,
    /// How it is declared, with its name.
    pub(crate) text: String,
}

/// What a line of a table declares, in the order in which such things are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    ForeignKey,
    Check,
    Key,
    Primary,
    Column,
}

impl Table {
    /// Reads the answer of SHOW CREATE TABLE; `None` if it is not one of a table.
    pub(crate) fn parse(name: &str, shown: &str) -> Option<Self> {
        let mut lines = shown.lines();
        lines.next().filter(|line| line.starts_with("CREATE TABLE ") && line.ends_with(" ("))?;
        let (mut columns, mut others) = (Vec::new(), Vec::new());
        let mut end = None;
        for line in lines.by_ref() {
            let Some(text) = line.strip_prefix("  ") else {
                end = line.strip_prefix(')');
                break;
            };
            let item = Item::parse(text.strip_suffix(',').unwrap_or(text))?;
            if item.kind == Kind::Column { columns.push(item) } else { others.push(item) }
        }
        let partitions = lines.collect::<Vec<_>>().join("\n");
        Some(Self { name: name.to_owned(), columns, others, options: without_counter(end?), partitions })
    }

    /// Whether a foreign key refers to the table of this name in the same database.
    pub(crate) fn refers_to(&self, name: &str) -> bool {
        const BEFORE_TABLE: &str = ") REFERENCES ";
        let keys = self.others.iter().filter(|item| item.kind == Kind::ForeignKey);
        keys.filter_map(|key| key.text.split_once(BEFORE_TABLE)).any(|(_, rest)| {
            quoted(rest).is_some_and(|table| {
                !rest[table.len()..].starts_with('.')
                    && table[1..table.len() - 1].replace("``", "`").eq_ignore_ascii_case(name)
            })
        })
    }
}

impl Item {
    fn parse(text: &str) -> Option<Self> {
        let of = |kind, name: &str| Some(Self { kind, name: name.to_owned(), text: text.to_owned() });
        if text.starts_with('`') {
            return of(Kind::Column, quoted(text)?);
        }
        if text.starts_with("PRIMARY KEY ") {
            return of(Kind::Primary, "");
        }
        let name = quoted(&text[text.find('`')?..])?;
        match text.strip_prefix("CONSTRAINT ") {
            Some(rest) if rest[name.len()..].starts_with(" FOREIGN KEY ") => of(Kind::ForeignKey, name),
            Some(_) => of(Kind::Check, name),
            None => {
                let kind = text.split('`').next().unwrap_or_default();
                matches!(kind, "KEY " | "UNIQUE KEY " | "FULLTEXT KEY " | "SPATIAL KEY ").then_some(())?;
                of(Kind::Key, name)
            }
        }
    }
}

/// The quoted name at the front, with its quotes.
fn quoted(text: &str) -> Option<&str> {
    let mut rest = text.char_indices().skip(1).peekable();
    while let Some((place, c)) = rest.next() {
        match (c, rest.peek()) {
            ('`', Some((_, '`'))) => drop(rest.next()),
            ('`', _) => return Some(&text[..=place]),
            _ => {}
        }
    }
    None
}

fn without_counter(options: &str) -> String {
    let words = options.split(' ').filter(|word| !word.starts_with("AUTO_INCREMENT=") && !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_as_mysql_writes_it() {
        let shown = "CREATE TABLE `o` (\n  `id` bigint NOT NULL AUTO_INCREMENT,\n  `a``b` varchar(9) DEFAULT 'x,',\n  \
                     PRIMARY KEY (`id`),\n  UNIQUE KEY `u` (`a``b`),\n  FULLTEXT KEY `f` (`a``b`),\n  \
                     CONSTRAINT `fk` FOREIGN KEY (`id`) REFERENCES `p` (`id`),\n  CONSTRAINT `c` CHECK ((`id` > 0))\n\
                     ) ENGINE=InnoDB AUTO_INCREMENT=17 DEFAULT CHARSET=utf8mb4\n/*!50100 PARTITION BY HASH (`id`)\n\
                     PARTITIONS 2 */";
        let table = Table::parse("o", shown).unwrap();
        let names = |items: &[Item]| items.iter().map(|i| (i.kind, i.name.clone())).collect::<Vec<_>>();
        let column = |name: &str| (Kind::Column, name.to_owned());
        assert_eq!(names(&table.columns), [column("`id`"), column("`a``b`")]);
        let expected = [
            (Kind::Primary, ""),
            (Kind::Key, "`u`"),
            (Kind::Key, "`f`"),
            (Kind::ForeignKey, "`fk`"),
            (Kind::Check, "`c`"),
        ];
        assert_eq!(names(&table.others), expected.map(|(kind, name)| (kind, name.to_owned())));
        assert_eq!(table.options, "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4");
        assert!(table.partitions.starts_with("/*!50100 PARTITION BY HASH"));
        assert_eq!(table.columns[1].text, "`a``b` varchar(9) DEFAULT 'x,'");
        assert_eq!(Table::parse("v", "CREATE ALGORITHM=UNDEFINED VIEW `v` AS select 1"), None);
    }
}
