use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::report::{Finding, Verdict};
use super::{Setting, word};
use crate::records::{
    AutoIncrement, ColumnVindex, Kept, TableKind, TableVschema, VindexDefinition, VschemaRecord,
};

/// A vschema as it was given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// What it says.
    pub record: VschemaRecord,
    /// Whether it is for a sharded keyspace, if it says so.
    pub sharded: Option<bool>,
}

/// Names that Vitess writes in one way and reads in two.
const ALIASES: [(&str, &str); 6] = [
    ("autoIncrement", "auto_increment"),
    ("columnListAuthoritative", word::COLUMN_LIST_AUTHORITATIVE),
    ("columnVindexes", "column_vindexes"),
    ("foreignKeyMode", word::FOREIGN_KEY_MODE),
    ("multiTenantSpec", word::MULTI_TENANT_SPEC),
    ("requireExplicitRouting", word::REQUIRE_EXPLICIT_ROUTING),
];

/// The vschema of one keyspace from its JSON; otherwise every mistake in it.
pub fn read(text: &str) -> Result<Document, Vec<Finding>> {
    match serde_json::from_str(text) {
        Ok(value) => read_value(value),
        Err(error) => Err(vec![refused("", format!("this is no JSON: {error}"))]),
    }
}

/// The vschema of one keyspace from its tree.
pub fn read_value(value: Value) -> Result<Document, Vec<Finding>> {
    let mut reader = Reader::default();
    let document = reader.document(value);
    if reader.mistakes.is_empty() { Ok(document) } else { Err(reader.mistakes) }
}

/// The vschema as Vitess writes it. What is as if it were not there is left out.
pub fn write(record: &VschemaRecord, setting: Setting<'_>) -> Value {
    let mut out = Map::new();
    if setting.sharded {
        out.insert("sharded".into(), true.into());
    }
    if !record.vindexes.is_empty() {
        out.insert(
            "vindexes".into(),
            record.vindexes.iter().map(|(name, v)| (name.clone(), vindex(v))).collect(),
        );
    }
    if !record.tables.is_empty() {
        out.insert("tables".into(), record.tables.iter().map(|(name, t)| (name.clone(), table(t))).collect());
    }
    out.extend(record.kept.clone());
    Value::Object(out)
}

fn vindex(definition: &VindexDefinition) -> Value {
    let mut out = Map::new();
    out.insert("type".into(), definition.kind.as_str().into());
    if !definition.params.is_empty() {
        out.insert("params".into(), json!(definition.params));
    }
    if !definition.owner.is_empty() {
        out.insert("owner".into(), definition.owner.as_str().into());
    }
    out.extend(definition.kept.clone());
    Value::Object(out)
}

fn table(table: &TableVschema) -> Value {
    let mut out = Map::new();
    if table.kind != TableKind::Usual {
        out.insert("type".into(), table.kind.as_str().into());
    }
    if !table.column_vindexes.is_empty() {
        out.insert("column_vindexes".into(), table.column_vindexes.iter().map(column_vindex).collect());
    }
    if let Some(AutoIncrement { column, sequence, kept }) = &table.auto_increment {
        let mut numbers = Map::from_iter([("column".to_owned(), json!(column))]);
        if !sequence.is_empty() {
            numbers.insert("sequence".into(), json!(sequence));
        }
        numbers.extend(kept.clone());
        out.insert("auto_increment".into(), numbers.into());
    }
    out.extend(table.kept.clone());
    Value::Object(out)
}

fn column_vindex(by: &ColumnVindex) -> Value {
    let mut out = Map::new();
    if by.columns.is_empty() {
        out.insert("column".into(), by.column.as_str().into());
    } else {
        out.insert("columns".into(), json!(by.columns));
    }
    out.insert("name".into(), by.name.as_str().into());
    out.extend(by.kept.clone());
    Value::Object(out)
}

