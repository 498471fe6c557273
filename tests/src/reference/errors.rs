use proto::errors::{ErrorId, ErrorRow};

/// Every error with what leads to it and what to do.
pub(super) fn section() -> String {
    let mut rows: Vec<&ErrorRow> = ErrorId::ALL.iter().map(|id| id.row()).collect();
    rows.sort_by_key(|row| row.id);
    let intro = "\
## Errors

What Shoal itself tells a client. Errors end with their id, and `shoal explain` tells of it what stands here; those that
begin with SH1 are errors that MySQL gives, too, and have its words without an id. All others come from the MySQL server
that executed the statement. `…` stands for what the error is about.
";
    intro.to_owned() + &rows.into_iter().map(error).collect::<String>()
}

fn error(row: &ErrorRow) -> String {
    let ErrorRow { id, code, sqlstate, kind, text, .. } = row;
    let kind = format!("{kind:?}").to_lowercase();
    let text = text.replace("{}", "…");
    let advice = if row.advice.is_empty() { String::new() } else { format!("; {}", row.advice) };
    let explained = row.explanation().map_or_else(String::new, |explanation| {
        format!("\n{}\n\n*What to do:* {}\n", explanation.cause, explanation.cure)
    });
    format!(
        "\n### {id}\n\n{code} ({sqlstate}), {kind}: `{}`\n{explained}",
        format!("{text}{advice}").replace('`', "'")
    )
}
