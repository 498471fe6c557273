//! The house rules, kept by the whole workspace; and for each rule a breach that it is shown to catch.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::reference;
use tests::tidy::ratchet::{LONG_FILES, LONG_FUNCTIONS, LongFile, LongFunction};
use tests::tidy::{Breach, Source, crates, error_ids, names, panics, read_workspace, rooms, sizes, words};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn workspace() -> Result<Vec<Source>> {
    let sources = read_workspace(&root())?;
    ensure!(sources.len() > 50, "only {} files were found", sources.len());
    Ok(sources)
}

#[track_caller]
fn assert_none(breaches: impl IntoIterator<Item = Breach>) {
    let found: Vec<String> = breaches.into_iter().map(|breach| breach.to_string()).collect();
    assert!(found.is_empty(), "{} breaches\n{}", found.len(), found.join("\n"));
}

/// The one breach that was planted, in this line, whose explanation has this word.
#[track_caller]
fn assert_caught(breaches: Vec<Breach>, line: usize, word: &str) {
    assert_eq!(breaches.len(), 1, "{breaches:?}");
    assert!(breaches[0].line == line && breaches[0].what.contains(word), "{breaches:?}");
}

fn rust(text: &str) -> Source {
    Source::new("gate/src/sample.rs", text)
}

// ---- the workspace ---------------------------------------------------------------------

#[test]
fn files_and_functions_are_of_a_good_size() -> Result<()> {
    let sources = workspace()?;
    let rust = || sources.iter().filter(|source| source.is_rust());
    assert_none(
        rust()
            .flat_map(|source| sizes::file(source, LONG_FILES))
            .chain(rust().flat_map(|source| sizes::functions(source, LONG_FUNCTIONS)))
            .chain(sizes::stale_exceptions(&sources, LONG_FILES, LONG_FUNCTIONS)),
    );
    Ok(())
}

#[test]
fn the_reference_says_what_the_code_says() -> Result<()> {
    let wanted = reference::text(&workspace()?)?;
    let file = root().join(reference::PATH);
    if std::env::var_os(reference::WRITE).is_some() {
        std::fs::write(file, wanted)?;
        return Ok(());
    }
    assert_none(reference::drift(&wanted, &std::fs::read_to_string(file).unwrap_or_default()));
    Ok(())
}

#[test]
fn names_say_something() -> Result<()> {
    assert_none(workspace()?.iter().flat_map(names::check));
    Ok(())
}

#[test]
fn nothing_panics_outside_tests() -> Result<()> {
    let sources = workspace()?;
    assert_none(panics::check_all(&sources));
    // Integration tests are compiled for tests only, whatever their names are.
    let linked: Vec<Source> = sources.into_iter().filter(|source| source.path.contains("/src/")).collect();
    assert_none(panics::compiled_always(&linked));
    Ok(())
}

#[test]
fn crates_need_each_other_in_one_direction() -> Result<()> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"])
        .arg(root().join("Cargo.toml"))
        .output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata gave no JSON")?;
    ensure!(metadata["packages"].as_array().is_some_and(|packages| packages.len() > 5), "no packages");
    assert_none(crates::check(&metadata));
    let architecture = std::fs::read_to_string(root().join("ARCHITECTURE.md"))?;
    assert_none(crates::unexplained(&metadata, &architecture));
    Ok(())
}

#[test]
fn rooms_use_only_what_they_may() -> Result<()> {
    assert_none(workspace()?.iter().flat_map(rooms::check));
    Ok(())
}

#[test]
fn the_text_has_no_foreign_words() -> Result<()> {
    assert_none(workspace()?.iter().flat_map(words::check));
    Ok(())
}

#[test]
fn every_error_has_its_own_id_and_is_given() -> Result<()> {
    let sources = workspace()?;
    let table =
        sources.iter().find(|source| source.path == "proto/src/errors.rs").context("no error table")?;
    assert_none(error_ids::check(table, &sources));
    Ok(())
}

