//! Sets of global transaction identifiers, as MySQL writes them.
//!
//! ```text
//!   4e2f…-0a:1-5:9:audit:1-2,
//!   └─uuid─┘ └┬──┘ └─┬─────┘
//!      untagged      those with the tag "audit"
//! ```
//!
//! The text form is that of MySQL 8.3 and later: a source's untagged intervals, then each tag with its own.
//! A set costs memory in proportion to its text, however many transactions it stands for.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::str::FromStr;

/// The highest number of a transaction: MySQL's `GNO_END` is the first one that is not given out.
const LAST_NUMBER: u64 = i64::MAX as u64 - 1;
/// Longest tag, in characters.
const MAX_TAG: usize = 32;
/// Length of a UUID's text.
const UUID_TEXT: usize = 36;
/// Where the dashes of a UUID's text stand.
const UUID_DASHES: [usize; 4] = [8, 13, 18, 23];

/// A set of transactions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GtidSet {
    /// By origin; no entry is empty, and intervals are in order with gaps between them.
    origins: BTreeMap<Origin, Vec<Interval>>,
}

/// Whose numbers these are: each UUID counts for itself, and so does each tag of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Origin {
    uuid: u128,
    /// In lower case; empty: untagged, which comes first.
    tag: String,
}

/// From the first to the last number, both in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Interval {
    first: u64,
    last: u64,
}

/// A text that is no GTID set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a GTID set: {0}")]
pub struct InvalidGtidSet(&'static str);

impl GtidSet {
    /// The set with nothing in it.
    pub const EMPTY: Self = Self { origins: BTreeMap::new() };

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.origins.is_empty()
    }

    /// How many transactions are in it; `u64::MAX` if there are more than that.
    pub fn transactions(&self) -> u64 {
        let counts = self.origins.values().flatten().map(|interval| interval.last - interval.first + 1);
        counts.fold(0, u64::saturating_add)
    }

    /// Whether everything in the other one is in this one.
    pub fn contains_all(&self, other: &Self) -> bool {
        other.origins.iter().all(|(origin, theirs)| {
            let ours = self.origins.get(origin).map_or(&[][..], Vec::as_slice);
            covers(ours, theirs)
        })
    }

    /// What is in either.
    pub fn union(&self, other: &Self) -> Self {
        let mut origins = self.origins.clone();
        for (origin, theirs) in &other.origins {
            let ours = origins.entry(origin.clone()).or_default();
            ours.extend_from_slice(theirs);
            normalise(ours);
        }
        Self { origins }
    }

    /// What is in this one and not in the other.
    pub fn subtract(&self, other: &Self) -> Self {
        let left = self.origins.iter().map(|(origin, ours)| {
            let theirs = other.origins.get(origin).map_or(&[][..], Vec::as_slice);
            (origin.clone(), without(ours, theirs))
        });
        Self { origins: left.filter(|(_, intervals)| !intervals.is_empty()).collect() }
    }

    /// Adds the part of a text that one UUID begins.
    fn add_source(&mut self, text: &str) -> Result<(), InvalidGtidSet> {
        let (uuid, parts) = text.split_once(':').ok_or(InvalidGtidSet("a source without transactions"))?;
        let uuid = parse_uuid(uuid.trim())?;
        let mut origin = Origin { uuid, tag: String::new() };
        // A tag must be followed by an interval of its own.
        let mut bare_tag = false;
        for part in parts.split(':').map(str::trim) {
            if part.starts_with(|c: char| c.is_ascii_digit()) {
                let interval = parse_interval(part)?;
                self.origins.entry(origin.clone()).or_default().push(interval);
                bare_tag = false;
            } else if bare_tag {
                return Err(InvalidGtidSet("a tag without transactions"));
            } else {
                origin.tag = parse_tag(part)?;
                bare_tag = true;
            }
        }
        if bare_tag { Err(InvalidGtidSet("a tag without transactions")) } else { Ok(()) }
    }
}

impl FromStr for GtidSet {
    type Err = InvalidGtidSet;

    fn from_str(text: &str) -> Result<Self, InvalidGtidSet> {
        let mut set = Self::default();
        // MySQL, too, passes over commas with nothing between them.
        for source in text.split(',').map(str::trim).filter(|source| !source.is_empty()) {
            set.add_source(source)?;
        }
        set.origins.values_mut().for_each(normalise);
        Ok(set)
    }
}

