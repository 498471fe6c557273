use topo::records::Grants;

use super::*;
use crate::accounts::read::read;

fn name(text: &str) -> UserName {
    text.parse().unwrap()
}

/// Applies statements one after the other, as admin `app`, to users who have no hash but their number.
struct Bed(Users);

impl Bed {
    fn new() -> Self {
        let of_file = UserRecord {
            password_hash: "file".into(),
            grants: Grants::everywhere(DataRole::Admin),
            origin: UserOrigin::File,
        };
        Self(Users::from([(name("app"), Some(of_file))]))
    }

    /// What the statement says: its notes, or its error.
    fn says(&mut self, text: &str) -> String {
        let statement = read(text, None).unwrap_or_else(|error| panic!("{text}: {error}"));
        let hashes: Vec<String> = statement.passwords().iter().map(|p| format!("hash of {}", p.0)).collect();
        match change(&statement, &hashes, &name("app"), &self.0) {
            Ok(change) => {
                self.0.extend(change.users);
                let notes: Vec<String> =
                    change.notes.iter().map(|note| format!("{} {note}", note.id.row().code)).collect();
                notes.join("; ")
            }
            Err(error) => {
                format!("{} {}", error.id.row().code, error.message())
            }
        }
    }

    fn does(&mut self, text: &str) {
        assert_eq!(self.says(text), "", "{text}");
    }

    fn user(&self, user: &str) -> &UserRecord {
        self.0[&name(user)].as_ref().unwrap()
    }

    fn roles(&self, user: &str) -> [Option<DataRole>; 3] {
        let Grants { everywhere, keyspaces } = &self.user(user).grants;
        let of = |keyspace: &str| keyspaces.get(&keyspace.parse().unwrap()).copied();
        [*everywhere, of("shop"), of("main")]
    }
}

#[test]
fn users_are_made_changed_and_dropped_in_mysqls_words() {
    let mut bed = Bed::new();
    bed.does("CREATE USER a IDENTIFIED BY 'x', b IDENTIFIED BY 'y'");
    assert_eq!(bed.user("b").password_hash, "hash of y");
    assert_eq!((bed.user("b").origin, bed.roles("b")), (UserOrigin::Sql, [None; 3]));
    let said = bed.says("CREATE USER a IDENTIFIED BY 'z', c IDENTIFIED BY 'z'");
    assert_eq!(said, "1396 Operation CREATE USER failed for 'a'@'%' (User account already exists)");
    assert!(!bed.0.contains_key(&name("c")), "all or nothing");
    let said = bed.says("CREATE USER IF NOT EXISTS a IDENTIFIED BY 'z', c IDENTIFIED BY 'z'");
    assert_eq!(said, "3163 Authorization ID 'a'@'%' already exists.");
    assert_eq!(
        (bed.user("a").password_hash.as_str(), bed.user("c").password_hash.as_str()),
        ("hash of x", "hash of z")
    );

    bed.does("GRANT SELECT ON shop.* TO a");
    bed.does("ALTER USER a IDENTIFIED BY 'w'");
    assert_eq!(
        (bed.user("a").password_hash.as_str(), bed.roles("a")[1]),
        ("hash of w", Some(DataRole::Read))
    );
    bed.does("SET PASSWORD FOR a = 'v'");
    assert_eq!(bed.user("a").password_hash, "hash of v");
    assert_eq!(bed.says("SET PASSWORD FOR no = 'v'"), "1133 Can't find any matching row in the user table");
    let said = bed.says("ALTER USER no IDENTIFIED BY 'v'");
    assert_eq!(said, "1396 Operation ALTER USER failed for 'no'@'%' (User account does not exist)");
    assert_eq!(
        bed.says("ALTER USER IF EXISTS no IDENTIFIED BY 'v'"),
        "3162 Authorization ID 'no'@'%' does not exist."
    );

    bed.does("RENAME USER a TO d, b TO a");
    assert_eq!(
        (bed.user("d").password_hash.as_str(), bed.user("a").password_hash.as_str()),
        ("hash of v", "hash of y")
    );
    for wrong in ["RENAME USER no TO x", "RENAME USER d TO d", "RENAME USER d TO x, a TO x"] {
        let said = bed.says(wrong);
        assert!(said.starts_with("1396 Operation RENAME USER failed for '"), "{said}");
    }
    let said = bed.says("DROP USER d, no");
    assert_eq!(said, "1396 Operation DROP USER failed for 'no'@'%' (User account does not exist)");
    bed.does("DROP USER d");
    assert_eq!(bed.0[&name("d")], None);
    assert_eq!(bed.says("DROP USER IF EXISTS d"), "3162 Authorization ID 'd'@'%' does not exist.");
}

