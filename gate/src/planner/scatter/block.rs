//! The tables of a query block and how they are joined: whether its every row is made from rows of one shard, and which.

use proto::errors::{ClientError, ErrorId};
use sqlparser::ast::{
    BinaryOperator, Expr, JoinConstraint, JoinOperator, ObjectName, TableFactor, TableWithJoins,
};
use topo::records::ColumnType;
use topo::snapshot::{Keyspace, ShardingKey};

use crate::plan::{Pin, Purpose, Shards};
use crate::planner::pins::{Binding, sharding_key};
use crate::planner::target::{TableName, Tables};

/// A table of the block, and how it is named there.
struct Factor<'a> {
    binding: Binding<'a>,
    key: &'a ShardingKey,
}

/// The tables of the query block, in their order.
pub(super) struct Block<'a> {
    factors: Vec<Factor<'a>>,
}

impl<'a> Block<'a> {
    pub(super) fn read(
        from: &'a [TableWithJoins],
        tables: &Tables,
        keyspace: &'a Keyspace,
    ) -> Result<Self, ClientError> {
        let mut names = Vec::new();
        from.iter().try_for_each(|item| collect(item, &mut names))?;
        let alone = names.len() == 1;
        let mut factors = Vec::new();
        for (name, alias) in names {
            let name = TableName::read(name).filter(|name| tables.references.contains(name));
            let name = name.ok_or_else(|| ErrorId::NotUnderstood.plain())?;
            let (table, key) = sharding_key(keyspace, &name.table)?;
            let binding = Binding {
                schema: keyspace.name.as_str(),
                table: &table.name,
                alias,
                alone: alone || is_common(from, &key.column),
                column: &key.column,
            };
            factors.push(Factor { binding, key });
        }
        // Tables that the block does not show would not be looked at.
        if factors.is_empty() || factors.len() != tables.references.len() {
            return Err(ErrorId::NotUnderstood.plain());
        }
        Ok(Self { factors })
    }

    /// The sharding keys of its tables.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'a ShardingKey> {
        self.factors.iter().map(|factor| factor.key)
    }

    /// Whether every row of the block is made from rows of one shard.
    pub(super) fn is_of_one_shard(&self, from: &[TableWithJoins], conditions: &[&Expr]) -> bool {
        let mut groups = Groups((0..self.factors.len()).collect());
        if from.iter().all(has_only_inner_joins) {
            from.iter().fold(0, |first, item| self.unite_using(item, first, &mut groups));
            conditions.iter().for_each(|condition| self.unite(condition, &mut groups));
            return groups.are_one(0..self.factors.len());
        }
        let mut first = 0;
        for item in from {
            let Some(places) = self.item(item, first, &mut groups) else { return false };
            first = places.end;
        }
        // Between items there is a comma, which is an inner join.
        conditions.iter().for_each(|condition| self.unite(condition, &mut groups));
        groups.are_one(0..self.factors.len())
    }

    /// The places of an item with outer joins, if its every row is of one shard. Each join must equate the two
    /// sides by its own ON: what an outer join does not match stays, whatever other conditions say.
    fn item(&self, item: &TableWithJoins, first: usize, groups: &mut Groups) -> Option<Places> {
        let mut end = self.factor(&item.relation, first, groups)?.end;
        for join in &item.joins {
            let right = self.factor(&join.relation, end, groups)?;
            let equated = match constraint(&join.join_operator)? {
                JoinConstraint::On(condition) => self.pairs(condition),
                JoinConstraint::Using(columns) => self.pairs_using(columns, first..end, right.clone()),
                _ => return None,
            };
            let joins = |(a, b): &&(usize, usize)| (first..end).contains(a) != (first..end).contains(b);
            let pair = equated.iter().find(joins)?;
            groups.unite(*pair);
            end = right.end;
        }
        groups.are_one(first..end).then_some(first..end)
    }

    fn factor(&self, factor: &TableFactor, first: usize, groups: &mut Groups) -> Option<Places> {
        match factor {
            TableFactor::NestedJoin { table_with_joins, .. } => self.item(table_with_joins, first, groups),
            _ => Some(first..first + 1),
        }
    }

    /// Unites what the USING of an item's inner joins equates; gives where the next item begins.
    fn unite_using(&self, item: &TableWithJoins, first: usize, groups: &mut Groups) -> usize {
        let nested = |factor: &TableFactor, first, groups: &mut Groups| match factor {
            TableFactor::NestedJoin { table_with_joins, .. } => {
                self.unite_using(table_with_joins, first, groups)
            }
            _ => first + 1,
        };
        let mut end = nested(&item.relation, first, groups);
        for join in &item.joins {
            let right = end..nested(&join.relation, end, groups);
            if let Some(JoinConstraint::Using(columns)) = constraint(&join.join_operator) {
                let pairs = self.pairs_using(columns, first..end, right.clone());
                pairs.into_iter().for_each(|pair| groups.unite(pair));
            }
            end = right.end;
        }
        end
    }

    /// The tables on two sides of a join whose sharding columns its USING equates. Where two tables of one side had such a
    /// column that no join has made one, MySQL would not take the name.
    fn pairs_using(&self, columns: &[ObjectName], left: Places, right: Places) -> Vec<(usize, usize)> {
        let named = |place: &usize| names_column(columns, &self.factors[*place].key.column);
        let alike =
            |a: &ShardingKey, b: &ShardingKey| a.column.eq_ignore_ascii_case(&b.column) && maps_alike(a, b);
        let mut pairs = Vec::new();
        for a in left.filter(named) {
            let with =
                right.clone().filter(named).filter(|b| alike(self.factors[a].key, self.factors[*b].key));
            pairs.extend(with.map(|b| (a, b)));
        }
        pairs
    }

    fn unite(&self, condition: &Expr, groups: &mut Groups) {
        self.pairs(condition).into_iter().for_each(|pair| groups.unite(pair));
    }

    /// The tables whose sharding columns the condition equates, for all rows that meet it.
    fn pairs(&self, condition: &Expr) -> Vec<(usize, usize)> {
        match condition {
            Expr::Nested(inner) => self.pairs(inner),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                let mut pairs = self.pairs(left);
                pairs.extend(self.pairs(right));
                pairs
            }
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
                let place = |side| self.factors.iter().position(|factor| factor.binding.is_column(side));
                match (place(left), place(right)) {
                    (Some(a), Some(b)) if maps_alike(self.factors[a].key, self.factors[b].key) => {
                        vec![(a, b)]
                    }
                    _ => vec![],
                }
            }
            _ => vec![],
        }
    }

    /// The shards of all rows that meet the conditions.
    pub(super) fn shards(&self, conditions: &[&Expr]) -> Shards {
        let lists = || {
            let all = self.factors.iter().flat_map(|factor| conditions.iter().map(move |c| (factor, *c)));
            all.filter_map(|(factor, condition)| Some((factor, factor.binding.listed_by(condition)?)))
        };
        // The shortest list leaves the fewest shards.
        let Some((factor, literals)) = lists().min_by_key(|(_, literals)| literals.len()) else {
            return Shards::All;
        };
        let (key, purpose) = (factor.key, Purpose::Compared);
        let pin = |(literal, negative)| Pin { key: key.clone(), literal, negative, purpose };
        Shards::Of(literals.into_iter().map(pin).collect())
    }
}

