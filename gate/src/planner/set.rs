//! SET, as far as it asks for what is so already.

use proto::errors::{ClientError, ErrorId};

use super::Request;
use crate::plan::{Answer, Plan};

/// `SET NAMES utf8mb4` and `SET autocommit = 1`; everything else would be state of a session.
pub(super) fn plan(request: &Request<'_>) -> Result<Plan, ClientError> {
    let words: String = request.raw.trim().trim_end_matches(';').to_ascii_lowercase().replace('=', " = ");
    let words: Vec<&str> = words.split_ascii_whitespace().collect();
    match words.as_slice() {
        ["set", "names", "utf8mb4" | "'utf8mb4'" | "\"utf8mb4\""] => {
            Ok(Plan::Answer(Answer::SetNamesUtf8mb4))
        }
        ["set", "autocommit" | "@@autocommit" | "@@session.autocommit", "=", "1" | "on" | "true"]
        | ["set", "session", "autocommit", "=", "1" | "on" | "true"] => Ok(Plan::Answer(Answer::Ok)),
        _ => Err(ErrorId::SessionState.with("what SET changes")),
    }
}
