use super::*;

fn reads(text: &str) -> AccountStatement {
    read(text, None).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn name(text: &str) -> UserName {
    text.parse().unwrap()
}

#[test]
fn users_are_read_with_their_passwords() {
    let secret = || Password("se'cr\\et".into());
    let created = AccountStatement::Create { users: vec![(name("ann"), secret())], if_not_exists: false };
    for text in [
        "CREATE USER ann IDENTIFIED BY 'se''cr\\\\et'",
        "create user 'ann'@'%' identified with 'caching_sha2_password' by \"se'cr\\\\et\" require none account unlock;",
        "/* x */ Create User `ann`@`%` -- y\n Identified By 'se\\'cr\\\\et'",
    ] {
        assert_eq!(reads(text), created, "{text}");
    }
    assert!(!format!("{created:?}").contains("se'cr"));
    let both = reads("CREATE USER IF NOT EXISTS a IDENTIFIED BY 'x', b@'%' IDENTIFIED BY 'y'");
    assert_eq!((both.users(&name("me")), both.passwords().len()), (vec![name("a"), name("b")], 2));
    let own = AccountStatement::SetPasswords {
        users: vec![(Subject::Current, secret())],
        if_exists: false,
        command: PasswordCommand::SetPassword,
    };
    assert_eq!(reads("SET PASSWORD = \"se'cr\\\\et\""), own);
    let own = AccountStatement::SetPasswords {
        users: vec![(Subject::Current, secret())],
        if_exists: true,
        command: PasswordCommand::AlterUser,
    };
    assert_eq!(reads("ALTER USER IF EXISTS USER() IDENTIFIED BY \"se'cr\\\\et\""), own);
    assert_eq!(
        reads("RENAME USER a TO b, c TO d"),
        AccountStatement::Rename(vec![(name("a"), name("b")), (name("c"), name("d")),])
    );
    assert_eq!(
        reads("DROP USER IF EXISTS 'a.b-c'@'%'"),
        AccountStatement::Drop { users: vec![name("a.b-c")], if_exists: true }
    );
}

#[test]
fn rights_are_read_with_where_they_hold() {
    let shop: KeyspaceName = "shop_1".parse().unwrap();
    let grant = |privileges: &[&str], on: Level| AccountStatement::Grant {
        privileges: Privileges::read(&privileges.iter().map(|&p| p.to_owned()).collect::<Vec<_>>()).unwrap(),
        on,
        users: vec![name("ann")],
    };
    let in_shop = || Level::Keyspace(shop.clone());
    assert_eq!(reads("GRANT SELECT, show  VIEW ON shop_1.* TO ann@'%'"), grant(&["SELECT"], in_shop()));
    assert_eq!(reads("grant all privileges on `shop\\_1`.* to ann"), grant(&["ALL"], in_shop()));
    assert_eq!(read("grant all on * to ann", Some(&shop)), Ok(grant(&["ALL"], in_shop())));
    assert_eq!(reads("GRANT ALL ON *.* TO ann WITH GRANT OPTION"), grant(&["ALL"], Level::Everywhere));
    let revoke = |on| AccountStatement::Revoke { privileges: Privileges::All, on, users: vec![name("ann")] };
    assert_eq!(reads("REVOKE ALL PRIVILEGES, GRANT OPTION FROM ann"), revoke(None));
    assert_eq!(reads("REVOKE ALL ON *.* FROM ann"), revoke(Some(Level::Everywhere)));
    assert_eq!(reads("SHOW GRANTS FOR CURRENT_USER()"), AccountStatement::ShowGrants(Subject::Current));
    assert_eq!(reads("SHOW GRANTS"), AccountStatement::ShowGrants(Subject::Current));
    assert_eq!(reads("SHOW CREATE USER ann"), AccountStatement::ShowCreate(Subject::Named(name("ann"))));
}

#[test]
fn what_has_no_meaning_is_refused_with_the_cure_and_without_the_password() {
    let cases = [
        ("CREATE USER ann", "IDENTIFIED BY and the password"),
        ("CREATE USER ann IDENTIFIED BY ''", "write a password between the quotes"),
        ("CREATE USER ann IDENTIFIED WITH mysql_native_password BY 'hunter2'", "caching_sha2_password only"),
        ("CREATE USER ann IDENTIFIED WITH caching_sha2_password AS 'hunter2'", "not its hash"),
        ("CREATE USER ann IDENTIFIED BY RANDOM PASSWORD", "random ones are not made"),
        ("CREATE USER ann@localhost IDENTIFIED BY 'hunter2'", "write 'name'@'%'"),
        ("CREATE USER 'ann'@'10.%' IDENTIFIED BY 'hunter2'", "write 'name'@'%'"),
        ("CREATE USER 'a/n' IDENTIFIED BY 'hunter2'", "\"a/n\" is not valid"),
        ("CREATE USER '' IDENTIFIED BY 'hunter2'", "is not valid"),
        ("CREATE USER ann IDENTIFIED BY 'hunter2' REQUIRE SSL", "leave REQUIRE out"),
        ("CREATE USER ann IDENTIFIED BY 'hunter2' ACCOUNT LOCK", "DROP USER, or REVOKE"),
        ("CREATE USER ann IDENTIFIED BY 'hunter2' PASSWORD EXPIRE", "leave the others out"),
        ("CREATE USER ann IDENTIFIED BY 'hunter2' DEFAULT ROLE r", "no roles"),
        ("CREATE USER /*!80000 IF NOT EXISTS */ ann IDENTIFIED BY 'hunter2'", "SH2010"),
        ("CREATE USER ann IDENTIFIED BY 'hunter2", "is not known"),
        ("CREATE USER ann IDENTIFIED BY 'hunter2' 'hunter2'", "is not known"),
        ("ALTER USER ann IDENTIFIED BY 'hunter2' REPLACE 'hunter2'", "leave the option out"),
        ("ALTER USER ann ACCOUNT LOCK", "changes passwords only"),
        ("SET PASSWORD TO RANDOM", "SET PASSWORD ="),
        ("CREATE ROLE r", "no roles"),
        ("DROP ROLE r", "no roles"),
        ("GRANT r TO ann", "no roles"),
        ("GRANT 'r'@'%' TO ann", "no roles"),
        ("GRANT SELECT ON shop.t TO ann", "ON `keyspace`.*"),
        ("GRANT SELECT ON t TO ann", "ON `keyspace`.*"),
        ("GRANT SELECT (a) ON shop.* TO ann", "not of columns"),
        ("GRANT EXECUTE ON PROCEDURE shop.p TO ann", "ON `keyspace`.*"),
        ("GRANT SELECT ON `sh%`.* TO ann", "patterns are not known"),
        ("GRANT PROXY ON a TO ann", "PROXY cannot be granted"),
        ("GRANT EVENT ON shop.* TO ann", "EVENT belongs to no role"),
        ("GRANT SUPER ON *.* TO ann", "SUPER belongs to no role"),
        ("GRANT ALL ON shop.* TO ann WITH GRANT OPTION", "leave WITH GRANT OPTION out"),
        ("GRANT SELECT ON * TO ann", "No database selected"),
        ("REVOKE IF EXISTS SELECT ON shop.* FROM ann", "leave IF EXISTS out"),
        ("REVOKE r FROM ann", "no roles"),
        ("SHOW GRANTS FOR ann USING r", "no roles"),
        ("GRANT", "is not known"),
        ("CREATE USER \u{fffd} IDENTIFIED BY 'hunter2'", "in utf8mb4"),
    ];
    for (text, cure) in cases {
        let error = read(text, None).expect_err(text);
        assert!(error.message().contains(cure), "{text}: {error}");
        assert!(!error.message().contains("hunter2"), "{text}: {error}");
    }
    let long = read(&format!("DROP USER {}", "x".repeat(33)), None).unwrap_err();
    assert_eq!(long.id, ErrorId::LongUserName);
    let many = vec!["x"; MAX_USERS_PER_STATEMENT + 1].join(", ");
    assert!(read(&format!("DROP USER {many}"), None).is_err());
}
