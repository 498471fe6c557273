//! The views of a sharded keyspace, as MySQL describes them.

use std::collections::BTreeMap;

use proto::errors::ClientError;
use proto::ids::KeyspaceName;
use topo::records::{Column, ViewSchema};

use super::super::line::Line;
use super::literal;
use super::read_back::{ask, columns_of};
use crate::planner::view;

/// Reads the views that each shard answers for its own rows; others are passed over.
pub(super) async fn read_back(
    line: &mut Line<'_>,
    keyspace: &KeyspaceName,
) -> Result<BTreeMap<String, ViewSchema>, ClientError> {
    let definitions = ask(line, &DEFINITIONS.replace("{}", &literal(keyspace.as_str()))).await?;
    if definitions.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut columns: BTreeMap<String, Vec<Column>> = BTreeMap::new();
    for (view, column) in columns_of(line, keyspace, "VIEW").await? {
        columns.entry(view).or_default().push(column);
    }
    let read = definitions.into_iter().filter_map(|row| {
        let [name, definition]: [Option<String>; 2] = row.try_into().ok()?;
        let name = name?;
        let shown = view::shown(keyspace, &definition?)?;
        let columns = columns.remove(&name)?;
        let view = ViewSchema { table: shown.table, columns, shows: shown.columns };
        (view.columns.len() == view.shows.len()).then_some((name, view))
    });
    Ok(of_tables(read.collect()))
}

/// The views, with those of other views said of the table below.
fn of_tables(mut views: BTreeMap<String, ViewSchema>) -> BTreeMap<String, ViewSchema> {
    // Each round looks through one view; MySQL lets none show itself.
    for _ in 0..views.len() {
        let before = views.clone();
        for view in views.values_mut() {
            let Some(below) = before.get(&view.table) else { continue };
            for shown in &mut view.shows {
                let named = |name: &String| {
                    below.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name))
                };
                *shown = shown.as_ref().and_then(named).and_then(|at| below.shows[at].clone());
            }
            view.table.clone_from(&below.table);
        }
    }
    views
}

const DEFINITIONS: &str =
    "SELECT table_name, view_definition FROM information_schema.views WHERE table_schema = {}";

#[cfg(test)]
mod tests {
    use topo::records::{ColumnType, Visibility};

    use super::*;

    fn view(table: &str, columns: &[(&str, Option<&str>)]) -> ViewSchema {
        let column = |name: &str| Column {
            name: name.to_owned(),
            kind: ColumnType::Other,
            sql_type: "int".into(),
            nullable: true,
            auto_increment: false,
            visibility: Visibility::Visible,
        };
        ViewSchema {
            table: table.into(),
            columns: columns.iter().map(|(name, _)| column(name)).collect(),
            shows: columns.iter().map(|(_, shown)| shown.map(str::to_owned)).collect(),
        }
    }

    #[test]
    fn a_view_of_views_is_one_of_the_table_below() {
        let views = [
            ("c", view("b", &[("z", Some("y")), ("gone", Some("none")), ("n", None)])),
            ("a", view("t", &[("x", Some("id")), ("w", None)])),
            ("b", view("a", &[("y", Some("x")), ("none", Some("w"))])),
        ];
        let views = of_tables(views.map(|(name, view)| (name.to_owned(), view)).into());
        assert_eq!(views["a"], view("t", &[("x", Some("id")), ("w", None)]));
        assert_eq!(views["b"], view("t", &[("y", Some("id")), ("none", None)]));
        assert_eq!(views["c"], view("t", &[("z", Some("id")), ("gone", None), ("n", None)]));
    }
}
