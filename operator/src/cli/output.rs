//! In which form a command shows what it found: for people or for programs.

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::CliError;
use super::table::table;

/// The option that chooses the form.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct OutputArgs {
    /// Form of the output
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Table, value_name = "FORM")]
    pub(super) output: Format,
}

/// A form of output. Fields of `json` and `yaml` are never renamed and never change their meaning; tables are for
/// people and may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Aligned columns
    Table,
    /// Aligned columns, more of them
    Wide,
    /// JSON, all fields
    Json,
    /// YAML, all fields
    Yaml,
}

/// What a command found, ready to be shown in any form.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shown {
    /// What it is in a table, or in whatever text suits people better.
    pub(super) text: String,
    /// The same for programs.
    pub(super) value: serde_json::Value,
}

impl Shown {
    /// Rows under their titles; `items` are the same things for programs.
    pub(super) fn listing<T: Serialize>(
        titles: &[&str],
        rows: &[Vec<String>],
        items: &[T],
    ) -> Result<Self, CliError> {
        Ok(Self { text: table(titles, rows), value: to_value(items)? })
    }

    /// The text of this form, which ends with a line's end.
    pub(super) fn in_format(&self, format: Format) -> Result<String, CliError> {
        match format {
            Format::Table | Format::Wide => Ok(self.text.clone()),
            Format::Json => {
                let text = serde_json::to_string_pretty(&self.value).map_err(std::io::Error::from)?;
                Ok(text + "\n")
            }
            Format::Yaml => yaml(&self.value),
        }
    }
}

/// Anything as it is shown to programs.
pub(super) fn to_value<T: Serialize + ?Sized>(what: &T) -> Result<serde_json::Value, CliError> {
    Ok(serde_json::to_value(what).map_err(std::io::Error::from)?)
}

fn yaml(value: &serde_json::Value) -> Result<String, CliError> {
    let text = serde_saphyr::to_string(value).map_err(std::io::Error::other)?;
    Ok(format!("{}\n", text.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Thing {
        name: String,
        lag_ms: Option<u64>,
        words: Vec<&'static str>,
    }

    #[test]
    fn the_same_thing_in_every_form() {
        let things = [Thing { name: "shop/-80".into(), lag_ms: None, words: vec!["yes", "a: b"] }];
        let shown = Shown::listing(&["NAME"], &[vec!["shop/-80".into()]], &things).unwrap();
        assert_eq!(shown.in_format(Format::Table).unwrap(), "NAME\nshop/-80\n");
        let json = shown.in_format(Format::Json).unwrap();
        let expected = "[\n  {\n    \"lagMs\": null,\n    \"name\": \"shop/-80\",\n    \"words\": [\n      \"yes\",\n      \"a: b\"\n    ]\n  }\n]\n";
        assert_eq!(json, expected);
        // What it says is judged by a reader of YAML, and not by its looks.
        let yaml = shown.in_format(Format::Yaml).unwrap();
        let read: serde_json::Value = serde_saphyr::from_str(&yaml).unwrap();
        assert_eq!(read, shown.value, "{yaml}");
        assert!(yaml.ends_with('\n') && yaml.starts_with("- "), "{yaml}");
    }
}
