//! MySQL's privileges, and the roles that they come to.

use std::collections::BTreeSet;

use proto::account::DataRole;
use proto::errors::{ClientError, ErrorId};
use proto::ids::UserName;

use super::statement::Level;

/// Privileges as a statement names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Privileges {
    /// ALL PRIVILEGES: all that there is here.
    All,
    /// These. SHOW VIEW belongs to SELECT and is left out.
    Some(BTreeSet<&'static str>),
}

const READ: &[&str] = &["SELECT"];
const WRITE: &[&str] = &["INSERT", "UPDATE", "DELETE", "EXECUTE"];
const ADMIN: &[&str] = &[
    "CREATE",
    "DROP",
    "REFERENCES",
    "INDEX",
    "ALTER",
    "CREATE VIEW",
    "CREATE ROUTINE",
    "ALTER ROUTINE",
    "TRIGGER",
];
/// Comes with SELECT.
const WITH_SELECT: &str = "SHOW VIEW";

/// What a role can do, in the order in which MySQL shows privileges.
fn of_role(role: DataRole) -> impl Iterator<Item = &'static str> {
    let more: &[&[&str]] = match role {
        DataRole::Read => &[READ],
        DataRole::Write => &[READ, WRITE],
        DataRole::Admin => &[READ, WRITE, ADMIN],
    };
    more.iter().copied().flatten().copied()
}

/// The role as GRANT and SHOW GRANTS spell it.
pub fn spelled(role: DataRole) -> String {
    match role {
        DataRole::Admin => "ALL PRIVILEGES".to_owned(),
        role => of_role(role).collect::<Vec<_>>().join(", "),
    }
}

impl Privileges {
    /// Reads names in upper case, with one blank between their words; an error for what no role has.
    pub fn read(names: &[String]) -> Result<Self, ClientError> {
        let mut some = BTreeSet::new();
        for name in names {
            match name.as_str() {
                "ALL" | "ALL PRIVILEGES" => return Ok(Self::All),
                "USAGE" | WITH_SELECT => {}
                name => {
                    let known = of_role(DataRole::Admin).find(|known| *known == name);
                    some.insert(known.ok_or_else(|| ErrorId::AccountForm.with(unknown(name)))?);
                }
            }
        }
        Ok(Self::Some(some))
    }

    /// The role that somebody has with these privileges besides those of the role that they have.
    pub fn added_to(
        &self,
        role: Option<DataRole>,
        (on, user): (&Level, &UserName),
    ) -> Result<Option<DataRole>, ClientError> {
        let Self::Some(named) = self else { return Ok(Some(DataRole::Admin)) };
        let mut all: BTreeSet<&str> = role.into_iter().flat_map(of_role).collect();
        all.extend(named);
        exactly(&all).ok_or_else(|| {
            let next = DataRole::ALL.into_iter().find(|role| all.is_subset(&of_role(*role).collect()));
            let next = next.unwrap_or(DataRole::Admin);
            let spelled = spelled(next);
            ErrorId::InexactGrant
                .with(format_args!("GRANT {spelled} ON {on} TO '{user}'@'%', the role {next}"))
        })
    }

    /// The role that remains of one without these privileges.
    pub fn taken_from(
        &self,
        role: Option<DataRole>,
        (on, user): (&Level, &UserName),
    ) -> Result<Option<DataRole>, ClientError> {
        let (Self::Some(named), Some(role)) = (self, role) else { return Ok(None) };
        let all: BTreeSet<&str> = of_role(role).filter(|privilege| !named.contains(privilege)).collect();
        exactly(&all).ok_or_else(|| {
            let what = format!("REVOKE ALL ON {on} FROM '{user}'@'%', then grant a role that remains");
            ErrorId::InexactGrant.with(what)
        })
    }
}

fn unknown(privilege: &str) -> String {
    format!(
        "privilege {privilege} belongs to no role here; \
         roles are read (SELECT), write (with INSERT, UPDATE, DELETE, EXECUTE) and admin (ALL)"
    )
}

/// The role that has these privileges and no others; `Some(None)`: none are left.
fn exactly(privileges: &BTreeSet<&str>) -> Option<Option<DataRole>> {
    if privileges.is_empty() {
        return Some(None);
    }
    DataRole::ALL.into_iter().find(|role| of_role(*role).collect::<BTreeSet<_>>() == *privileges).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use DataRole::{Admin, Read, Write};

    fn privileges(names: &str) -> Privileges {
        Privileges::read(&names.split(", ").map(str::to_owned).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn privileges_add_up_to_roles_exactly_or_not_at_all() {
        let level = Level::Keyspace("shop".parse().unwrap());
        let user = "ann".parse().unwrap();
        let at = (&level, &user);
        let added = |role, names| privileges(names).added_to(role, at);
        assert_eq!(added(None, "SELECT, SHOW VIEW"), Ok(Some(Read)));
        assert_eq!(added(Some(Read), "INSERT, UPDATE, DELETE, EXECUTE"), Ok(Some(Write)));
        assert_eq!(added(Some(Admin), "SELECT"), Ok(Some(Admin)));
        assert_eq!(added(None, "ALL PRIVILEGES"), Ok(Some(Admin)));
        assert_eq!(added(None, "USAGE"), Ok(None));
        let every = of_role(Admin).collect::<Vec<_>>().join(", ");
        assert_eq!(added(None, &every), Ok(Some(Admin)));
        let inexact = added(None, "SELECT, INSERT").unwrap_err();
        let cure =
            "write GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE ON `shop`.* TO 'ann'@'%', the role write";
        assert!(inexact.message().contains(cure), "{inexact}");
        assert!(added(Some(Read), "DROP").unwrap_err().message().contains("GRANT ALL PRIVILEGES ON"));

        let taken = |role, names| privileges(names).taken_from(role, at);
        assert_eq!(taken(Some(Write), "INSERT, UPDATE, DELETE, EXECUTE"), Ok(Some(Read)));
        assert_eq!(taken(Some(Write), "ALL"), Ok(None));
        assert_eq!(taken(Some(Read), "SELECT"), Ok(None));
        assert_eq!(taken(Some(Read), "DROP"), Ok(Some(Read)));
        assert_eq!(taken(None, "SELECT"), Ok(None));
        assert!(taken(Some(Admin), "DROP").unwrap_err().message().contains("REVOKE ALL ON `shop`.*"));
        assert!(Privileges::read(&["EVENT".to_owned()]).is_err());
    }
}
