//! A random statement before it is text: the same form is written with other literals and blanks each time.

use super::random::Random;

/// Keys that are asked for are these and one less than 0.
pub(crate) const KEYS: usize = 24;

/// What is between two pieces, most of the time a blank.
const BLANKS: &[&str] = &[
    " ",
    "\n",
    "\t ",
    "/**/",
    " /* it's one */ ",
    " # where 1 = '\n",
    " -- `x\n",
    "--\n",
    " /* -- */ ",
    " /*+ NO_ICP(t) ' */ ",
];

/// One piece of a statement; between two of them may stand any blank.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    /// Written as it is.
    Text(String),
    /// A value of a sharding column.
    Key,
}

/// What a statement does to rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Access {
    /// Nothing.
    Reads,
    /// It may change them.
    #[default]
    Writes,
}

/// The form of a statement.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form {
    /// In order.
    pub(crate) pieces: Vec<Piece>,
    /// Whether it only reads.
    pub(crate) access: Access,
}

impl Form {
    /// Adds what is written as it is, each word a piece.
    pub(crate) fn words(&mut self, text: &str) -> &mut Self {
        self.pieces
            .extend(text.split(' ').filter(|word| !word.is_empty()).map(|w| Piece::Text(w.to_owned())));
        self
    }

    /// Adds one piece, blanks and all.
    pub(crate) fn solid(&mut self, text: &str) -> &mut Self {
        self.pieces.push(Piece::Text(text.to_owned()));
        self
    }

    /// Adds words in which `K` is a key.
    pub(crate) fn with_keys(&mut self, text: &str) -> &mut Self {
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            self.pieces.push(if word == "K" { Piece::Key } else { Piece::Text(word.to_owned()) });
        }
        self
    }

    /// The statement's text, with fresh keys and blanks.
    pub(crate) fn write(&self, random: &mut Random) -> String {
        let main = key(random);
        let odd_blanks = random.percent(25);
        let mut text = String::new();
        for (place, piece) in self.pieces.iter().enumerate() {
            if place > 0 {
                text.push_str(if odd_blanks && random.percent(15) { random.pick(BLANKS) } else { " " });
            }
            match piece {
                Piece::Text(word) => text.push_str(word),
                Piece::Key => {
                    // Most statements are about one key, or nothing could be routed.
                    let number = if random.percent(93) { main } else { key(random) };
                    text.push_str(&literal(number, random));
                }
            }
        }
        text
    }
}

/// A key; the negative one is as likely as another.
pub(crate) fn key(random: &mut Random) -> i64 {
    i64::try_from(random.below(KEYS)).unwrap_or_default() - 1
}

/// One of the ways to write a number, a few of them another value or none at all.
fn literal(number: i64, random: &mut Random) -> String {
    if random.percent(70) {
        return number.to_string();
    }
    let (sign, digits) = (if number < 0 { "-" } else { "" }, number.abs());
    match random.below(17) {
        0 => format!("'{number}'"),
        1 => format!("\"{number}\""),
        2 => format!("{number}.0"),
        3 => format!("{number}e0"),
        4 => format!("{sign}00{digits}"),
        5 => format!("({number})"),
        6 => format!("- {}", -number),
        7 => format!("--{number}"),
        8 => format!("'{sign}0{digits}.00'"),
        9 => format!("{number}."),
        10 => format!("{sign}.{digits:02}e2"),
        11 => format!("0x{digits:x}"),
        12 => format!("'{number}' ''"),
        13 => format!("{number} + 0"),
        14 => format!("'\\{number}'"),
        15 => "NULL".to_owned(),
        _ => format!("{number}.5"),
    }
}