// ---- planted breaches ------------------------------------------------------------------

fn file_of(lines: usize) -> Source {
    rust(&"// a line\n".repeat(lines))
}

#[test]
fn a_long_file_is_caught() {
    let listed = |lines| [LongFile { path: "gate/src/sample.rs", lines }];
    assert_none(sizes::file(&file_of(500), &[]));
    assert_none(sizes::file(&file_of(600), &listed(600)));
    assert_caught(sizes::file(&file_of(501), &[]), 0, "501 lines");
    assert_caught(sizes::file(&file_of(601), &listed(600)), 0, "grown");
    assert_caught(sizes::file(&file_of(801), &listed(801)), 0, "no file");
    assert_caught(sizes::file(&file_of(550), &listed(600)), 0, "shrunk");
    assert_caught(sizes::file(&file_of(400), &listed(600)), 0, "take it off");
    assert_caught(sizes::stale_exceptions(&[], &listed(600), &[]), 0, "gone");
}

/// A function of this many lines, with braces where only text is.
fn function_of(lines: usize) -> Source {
    let body = "    let s = \"}\"; // }\n".repeat(lines - 2);
    rust(&format!("fn before<'a>(_: &'a str) -> char {{ '}}' }}\nfn long() {{\n{body}}}\n"))
}

#[test]
fn a_long_function_is_caught() {
    let listed = |lines| [LongFunction { path: "gate/src/sample.rs", name: "long", lines }];
    assert_none(sizes::functions(&function_of(70), &[]));
    assert_none(sizes::functions(&function_of(80), &listed(80)));
    assert_caught(sizes::functions(&function_of(71), &[]), 2, "fn long: 71 lines");
    assert_caught(sizes::functions(&function_of(81), &listed(80)), 2, "grown");
    assert_caught(sizes::functions(&rust("fn other() {}"), &listed(80)), 0, "gone");
    assert_caught(sizes::stale_exceptions(&[], &[], &listed(80)), 0, "gone");
}

#[test]
fn too_many_parameters_are_caught() {
    let five = "impl A { fn f(&self, a: HashMap<u8, std::io::Error>, b: fn(u8, u8) -> u8, (c, d): (u8, u8), e: impl Fn(u8) -> u8, g: [u8; 2]) {} }";
    assert_none(sizes::functions(&rust(five), &[]));
    let six = "fn f(a: u8, b: u8, c: u8, d: u8, e: u8, g: u8) {}";
    assert_caught(sizes::functions(&rust(six), &[]), 1, "6 parameters");
}

#[test]
fn an_empty_name_is_caught() {
    assert_none(names::check(&Source::new("topo/src/commons.rs", "mod utility; // mod utils;")));
    assert_caught(names::check(&Source::new("topo/src/utils.rs", "")), 0, "utils");
    assert_caught(names::check(&Source::new("topo/common/lib.rs", "")), 0, "common");
    assert_caught(names::check(&Source::new("topo/src/pool_manager.rs", "")), 0, "manager");
    assert_caught(names::check(&rust("\npub(crate) mod string_helpers {}")), 2, "helpers");
}

#[test]
fn a_panicking_call_is_caught() {
    let clean = "/// Not `.unwrap()`.\n#[expect(unused)]\nfn f() -> Option<u8> { let s = \"x.unwrap()\"; self.expect = A; Self::expect(s); Some(s.parse().unwrap_or(1)) }
        #[cfg(test)]\nmod tests { fn g() { None.unwrap(); panic!() } }\n#[cfg(test)] use a::b;";
    assert_none(panics::check(&rust(clean)));
    assert_none(panics::check(&Source::new("gate/src/sql/tests.rs", "fn f() { x.unwrap() }")));
    assert_none(panics::check(&Source::new("gate/tests/wire.rs", "fn f() { x.unwrap() }")));
    assert_caught(panics::check(&rust("fn f() {\n x.unwrap() }")), 2, "unwrap");
    assert_caught(panics::check(&rust("fn f() { x.map(Option::unwrap) }")), 1, "unwrap");
    assert_caught(panics::check(&rust("fn f() { format!(\"{}\", x.expect(\"y\")) }")), 1, "expect");
    assert_caught(panics::check(&rust("#[cfg(not(test))] fn f() { todo!() }")), 1, "todo");
    for name in ["panic", "unreachable", "unimplemented", "dbg"] {
        assert_caught(panics::check(&rust(&format!("fn f() {{ {name}!(1) }}"))), 1, name);
    }
}