#[test]
fn rights_are_granted_and_revoked_at_their_level() {
    use DataRole::{Admin, Read, Write};
    let mut bed = Bed::new();
    bed.does("CREATE USER a IDENTIFIED BY 'x', b IDENTIFIED BY 'y'");
    let steps = [
        ("GRANT SELECT ON shop.* TO a, b", [None, Some(Read), None]),
        ("GRANT INSERT, UPDATE, DELETE, EXECUTE ON shop.* TO a", [None, Some(Write), None]),
        ("GRANT SELECT ON *.* TO a", [Some(Read), Some(Write), None]),
        ("GRANT ALL ON main.* TO a", [Some(Read), Some(Write), Some(Admin)]),
        ("GRANT USAGE ON *.* TO a", [Some(Read), Some(Write), Some(Admin)]),
        ("REVOKE INSERT, UPDATE, DELETE, EXECUTE ON shop.* FROM a", [Some(Read), Some(Read), Some(Admin)]),
        ("REVOKE ALL ON *.* FROM a", [None, Some(Read), Some(Admin)]),
        ("REVOKE INSERT ON *.* FROM a", [None, Some(Read), Some(Admin)]),
        ("REVOKE SELECT ON shop.* FROM a", [None, None, Some(Admin)]),
        ("REVOKE ALL, GRANT OPTION FROM a", [None, None, None]),
    ];
    for (text, roles) in steps {
        bed.does(text);
        assert_eq!(bed.roles("a"), roles, "{text}");
    }
    assert_eq!(bed.roles("b"), [None, Some(Read), None]);
    let no_grant = |user: &str| format!("1141 There is no such grant defined for user '{user}' on host '%'");
    assert_eq!(bed.says("REVOKE SELECT ON shop.* FROM a"), no_grant("a"));
    assert_eq!(bed.says("REVOKE SELECT ON shop.* FROM no"), no_grant("no"));
    assert_eq!(
        bed.says("GRANT SELECT ON shop.* TO no"),
        "1410 You are not allowed to create a user with GRANT"
    );
    let said = bed.says("REVOKE ALL, GRANT OPTION FROM no");
    assert_eq!(said, "1269 Can't revoke all privileges for one or more of the requested users");
    assert!(bed.says("GRANT INSERT ON shop.* TO b").contains("(SH2047)"));
    assert_eq!(bed.roles("b"), [None, Some(Read), None]);
}

#[test]
fn users_of_the_file_are_changed_there() {
    let mut bed = Bed::new();
    for text in [
        "DROP USER app",
        "ALTER USER app IDENTIFIED BY 'x'",
        "SET PASSWORD = 'x'",
        "RENAME USER app TO other",
        "GRANT ALL ON *.* TO app",
        "REVOKE ALL ON *.* FROM app",
        "REVOKE ALL, GRANT OPTION FROM app",
    ] {
        let said = bed.says(text);
        assert!(
            said.contains("user app stands in the cluster file") && said.contains("(SH2048)"),
            "{text}: {said}"
        );
    }
    assert_eq!(
        bed.says("CREATE USER IF NOT EXISTS app IDENTIFIED BY 'x'"),
        "3163 Authorization ID 'app'@'%' already exists."
    );
    assert_eq!(bed.user("app").password_hash, "file");
}

#[test]
fn only_who_administers_the_cluster_changes_users_and_everybody_their_own_password() {
    let mut rights = Rights::admin("ann");
    let allowed = |text: &str, rights: &Rights| match allow(&read(text, None).unwrap(), rights) {
        Ok(()) => "yes".to_owned(),
        Err(error) => format!("{} {}", error.id.row().code, error.message()),
    };
    let needs =
        "1227 Access denied; you need (at least one of) the CREATE USER privilege(s) for this operation";
    let cases = [
        ("CREATE USER a IDENTIFIED BY 'x'", needs),
        ("DROP USER a", needs),
        ("RENAME USER ann TO a", needs),
        ("ALTER USER a IDENTIFIED BY 'x'", needs),
        ("ALTER USER a IDENTIFIED BY 'x', ann IDENTIFIED BY 'x'", needs),
        ("REVOKE ALL, GRANT OPTION FROM a", needs),
        ("GRANT SELECT ON shop.* TO ann", "1044 Access denied for user 'ann'@'%' to database 'shop'"),
        ("REVOKE SELECT ON shop.* FROM a", "1044 Access denied for user 'ann'@'%' to database 'shop'"),
        ("GRANT SELECT ON *.* TO ann", "1045 Access denied for user 'ann'@'%' (using password: YES)"),
        ("REVOKE SELECT ON *.* FROM a", "1045 Access denied for user 'ann'@'%' (using password: YES)"),
        ("SET PASSWORD FOR a = 'x'", "1044 Access denied for user 'ann'@'%' to database 'mysql'"),
        ("SHOW GRANTS FOR a", "1044 Access denied for user 'ann'@'%' to database 'mysql'"),
        ("SHOW CREATE USER a", "1044 Access denied for user 'ann'@'%' to database 'mysql'"),
        ("SHOW GRANTS", "yes"),
        ("SHOW GRANTS FOR ann", "yes"),
        ("SHOW CREATE USER CURRENT_USER()", "yes"),
        ("SET PASSWORD = 'x'", "yes"),
        ("ALTER USER ann IDENTIFIED BY 'x'", "yes"),
    ];
    for (text, _) in cases {
        assert_eq!(allowed(text, &rights), "yes", "{text}");
    }
    // Admin in a keyspace, and writing everywhere, is not enough.
    let keyspaces = BTreeMap::from([("shop".parse().unwrap(), DataRole::Admin)]);
    rights = rights.with(Grants { everywhere: Some(DataRole::Write), keyspaces });
    for (text, expected) in cases {
        assert_eq!(allowed(text, &rights), expected, "{text}");
    }
}
