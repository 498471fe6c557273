//! Plans that one thread keeps, so that a statement of a known form is neither parsed nor planned again.
//!
//! A plan is found by the statement's normalised text and the session's default database, compared in full:
//! a hash alone could be collided on purpose. It is good as long as its keyspace has the same plan version.
//! Only what goes to shards is kept; refusals are rare and may depend on more.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use proto::ids::KeyspaceName;
use topo::snapshot::Snapshot;

use crate::aim::Database;
use crate::limits::{MAX_CACHED_PLANS, MAX_CACHED_TEXT_BYTES};
use crate::plan::Plan;

/// The plans of one thread.
#[derive(Default)]
pub struct PlanCache {
    /// By default database (`None`: no default database), then by normalised text.
    plans: HashMap<Option<Database>, HashMap<Vec<u8>, Kept, RandomState>, RandomState>,
    size: usize,
}

struct Kept {
    plan: Plan,
    keyspace: KeyspaceName,
    plan_version: u64,
}

impl PlanCache {
    /// The plan of a statement, if it is known and still good.
    pub fn get(&self, text: &[u8], database: &Option<Database>, snapshot: &Snapshot) -> Option<Plan> {
        let kept = self.plans.get(database)?.get(text)?;
        let keyspace = snapshot.keyspace(kept.keyspace.as_str())?;
        (keyspace.plan_version == kept.plan_version).then(|| kept.plan.clone())
    }

    /// Keeps a plan that was made for the text, if it is one to be kept.
    pub fn keep(&mut self, text: &[u8], database: &Option<Database>, snapshot: &Snapshot, plan: &Plan) {
        let keyspace = plan.keyspace().and_then(|keyspace| snapshot.keyspace(keyspace.as_str()));
        let Some(keyspace) = keyspace else { return };
        if text.len() > MAX_CACHED_TEXT_BYTES {
            return;
        }
        if self.size >= MAX_CACHED_PLANS {
            self.plans.clear();
            self.size = 0;
        }
        let kept =
            Kept { plan: plan.clone(), keyspace: keyspace.name.clone(), plan_version: keyspace.plan_version };
        let of_database = self.plans.entry(database.clone()).or_default();
        self.size += usize::from(of_database.insert(text.to_vec(), kept).is_none());
    }
}