#[test]
fn test_code_in_every_build_is_caught() {
    let sources = |path: &str, parent: &str, text: &str| {
        [Source::new(path, "fn f() { x.unwrap() }"), Source::new(parent, text)]
    };
    let fake = |parent: &str, text: &str| panics::check_all(&sources("gate/src/pool/fake.rs", parent, text));
    assert_none(fake("gate/src/pool.rs", "mod a;\n#[cfg(test)]\npub(crate) mod fake;"));
    assert_none(fake("gate/src/pool/mod.rs", "#[cfg(test)] mod fake;"));
    assert_caught(fake("gate/src/pool/mod.rs", "#[cfg(test)] mod tests; mod fake;"), 1, "unwrap");
    assert_caught(fake("gate/src/other.rs", "#[cfg(test)] mod fake;"), 1, "unwrap");
    let named = |text| panics::compiled_always(&sources("gate/src/pool/tests.rs", "gate/src/pool.rs", text));
    assert_none(named("#[cfg(test)]\nmod tests;"));
    assert_caught(named("mod tests;"), 0, "cfg(test)");
}

#[test]
fn a_wrong_dependency_is_caught() {
    let packages =
        |name: &str, needed: &str| json!({"packages": [{"name": name, "dependencies": [{"name": needed}]}]});
    for (name, needed) in
        [("shoal-gate", "shoal-topo"), ("shoal-tests", "shoal-bench"), ("shoal-gate", "sqlparser")]
    {
        assert_none(crates::check(&packages(name, needed)));
    }
    for (name, needed) in [
        ("shoal-proto", "shoal-topo"),
        ("shoal-gate", "shoal-tablet"),
        ("shoal-operator", "shoal-gate"),
        ("shoal-bench", "shoal-gate"),
        ("shoal-tablet", "shoal-tests"),
        ("shoal-gate", "mysql_async"),
        ("shoal-gate", "etcd-client"),
    ] {
        assert_caught(crates::check(&packages(name, needed)), 0, needed);
    }
    assert_caught(crates::check(&packages("shoal-new", "serde")), 0, "no place");

    let table = "## Crates we depend on\n| crate | where |\n|---|---|\n| serde, tokio | all |\n";
    let one = |needed: &str| json!({"packages": [{"dependencies": [{"name": needed}, {"name": "tokio"}]}]});
    assert_none(crates::unexplained(&one("serde"), table));
    let found = crates::unexplained(&one("clap"), table);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].what.contains("clap has no row") && found[1].what.contains("serde is explained"),
        "{found:?}"
    );
}

#[test]
fn a_wrong_use_is_caught() {
    let planner = |text: &str| rooms::check(&Source::new("gate/src/planner/insert.rs", text));
    assert_none(planner(
        "use crate::sql::Statement; // tokio::spawn\nfn f(session: u8) { session + 1; Session::new() }",
    ));
    assert_none(rooms::check(&Source::new("gate/src/planner/tests.rs", "use tokio::test;")));
    assert_none(rooms::check(&Source::new("gate/src/session/mod.rs", "use tokio::net;")));
    assert_caught(planner("use std::fmt;\nuse tokio::sync::watch;"), 2, "tokio");
    assert_caught(planner("use crate::{sql, executor};"), 1, "executor");
    assert_caught(planner("use super::super::backend::Pool;"), 1, "backend");
    assert_caught(planner("fn f() { crate::session::open() }"), 1, "session");
    let caught =
        |path: &str, text: &str, word: &str| assert_caught(rooms::check(&Source::new(path, text)), 1, word);
    caught("gate/src/plan.rs", "use tokio::time;", "tokio");
    caught("gate/src/executor/run.rs", "use sqlparser::ast;", "sqlparser");
    caught("operator/src/local/mod.rs", "use kube::Client;", "kube");
    caught("operator/src/primary/decide.rs", "use tokio::time::Instant;", "tokio");
    assert_none(rooms::check(&Source::new("operator/src/kube/apply.rs", "use kube::Client;")));
}