fn refused(path: &str, what: impl Into<String>) -> Finding {
    Finding { path: path.to_owned(), verdict: Verdict::Refused, what: what.into() }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Vitess writes what is not there as null or empty, too.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// Takes a tree apart; what is left of an object in the end is kept.
#[derive(Default)]
struct Reader {
    mistakes: Vec<Finding>,
}

impl Reader {
    fn document(&mut self, value: Value) -> Document {
        let Some(mut fields) = self.object("", value) else { return Document::default() };
        for several in ["keyspaces", "routing_rules", "shard_routing_rules", "rules"] {
            if fields.contains_key(several) {
                self.refuse(
                    several,
                    "this is not the vschema of one keyspace; give what stands under its name",
                );
            }
        }
        let sharded = self.flag(&mut fields, "sharded");
        let vindexes = self.named(&mut fields, "vindexes", Self::vindex);
        let tables = self.named(&mut fields, "tables", Self::table);
        let mode = fields.get(word::FOREIGN_KEY_MODE);
        if mode.is_some_and(|mode| is_nothing(mode) || mode == "unspecified") {
            fields.remove(word::FOREIGN_KEY_MODE);
        }
        drop_nothing(&mut fields, &[word::REQUIRE_EXPLICIT_ROUTING, word::MULTI_TENANT_SPEC]);
        Document { record: VschemaRecord { vindexes, tables, kept: kept(fields) }, sharded }
    }

    fn vindex(&mut self, path: &str, value: Value) -> VindexDefinition {
        let Some(mut fields) = self.object(path, value) else { return VindexDefinition::default() };
        let kind = self.text(&mut fields, path, "type");
        if kind.is_empty() {
            self.refuse(&below(path, "type"), "the vindex has no type; write one, such as \"xxhash\"");
        }
        let mut params = BTreeMap::new();
        let given = fields.remove("params").unwrap_or_default();
        if !given.is_null() {
            let path = below(path, "params");
            for (name, value) in self.object(&path, given).unwrap_or_default() {
                match value {
                    Value::String(value) => drop(params.insert(name, value)),
                    _ => self.refuse(&below(&path, &name), "write the value of a parameter in quotes"),
                }
            }
        }
        let owner = self.text(&mut fields, path, "owner");
        VindexDefinition { kind, params, owner, kept: kept(fields) }
    }

    fn table(&mut self, path: &str, value: Value) -> TableVschema {
        if value.is_null() {
            return TableVschema::default();
        }
        let Some(mut fields) = self.object(path, value) else { return TableVschema::default() };
        let kind = match self.text(&mut fields, path, "type").as_str() {
            "" => TableKind::Usual,
            "sequence" => TableKind::Sequence,
            "reference" => TableKind::Reference,
            other => {
                let what = format!("there is no table type {other:?}; write sequence, reference, or none");
                self.refuse(&below(path, "type"), what);
                TableKind::Usual
            }
        };
        let column_vindexes = self.list(&mut fields, path, "column_vindexes");
        let column_vindexes =
            column_vindexes.into_iter().map(|(path, value)| self.column_vindex(&path, value)).collect();
        let numbers = fields.remove("auto_increment").unwrap_or_default();
        let auto_increment = self.auto_increment(&below(path, "auto_increment"), numbers);
        drop_nothing(
            &mut fields,
            &[word::COLUMNS, word::COLUMN_LIST_AUTHORITATIVE, word::PINNED, word::SOURCE],
        );
        TableVschema { column_vindexes, kind, auto_increment, kept: kept(fields), ..TableVschema::default() }
    }

    fn column_vindex(&mut self, path: &str, value: Value) -> ColumnVindex {
        let Some(mut fields) = self.object(path, value) else { return ColumnVindex::default() };
        let column = self.text(&mut fields, path, "column");
        let mut columns = Vec::new();
        for (path, value) in self.list(&mut fields, path, "columns") {
            match value {
                Value::String(column) if !column.is_empty() => columns.push(column),
                _ => self.refuse(&path, "this is no name of a column"),
            }
        }
        let name = self.text(&mut fields, path, "name");
        if name.is_empty() {
            self.refuse(&below(path, "name"), "the name of a vindex is missing");
        }
        let first = match (column.is_empty(), columns.first()) {
            (true, None) => {
                self.refuse(&below(path, "column"), "the name of a column is missing");
                column
            }
            (true, Some(first)) => first.clone(),
            (false, None) => column,
            (false, Some(_)) => {
                self.refuse(path, "write either column or columns");
                column
            }
        };
        ColumnVindex { column: first, columns, name, kept: kept(fields) }
    }

    fn auto_increment(&mut self, path: &str, value: Value) -> Option<AutoIncrement> {
        if is_nothing(&value) {
            return None;
        }
        let mut fields = self.object(path, value)?;
        let column = self.text(&mut fields, path, "column");
        let sequence = self.text(&mut fields, path, "sequence");
        if column.is_empty() {
            self.refuse(&below(path, "column"), "the name of the column is missing");
        }
        Some(AutoIncrement { column, sequence, kept: kept(fields) })
    }

    /// The values under a name, each by its own name.
    fn named<T>(
        &mut self,
        fields: &mut Map<String, Value>,
        name: &str,
        read: fn(&mut Self, &str, Value) -> T,
    ) -> BTreeMap<String, T> {
        let all = fields.remove(name).unwrap_or_default();
        if all.is_null() {
            return BTreeMap::new();
        }
        let all = self.object(name, all).unwrap_or_default();
        all.into_iter()
            .map(|(key, value)| {
                let path = below(name, &key);
                if key.is_empty() {
                    self.refuse(&path, "the name is empty");
                }
                let read = read(self, &path, value);
                (key, read)
            })
            .collect()
    }

    /// The fields of an object, by the names that Vitess writes.
    fn object(&mut self, path: &str, value: Value) -> Option<Map<String, Value>> {
        let Value::Object(fields) = value else {
            self.refuse(path, "an object in braces belongs here");
            return None;
        };
        let written = |name: String| match ALIASES.iter().find(|(alias, _)| *alias == name) {
            Some((_, written)) => (*written).to_owned(),
            None => name,
        };
        Some(fields.into_iter().map(|(name, value)| (written(name), value)).collect())
    }

    fn list(&mut self, fields: &mut Map<String, Value>, path: &str, name: &str) -> Vec<(String, Value)> {
        let path = below(path, name);
        match fields.remove(name) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => {
                items.into_iter().enumerate().map(|(at, item)| (format!("{path}[{at}]"), item)).collect()
            }
            Some(_) => {
                self.refuse(&path, "a list in brackets belongs here");
                Vec::new()
            }
        }
    }

    fn text(&mut self, fields: &mut Map<String, Value>, path: &str, name: &str) -> String {
        match fields.remove(name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text,
            Some(_) => {
                self.refuse(&below(path, name), "a text in quotes belongs here");
                String::new()
            }
        }
    }

    fn flag(&mut self, fields: &mut Map<String, Value>, name: &str) -> Option<bool> {
        match fields.remove(name) {
            None | Some(Value::Null) => None,
            Some(Value::Bool(flag)) => Some(flag),
            Some(_) => {
                self.refuse(name, "write true or false");
                None
            }
        }
    }

    fn refuse(&mut self, path: &str, what: impl Into<String>) {
        self.mistakes.push(refused(path, what));
    }
}

fn drop_nothing(fields: &mut Map<String, Value>, names: &[&str]) {
    for name in names {
        if fields.get(*name).is_some_and(is_nothing) {
            fields.remove(*name);
        }
    }
}

fn kept(fields: Map<String, Value>) -> Kept {
    fields.into_iter().collect()
}
