//! SET, as far as it is served.

use proto::errors::ClientError;

use super::{Request, setting};
use crate::plan::{Plan, TransactionStep};

/// `SET autocommit`; for the rest see `setting`.
pub(super) fn plan(request: &Request<'_>) -> Result<Plan, ClientError> {
    let words: String = request.raw.trim().trim_end_matches(';').to_ascii_lowercase().replace('=', " = ");
    let words: Vec<&str> = words.split_ascii_whitespace().collect();
    match words.as_slice() {
        ["set", "autocommit" | "@@autocommit" | "@@session.autocommit", "=", value]
        | ["set", "session", "autocommit", "=", value] => {
            let on = match *value {
                "1" | "on" | "true" => true,
                "0" | "off" | "false" => false,
                _ => return setting::plan(request),
            };
            Ok(Plan::Transaction { step: TransactionStep::Autocommit(on), snapshot_of: None })
        }
        _ => setting::plan(request),
    }
}
