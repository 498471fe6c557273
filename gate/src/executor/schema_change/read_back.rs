//! The schema of a keyspace, as MySQL describes it.

use std::collections::BTreeMap;

use proto::errors::{ClientError, ErrorId};
use proto::ids::KeyspaceName;
use topo::records::{Column, ColumnType, IndexSchema, SchemaRecord, TableSchema, Visibility};

use super::super::control::Row;
use super::super::line::{Line, LineError};
use super::literal;

/// Reads the keyspace's schema from one of its shards.
pub(super) async fn read_back(
    line: &mut Line<'_>,
    keyspace: &KeyspaceName,
) -> Result<SchemaRecord, ClientError> {
    let schema = literal(keyspace.as_str());
    let indexes = ask(line, &INDEXES.replace("{}", &schema)).await?;
    let mut tables: BTreeMap<String, TableSchema> = BTreeMap::new();
    for (table, column) in columns_of(line, keyspace, "BASE TABLE").await? {
        tables.entry(table).or_default().columns.push(column);
    }
    for row in indexes {
        add_to_index(&mut tables, row).ok_or_else(unreadable)?;
    }
    let programs = ask(line, &PROGRAMS.replace("{}", &schema)).await?;
    let programs = programs.into_iter().flatten().flatten().next().and_then(|count| count.parse().ok());
    let stored_programs = programs.ok_or_else(unreadable)?;
    Ok(SchemaRecord { tables, stored_programs, ..SchemaRecord::default() })
}

/// The columns of all tables of a type, each with its table, in ordinal order.
pub(super) async fn columns_of(
    line: &mut Line<'_>,
    keyspace: &KeyspaceName,
    table_type: &str,
) -> Result<Vec<(String, Column)>, ClientError> {
    let sql = COLUMNS.replace("{}", &literal(keyspace.as_str())).replace("{type}", &literal(table_type));
    let rows = ask(line, &sql).await?;
    rows.into_iter().map(|row| column(row).ok_or_else(unreadable)).collect()
}

/// What the shard has under this name, such as `BASE TABLE` or `VIEW`.
pub(super) async fn table_type(
    line: &mut Line<'_>,
    keyspace: &KeyspaceName,
    table: &str,
) -> Result<Option<String>, ClientError> {
    let sql = format!(
        "SELECT table_type FROM information_schema.tables WHERE table_schema = {} AND table_name = {}",
        literal(keyspace.as_str()),
        literal(table)
    );
    Ok(ask(line, &sql).await?.into_iter().flatten().flatten().next())
}

/// A foreign key, as MySQL describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ForeignKey {
    /// Its name.
    pub(super) name: String,
    /// The table that it refers to.
    pub(super) parent: String,
    /// Whether that table is in another schema.
    pub(super) parent_schema_is_other: bool,
    /// Its columns, each with the one that it refers to.
    pub(super) columns: Vec<(String, String)>,
    /// What MySQL does on a delete and on an update, such as `CASCADE`.
    pub(super) rules: [String; 2],
}

/// The foreign keys of a table.
pub(super) async fn foreign_keys(
    line: &mut Line<'_>,
    keyspace: &KeyspaceName,
    table: &str,
) -> Result<Vec<ForeignKey>, ClientError> {
    let sql = FOREIGN_KEYS.replace("{}", &literal(keyspace.as_str())).replace("{table}", &literal(table));
    let mut keys: Vec<ForeignKey> = Vec::new();
    for row in ask(line, &sql).await? {
        let row: Option<Vec<String>> = row.into_iter().collect();
        let row: Result<[String; 7], _> = row.unwrap_or_default().try_into();
        let [name, column, schema, parent, parent_column, on_delete, on_update] =
            row.map_err(|_| unreadable())?;
        if keys.last().is_none_or(|last| last.name != name) {
            let parent_schema_is_other = schema != keyspace.as_str();
            let (columns, rules) = (Vec::new(), [on_delete, on_update]);
            keys.push(ForeignKey { name, parent, parent_schema_is_other, columns, rules });
        }
        if let Some(key) = keys.last_mut() {
            key.columns.push((column, parent_column));
        }
    }
    Ok(keys)
}

