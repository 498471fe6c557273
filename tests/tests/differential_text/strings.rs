//! Strings: a key is put together from characters, so that is looked at, and what a comparison says.

use std::fmt::Write as _;

use anyhow::{Result, bail, ensure};
use tests::differential::outcome::Outcome;
use tests::differential::session::Session;
use tests::mysqld::PlainMysqld;
use tests::weights::server::{Server, bytes};
use topo::value::collation::Collation;

/// Strings of one collation.
const STRINGS: usize = 1500;

/// Blocks where characters belong together in some way: combining ones, vowels before their consonant, letters of
/// syllables, ignorable ones, spaces, ligatures, ideographs, beyond 16 bits, unassigned.
const BLOCKS: [(u32, u32); 22] = [
    (0x20, 0x7e),
    (0x41, 0x7a),
    (0x20, 0x20),
    (0x0, 0x1f),
    (0xa0, 0x17f),
    (0x300, 0x36f),
    (0x370, 0x52f),
    (0x621, 0x65f),
    (0x900, 0xdff),
    (0xe01, 0xe5b),
    (0xf40, 0xfbc),
    (0x1100, 0x11ff),
    (0x2000, 0x206f),
    (0x3041, 0x30ff),
    (0x4e00, 0x9fff),
    (0xac00, 0xd7a3),
    (0xfb00, 0xfdff),
    (0xff01, 0xffee),
    (0x1_f300, 0x1_f6ff),
    (0x1_7000, 0x1_8aff),
    (0x2_0000, 0x2_a6df),
    (0x0, 0x10_ffff),
];

/// SplitMix64, whose seed is printed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % u64::from(end)) as u32
    }

    fn character(&mut self, (first, last): (u32, u32), fits: impl Fn(char) -> bool) -> char {
        char::from_u32(first + self.below(last - first + 1)).filter(|&c| fits(c)).unwrap_or('ſ')
    }

    fn string(&mut self, fits: impl Fn(char) -> bool + Copy) -> String {
        let block = BLOCKS[self.below(BLOCKS.len() as u32) as usize];
        let length = self.below(7);
        let mut text = String::new();
        for _ in 0..length {
            let other = BLOCKS[self.below(BLOCKS.len() as u32) as usize];
            let from = if self.below(3) == 0 { other } else { block };
            text.push(self.character(from, fits));
        }
        text
    }

    /// A string that may well be equal: other case, no accents, something ignorable or a space more.
    fn like(&mut self, text: &str, fits: impl Fn(char) -> bool) -> String {
        let mut like = match self.below(6) {
            0 => text.to_uppercase(),
            1 => text.to_lowercase(),
            2 => text.replace(['\u{300}', '\u{301}', '\u{308}', '\u{ad}', '\0'], ""),
            3 => text.replace(['à', 'á', 'ä', 'Å', 'ª'], "A").replace('ß', "ss"),
            _ => text.to_owned(),
        };
        match self.below(6) {
            0 => like.push(' '),
            1 => like.push('\u{a0}'),
            2 => like.insert(0, '\u{ad}'),
            3 => like.push('\u{301}'),
            _ => {}
        }
        like.chars().map(|c| if fits(c) { c } else { '?' }).collect()
    }
}

/// What the server says of a pair.
struct Said {
    weights: [Vec<u8>; 2],
    equal: bool,
}

