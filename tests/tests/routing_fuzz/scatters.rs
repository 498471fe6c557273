//! Random statements for several shards: most need no merging, some only nearly.

use super::generator::{Generator, Source, TABLES};
use super::statement::Access;

impl Generator<'_> {
    /// A query block without subqueries over tables that are mostly joined by their keys.
    pub(super) fn scattered_read(&mut self) {
        self.access(Access::Reads);
        let list = self.random.pick(&[
            "{}.*",
            "{}.*",
            "{}.*",
            "*",
            "{}.{k} , {}.{c}",
            "ALL {}.{c} , {}.{k} + 1",
            "CONCAT( {}.{c} , 'x' ) , IF( {}.{k} > 3 , 'a' , NULL )",
            "CASE {}.{k} WHEN 1 THEN {}.{c} ELSE 'none' END",
            "count(*)",
            "max( {}.{k} )",
            "DISTINCT {}.{c}",
            "sum( {}.{k} ) OVER ( )",
            "1",
        ]);
        let before = self.take_pieces();
        self.words("FROM");
        let mut sources = vec![];
        self.source(&mut sources, 2);
        for _ in 0..self.random.pick(&[0, 0, 0, 1, 1, 2]) {
            self.keyed_join(&mut sources);
        }
        self.scattered_where(&sources);
        let end =
            self.random.pick(&["", "", "", "", "", "", "ORDER BY 1", "LIMIT 3", "FOR UPDATE", "GROUP BY 1"]);
        self.words(end);
        let rest = self.take_pieces();
        self.put_pieces(before);
        let source = self.random.pick(&sources);
        let column = source.table.columns[1];
        let list = list.replace("{}", source.name).replace("{k}", source.table.key).replace("{c}", column);
        self.words(&format!("SELECT {list}"));
        self.put_pieces(rest);
    }

    /// An UPDATE or DELETE of rows of several shards.
    pub(super) fn scattered_write(&mut self) {
        let table = self.random.pick(&TABLES);
        let sources = [Source { name: table.name, table }];
        if self.random.percent(75) {
            let column = table.columns[2];
            let value = self.random.pick(&["'9'", "DEFAULT", "number", "balance", "LEFT( 'abc' , 1 )"]);
            self.words(&format!("UPDATE {} SET {column} = {value}", table.name));
        } else {
            self.words(&format!("DELETE FROM {}", table.name));
            self.words("WHERE");
            return self.listed(&sources[0]);
        }
        self.scattered_where(&sources);
        if self.random.percent(5) {
            self.words(&format!("ORDER BY {} LIMIT 1", table.order));
        }
    }

    fn keyed_join(&mut self, sources: &mut Vec<Source>) {
        let kind =
            self.random.pick(&["JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "STRAIGHT_JOIN", ","]);
        let left = self.random.pick(sources);
        self.words(kind);
        self.source(sources, 2);
        let right = sources[sources.len() - 1];
        if kind == "," {
            return;
        }
        let condition = match self.random.below(14) {
            0 => "{l} = {r} OR 1 = 0",
            1 => "{l} + 0 = {r}",
            2 => "{l} <=> {r}",
            3 => "{l} = {r} = 1",
            4 => "NOT {l} <> {r}",
            5 => "{l} >= {r}",
            6 => "( {r} = {l} ) AND {l} > 2",
            7 => "{r} = {l} AND {r} IN ( K , K )",
            8 => "{l} = {r} IS TRUE",
            _ => "{l} = {r}",
        };
        let side = |source: &Source| format!("{}.{}", source.name, source.table.key);
        self.words("ON");
        self.keys(&condition.replace("{l}", &side(&left)).replace("{r}", &side(&right)));
    }

    fn scattered_where(&mut self, sources: &[Source]) {
        if self.random.percent(25) {
            return;
        }
        self.words("WHERE");
        let source = self.random.pick(sources);
        match self.random.below(6) {
            0 | 1 => self.listed(&source),
            2 => {
                let [a, b] = [self.random.pick(sources), self.random.pick(sources)];
                self.words(&format!("{}.{} = {}.{}", a.name, a.table.key, b.name, b.table.key));
            }
            _ => self.term(sources, 2),
        }
        while self.random.percent(40) {
            self.connective();
            self.term(sources, 2);
        }
    }

    /// `key IN (…)`, of values of several shards.
    fn listed(&mut self, source: &Source) {
        let keys = self.random.pick(&["K", "K , K", "K , K , K", "NULL , K", "K , NULL , K , K", "NULL"]);
        // Not all keys of a statement are its main one, so that a list is of more than one shard now and then.
        self.keys(&format!("{}.{} IN ( {keys} , 1 , 2 , 5 , 11 )", source.name, source.table.key));
    }
}
