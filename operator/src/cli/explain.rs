//! `shoal explain`.

use std::process::ExitCode;

use clap::Args;
use proto::errors::{ErrorId, ErrorKind, ErrorRow};
use serde::Serialize;

use super::CliError;
use super::output::{OutputArgs, Shown, to_value};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  shoal explain SH2001                   what the error means and what to do
  shoal explain sh3002 SH3007            several at once
  shoal explain                          all errors, one line each
  shoal explain -o json                  the whole table for programs

Errors of Shoal end with their id, such as (SH2001). Errors SH1... are ones that MySQL gives, too: clients see them in
MySQL's words, without an id. Everything else that a client sees is an error of the MySQL server that executed the
statement, as it is.")]
pub(super) struct ExplainArgs {
    #[command(flatten)]
    output: OutputArgs,
    /// Ids as they stand at the end of an error [default: all]
    ids: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorFields {
    id: &'static str,
    code: u16,
    sqlstate: &'static str,
    kind: String,
    text: &'static str,
    advice: &'static str,
    meaning: &'static str,
    cause: &'static str,
    cure: &'static str,
    retry: &'static str,
}

pub(super) fn run(args: &ExplainArgs) -> Result<ExitCode, CliError> {
    let rows = match args.ids.is_empty() {
        true => all(),
        false => args.ids.iter().map(|id| find(id)).collect::<Result<_, _>>()?,
    };
    let items: Vec<ErrorFields> = rows.iter().map(|row| fields(row)).collect();
    let shown = if args.ids.is_empty() {
        let lines = rows.iter().map(|row| {
            vec![row.id.to_owned(), row.code.to_string(), kind(row.kind), row.text.replace("{}", "…")]
        });
        Shown::listing(&["ID", "MYSQL", "KIND", "TEXT"], &lines.collect::<Vec<_>>(), &items)?
    } else {
        let text: Vec<String> = rows.iter().map(|row| told(row)).collect();
        Shown { text: text.join("\n"), value: to_value(&items)? }
    };
    print!("{}", shown.in_format(args.output.output)?);
    Ok(ExitCode::SUCCESS)
}

fn all() -> Vec<&'static ErrorRow> {
    ErrorId::ALL.iter().map(|id| id.row()).collect()
}

/// The row of an id, written in any of the ways that somebody copies it from a message.
fn find(id: &str) -> Result<&'static ErrorRow, CliError> {
    let bare = id.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_ascii_uppercase();
    let wanted = if bare.starts_with("SH") { bare.clone() } else { format!("SH{bare}") };
    // A bare number is what clients show of an error without an id: MySQL's code.
    let of_mysql: Vec<&ErrorRow> = all().into_iter().filter(|row| row.code.to_string() == bare).collect();
    match (of_mysql.as_slice(), all().into_iter().find(|row| row.id == wanted)) {
        ([only], _) => return Ok(only),
        ([], Some(row)) => return Ok(row),
        _ => {}
    }
    let of_mysql: Vec<&str> = of_mysql.into_iter().map(|row| row.id).collect();
    Err(CliError::NotFound(if of_mysql.is_empty() {
        format!(
            "there is no error {id}; ids look like SH2001, and `shoal explain` lists them all. An error without an id \
             comes from MySQL itself: see its reference manual"
        )
    } else {
        format!("{id} is a code of MySQL, which these errors have: {}", of_mysql.join(", "))
    }))
}

fn fields(row: &'static ErrorRow) -> ErrorFields {
    ErrorFields {
        id: row.id,
        code: row.code,
        sqlstate: row.sqlstate,
        kind: kind(row.kind),
        text: row.text,
        advice: row.advice,
        meaning: meaning(row.kind),
        cause: row.explanation().map_or("", |explanation| explanation.cause),
        cure: row.explanation().map_or("", |explanation| explanation.cure),
        retry: retry(row.kind),
    }
}

