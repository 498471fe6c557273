//! Statements of a session that is narrowed to one shard, or to replicas.

use std::rc::Rc;

use proto::errors::{ClientError, ErrorId};

use super::{Request, target, to_any};
use crate::aim::Tablets;
use crate::plan::{Afterwards, Effect, Plan, Route, Scatter, Target};
use crate::sql::kind::Kind;

/// The plan of a statement for the one shard that the session is narrowed to: as it is. `None`: it is planned as
/// everywhere.
pub(super) fn on_shard(request: &Request<'_>, kind: Kind) -> Result<Option<Plan>, ClientError> {
    let Some(range) = &request.aim.shard else { return Ok(None) };
    let afterwards = match kind {
        Kind::Query
        | Kind::Insert
        | Kind::Update
        | Kind::Delete
        | Kind::Empty
        | Kind::Explain
        | Kind::ShowSchema
        | Kind::ShowTableStatus
        | Kind::ShowServer => Afterwards::Reuse,
        Kind::Maintenance | Kind::ServerOnly | Kind::Call => Afterwards::Close,
        Kind::Ddl(_) => return Err(ErrorId::ShardChosen.with("A schema change")),
        _ => return Ok(None),
    };
    // Its database is that of the connection: a name of another keyspace would be looked up on its server.
    let keyspace = target::by_names(request)?;
    let Plan::Route(route) = to_any(keyspace, afterwards) else { return Ok(None) };
    let route = Route { target: Target::Shard(range.clone()), ..Route::clone(&route) };
    Ok(Some(Plan::Route(Rc::new(route))))
}

/// The plan with replicas in place of primaries, as far as the session is narrowed to them.
pub(super) fn on_replicas(request: &Request<'_>, kind: Kind, plan: Plan) -> Result<Plan, ClientError> {
    if request.aim.tablets == Tablets::Primary {
        return Ok(plan);
    }
    let reads = matches!(
        kind,
        Kind::Query
            | Kind::Empty
            | Kind::Explain
            | Kind::ShowSchema
            | Kind::ShowServer
            | Kind::ShowTableStatus
    );
    match plan {
        Plan::Route(route) | Plan::RouteOnce(route) if reads => {
            let otherwise = route.otherwise.as_deref().map(|scatter| Rc::new(scatter_on_replicas(scatter)));
            let route = Route { tablets: Tablets::Replicas, otherwise, ..Route::clone(&route) };
            Ok(Plan::Route(Rc::new(route)))
        }
        Plan::Scatter(scatter) if reads && scatter.effect == Effect::Rows => {
            Ok(Plan::Scatter(Rc::new(scatter_on_replicas(&scatter))))
        }
        Plan::Answer(_)
        | Plan::Kill(_)
        | Plan::SetVariables(_)
        | Plan::Set(_)
        | Plan::Refuse { .. }
        | Plan::Rewrite(_)
        | Plan::Explain(_) => Ok(plan),
        Plan::TableStatus(_) => {
            Err(ErrorId::UnsupportedStatement.with("SHOW TABLE STATUS of several shards on replicas"))
        }
        _ => Err(ErrorId::ReplicaChosen.plain()),
    }
}

fn scatter_on_replicas(scatter: &Scatter) -> Scatter {
    let route = Route { tablets: Tablets::Replicas, ..scatter.route.clone() };
    Scatter { route, ..scatter.clone() }
}
