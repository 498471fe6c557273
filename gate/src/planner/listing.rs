//! SHOW of what the gate knows by itself: keyspaces, shards, tablets.

use proto::errors::{ClientError, ErrorId};

use super::Request;
use crate::limits::MAX_LISTED_PATTERN_BYTES;
use crate::listing::{Listing, is_like, list};
use crate::plan::{Answer, By, Piece, Plan, Rewrite};
use crate::sql::kind::Listed;
use crate::sql::literal::string_of;
use crate::sql::tokens::{Token, TokenKind, tokens};

/// The plan for `SHOW … [LIKE 'pattern' | WHERE condition]`.
pub(super) fn plan(request: &Request<'_>, listed: Listed) -> Result<Plan, ClientError> {
    let refused = || ErrorId::UnsupportedStatement.with("this form of SHOW");
    let sql = request.raw.as_bytes();
    let all = tokens(sql).ok_or_else(refused)?;
    let mut rest: Vec<Token> = all.into_iter().filter(|token| token.kind != TokenKind::Comment).collect();
    while rest.last().is_some_and(|last| last.is_symbol(sql, b';')) {
        rest.pop();
    }
    let listing = list(listed, request.rights, request.snapshot);
    let filter = rest.iter().position(|token| token.is_one_of(sql, &["LIKE", "WHERE"]));
    let before =
        rest.iter().take(filter.unwrap_or(rest.len())).filter(|token| !token.is(sql, "FULL")).count();
    // SHOW and what is shown.
    if before != 2 {
        return Err(refused());
    }
    let Some(filter) = filter else { return Ok(Plan::Answer(Answer::Listing(Box::new(listing)))) };
    if rest[filter].is(sql, "WHERE") {
        // MySQL filters: nobody else knows what its expressions mean.
        let by = format!("SELECT * FROM ({}) AS listing ", as_query(&listing, listed));
        let piece = Piece { start: rest[0].start, end: rest[filter].start, by: By::Text(by) };
        return Ok(Plan::Rewrite(Rewrite { pieces: vec![piece], notes: Vec::new() }));
    }
    let [pattern] = rest[filter + 1..] else { return Err(refused()) };
    if pattern.kind != TokenKind::String || pattern.of(sql).len() > MAX_LISTED_PATTERN_BYTES {
        return Err(refused());
    }
    let pattern = string_of(pattern.of(sql)).ok_or_else(refused)?;
    Ok(Plan::Answer(Answer::Listing(Box::new(like(listing, listed, &pattern)))))
}

/// The rows that are like the pattern: by their name in MySQL's listing, by anything in Vitess' ones.
fn like(mut listing: Listing, listed: Listed, pattern: &str) -> Listing {
    if listed == Listed::Databases {
        listing
            .rows
            .retain(|row| row.first().and_then(Option::as_deref).is_some_and(|v| is_like(v, pattern)));
        let renamed = |column: proto::wire::result::ResultColumn| {
            let name = format!("{} ({pattern})", column.name());
            column.named(name)
        };
        listing.columns = listing.columns.into_iter().map(renamed).collect();
        return listing;
    }
    let pattern = pattern.to_lowercase();
    listing.rows.retain(|row| row.iter().flatten().any(|value| is_like(&value.to_lowercase(), &pattern)));
    listing
}

/// A query that gives the listing.
fn as_query(listing: &Listing, listed: Listed) -> String {
    let value = |value: &Option<String>| match value {
        None => "NULL".to_owned(),
        Some(text) => {
            let quoted = format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"));
            match listed {
                // As MySQL compares the names of databases.
                Listed::Databases => format!("CONVERT({quoted} USING utf8mb4) COLLATE utf8mb4_bin"),
                _ => quoted,
            }
        }
    };
    let select = |row: &Vec<Option<String>>| {
        let named = row.iter().zip(&listing.columns);
        let items: Vec<String> =
            named.map(|(cell, column)| format!("{} AS `{}`", value(cell), column.name())).collect();
        format!("SELECT {}", items.join(", "))
    };
    if listing.rows.is_empty() {
        let nothing = vec![Some(String::new()); listing.columns.len()];
        return format!("{} LIMIT 0", select(&nothing));
    }
    listing.rows.iter().map(select).collect::<Vec<_>>().join(" UNION ALL ")
}
