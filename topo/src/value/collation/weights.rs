//! Tables of weights: which numbers a collation puts in the place of a character.
//!
//! ```text
//!   pages, groups, tails                    how many of each
//!   index    one number for every 256 code points: their page
//!   pages    256 numbers each: a code point's entry
//!   groups   (first entry, length): the sequences from that entry on are so long; the last group is empty
//!   sequences  one after the other
//!   ends     where each tail ends
//!   tails    the second and third level of a sequence: how many weights of the second, these, those of the third
//! ```
//!
//! All of it is unsigned 16-bit numbers, big-endian; but sequences are bytes of a sort key as they are, and lengths of
//! sequences are in bytes. An entry is the number of a sequence, or one of the rules below. Where a table has tails, the
//! last number of a sequence is that of its tail.

/// Code points of a page.
const PAGE: usize = 256;
/// Pages that cover Unicode.
const PAGES: usize = 0x11_0000 / PAGE;

/// Entries from here on are rules.
const FIRST_RULE: u16 = 0xfff0;
/// Two weights that are computed, as Unicode's UTS 10 has them for a character that is not listed.
const UNLISTED: u16 = 0xffff;
/// The same for ideographs of the oldest block.
const IDEOGRAPH: u16 = 0xfffe;
/// The same for the other ideographs.
const RARE_IDEOGRAPH: u16 = 0xfffd;
/// The same for Tangut.
const TANGUT: u16 = 0xfffc;
/// The weights of the two or three letters of a Hangul syllable.
const HANGUL: u16 = 0xfffb;
/// The code point itself.
const ITSELF: u16 = 0xfffa;

/// The code point in three bytes, for an ideograph of the oldest block.
const LONG_IDEOGRAPH: u16 = 0xfff9;
/// The same for the other ideographs.
const LONG_RARE_IDEOGRAPH: u16 = 0xfff8;
/// The same for all other characters.
const LONG_OTHER: u16 = 0xfff7;

const TANGUT_FIRST: u32 = 0x1_7000;
const HANGUL_FIRST: u32 = 0xac00;
const HANGUL_LEADING: u32 = 0x1100;
const HANGUL_VOWEL: u32 = 0x1161;
const HANGUL_TRAILING: u32 = 0x11a7;
const HANGUL_VOWELS: u32 = 21;
const HANGUL_TRAILINGS: u32 = 28;

/// Secondary and tertiary weight of a character whose primary weights are computed.
const PLAIN: (&[u8], &[u8]) = (&[0x00, 0x20], &[0x00, 0x02]);

/// One table.
#[derive(Debug)]
pub(crate) struct Weights {
    index: &'static [u8],
    pages: &'static [u8],
    groups: &'static [u8],
    sequences: &'static [u8],
    ends: &'static [u8],
    tails: &'static [u8],
}

/// What a sort key compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Primary,
    Secondary,
    Tertiary,
}

const fn number(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[2 * at], bytes[2 * at + 1]])
}

impl Weights {
    /// A table in the format above.
    pub(crate) const fn read(file: &'static [u8]) -> Self {
        let (pages, groups, tails) = (number(file, 0), number(file, 1), number(file, 2));
        let (_, file) = file.split_at(6);
        let (index, file) = file.split_at(2 * PAGES);
        let (pages, file) = file.split_at(2 * PAGE * pages as usize);
        let (groups, file) = file.split_at(4 * groups as usize);
        let mut bytes = 0;
        let mut group = 0;
        while 4 * (group + 1) < groups.len() {
            let entries = number(groups, 2 * group + 2) - number(groups, 2 * group);
            bytes += entries as usize * number(groups, 2 * group + 1) as usize;
            group += 1;
        }
        let (sequences, file) = file.split_at(bytes);
        let (ends, tails) = file.split_at(2 * tails as usize);
        Self { index, pages, groups, sequences, ends, tails }
    }

