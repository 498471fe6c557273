//! Makes a table in the format of `topo/src/value/collation/weights.rs`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use anyhow::{Result, ensure};

const PAGE: usize = 256;
const FIRST_RULE: u16 = 0xfff0;
pub(super) const HANGUL: u16 = 0xfffb;

/// Second and third level of a character.
pub(super) type Tail = (Vec<u16>, Vec<u16>);

/// The weights of a character.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Listed {
    weights: Vec<u16>,
    tail: Option<Tail>,
}

/// How many levels a sort key has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Levels {
    /// Weights only.
    One,
    /// Three, with a zero between them.
    Three,
}

/// The table of these characters, of which there is each one once.
pub fn table(characters: &[(char, Vec<u8>)], levels: Levels) -> Result<Vec<u8>> {
    let mut listed = BTreeMap::new();
    for (c, key) in characters {
        listed.insert(u32::from(*c), read(key, levels)?);
    }
    let rules: HashMap<u32, u16> =
        listed.iter().filter_map(|(&c, weights)| Some((c, rule(c, weights, &listed)?))).collect();
    let others = || listed.iter().filter(|(c, _)| !rules.contains_key(c));
    let tails: BTreeSet<&Tail> = others().filter_map(|(_, listed)| listed.tail.as_ref()).collect();
    let tails: Vec<&Tail> = tails.into_iter().collect();
    let sequences = others().map(|(c, listed)| (*c, bytes(listed, &tails))).collect();
    lay_out(&rules, &sequences, &tails)
}

/// The table of characters that are in `rules` or in `sequences`.
pub(super) fn lay_out(
    rules: &HashMap<u32, u16>,
    sequences: &HashMap<u32, Vec<u8>>,
    tails: &[&Tail],
) -> Result<Vec<u8>> {
    let distinct: BTreeSet<&Vec<u8>> = sequences.values().collect();
    let mut distinct: Vec<&Vec<u8>> = distinct.into_iter().collect();
    // Sequences of one length stand together, so that their places can be computed.
    distinct.sort_by_key(|sequence| sequence.len());
    ensure!(distinct.len() < usize::from(FIRST_RULE), "{} sequences", distinct.len());
    let numbers: HashMap<&Vec<u8>, u16> = distinct.iter().copied().zip(0..).collect();
    let entry = |c: u32| match (rules.get(&c), sequences.get(&c)) {
        (Some(rule), _) => *rule,
        (None, Some(sequence)) => numbers[sequence],
        // Never asked for.
        (None, None) => u16::MAX,
    };
    let (index, pages) = paged(entry);
    let mut groups: Vec<[u16; 2]> = Vec::new();
    for (sequence, number) in distinct.iter().zip(0..) {
        let length = sequence.len() as u16;
        if groups.last().is_none_or(|group| group[1] != length) {
            groups.push([number, length]);
        }
    }
    groups.push([distinct.len() as u16, 0]);
    let (mut ends, mut tail_units) = (Vec::new(), Vec::new());
    for (second, third) in tails {
        tail_units.push(second.len() as u16);
        tail_units.extend(second);
        tail_units.extend(third);
        ends.push(tail_units.len() as u16);
    }
    let header = [(pages.len() / PAGE) as u16, groups.len() as u16, tails.len() as u16];
    let mut file = to_bytes(&[&header[..], &index, &pages, &groups.concat()].concat());
    file.extend(distinct.into_iter().flatten());
    file.extend(to_bytes(&[ends, tail_units].concat()));
    Ok(file)
}

/// Which page is that of each 256 code points, and the pages, each once.
pub(super) fn paged<T: Copy + Eq + Hash>(entry: impl Fn(u32) -> T) -> (Vec<u16>, Vec<T>) {
    let (mut index, mut pages, mut known) = (Vec::new(), Vec::new(), HashMap::new());
    for first in (0..0x11_0000).step_by(PAGE) {
        let page: Vec<T> = (first..first + PAGE as u32).map(&entry).collect();
        let number = known.len() as u16;
        index.push(*known.entry(page.clone()).or_insert_with(|| {
            pages.extend(page);
            number
        }));
    }
    (index, pages)
}

fn to_bytes(units: &[u16]) -> Vec<u8> {
    units.iter().copied().flat_map(u16::to_be_bytes).collect()
}

fn bytes(listed: &Listed, tails: &[&Tail]) -> Vec<u8> {
    let mut units = listed.weights.clone();
    if let Some(tail) = &listed.tail {
        units.extend(tails.iter().zip(0..).find(|(other, _)| **other == tail).map(|(_, number)| number));
    }
    to_bytes(&units)
}

fn read(key: &[u8], levels: Levels) -> Result<Listed> {
    ensure!(key.len().is_multiple_of(2), "half a weight");
    let weights: Vec<u16> = key.chunks_exact(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]])).collect();
    if levels == Levels::One {
        return Ok(Listed { weights, tail: None });
    }
    let parts: Vec<&[u16]> = weights.split(|&weight| weight == 0).collect();
    ensure!(parts.len() == 3, "{} levels", parts.len());
    Ok(Listed { weights: parts[0].to_vec(), tail: Some((parts[1].to_vec(), parts[2].to_vec())) })
}

/// The rule that gives these weights, if one does.
fn rule(c: u32, listed: &Listed, all: &BTreeMap<u32, Listed>) -> Option<u16> {
    if listed.tail.is_none() && listed.weights == [c as u16] && c < 0x1_0000 {
        return Some(0xfffa);
    }
    if (0xac00..=0xd7a3).contains(&c) && all_weights(c, all).as_ref() == Some(listed) {
        return Some(HANGUL);
    }
    if listed.tail.as_ref().is_some_and(|tail| *tail != (vec![0x20], vec![0x02])) {
        return None;
    }
    let (high, low) = ((c >> 15) as u16, (c & 0x7fff) as u16 | 0x8000);
    let tangut = (c.wrapping_sub(0x1_7000) & 0x7fff) as u16 | 0x8000;
    let rules = [
        (0xffff, [0xfbc0 + high, low]),
        (0xfffe, [0xfb40 + high, low]),
        (0xfffd, [0xfb80 + high, low]),
        (0xfffc, [0xfb00, tangut]),
    ];
    let matching = rules.into_iter().find(|(rule, weights)| {
        listed.weights == weights && (*rule != 0xfffc || (0x1_7000..0x1_8b00).contains(&c))
    });
    matching.map(|(rule, _)| rule)
}

/// The letters of a Hangul syllable.
pub(super) fn letters(syllable: u32) -> Vec<u32> {
    let number = syllable - 0xac00;
    let mut letters = vec![0x1100 + number / (21 * 28), 0x1161 + number / 28 % 21];
    letters.extend((!number.is_multiple_of(28)).then_some(0x11a7 + number % 28));
    letters
}

fn all_weights(syllable: u32, all: &BTreeMap<u32, Listed>) -> Option<Listed> {
    let mut sum =
        Listed { weights: Vec::new(), tail: all.get(&0x1100)?.tail.as_ref().map(|_| Tail::default()) };
    for letter in letters(syllable) {
        let listed = all.get(&letter)?;
        sum.weights.extend(&listed.weights);
        if let (Some(sum), Some(tail)) = (&mut sum.tail, &listed.tail) {
            sum.0.extend(&tail.0);
            sum.1.extend(&tail.1);
        }
    }
    Some(sum)
}
