//! Random INSERT, REPLACE, UPDATE and DELETE.

use super::generator::{Generator, Source, TABLES, Table};

impl Generator<'_> {
    pub(super) fn insert(&mut self) {
        let table = self.table();
        let verb =
            self.random.pick(&["INSERT INTO", "INSERT INTO", "INSERT", "INSERT IGNORE INTO", "REPLACE INTO"]);
        let schema = if self.random.percent(10) { "shop." } else { "" };
        self.words(&format!("{verb} {schema}{}", table.name));
        match self.random.below(20) {
            0 => self.keys(&format!("SET {} = K , {} = 3", table.key, table.columns[1])),
            1 => {
                self.keys(&format!("SELECT K , 'sel' , 1 FROM {}", table.name));
                self.words("LIMIT 1");
            }
            2 => {
                self.expressions.clear();
                self.with(0);
                self.words("SELECT * FROM");
                let name = self.expressions.last().map_or("x", |expression| expression.name);
                self.words(name);
            }
            3 => {
                self.words(&format!("( {} , {} )", table.columns[1], table.key));
                self.words("VALUES ( (");
                self.subquery("max(1)", &[], 1);
                self.keys(") , K )");
            }
            4 => self.words(&format!("( {} ) VALUES ( 'no key' )", table.columns[1])),
            5 => self.keys(&format!("( {} , {} ) VALUES ( K + 0 , 2 )", table.key, table.columns[1])),
            _ => self.rows(&table),
        }
        if verb.starts_with("INSERT") && self.random.percent(15) {
            let target = self.random.pick(&[table.columns[2], table.columns[2], table.key, "İd"]);
            self.words(&format!("ON DUPLICATE KEY UPDATE {target} = 7"));
        }
    }

    fn rows(&mut self, table: &Table) {
        let number = 1 + self.random.below(4);
        let third = if table.name == "orders" { "'it#m'" } else { "5" };
        let turned = self.random.percent(30);
        if turned {
            let [first, second, third] = [2, 0, 1].map(|place| table.columns[place]);
            self.words(&format!("( `{first}` , {second} , {third} )"));
        } else if self.random.percent(40) {
            self.words(&format!("( {} )", table.columns.join(" , ")));
        }
        self.words("VALUES");
        for row in 0..self.random.pick(&[1, 1, 1, 2]) {
            self.words(if row > 0 { ", (" } else { "(" });
            if turned {
                self.keys(&format!("{third} , K , {number} )"));
            } else {
                self.keys(&format!("K , {number} , {third} )"));
            }
        }
    }

    pub(super) fn update(&mut self) {
        self.words("UPDATE");
        let mut sources = vec![];
        self.source(&mut sources, 2);
        if self.random.percent(12) {
            self.join(&mut sources, 2);
        }
        let source = sources[0];
        let column = source.table.columns[2];
        match self.random.below(20) {
            0 => self.keys(&format!("SET {}.{} = K", source.name, source.table.key)),
            1 => self.words("SET İd = 5"),
            2 | 3 => {
                self.words(&format!("SET {}.{column} = (", source.name));
                self.subquery("count(*)", &[], 1);
                self.words(")");
            }
            4 => self.words(&format!("SET {}.{column} = DEFAULT", source.name)),
            _ => {
                let value = 1 + self.random.below(9);
                self.words(&format!("SET {}.{column} = {value}", source.name));
            }
        }
        self.pinned(&sources, 1);
        if sources.len() == 1 && self.random.percent(10) {
            self.words(&format!("ORDER BY {} LIMIT 1", source.table.order));
        }
    }

    pub(super) fn delete(&mut self) {
        let table = self.random.pick(&TABLES);
        match self.random.below(10) {
            0 => self.words(&format!("DELETE {0} FROM {0}", table.name)),
            1 => self.words(&format!("DELETE FROM {0} USING {0}", table.name)),
            _ => self.words(&format!("DELETE FROM {}", table.name)),
        }
        self.pinned(&[Source { name: table.name, table }], 1);
        if self.random.percent(15) {
            self.words(&format!("ORDER BY {} LIMIT 1", table.order));
        }
    }
}