/// As MySQL shows `@@gtid_executed`: in order, merged, in lower case, one source a line.
impl fmt::Display for GtidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last: Option<&Origin> = None;
        for (origin, intervals) in &self.origins {
            let same_source = last.is_some_and(|last| last.uuid == origin.uuid);
            if !same_source {
                if last.is_some() {
                    f.write_str(",\n")?;
                }
                write_uuid(f, origin.uuid)?;
            }
            if !origin.tag.is_empty() {
                write!(f, ":{}", origin.tag)?;
            }
            for Interval { first, last } in intervals {
                write!(f, ":{first}")?;
                if last > first {
                    write!(f, "-{last}")?;
                }
            }
            last = Some(origin);
        }
        Ok(())
    }
}

fn write_uuid(f: &mut fmt::Formatter<'_>, uuid: u128) -> fmt::Result {
    for (index, digit) in format!("{uuid:032x}").chars().enumerate() {
        if matches!(index, 8 | 12 | 16 | 20) {
            f.write_char('-')?;
        }
        f.write_char(digit)?;
    }
    Ok(())
}

fn parse_uuid(text: &str) -> Result<u128, InvalidGtidSet> {
    let refusal = InvalidGtidSet("a source that is no UUID");
    if text.len() != UUID_TEXT {
        return Err(refusal);
    }
    let mut uuid = 0;
    for (index, byte) in text.bytes().enumerate() {
        if UUID_DASHES.contains(&index) {
            if byte != b'-' {
                return Err(refusal);
            }
            continue;
        }
        let digit = char::from(byte).to_digit(16).ok_or_else(|| refusal.clone())?;
        uuid = uuid << 4 | u128::from(digit);
    }
    Ok(uuid)
}

fn parse_tag(text: &str) -> Result<String, InvalidGtidSet> {
    let begins_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let goes_on_well = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !begins_well || !goes_on_well || text.len() > MAX_TAG {
        return Err(InvalidGtidSet("a tag of other characters, or too long"));
    }
    Ok(text.to_ascii_lowercase())
}

fn parse_interval(text: &str) -> Result<Interval, InvalidGtidSet> {
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (parse_number(first.trim_end())?, parse_number(last.trim_start())?),
        None => {
            let only = parse_number(text)?;
            (only, only)
        }
    };
    if last < first {
        return Err(InvalidGtidSet("an interval that ends before it begins"));
    }
    Ok(Interval { first, last })
}

fn parse_number(text: &str) -> Result<u64, InvalidGtidSet> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(InvalidGtidSet("a number of other characters than digits"));
    }
    match text.parse() {
        Ok(number) if (1..=LAST_NUMBER).contains(&number) => Ok(number),
        _ => Err(InvalidGtidSet("a number that MySQL does not give out")),
    }
}

/// Puts intervals in order and merges those that overlap or touch.
fn normalise(intervals: &mut Vec<Interval>) {
    intervals.sort_unstable();
    let mut merged: Vec<Interval> = Vec::with_capacity(intervals.len());
    for next in intervals.drain(..) {
        match merged.last_mut() {
            Some(last) if next.first <= last.last + 1 => last.last = last.last.max(next.last),
            _ => merged.push(next),
        }
    }
    *intervals = merged;
}

/// Whether each of `theirs` lies within one of `ours`.
fn covers(ours: &[Interval], theirs: &[Interval]) -> bool {
    let mut ours = ours.iter().peekable();
    theirs.iter().all(|wanted| {
        while ours.next_if(|have| have.last < wanted.first).is_some() {}
        ours.peek().is_some_and(|have| have.first <= wanted.first && wanted.last <= have.last)
    })
}

/// What of `ours` lies in none of `theirs`.
fn without(ours: &[Interval], theirs: &[Interval]) -> Vec<Interval> {
    let mut left = Vec::new();
    let mut theirs = theirs.iter().peekable();
    for &Interval { first, last } in ours {
        let mut from = first;
        while theirs.next_if(|gone| gone.last < from).is_some() {}
        // One of theirs may reach into the next of ours, so it is not passed over until that begins after it.
        for gone in theirs.clone() {
            if gone.first > last || from > last {
                break;
            }
            if gone.first > from {
                left.push(Interval { first: from, last: gone.first - 1 });
            }
            from = from.max(gone.last + 1);
        }
        if from <= last {
            left.push(Interval { first: from, last });
        }
    }
    left
}

#[cfg(test)]
mod tests;
