//! SET, as far as it asks for what is so already.

use proto::errors::ClientError;

use super::{Request, setting};
use crate::plan::{Answer, Plan};

/// `SET autocommit = 1`; for the rest see `setting`.
pub(super) fn plan(request: &Request<'_>) -> Result<Plan, ClientError> {
    let words: String = request.raw.trim().trim_end_matches(';').to_ascii_lowercase().replace('=', " = ");
    let words: Vec<&str> = words.split_ascii_whitespace().collect();
    match words.as_slice() {
        ["set", "autocommit" | "@@autocommit" | "@@session.autocommit", "=", "1" | "on" | "true"]
        | ["set", "session", "autocommit", "=", "1" | "on" | "true"] => Ok(Plan::Answer(Answer::Ok)),
        _ => setting::plan(request),
    }
}
