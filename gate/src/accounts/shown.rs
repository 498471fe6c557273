//! SHOW GRANTS and SHOW CREATE USER.

use topo::records::Grants;

use super::privileges::spelled;
use super::statement::Level;

/// The statements that give a user these rights, in MySQL's order and words.
pub fn grants(user: &str, grants: &Grants) -> Vec<String> {
    let to = format!("TO `{user}`@`%`");
    let everywhere = match grants.everywhere {
        None => format!("GRANT USAGE ON *.* {to}"),
        // Whoever may do all may make users and grant rights.
        Some(_) if grants.administers() => format!("GRANT ALL PRIVILEGES ON *.* {to} WITH GRANT OPTION"),
        Some(role) => format!("GRANT {} ON *.* {to}", spelled(role)),
    };
    let keyspaces = grants
        .keyspaces
        .iter()
        .map(|(name, role)| format!("GRANT {} ON {} {to}", spelled(*role), Level::Keyspace(name.clone())));
    [everywhere].into_iter().chain(keyspaces).collect()
}

/// The statement that makes a user, without the password's hash, which stays where it is.
pub fn created(user: &str) -> String {
    format!(
        "CREATE USER `{user}`@`%` IDENTIFIED WITH 'caching_sha2_password' AS '<secret>' REQUIRE NONE \
         PASSWORD EXPIRE DEFAULT ACCOUNT UNLOCK PASSWORD HISTORY DEFAULT PASSWORD REUSE INTERVAL DEFAULT \
         PASSWORD REQUIRE CURRENT DEFAULT"
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proto::account::DataRole;

    use super::*;

    #[test]
    fn grants_are_statements_that_give_them() {
        let keyspaces = BTreeMap::from([
            ("main".parse().unwrap(), DataRole::Read),
            ("shop".parse().unwrap(), DataRole::Admin),
        ]);
        let shown = grants("ann", &Grants { everywhere: None, keyspaces });
        let expected = [
            "GRANT USAGE ON *.* TO `ann`@`%`",
            "GRANT SELECT ON `main`.* TO `ann`@`%`",
            "GRANT ALL PRIVILEGES ON `shop`.* TO `ann`@`%`",
        ];
        assert_eq!(shown, expected);
        let shown = grants("ann", &Grants::everywhere(DataRole::Write));
        assert_eq!(shown, ["GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE ON *.* TO `ann`@`%`"]);
        let shown = grants("ann", &Grants::everywhere(DataRole::Admin));
        assert_eq!(shown, ["GRANT ALL PRIVILEGES ON *.* TO `ann`@`%` WITH GRANT OPTION"]);
    }
}
