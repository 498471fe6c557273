//! EXPLAIN and VEXPLAIN: the statement after those words is planned, and what is asked about that plan is the answer.

use std::rc::Rc;

use proto::errors::{ClientError, ErrorId};

use super::{Request, decide, rows_statement, target};
use crate::plan::{Afterwards, Explain, Form, Plan, Route};
use crate::sql::kind::{Kind, kind_of};
use crate::sql::tokens::{TokenKind, tokens};
use crate::sql::words::{Name, Words};

/// VEXPLAIN [PLAN | QUERIES] statement.
pub(super) fn vexplain(request: &Request<'_>) -> Result<Plan, ClientError> {
    let form = request.words.names.get(1).map(Name::keyword).unwrap_or_default();
    let (form, words) = match form.as_str() {
        "PLAN" => (Form::Plan, 2),
        "QUERIES" => (Form::Queries, 2),
        "ALL" | "TRACE" | "KEYS" => {
            let what = format!("VEXPLAIN {form} (VEXPLAIN PLAN and VEXPLAIN QUERIES are)");
            return Err(ErrorId::UnsupportedStatement.with(what));
        }
        _ => (Form::Plan, 1),
    };
    let inner = Inner::after(request, words).ok_or_else(|| ErrorId::NotUnderstood.plain())?;
    let plan = inner.with(request, |inner| {
        if matches!(kind_of(inner.words), Kind::Empty | Kind::Vexplain | Kind::Explain) {
            return Err(ErrorId::NotUnderstood.plain());
        }
        decide(inner)
    })?;
    Ok(Plan::Explain(Box::new(Explain { plan, form, from: inner.raw_at })))
}

/// EXPLAIN of a statement: MySQL's own, where the statement goes to one shard.
pub(super) fn explain(request: &Request<'_>) -> Result<Plan, ClientError> {
    if let Some(keyspace) = target::unsharded_throughout(request) {
        return Ok(super::to_any(keyspace, Afterwards::Reuse));
    }
    let words = &request.words.names;
    let is_option = |name: &Name<'_>| name.is_one_of(&["ANALYZE", "EXTENDED", "PARTITIONS", "FORMAT"]);
    let options = words.iter().skip(1).take_while(|name| is_option(name)).count();
    let formatted = words.get(options).is_some_and(|name| name.is("FORMAT"));
    // `FORMAT = TREE` has one word more; the `=` is none.
    let skipped = 1 + options + usize::from(formatted);
    let begins = words.get(skipped).is_some_and(|name| {
        name.is_one_of(&["SELECT", "WITH", "INSERT", "REPLACE", "UPDATE", "DELETE", "TABLE", "VALUES"])
    });
    if !begins {
        return super::unsharded_only(request, "this EXPLAIN", Afterwards::Reuse);
    }
    let inner = Inner::after(request, skipped).ok_or_else(|| ErrorId::NotUnderstood.plain())?;
    inner.with(request, |inner| match rows_statement(inner, kind_of(inner.words))? {
        // One shard would tell its own part of what goes to all.
        Plan::Route(route) => Ok(Plan::Route(Rc::new(Route { otherwise: None, ..Route::clone(&route) }))),
        Plan::RouteOnce(route) => Ok(Plan::RouteOnce(route)),
        _ => Err(ErrorId::UnsupportedStatement.with(
            "EXPLAIN of a statement for several shards (VEXPLAIN shows how it is done, USE of one shard how MySQL does its part)",
        )),
    })
}

/// The statement inside another one.
struct Inner<'a> {
    text: &'a str,
    raw: &'a str,
    /// Where it begins in the client's text.
    raw_at: usize,
}

impl<'a> Inner<'a> {
    /// What follows so many words and an `=` between them.
    fn after(request: &Request<'a>, words: usize) -> Option<Self> {
        let mut text = request.text;
        for _ in 0..words {
            text = text.trim_start_matches([' ', '=']);
            let length =
                text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
            if length == 0 {
                return None;
            }
            text = &text[length..];
        }
        let sql = request.raw.as_bytes();
        let is_skipped = |kind| matches!(kind, TokenKind::Comment | TokenKind::Symbol);
        let mut left = words;
        let cut = tokens(sql)?;
        let first = cut.iter().find(|token| {
            if left == 0 {
                return token.kind != TokenKind::Comment;
            }
            left -= usize::from(!is_skipped(token.kind));
            false
        });
        let raw_at = first?.start;
        Some(Self { text: text.trim_start(), raw: &request.raw[raw_at..], raw_at })
    }

    /// Plans it with everything else of the statement around it.
    fn with<T>(
        &self,
        request: &Request<'a>,
        plan: impl FnOnce(&Request<'_>) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let words = Words::read(self.text);
        plan(&Request { text: self.text, words: &words, raw: self.raw, ..*request })
    }
}
