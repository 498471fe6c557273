use std::collections::BTreeMap;

use proto::account::DataRole;
use proto::ids::KeyspaceName;
use serde::{Deserialize, Serialize};

/// What a user may do: a role in every keyspace, roles in some, or both. Where both speak of a keyspace, the
/// stronger one holds, as in MySQL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    /// In every keyspace, also in ones that come later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub everywhere: Option<DataRole>,
    /// In these.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keyspaces: BTreeMap<KeyspaceName, DataRole>,
}

impl Grants {
    /// The role in every keyspace.
    pub fn everywhere(role: DataRole) -> Self {
        Self { everywhere: Some(role), keyspaces: BTreeMap::new() }
    }

    /// The role in the keyspace; `None`: not even to see it.
    pub fn role(&self, keyspace: &KeyspaceName) -> Option<DataRole> {
        // The stronger of both; an absent role is the weakest.
        self.everywhere.max(self.keyspaces.get(keyspace).copied())
    }

    /// Whether the user may administer the cluster's users.
    pub fn administers(&self) -> bool {
        self.everywhere == Some(DataRole::Admin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stronger_role_holds() {
        let name = |text: &str| text.parse::<KeyspaceName>().unwrap();
        let keyspaces = BTreeMap::from([(name("shop"), DataRole::Write), (name("main"), DataRole::Read)]);
        let mut grants = Grants { everywhere: None, keyspaces };
        let roles = |grants: &Grants| ["shop", "main", "other"].map(|of| grants.role(&name(of)));
        assert_eq!(roles(&grants), [Some(DataRole::Write), Some(DataRole::Read), None]);
        grants.everywhere = Some(DataRole::Write);
        assert_eq!(roles(&grants), [Some(DataRole::Write); 3]);
        assert!(!grants.administers() && Grants::everywhere(DataRole::Admin).administers());
    }
}
