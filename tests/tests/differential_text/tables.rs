//! The tables, written from what a server and golang.org/x/text say.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use tests::differential::session::Session;
use tests::mysqld::PlainMysqld;
use tests::weights::loose::{Computed, Library, printed};
use tests::weights::pack::{Levels, table};
use tests::weights::server::Server;

/// Files and the collations that they are read from.
const TABLES: &[(&str, &str, Levels)] = &[
    ("uca_0900.bin", "utf8mb4_0900_as_cs", Levels::Three),
    ("uca_520.bin", "utf8mb4_unicode_520_ci", Levels::One),
    ("uca_400.bin", "utf8mb4_unicode_ci", Levels::One),
    ("general.bin", "utf8mb4_general_ci", Levels::One),
];

/// In the order of the tables of `single_byte.bin`.
const SINGLE_BYTE: &[&str] = &[
    "latin1_swedish_ci",
    "latin1_general_ci",
    "latin1_general_cs",
    "latin1_german1_ci",
    "latin1_danish_ci",
    "latin1_spanish_ci",
    "ascii_general_ci",
];

/// In the order of the marks.
const GO_TOGETHER: &[(&str, Computed)] = &[
    ("utf8mb4_0900_ai_ci", Computed::Some),
    ("utf8mb4_unicode_520_ci", Computed::Some),
    ("utf8mb4_unicode_ci", Computed::Some),
    ("utf8mb4_general_ci", Computed::None),
];

/// With this in the environment the tables of `topo/src/value/collation` and `topo/src/vindex/loose` are written anew;
/// `git diff` shows what changed. It needs Go for the latter.
const WRITE: &str = "SHOAL_WRITE_WEIGHTS";

/// The tables of collations are, byte for byte, what a server says.
#[tokio::test]
async fn the_tables_are_those_of_a_server() -> Result<()> {
    let topo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../topo/src");
    let mysqld = PlainMysqld::start()?;
    let mut server = Server::new(Session::connect(&mysqld.root("")).await?).await?;
    for (file, collation, levels) in TABLES {
        let bytes = table(&server.weights(collation).await?, *levels)?;
        compare_or_write(&topo.join("value/collation").join(file), &bytes)?;
    }
    let mut bytes = Vec::new();
    for collation in SINGLE_BYTE {
        let mut weights = [0; 256];
        for (c, weight) in server.weights(collation).await? {
            let byte = topo::value::latin1::byte(c).with_context(|| format!("{c:?} is not in latin1"))?;
            let [weight] = weight[..] else { bail!("{collation}: {c:?} has no single weight") };
            weights[usize::from(byte)] = weight;
        }
        bytes.extend(weights);
    }
    compare_or_write(&topo.join("value/collation/single_byte.bin"), &bytes)?;
    if std::env::var_os(WRITE).is_none() {
        return Ok(());
    }
    let library = Library::ask()?;
    let mut collations = Vec::new();
    for (collation, computed) in GO_TOGETHER {
        collations.push((server.weights(collation).await?, *computed));
    }
    fs::write(topo.join("vindex/loose/keys.bin"), library.keys()?)?;
    fs::write(topo.join("vindex/loose/marks.bin"), library.marks(&collations)?)?;
    fs::write(topo.join("vindex/loose/strings.tsv"), printed("strings")?)?;
    Ok(())
}

fn compare_or_write(path: &Path, bytes: &[u8]) -> Result<()> {
    if std::env::var_os(WRITE).is_some() {
        return Ok(fs::write(path, bytes)?);
    }
    let same = fs::read(path)? == bytes;
    ensure!(same, "{} is not what the server says; {WRITE}=1 writes it anew", path.display());
    Ok(())
}