async fn ask(server: &mut Server, collation: Collation, pairs: &[(String, String)]) -> Result<Vec<Said>> {
    let character_set = collation.name().split('_').next().unwrap_or_default();
    let convert = |text: &str| {
        let mut hex = String::new();
        for byte in text.bytes() {
            let _ = write!(hex, "{byte:02x}");
        }
        format!("CONVERT(_utf8mb4 x'{hex}' USING {character_set}) COLLATE {}", collation.name())
    };
    let mut question = String::new();
    for (number, (one, other)) in pairs.iter().enumerate() {
        let (one, other) = (convert(one), convert(other));
        let union = if number == 0 { "" } else { " UNION ALL " };
        let _ = write!(
            question,
            "{union}SELECT {number} AS n, HEX(WEIGHT_STRING({one})), HEX(WEIGHT_STRING({other})), {one} = {other}"
        );
    }
    let rows = match server.session().run(&format!("{question} ORDER BY n")).await? {
        Outcome::Rows { rows, .. } => rows,
        other => bail!("{}: {other}", collation.name()),
    };
    let said = rows.into_iter().map(|row| {
        let text = |at: usize| String::from_utf8(row.get(at).cloned().flatten().unwrap_or_default());
        Ok(Said { weights: [bytes(&text(1)?)?, bytes(&text(2)?)?], equal: text(3)? == "1" })
    });
    let said: Vec<Said> = said.collect::<Result<_>>()?;
    ensure!(said.len() == pairs.len(), "rows are missing");
    Ok(said)
}

/// The first thing that MySQL sees otherwise than keys made by `key`.
fn otherwise(
    collation: Collation,
    pairs: &[(String, String)],
    said: &[Said],
    key: impl Fn(&str) -> Vec<u8>,
) -> Result<usize, String> {
    let mut equal = 0;
    let space = key("x x");
    let space = &space[key("x").len()..space.len() - key("x").len()];
    for ((one, other), said) in pairs.iter().zip(said) {
        let keys = [key(one), key(other)];
        // Weights of a `_bin` collation are written in another way than the string is.
        let written_alike = usize::from(!collation.is_binary()) * keys.len();
        for (weights, key) in said.weights.iter().zip(&keys).take(written_alike) {
            // Spaces at the end are in the weights, though PAD SPACE does not compare them.
            let rest = weights
                .strip_prefix(key.as_slice())
                .ok_or_else(|| format!("{one:?} {weights:x?} {key:x?}"))?;
            if !rest.chunks(space.len().max(1)).all(|chunk| chunk == space) {
                return Err(format!("{one:?} {other:?} {weights:x?} {key:x?}"));
            }
        }
        if said.equal != (keys[0] == keys[1]) {
            return Err(format!("{one:?} and {other:?}: MySQL says equal: {}", said.equal));
        }
        equal += usize::from(said.equal);
    }
    Ok(equal)
}

#[tokio::test]
async fn strings_are_equal_if_their_keys_are() -> Result<()> {
    let seed = std::env::var("SHOAL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_120);
    println!("SHOAL_SEED={seed}");
    let mut random = Random(seed);
    let mysqld = PlainMysqld::start()?;
    let mut server = Server::new(Session::connect(&mysqld.root("")).await?).await?;
    for collation in Collation::all() {
        let fits = |c: char| match collation.name().split('_').next() {
            Some("utf8mb4") => true,
            Some("utf8mb3") => c.len_utf8() < 4,
            Some("latin1") => topo::value::latin1::byte(c).is_some(),
            _ => c.is_ascii(),
        };
        let text = |random: &mut Random| loop {
            let text = random.string(fits);
            if text.chars().all(fits) {
                break text;
            }
        };
        let mut pairs = Vec::new();
        while pairs.len() < STRINGS {
            let one = text(&mut random);
            let other = if random.below(4) == 0 { text(&mut random) } else { random.like(&one, fits) };
            pairs.push((one, other));
        }
        let mut said = Vec::new();
        for pairs in pairs.chunks(300) {
            said.extend(ask(&mut server, collation, pairs).await?);
        }
        let equal = otherwise(collation, &pairs, &said, |text| collation.key(text));
        println!("{}: {equal:?} of {STRINGS} pairs are equal", collation.name());
        assert!(equal.is_ok_and(|equal| equal > 100 && equal < STRINGS - 100), "{}", collation.name());
        // Keys that are only the bytes are found out, but where that is right.
        let planted = otherwise(collation, &pairs, &said, |text| text.to_lowercase().into_bytes());
        assert!(planted.is_err(), "{}: {planted:?}", collation.name());
    }
    Ok(())
}
