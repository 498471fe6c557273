use crate::records::{ColumnType, TableKind, TableSchema, TableVschema, ViewSchema, VschemaRecord};
use crate::value::{TextRules, UnknownText};
use crate::vindex::{UnknownVindex, Vindex};

/// How a table of a sharded keyspace is sharded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sharding {
    /// By a key that values can be mapped by.
    By(ShardingKey),
    /// By a key of which only the vschema is known, because the table is not created yet.
    Declared {
        /// The column, as the vschema spells it.
        column: String,
        /// Maps its values.
        vindex: Vindex,
    },
    /// By a key that Shoal cannot use; nothing can be routed by it.
    Unusable {
        /// The column, as the vschema spells it; empty if it names none.
        column: String,
        /// Why not.
        why: UnusableKey,
    },
}

/// A column and the vindex of its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardingKey {
    /// The column, in MySQL's spelling.
    pub column: String,
    /// Its place among the columns of the table's schema.
    pub column_index: usize,
    /// Its type.
    pub kind: ColumnType,
    /// Maps its values; fits its type.
    pub vindex: Vindex,
}

/// Why a column cannot be a sharding column.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnusableKey {
    /// The vschema names no column for the table.
    #[error("the vschema gives the table no column_vindexes")]
    NoKey,
    /// It is a reference table, and those are not served yet.
    #[error("the vschema makes it a reference table, which is not served yet")]
    Reference,
    /// The key has several columns.
    #[error("the sharding key has several columns, which is not served yet")]
    SeveralColumns,
    /// The vschema does not define the vindex.
    #[error("the vschema does not define vindex {0:?}")]
    UndefinedVindex(String),
    /// The vschema defines the vindex with a type that Shoal does not have.
    #[error(transparent)]
    UnknownVindex(#[from] UnknownVindex),
    /// The table has no such column.
    #[error("the table has no such column")]
    NoColumn,
    /// A view of a table that cannot be routed by, or without its sharding column.
    #[error("it is a view that does not show the sharding column of {0} as it is")]
    HiddenKey(String),
    /// Values of the column's type compare equal in ways that are not known here.
    #[error("its type {0} is neither an integer nor binary nor CHAR or VARCHAR")]
    Type(String),
    /// Values of the column's collation or character set compare equal in ways that are not known here.
    #[error(transparent)]
    Text(#[from] UnknownText),
    /// The vindex does not map values of that type.
    #[error("vindex {vindex} maps {}, and its type is {sql_type}", vindex.domain())]
    VindexType {
        /// The vindex.
        vindex: Vindex,
        /// The column's type.
        sql_type: String,
    },
}

impl Sharding {
    /// What the vschema says of a table and its schema allows. The first column vindex is the sharding key.
    pub fn of(vschema: &VschemaRecord, table: &TableVschema, schema: Option<&TableSchema>) -> Self {
        let nothing = |why| Self::Unusable { column: String::new(), why };
        if table.kind == TableKind::Reference {
            return nothing(UnusableKey::Reference);
        }
        let Some(first) = table.column_vindexes.first() else { return nothing(UnusableKey::NoKey) };
        if first.columns.len() > 1 {
            return Self::Unusable { column: first.column.clone(), why: UnusableKey::SeveralColumns };
        }
        let vindex = vschema
            .vindexes
            .get(&first.name)
            .ok_or_else(|| UnusableKey::UndefinedVindex(first.name.clone()))
            .and_then(|definition| Ok(definition.kind.parse::<Vindex>()?));
        let sharding = vindex.and_then(|vindex| match schema {
            Some(schema) => ShardingKey::find(schema, &first.column, vindex).map(Self::By),
            None => Ok(Self::Declared { column: first.column.clone(), vindex }),
        });
        sharding.unwrap_or_else(|why| Self::Unusable { column: first.column.clone(), why })
    }
}

impl Sharding {
    /// How a view is sharded whose table is sharded like this: by the column that shows the table's sharding column.
    pub fn of_view(view: &ViewSchema, schema: &TableSchema, table: Option<&Self>) -> Self {
        let shown = table.and_then(|table| {
            let Self::By(key) = table else { return None };
            let shows = |shown: &&Option<String>| {
                shown.as_ref().is_some_and(|shown| shown.eq_ignore_ascii_case(&key.column))
            };
            let place = view.shows.iter().position(|shown| shows(&shown))?;
            let column = &schema.columns.get(place)?.name;
            ShardingKey::find(schema, column, key.vindex).ok().filter(|found| found.kind == key.kind)
        });
        let hidden = || UnusableKey::HiddenKey(view.table.clone());
        shown.map_or_else(|| Self::Unusable { column: String::new(), why: hidden() }, Self::By)
    }
}

impl ShardingKey {
    /// The key over the named column of a table, if values of that column can be mapped by the vindex.
    pub fn find(schema: &TableSchema, column: &str, vindex: Vindex) -> Result<Self, UnusableKey> {
        // MySQL compares column names without case; ASCII names are what it and we agree on for certain.
        let found = schema.columns.iter().enumerate().find(|(_, c)| c.name.eq_ignore_ascii_case(column));
        let (column_index, column) = found.ok_or(UnusableKey::NoColumn)?;
        match &column.kind {
            ColumnType::Integer { .. } | ColumnType::Binary { .. } => {}
            ColumnType::Text { character_set, collation, .. } => {
                TextRules::of(character_set, collation)?;
            }
            ColumnType::Other => return Err(UnusableKey::Type(column.sql_type.clone())),
        }
        if !vindex.fits(&column.kind) {
            return Err(UnusableKey::VindexType { vindex, sql_type: column.sql_type.clone() });
        }
        Ok(Self { column: column.name.clone(), column_index, kind: column.kind.clone(), vindex })
    }
}
