use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow, ensure};
use operator::spec::parse;
use serde_json::Value;

use super::{row, titles};
use crate::tidy::Source;

/// A cluster that says no more than it must, and has one of everything that has fields of its own.
const SMALLEST: &str = "
apiVersion: shoal.dev/v1alpha1
kind: ShoalCluster
metadata: {name: shop}
spec:
  users: [{name: app, password: app, role: admin}]
  keyspaces: [{name: shop}]
";

/// What is written for a type of the code that is no struct.
const WORDS: [(&str, &str); 14] = [
    ("ApiVersion", "`shoal.dev/v1alpha1`"),
    ("Cell", "name"),
    ("ClusterName", "name"),
    ("DataRole", "`read`, `write` or `admin`"),
    ("Durability", "`semi_sync` or `async`"),
    ("KeyRange", "key range, such as `-80`"),
    ("KeyspaceName", "name"),
    ("Kind", "`ShoalCluster`"),
    ("Port", "number from 1 to 65535"),
    ("String", "text"),
    ("Tls", "`on` or `off`"),
    ("UserName", "name"),
    ("Value", "anything"),
    ("bool", "`true` or `false`"),
];

/// Every field of a cluster file.
pub(super) fn section(sources: &[Source]) -> Result<String> {
    let files = sources.iter().filter(|source| source.path.starts_with("operator/src/spec/"));
    let structs: BTreeMap<String, Vec<Field>> = files.flat_map(|source| structs(&source.text)).collect();
    ensure!(structs.len() > 5, "only {} structs of the cluster file were found", structs.len());
    let cluster = parse("smallest.yaml", SMALLEST).map_err(|bad| anyhow!("{bad}"))?;
    let defaults = serde_json::to_value(&cluster)?;
    let mut rows = Vec::new();
    walk(("ShoalCluster", ""), &structs, Some(&defaults), &mut rows)?;
    let intro = "\
## The cluster file

`[]` stands for the place in a list, `*` for a name. A field with a default may be left out.
";
    let mut text = format!("{intro}\n{}", titles(&["field", "type", "default", "meaning"]));
    rows.iter().for_each(|cells| text += &row(&[&cells[0], &cells[1], &cells[2], &cells[3]]));
    Ok(text)
}

struct Field {
    name: String,
    kind: String,
    /// Whether it may be left out.
    optional: bool,
    meaning: String,
}

/// The public structs of a file with their public fields, as rustfmt writes them.
fn structs(text: &str) -> Vec<(String, Vec<Field>)> {
    let mut found: Vec<(String, Vec<Field>)> = Vec::new();
    let (mut meaning, mut serde, mut camel) = (Vec::new(), String::new(), false);
    let mut inside = false;
    for line in text.lines() {
        let line_of_field = line.trim();
        if let Some(said) = line_of_field.strip_prefix("///") {
            meaning.push(said.trim().to_owned());
            continue;
        }
        if line_of_field.starts_with("#[serde(") {
            serde += line_of_field;
            continue;
        }
        if line.starts_with("#[") {
            continue;
        }
        if let Some(name) = line.strip_prefix("pub struct ").and_then(|rest| rest.strip_suffix(" {")) {
            camel = serde.contains("camelCase");
            found.push((name.to_owned(), Vec::new()));
            inside = true;
        } else if line == "}" {
            inside = false;
        } else if let (true, Some((name, kind)), Some(last)) = (
            inside,
            line_of_field.strip_prefix("pub ").and_then(|field| field.split_once(": ")),
            found.last_mut(),
        ) {
            last.1.push(Field {
                name: renamed(&serde)
                    .unwrap_or_else(|| if camel { in_camel_case(name) } else { name.to_owned() }),
                kind: kind.trim_end_matches(',').to_owned(),
                optional: serde.contains("default"),
                meaning: meaning.join(" "),
            });
        }
        meaning.clear();
        serde.clear();
    }
    found
}

fn renamed(serde: &str) -> Option<String> {
    let (_, rest) = serde.split_once("rename = \"")?;
    Some(rest.split_once('"')?.0.to_owned())
}

fn in_camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |whole, word| {
        let (head, tail) = word.split_at(word.len().min(1));
        format!("{whole}{}{tail}", head.to_uppercase())
    })
}

fn walk(
    (name, path): (&str, &str),
    structs: &BTreeMap<String, Vec<Field>>,
    defaults: Option<&Value>,
    rows: &mut Vec<[String; 4]>,
) -> Result<()> {
    let fields = structs.get(name).with_context(|| format!("no struct {name}"))?;
    for field in fields {
        let path = if path.is_empty() { field.name.clone() } else { format!("{path}.{}", field.name) };
        let value = defaults.and_then(|defaults| defaults.get(&field.name));
        let (inner, place, many) = taken_apart(&field.kind);
        let told = match (structs.contains_key(inner), many) {
            (true, "") => "section".to_owned(),
            (true, many) => many.to_owned(),
            (false, "") => word(inner)?,
            (false, many) => format!("{many} of {}", word(inner)?),
        };
        let default = match (field.optional, value) {
            (false, _) => "required".to_owned(),
            (true, None | Some(Value::Null)) => "absent".to_owned(),
            // What stands there is the example's own.
            (true, _) if path.contains("[]") && field.kind.starts_with("Option<") => "absent".to_owned(),
            (true, Some(Value::Object(fields))) if structs.contains_key(inner) && many.is_empty() => {
                if fields.is_empty() { "absent".to_owned() } else { "as its fields".to_owned() }
            }
            (true, Some(value)) => format!("`{value}`"),
        };
        let value = value.and_then(|value| if place == "[]" { value.get(0) } else { Some(value) });
        rows.push([format!("`{path}`"), told, default, field.meaning.clone()]);
        if structs.contains_key(inner) {
            walk((inner, &format!("{path}{place}")), structs, value, rows)?;
        }
    }
    Ok(())
}

/// The type inside of options, lists and maps; where its values stand; and what they stand in.
fn taken_apart(kind: &str) -> (&str, &'static str, &'static str) {
    let inside = |start: &str| kind.strip_prefix(start).and_then(|rest| rest.strip_suffix('>'));
    if let Some(inner) = inside("Option<") {
        return taken_apart(inner);
    }
    if let Some(inner) = inside("Vec<") {
        return (inner, "[]", "list");
    }
    match inside("BTreeMap<String, ") {
        Some(inner) => (inner, ".*", "map by name"),
        None => (kind, "", ""),
    }
}

fn word(kind: &str) -> Result<String> {
    use operator::limits::{MAX_GATES, MAX_TABLETS};
    match kind {
        "Replicas" => return Ok(format!("number from 1 to {MAX_GATES}")),
        "Tablets" => return Ok(format!("number from 1 to {MAX_TABLETS}")),
        _ => {}
    }
    let found = WORDS.iter().find(|(name, _)| *name == kind);
    let (_, word) = found.with_context(|| {
        format!("type {kind} of the cluster file has no words for people; add them to tests/src/reference/fields.rs")
    })?;
    Ok((*word).to_owned())
}
