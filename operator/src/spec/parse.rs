//! From text to a checked cluster, or to everything that is wrong with it.

use std::fmt;

use serde_saphyr::{Error, MessageFormatter, UserMessageFormatter};

use super::ShoalCluster;
use super::check::check;
use super::lines::{Lines, Node, Place};

const MAPPING: &str = "a mapping (`key: value`)";
const LIST: &str = "a list (`[…]` or lines of `- …`)";

/// One mistake in a cluster file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// From 1.
    pub line: usize,
    /// Where in the tree, such as `spec.keyspaces[0].shards`; empty for the file as a whole.
    pub path: String,
    /// What is wrong, and what to write.
    pub what: String,
}

/// A cluster file with mistakes; shown as one `file:line: path: what` for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadFile {
    /// The file's name, as the user gave it.
    pub file: String,
    /// At least one, in the order of the text.
    pub problems: Vec<Problem>,
}

impl fmt::Display for BadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Problem { line, path, what }) in self.problems.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            let colon = if path.is_empty() { "" } else { ": " };
            write!(f, "{newline}{}:{line}: {path}{colon}{what}", self.file)?;
        }
        Ok(())
    }
}

impl std::error::Error for BadFile {}

/// The cluster that the text describes. `file` is for the problems only.
pub fn parse(file: &str, text: &str) -> Result<ShoalCluster, BadFile> {
    let lines = Lines::of(text);
    let bad = |mut problems: Vec<Problem>| {
        problems.sort();
        BadFile { file: file.to_owned(), problems }
    };
    let cluster: ShoalCluster =
        serde_saphyr::from_str(text).map_err(|error| bad(vec![misread(&error, &lines)]))?;
    let found = check(&cluster);
    if found.is_empty() {
        return Ok(cluster);
    }
    let located = |(path, what): (String, String)| Problem { line: lines.place(&path).line, path, what };
    Err(bad(found.into_iter().map(located).collect()))
}

/// Where the path stands in the text, for mistakes that only show beside another file.
pub(super) fn locate(text: &str, path: &str) -> usize {
    Lines::of(text).place(path).line
}

/// The problem that the YAML reader met, with what to write in its place.
fn misread(error: &Error, lines: &Lines) -> Problem {
    let error = error.without_snippet();
    let place = error.location().map_or(Place { line: 1, column: 1 }, |at| Place {
        line: usize::try_from(at.line()).unwrap_or(1),
        column: usize::try_from(at.column()).unwrap_or(1),
    });
    let path = lines.path_at(place).to_owned();
    let (path, what) = match error {
        Error::SerdeMissingField { field, .. } => {
            let path = lines.mapping_at(place).to_owned();
            let what = format!("{field:?} is missing; write {}", what_to_write(field));
            return Problem { line: lines.place(&path).line, path, what };
        }
        Error::Eof { .. } => (String::new(), "the file is empty".to_owned()),
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or_default();
            let path = lines.again_at(place).map_or(path, str::to_owned);
            return Problem {
                line: place.line,
                path,
                what: format!("{key:?} stands here twice; write it once"),
            };
        }
        Error::MultipleDocuments { .. } => {
            let what = "a second document begins here; write one cluster in a file".to_owned();
            return Problem { line: place.line, path: String::new(), what };
        }
        Error::NullIntoString { .. } => (path, "there is no value".to_owned()),
        Error::SerdeUnknownField { expected, .. } => {
            let what = format!("there is no such field; write one of {}", expected.join(", "));
            return Problem { line: place.line, path, what };
        }
        Error::ExternalMessage { msg, .. } => (path, format!("this is no YAML: {msg}")),
        other => {
            let what = misplaced(other, lines.node(&path));
            let what = what.unwrap_or_else(|| UserMessageFormatter.format_message(other).into_owned());
            (path, what)
        }
    };
    let wanted = what_to_write(leaf(&path));
    let what = if wanted.is_empty() { what } else { format!("{what}; write {wanted}") };
    Problem { line: place.line, path, what }
}

/// What stands in a place, and that it is not what belongs there.
fn misplaced(error: &Error, found: Option<&Node>) -> Option<String> {
    let expected = match error {
        Error::InvalidScalar { ty, .. } => plain_type(ty).to_owned(),
        Error::Unexpected { expected, .. } => plain_type(expected).to_owned(),
        Error::SerdeInvalidType { expected, .. } | Error::SerdeInvalidValue { expected, .. } => {
            plain_type(expected).to_owned()
        }
        Error::ExternallyTaggedEnumExpectedScalarOrMapping { .. } => plain_type("scalar").to_owned(),
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            let one_of = if expected.len() > 1 { "one of " } else { "" };
            return Some(format!("{variant:?} is not {one_of}{}", expected.join(", ")));
        }
        _ => return None,
    };
    Some(match found? {
        // What the parser makes of nothing.
        Node::Word(word) if word == "~" => "there is no value".to_owned(),
        Node::Word(word) => format!("{word:?} is not {expected}"),
        Node::Mapping => format!("{MAPPING} stands here, not {expected}"),
        Node::List => format!("{LIST} stands here, not {expected}"),
    })
}

/// The reader's words for what it wants, in words for people.
fn plain_type(name: &str) -> &str {
    match name {
        "u64" => "a whole number",
        "boolean" => "true or false",
        "mapping start" => MAPPING,
        "sequence start" => LIST,
        "scalar" | "string scalar" => "a single value",
        other => other,
    }
}

/// The last name of a path, without an index.
fn leaf(path: &str) -> &str {
    let last = path.rsplit('.').next().unwrap_or_default();
    last.split('[').next().unwrap_or_default()
}

/// An example of what belongs under a name; empty where the error itself says it.
fn what_to_write(name: &str) -> &'static str {
    match name {
        "" | "apiVersion" => "`apiVersion: shoal.dev/v1alpha1` first, then kind, metadata and spec",
        "kind" => "`kind: ShoalCluster`",
        "metadata" => "`metadata: {name: shop}`",
        "spec" => "`spec:` with users and keyspaces",
        "cells" => "`cells: [{name: zone1}]`",
        "gates" => "`gates: {port: 15306, replicas: 1}`",
        "port" => "a number from 1 to 65535, such as `port: 15306`",
        "tls" => "`tls: on` or `tls: off`",
        "tablets" => "a number from 1 to 9, such as `tablets: 3`",
        "durability" => "`durability: semi_sync` (a commit waits for a replica) or `durability: async`",
        "replicas" => "a number from 1 to 16, such as `replicas: 1`",
        "users" => "`users: [{name: app, password: secret, role: admin}]`",
        "password" => "`password: secret`, in quotes if it has special characters",
        "role" => "`role: read`, `write` or `admin`",
        "grants" => "`grants: [{keyspace: shop, role: write}]`",
        "keyspace" => "the name of a keyspace, such as `keyspace: shop`",
        "keyspaces" => "`keyspaces: [{name: shop}]`",
        "shards" => r#"`shards: ["-80", "80-"]`, or leave it out for an unsharded keyspace"#,
        "vschema" => "`vschema: {vindexes: {by_id: {type: xxhash}}, tables: {…}}`",
        "vindexes" => "`vindexes: {by_id: {type: xxhash}}`",
        "type" => "`type: xxhash`",
        "tables" => "`tables: {customers: {column_vindexes: [{column: id, name: by_id}]}}`",
        "column_vindexes" => "`column_vindexes: [{column: id, name: by_id}]`",
        "name" => "a name, such as `name: shop`",
        "column" => "the name of a column, such as `column: id`",
        _ => "",
    }
}
