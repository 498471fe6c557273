//! SET, as far as it is served.

use proto::errors::ClientError;

use super::{Request, setting, transaction};
use crate::plan::{Plan, TransactionStep};

/// `SET autocommit` and SET TRANSACTION; for the rest see `setting`.
pub(super) fn plan(request: &Request<'_>) -> Result<Plan, ClientError> {
    if request.words.names.get(1).is_some_and(|second| second.is("TRANSACTION") && !second.is_set()) {
        return transaction::next(request);
    }
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