/// Asks MySQL about its own schema, which it does not refuse.
pub(super) async fn ask(line: &mut Line<'_>, sql: &str) -> Result<Vec<Row>, ClientError> {
    line.query(sql).await.map_err(|error| match error {
        LineError::Refused(_) => ErrorId::Internal.with("MySQL refused to describe its schema"),
        LineError::Failed(error) => error,
    })
}

const COLUMNS: &str = "SELECT c.table_name, c.column_name, c.data_type, c.column_type, c.is_nullable, c.extra, \
     c.character_maximum_length, c.character_set_name, c.collation_name \
     FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name) \
     WHERE table_schema = {} AND t.table_type = {type} ORDER BY table_name, c.ordinal_position";

/// A column of which an index has only a prefix counts as an expression.
const INDEXES: &str = "SELECT table_name, index_name, non_unique, IF(sub_part IS NULL, column_name, NULL) \
     FROM information_schema.statistics \
     WHERE table_schema = {} ORDER BY table_name, index_name <> 'PRIMARY', index_name, seq_in_index";

const FOREIGN_KEYS: &str = "SELECT k.constraint_name, k.column_name, k.referenced_table_schema, \
     k.referenced_table_name, k.referenced_column_name, r.delete_rule, r.update_rule \
     FROM information_schema.key_column_usage k JOIN information_schema.referential_constraints r \
     ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name \
     WHERE k.table_schema = {} AND k.table_name = {table} AND k.referenced_table_name IS NOT NULL \
     ORDER BY k.constraint_name, k.ordinal_position";

const PROGRAMS: &str = "SELECT (SELECT COUNT(*) FROM information_schema.routines WHERE routine_schema = {}) \
     + (SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_schema = {})";

fn column(row: Row) -> Option<(String, Column)> {
    let [table, name, data_type, sql_type, nullable, extra, length, character_set, collation]: [Option<
        String,
    >; 9] = row.try_into().ok()?;
    let (data_type, sql_type, extra) = (data_type?, sql_type?, extra?);
    let unsigned = sql_type.contains("unsigned");
    let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    let integer = |bits| ColumnType::Integer { bits, unsigned };
    let kind = match data_type.as_str() {
        // Its value follows from other columns, so a statement that changes those would move the row.
        _ if is_computed(&extra) => ColumnType::Other,
        "tinyint" => integer(8),
        "smallint" => integer(16),
        "mediumint" => integer(24),
        "int" => integer(32),
        "bigint" => integer(64),
        "binary" | "varbinary" => ColumnType::Binary { length, fixed: data_type == "binary" },
        "char" | "varchar" => ColumnType::Text {
            length,
            fixed: data_type == "char",
            character_set: character_set?,
            collation: collation?,
        },
        _ => ColumnType::Other,
    };
    let visibility = if extra.contains("INVISIBLE") { Visibility::Invisible } else { Visibility::Visible };
    let column = Column {
        name: name?,
        kind,
        sql_type,
        nullable: nullable? == "YES",
        auto_increment: extra.contains("auto_increment"),
        visibility,
    };
    Some((table?, column))
}

/// Whether a column of this `EXTRA` is computed from others; a default that is an expression is something else.
pub(super) fn is_computed(extra: &str) -> bool {
    extra.contains("STORED GENERATED") || extra.contains("VIRTUAL GENERATED")
}

fn add_to_index(tables: &mut BTreeMap<String, TableSchema>, row: Row) -> Option<()> {
    let [table, index, non_unique, column]: [Option<String>; 4] = row.try_into().ok()?;
    let (index, column) = (index?, column.unwrap_or_default());
    let indexes = &mut tables.get_mut(&table?)?.indexes;
    match indexes.last_mut().filter(|last| last.name == index) {
        Some(last) => last.columns.push(column),
        None => indexes.push(IndexSchema { name: index, unique: non_unique? == "0", columns: vec![column] }),
    }
    Some(())
}

fn unreadable() -> ClientError {
    ErrorId::Internal.with("MySQL described its schema in a way that cannot be read")
}
