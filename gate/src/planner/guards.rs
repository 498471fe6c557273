//! What no statement may contain, whatever its kind.

use proto::errors::{ClientError, ErrorId};
use proto::ids::SIDECAR_SCHEMA;

use super::Request;
use crate::plan::{TRIAL_TABLE, TRIAL_VIEW};
use crate::sql::fingerprint::Marks;
use crate::sql::kind::Kind;
use crate::sql::words::Name;

/// Refuses what names Shoal's own schema, or what it makes in others for a moment.
pub(super) fn sidecar(request: &Request<'_>) -> Result<(), ClientError> {
    let own = [SIDECAR_SCHEMA, TRIAL_TABLE, TRIAL_VIEW];
    let is_own = |name: &Name<'_>| own.iter().any(|own| name.text.eq_ignore_ascii_case(own));
    if request.words.names.iter().any(is_own) {
        return Err(ErrorId::SidecarSchema.plain());
    }
    Ok(())
}

/// Refuses what could not be answered rightly.
pub(super) fn check(request: &Request<'_>, kind: Kind) -> Result<(), ClientError> {
    // Those that are read have been replaced by their values; what SET assigns stays.
    if request.marks.has(Marks::USER_VARIABLE) && kind != Kind::Set {
        return Err(ErrorId::SessionState.with("a user variable"));
    }
    if request.marks.has(Marks::UNTERMINATED) || request.marks.has(Marks::PLACEHOLDER) {
        return Err(ErrorId::NotUnderstood.plain());
    }
    match request.words.session_state() {
        Some(state) => Err(ErrorId::SessionState.with(state)),
        None => Ok(()),
    }
}
