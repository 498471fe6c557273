use std::os::unix::fs::PermissionsExt;

use super::*;

/// A stand-in for mysqld: a shell script.
async fn stand_in(dir: &Path, initialize: &str) -> Installation {
    let program = dir.join("mysqld");
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && {{ echo 'mysqld  Ver 9.9.9 for Linux'; exit; }}\n\
         for a; do case $a in --datadir=*) d=${{a#*=}};; esac; done\n{initialize}\n"
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    Installation::judge(&program).await.unwrap()
}

#[tokio::test]
async fn the_template_is_made_once_and_copied_without_its_identity() {
    let dir = tempfile::tempdir().unwrap();
    let made =
        "mkdir -p $d/mysql && echo x > $d/auto.cnf && echo y > $d/mysql/t.ibd && echo made >> $d/../count";
    let installation = stand_in(dir.path(), made).await;
    let cache = dir.path().join("cache");
    std::thread::scope(|scope| {
        for n in 0..4 {
            let (installation, cache) = (&installation, &cache);
            let data = dir.path().join(format!("data{n}"));
            scope.spawn(move || provide(installation, cache, &data).unwrap());
        }
    });
    for n in 0..4 {
        let data = dir.path().join(format!("data{n}"));
        assert_eq!(std::fs::read_to_string(data.join("mysql/t.ibd")).unwrap(), "y\n");
        assert!(!data.join(IDENTITY_FILE).exists());
    }
    assert_eq!(std::fs::read_to_string(cache.join("templates/count")).unwrap(), "made\n");
}

#[tokio::test]
async fn data_that_is_there_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let installation = stand_in(dir.path(), "exit 1").await;
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    provide(&installation, &dir.path().join("cache"), &data).unwrap();
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 0);
}

#[tokio::test]
async fn a_mysqld_that_cannot_initialise_is_quoted_and_leaves_no_template() {
    let dir = tempfile::tempdir().unwrap();
    let installation = stand_in(dir.path(), "mkdir $d; echo '[ERROR] no such luck'; exit 3").await;
    let cache = dir.path().join("cache");
    let data = dir.path().join("data");
    for _ in 0..2 {
        let error = provide(&installation, &cache, &data).unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.contains("no such luck"), "{error}");
        assert!(!data.exists() && !cache.join("templates/mysql-9.9.9").exists());
    }
}