fn told(row: &ErrorRow) -> String {
    let mut text = format!("{}  {}\n\n", row.id, row.text.replace("{}", "…"));
    if let Some(explanation) = row.explanation() {
        text += &wrapped("Cause", explanation.cause);
        text += &wrapped("What to do", explanation.cure);
    }
    text += &format!("  Kind:        {}: {}\n", kind(row.kind), meaning(row.kind));
    text += &format!("  Retry:       {}\n", retry(row.kind));
    text += &format!("  For clients: MySQL error {}, SQLSTATE {}\n", row.code, row.sqlstate);
    if row.is_mysqls_own() {
        text += "  MySQL gives the same error in the same words; its reference manual tells more.\n";
    }
    text
}

/// A text under its title, in lines that a terminal shows whole.
fn wrapped(title: &str, text: &str) -> String {
    const WIDTH: usize = 100;
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => *line = word.to_owned(),
            Some(line) if line.len() + 1 + word.len() <= WIDTH => *line = format!("{line} {word}"),
            _ => lines.push(word.to_owned()),
        }
    }
    format!("  {:<13}{}\n", format!("{title}:"), lines.join(&format!("\n{:15}", "")))
}

fn kind(kind: ErrorKind) -> String {
    format!("{kind:?}").to_lowercase()
}

fn meaning(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Protocol => "the client broke the protocol, and its connection ends",
        ErrorKind::Access => "the user may not do this",
        ErrorKind::Refused => {
            "Shoal could not answer the statement as one MySQL would, and did not execute it"
        }
        ErrorKind::Unavailable => "a part of the cluster could not be reached, and nothing was executed",
        ErrorKind::Unknown => "an answer was lost: the statement may have been executed or not",
        ErrorKind::Limit => "a bound was reached, and nothing was executed",
        ErrorKind::Note => "no error: a note beside the answer, which SHOW WARNINGS lists",
        ErrorKind::Internal => "a fault in Shoal",
    }
}

fn retry(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Protocol => "no; use a client that speaks MySQL's protocol, or other settings of it",
        ErrorKind::Access => "no; ask for the right, or log in as another user",
        ErrorKind::Refused => "no; the same statement is refused again: write it in another way",
        ErrorKind::Unavailable => "yes, in a moment; if it stays, `shoal doctor` tells what is wrong",
        ErrorKind::Unknown => "look first whether it took effect",
        ErrorKind::Limit => "yes, later",
        ErrorKind::Note => "no; the statement was executed",
        ErrorKind::Internal => "rather not; please report it with what led to it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_however_it_was_copied() {
        for way in ["SH2003", "sh2003", "(SH2003)", "2003", "SH2003."] {
            assert_eq!(find(way).unwrap().id, "SH2003", "{way}");
        }
        let said = find("SH9999").unwrap_err().to_string();
        assert!(said.starts_with("there is no error SH9999;") && said.contains("`shoal explain`"), "{said}");
        assert_eq!(find("1046").unwrap().id, "SH1003", "MySQL's code, and not SH1046");
        let said = find("1235").unwrap_err().to_string();
        assert!(said.contains("is a code of MySQL") && said.contains("SH2001"), "{said}");
    }

    #[test]
    fn every_error_is_explained_with_what_to_do() {
        for row in all() {
            let text = told(row);
            assert!(text.starts_with(row.id) && text.contains("  Retry:"), "{text}");
            assert!(!text.contains("{}"), "{text}");
            assert!(text.lines().all(|line| line.trim_end() == line), "{text}");
        }
    }

    #[test]
    fn an_error_is_explained_as_in_the_golden_text() {
        let expected = "\
SH2003  the statement is for more than one shard

  Cause:       Its values of the sharding column lie on several shards, and together the answers would have to be
               merged.
  What to do:  Write one statement for each value, or leave out what needs merging.
  Kind:        refused: Shoal could not answer the statement as one MySQL would, and did not execute it
  Retry:       no; the same statement is refused again: write it in another way
  For clients: MySQL error 1235, SQLSTATE 42000
";
        assert_eq!(told(find("SH2003").unwrap()), expected);
    }
}
