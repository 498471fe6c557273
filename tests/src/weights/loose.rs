//! The tables of `topo/src/vindex/loose.rs`: the keys of golang.org/x/text, and which characters' keys go together with
//! which collation.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::pack::{HANGUL, lay_out, letters, paged};
use super::server::bytes;

/// A collation's weights, character by character.
pub type Weights = Vec<(char, Vec<u8>)>;

/// Three bytes, the first raised by this, and the number of the rule that makes them.
const LONG: [(u16, u32); 3] = [(0xfff9, 0x81_0000), (0xfff8, 0x82_0000), (0xfff7, 0x85_0000)];
/// Marks: see `topo/src/vindex/loose.rs`. Those before are the collations, in the order that they are given in.
const FIRST: u8 = 16;
const SECOND: u8 = 32;
const MOVABLE: u8 = 64;

/// What the library says of the characters.
#[derive(Debug)]
pub struct Library {
    characters: HashMap<u32, Character>,
}

#[derive(Debug)]
struct Character {
    key: Vec<u8>,
    marks: String,
}

impl Library {
    /// Runs the program in `tests/loose-keys`.
    pub fn ask() -> Result<Self> {
        let text = printed("characters")?;
        let line = |line: &str| {
            let mut fields = line.split('\t');
            let mut field = || fields.next().context("a field is missing");
            let c = field()?.parse()?;
            Ok((c, Character { key: bytes(field()?)?, marks: field()?.to_owned() }))
        };
        Ok(Self { characters: text.lines().map(line).collect::<Result<_>>()? })
    }

    /// The file of the keys.
    pub fn keys(&self) -> Result<Vec<u8>> {
        let (mut rules, mut sequences) = (HashMap::new(), HashMap::new());
        for (&c, character) in &self.characters {
            match self.rule(c, &character.key) {
                Some(rule) => drop(rules.insert(c, rule)),
                None => drop(sequences.insert(c, character.key.clone())),
            }
        }
        for surrogate in 0xd800..0xe000 {
            rules.insert(surrogate, LONG[2].0);
        }
        lay_out(&rules, &sequences, &[])
    }

    fn rule(&self, c: u32, key: &[u8]) -> Option<u16> {
        if (0xac00..=0xd7a3).contains(&c) {
            let letters: Vec<u8> =
                letters(c).iter().flat_map(|letter| &self.characters[letter].key).copied().collect();
            return (letters == key).then_some(HANGUL);
        }
        LONG.into_iter().find(|(_, base)| key == &u32::to_be_bytes(base + c)[1..]).map(|(rule, _)| rule)
    }

    /// The file of the marks, for the first levels of these collations..
    pub fn marks(&self, collations: &[(Weights, Computed)]) -> Result<Vec<u8>> {
        let mut marks: HashMap<u32, u8> = HashMap::new();
        for (bit, (weights, computed)) in collations.iter().enumerate() {
            for c in self.going_together(weights, *computed) {
                *marks.entry(c).or_default() |= 1 << bit;
            }
        }
        for (&c, character) in &self.characters {
            for (letter, mark) in [('f', FIRST), ('s', SECOND), ('m', MOVABLE)] {
                if character.marks.contains(letter) {
                    *marks.entry(c).or_default() |= mark;
                }
            }
        }
        let (index, pages) = paged(|c| marks.get(&c).copied().unwrap_or(0));
        let index: Vec<u8> = index.into_iter().map(u8::try_from).collect::<Result<_, _>>()?;
        Ok([index, pages].concat())
    }

    /// The characters whose keys are made of the keys that their weights stand for. A weight stands for the key of
    /// the first character which has it alone and which stands by itself.
    fn going_together(&self, weights: &Weights, computed: Computed) -> Vec<u32> {
        let tokens: Vec<(u32, Vec<&[u8]>)> =
            weights.iter().map(|(c, weights)| (u32::from(*c), tokens(weights, computed))).collect();
        let mut keys: HashMap<&[u8], &[u8]> = HashMap::new();
        for only_letters in [true, false] {
            for (c, tokens) in &tokens {
                let character = &self.characters[c];
                let letter = !character.key.is_empty() && !character.marks.contains(['c', 'm']);
                if let ([token], true) = (tokens.as_slice(), letter || !only_letters) {
                    keys.entry(token).or_insert(&character.key);
                }
            }
        }
        let goes = |(c, tokens): &&(u32, Vec<&[u8]>)| {
            let parts: Option<Vec<&[u8]>> = tokens.iter().map(|token| keys.get(token).copied()).collect();
            parts.is_some_and(|parts| parts.concat() == self.characters[c].key)
        };
        tokens.iter().filter(goes).map(|(c, _)| *c).collect()
    }
}

/// Whether a table has weights that are computed from the code point: two that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Computed {
    /// It has.
    Some,
    /// It has none.
    None,
}

fn tokens(weights: &[u8], computed: Computed) -> Vec<&[u8]> {
    let (mut rest, mut tokens) = (weights, Vec::new());
    while !rest.is_empty() {
        let length = if rest[0] == 0xfb && computed == Computed::Some { rest.len().min(4) } else { 2 };
        let (token, after) = rest.split_at(length);
        tokens.push(token);
        rest = after;
    }
    tokens
}

/// What the program in `tests/loose-keys` prints; it needs Go and its module proxy.
pub fn printed(what: &str) -> Result<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("loose-keys");
    let output = Command::new("go").args(["run", ".", what]).current_dir(folder).output().context("no go")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