    /// Appends the weights of one level, big-endian.
    pub(crate) fn append(&self, c: char, level: Level, key: &mut Vec<u8>) {
        let entry = self.entry(u32::from(c));
        if entry == HANGUL {
            for letter in hangul(u32::from(c)).into_iter().flatten() {
                self.append_listed(self.entry(letter), level, key);
            }
        } else if entry < FIRST_RULE {
            self.append_listed(entry, level, key);
        } else {
            match level {
                Level::Primary => append_computed(entry, u32::from(c), key),
                Level::Secondary => key.extend_from_slice(PLAIN.0),
                Level::Tertiary => key.extend_from_slice(PLAIN.1),
            }
        }
    }

    fn entry(&self, c: u32) -> u16 {
        let page = number(self.index, c as usize / PAGE) as usize;
        number(self.pages, PAGE * page + c as usize % PAGE)
    }

    fn append_listed(&self, entry: u16, level: Level, key: &mut Vec<u8>) {
        let mut sequence = self.sequence(entry);
        if !self.ends.is_empty() {
            let (weights, tail) = sequence.split_at(sequence.len() - 2);
            sequence = match level {
                Level::Primary => weights,
                Level::Secondary => self.tail(number(tail, 0)).0,
                Level::Tertiary => self.tail(number(tail, 0)).1,
            };
        }
        key.extend_from_slice(sequence);
    }

    fn sequence(&self, entry: u16) -> &'static [u8] {
        let mut rest = self.sequences;
        let mut groups = self.groups.chunks_exact(4).peekable();
        while let Some(group) = groups.next() {
            let (first, length) = (number(group, 0), number(group, 1) as usize);
            match groups.peek() {
                Some(next) if entry >= number(next, 0) => {
                    rest = &rest[length * (number(next, 0) - first) as usize..];
                }
                _ => return &rest[length * (entry - first) as usize..][..length],
            }
        }
        &[]
    }

    fn tail(&self, number_of_tail: u16) -> (&'static [u8], &'static [u8]) {
        let at = number_of_tail as usize;
        let start = if at == 0 { 0 } else { number(self.ends, at - 1) as usize };
        let tail = &self.tails[2 * start..2 * number(self.ends, at) as usize];
        tail[2..].split_at(2 * number(tail, 0) as usize)
    }
}

fn append_computed(rule: u16, c: u32, key: &mut Vec<u8>) {
    // The halves of a code point fit into 16 bits each.
    let (high, low) = ((c >> 15) as u16, (c & 0x7fff) as u16 | 0x8000);
    let weights = match rule {
        UNLISTED => [0xfbc0 + high, low],
        IDEOGRAPH => [0xfb40 + high, low],
        RARE_IDEOGRAPH => [0xfb80 + high, low],
        TANGUT => [0xfb00, (c - TANGUT_FIRST) as u16 | 0x8000],
        // Only characters of 16 bits stand for themselves.
        ITSELF => return key.extend_from_slice(&(c as u16).to_be_bytes()),
        LONG_IDEOGRAPH => return append_long(0x81_0000, c, key),
        LONG_RARE_IDEOGRAPH => return append_long(0x82_0000, c, key),
        LONG_OTHER => return append_long(0x85_0000, c, key),
        _ => return,
    };
    for weight in weights {
        key.extend_from_slice(&weight.to_be_bytes());
    }
}

/// Three bytes, as golang.org/x/text puts a character into a key that is not in its table.
fn append_long(base: u32, c: u32, key: &mut Vec<u8>) {
    key.extend_from_slice(&u32::to_be_bytes(base + c)[1..]);
}

/// The letters that a Hangul syllable is made of, as section 3.12 of the Unicode standard takes them apart.
fn hangul(syllable: u32) -> [Option<u32>; 3] {
    let number = syllable - HANGUL_FIRST;
    let trailing = number % HANGUL_TRAILINGS;
    [
        Some(HANGUL_LEADING + number / (HANGUL_VOWELS * HANGUL_TRAILINGS)),
        Some(HANGUL_VOWEL + number / HANGUL_TRAILINGS % HANGUL_VOWELS),
        (trailing != 0).then_some(HANGUL_TRAILING + trailing),
    ]
}