/// Places of tables that are next to each other in the block.
type Places = std::ops::Range<usize>;

/// For each table the number of its group: the rows of a group that belong together are on one shard.
struct Groups(Vec<usize>);

impl Groups {
    fn unite(&mut self, (a, b): (usize, usize)) {
        let (from, to) = (self.0[a], self.0[b]);
        self.0.iter_mut().filter(|group| **group == from).for_each(|group| *group = to);
    }

    fn are_one(&self, places: Places) -> bool {
        self.0[places].windows(2).all(|pair| pair[0] == pair[1])
    }
}

/// Whether equal values of the two columns have one keyspace ID.
fn maps_alike(a: &ShardingKey, b: &ShardingKey) -> bool {
    let integers = |key: &ShardingKey| matches!(key.kind, ColumnType::Integer { .. });
    a.vindex == b.vindex && (a.kind == b.kind || (integers(a) && integers(b)))
}

/// The names of an item's tables, with their aliases.
fn collect<'a>(
    item: &'a TableWithJoins,
    names: &mut Vec<(&'a ObjectName, Option<&'a str>)>,
) -> Result<(), ClientError> {
    for factor in std::iter::once(&item.relation).chain(item.joins.iter().map(|join| &join.relation)) {
        match factor {
            TableFactor::Table { name, alias, args: None, sample: None, version: None, .. } => {
                names.push((name, alias.as_ref().map(|alias| alias.name.value.as_str())));
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => collect(table_with_joins, names)?,
            _ => return Err(ErrorId::NeedsMerging.with("a table of this kind")),
        }
    }
    Ok(())
}

fn is_inner(operator: &JoinOperator) -> bool {
    matches!(
        operator,
        JoinOperator::Join(_)
            | JoinOperator::Inner(_)
            | JoinOperator::CrossJoin(_)
            | JoinOperator::StraightJoin(_)
    )
}

/// What a join whose kind is known here asks of its two sides.
fn constraint(operator: &JoinOperator) -> Option<&JoinConstraint> {
    match operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::CrossJoin(constraint)
        | JoinOperator::StraightJoin(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint) => Some(constraint),
        _ => None,
    }
}

fn on(operator: &JoinOperator) -> Option<&Expr> {
    match constraint(operator)? {
        JoinConstraint::On(condition) => Some(condition),
        _ => None,
    }
}

fn names_column(columns: &[ObjectName], column: &str) -> bool {
    let is_it = |name: &ObjectName| match name.0.as_slice() {
        [part] => part.as_ident().is_some_and(|ident| ident.value.eq_ignore_ascii_case(column)),
        _ => false,
    };
    columns.iter().any(is_it)
}

/// Whether the column without its table's name is that of every table which shares it: inner joins make it one by USING.
fn is_common(from: &[TableWithJoins], column: &str) -> bool {
    let [item] = from else { return false };
    has_only_inner_joins(item)
        && item.joins.iter().any(|join| match constraint(&join.join_operator) {
            Some(JoinConstraint::Using(columns)) => names_column(columns, column),
            _ => false,
        })
}

pub(super) fn has_only_inner_joins(item: &TableWithJoins) -> bool {
    let nested = |factor: &TableFactor| match factor {
        TableFactor::NestedJoin { table_with_joins, .. } => has_only_inner_joins(table_with_joins),
        _ => true,
    };
    nested(&item.relation)
        && item.joins.iter().all(|join| is_inner(&join.join_operator) && nested(&join.relation))
}

/// The ON conditions of an item that has inner joins only: all rows meet them.
pub(super) fn inner_conditions<'a>(item: &'a TableWithJoins, conditions: &mut Vec<&'a Expr>) {
    let mut nested = |factor: &'a TableFactor| {
        if let TableFactor::NestedJoin { table_with_joins, .. } = factor {
            inner_conditions(table_with_joins, conditions);
        }
    };
    nested(&item.relation);
    item.joins.iter().for_each(|join| nested(&join.relation));
    conditions.extend(item.joins.iter().filter_map(|join| on(&join.join_operator)));
}
