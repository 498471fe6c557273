//! Every character.

use anyhow::Result;
use tests::differential::session::Session;
use tests::mysqld::PlainMysqld;
use tests::weights::server::Server;
use topo::value::collation::{Collation, Padding};

/// A weight that differs: the character, the server's weights and ours.
type Difference = (char, Vec<u8>, Vec<u8>);

/// Compares keys with what a server said.
fn differences(server: &[(char, Vec<u8>)], key: impl Fn(char) -> Vec<u8>) -> Vec<Difference> {
    let pairs = server.iter().map(|(c, weights)| (*c, weights.clone(), key(*c)));
    pairs.filter(|(_, theirs, ours)| theirs != ours).collect()
}

/// The key of a character. A space ends no key of a PAD SPACE collation, so it is looked at before another character.
fn key(collation: Collation, c: char) -> Vec<u8> {
    if collation.padding() == Padding::NoPad {
        return collation.key(&c.to_string());
    }
    let last = collation.key("x");
    let mut key = collation.key(&format!("{c}x"));
    key.truncate(key.len() - last.len());
    key
}

/// How many characters a collation's character set has.
fn count(collation: Collation) -> usize {
    match collation.name().split('_').next() {
        Some("utf8mb4") => 0x11_0000 - 0x800,
        Some("utf8mb3") => 0x1_0000 - 0x800,
        Some("latin1") => 256,
        _ => 128,
    }
}

#[tokio::test]
async fn every_character_has_the_weights_that_mysql_gives_it() -> Result<()> {
    let mysqld = PlainMysqld::start()?;
    let mut server = Server::new(Session::connect(&mysqld.root("")).await?).await?;
    for collation in Collation::all().filter(|collation| !collation.is_binary()) {
        let weights = server.weights(collation.name()).await?;
        assert_eq!(weights.len(), count(collation), "{}", collation.name());
        let found = differences(&weights, |c| key(collation, c));
        assert!(found.is_empty(), "{}: {} such as {:x?}", collation.name(), found.len(), found[0]);
        // A planted wrong weight is found, and nothing else.
        let (planted, _) = weights[weights.len() / 3];
        let found =
            differences(&weights, |c| if c == planted { vec![0x12, 0x34] } else { key(collation, c) });
        assert_eq!(found.iter().map(|(c, ..)| *c).collect::<Vec<_>>(), [planted], "{}", collation.name());
        println!("{}: {} characters", collation.name(), weights.len());
    }
    Ok(())
}