#[test]
fn a_foreign_word_is_caught() {
    let text = |line: String| words::check(&Source::new("README.md", &format!("A title\n{line}")));
    assert_none(text("issues 5 certificates, and this issue too".to_owned()));
    assert_none(words::check(&Source::new("Cargo.lock", concat!("crates", ".io"))));
    assert_caught(text(format!("see {} 12", "issue")), 2, "ticket");
    assert_caught(text(format!("see {} #7", "Issue")), 2, "ticket");
    for word in [concat!("deb.debian", ".org"), concat!("index.crates", ".io"), concat!("/wo", "rk/x")] {
        assert_eq!(text(word.to_owned()).len(), 1, "{word}");
    }
}

#[test]
fn a_wrong_error_table_is_caught() {
    let table = |text: &str| Source::new("proto/src/errors.rs", text);
    let user = |text: &str| [Source::new("gate/src/x.rs", text)];
    let both = user("fn f() { ErrorId::A.plain(); ErrorId::B.with(1) }");
    assert_none(error_ids::check(&table("t! { A = \"SH1000\", 1;\nB = \"SH1001\", 2; }"), &both));
    assert_caught(
        error_ids::check(&table("t! { A = \"SH1000\", 1;\nB = \"SH1000\", 2; }"), &both),
        2,
        "twice",
    );
    let unused = user("fn f() { ErrorId::A.plain() } #[cfg(test)] mod tests { fn g() { ErrorId::B } }");
    assert_caught(
        error_ids::check(&table("t! { A = \"SH1000\", 1;\nB = \"SH1001\", 2; }"), &unused),
        2,
        "nowhere",
    );
    assert_caught(error_ids::check(&table(""), &both), 0, "no error");
}

#[test]
fn a_reference_that_drifted_is_caught() -> Result<()> {
    let sources = workspace()?;
    let written = reference::text(&sources)?;
    let plants = [
        ("gate/src/limits.rs", "Clients of one gate.", "Guests of one gate."),
        ("gate/src/limits.rs", "MAX_CLIENTS: usize = 4096", "MAX_CLIENTS: usize = 4097"),
        ("gate/src/measures.rs", "Clients that are connected now.", "Clients that were connected."),
        ("operator/src/spec/mod.rs", "/// The password; only", "/// Their password; only"),
        ("operator/src/spec/mod.rs", "pub password: String,", "pub password: bool,"),
    ];
    for (path, was, is) in plants {
        let mut planted = sources.clone();
        let file =
            planted.iter_mut().find(|source| source.path == path).with_context(|| format!("no {path}"))?;
        ensure!(file.text.contains(was), "{path} has no {was}");
        file.text = file.text.replace(was, is);
        let found = reference::drift(&reference::text(&planted)?, &written);
        ensure!(
            found.len() == 1 && found[0].line > 0 && found[0].what.contains(reference::WRITE),
            "{was}: {found:?}"
        );
    }
    // An error's text is compiled in: the file is what differs.
    let found = reference::drift(&written, &written.replacen("\n### SH2001\n", "\n### SH2000\n", 1));
    ensure!(found.len() == 1 && found[0].what.contains("SH2001"), "{found:?}");
    Ok(())
}
