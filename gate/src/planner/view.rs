//! Views of a sharded keyspace: which of them every shard answers for its own rows.
//!
//! Such a view is one query block over one table whose every row is made from one row of the table, so that its rows
//! on all shards together are its rows on one MySQL with all of them. It is read from MySQL's own text of it, in which
//! every name is qualified and every column of the list has a name.

use proto::ids::KeyspaceName;
use sqlparser::ast::{Expr, Query, SelectItem, SetExpr, Statement, TableFactor};

use super::scatter;
use super::target::{TableName, Tables};
use crate::limits::{MAX_PLANNED_TEXT_BYTES, MAX_TOKENS_IN_A_ROW};
use crate::sql::fingerprint::Fingerprint;
use crate::sql::parse::parse;
use crate::sql::words::Words;

/// What a view shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Of which table.
    pub table: String,
    /// For each column in order the table's column that it is; `None` where it is computed.
    pub columns: Vec<Option<String>>,
}

/// What the view shows; `None`: the shards could not answer for it each by itself.
pub fn shown(keyspace: &KeyspaceName, definition: &str) -> Option<Shown> {
    let mut fingerprint = Fingerprint::default();
    fingerprint.read(definition.as_bytes());
    let text = std::str::from_utf8(&fingerprint.text).ok()?;
    let words = Words::read(text);
    let is_short = text.len() <= MAX_PLANNED_TEXT_BYTES && words.longest_run <= MAX_TOKENS_IN_A_ROW;
    // The parser binds the connectives otherwise than MySQL does; and the default database is not everywhere the client's.
    let hides =
        ["XOR", "DATABASE", "SCHEMA"].iter().any(|word| words.has(word)) || words.has_symbol_connective;
    if !is_short || !fingerprint.marks.is_empty() || hides {
        return None;
    }
    let statement = parse(text).ok()?;
    let tables = Tables::of(&statement).ok()?;
    let [TableName { schema: Some(schema), table }] = tables.references.as_slice() else { return None };
    if schema.as_str() != keyspace.as_str() || !scatter::is_of_rows(&statement, &words) {
        return None;
    }
    let Statement::Query(query) = &statement else { return None };
    Some(Shown { table: table.clone(), columns: columns(query)? })
}

fn columns(query: &Query) -> Option<Vec<Option<String>>> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let [from] = select.from.as_slice() else { return None };
    if !from.joins.is_empty() || !matches!(from.relation, TableFactor::Table { .. }) {
        return None;
    }
    let column = |item: &SelectItem| match item {
        SelectItem::ExprWithAlias { expr, .. } | SelectItem::UnnamedExpr(expr) => Some(match expr {
            Expr::CompoundIdentifier(parts) => parts.last().map(|part| part.value.clone()),
            _ => None,
        }),
        _ => None,
    };
    select.projection.iter().map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_of_rows_are_told_from_those_that_need_all_of_them() {
        let shop: KeyspaceName = "shop".parse().unwrap();
        let of = |definition: &str| {
            let shown = shown(&shop, definition)?;
            let columns: Vec<String> =
                shown.columns.into_iter().map(|column| column.unwrap_or("-".into())).collect();
            Some(format!("{}: {}", shown.table, columns.join(", ")))
        };
        let rows = "select `shop`.`t`.`id` AS `id`,`shop`.`t`.`a` AS `b`,(`shop`.`t`.`a` + 1) AS `c`,\
                    concat(`shop`.`t`.`a`,'x') AS `d` from `shop`.`t` where (`shop`.`t`.`a` > 5)";
        assert_eq!(of(rows), Some("t: id, a, -, -".to_owned()));
        assert_eq!(of("select `x`.`id` AS `id` from `shop`.`t` `x`"), Some("t: id".to_owned()));
        for all in [
            "select count(0) AS `n` from `shop`.`t`",
            "select `shop`.`t`.`id` AS `id` from `shop`.`t` limit 5",
            "select `shop`.`t`.`id` AS `id` from `shop`.`t` order by `shop`.`t`.`id`",
            "select distinct `shop`.`t`.`id` AS `id` from `shop`.`t`",
            "select `shop`.`t`.`a` AS `a`,sum(1) AS `n` from `shop`.`t` group by `shop`.`t`.`a`",
            "select `shop`.`t`.`id` AS `id` from (`shop`.`t` join `shop`.`u`)",
            "select `shop`.`t`.`id` AS `id` from `shop`.`t` union select `shop`.`u`.`id` AS `id` from `shop`.`u`",
            "select `shop`.`t`.`id` AS `id` from `shop`.`t` where `shop`.`t`.`id` in (select `shop`.`u`.`id` from `shop`.`u`)",
            "select `shop`.`f`(`shop`.`t`.`id`) AS `id` from `shop`.`t`",
            "select `main`.`t`.`id` AS `id` from `main`.`t`",
            "select `shop`.`t`.`id` AS `id`,database() AS `d` from `shop`.`t`",
            "select rand() AS `r` from `shop`.`t`",
            "select 1 AS `one`",
        ] {
            assert_eq!(of(all), None, "{all}");
        }
    }
}
