//! One pass over the raw bytes of a statement: literals become placeholders, blanks and comments collapse.
//!
//! Two statements with the same normalised text are planned alike, and differ only in the values of their
//! literals, whose spans are kept. The parser sees the normalised text and never a literal.
//!
//! A placeholder is written `?n`, where `n / CLASSES` is the number of the first equal literal of the statement
//! and `n % CLASSES` is the literal's class: equal literals get equal placeholders,
//! because `GROUP BY a+1` and `GROUP BY a+2` are different statements. Literals that are syntax stay in the
//! text: lengths of types, integers in ORDER BY and GROUP BY lists, aliases, strings after words that are no introducers.
//!
//! The character sets that clients may use here are those in which no byte of a longer character can be taken
//! for a quote or a backslash (see `sql::character_set`).

use super::character_set::CharacterSet;
use super::lexeme::{
    CLASSES, LiteralClass, introduced_end, is_word, number_end, quoted_end, quoted_name_end,
};
use super::words::{WordClass, word_class};

/// Literals beyond this many are not compared with earlier ones: each counts as distinct, which can only make
/// a plan more careful.
const MAX_COMPARED_LITERALS: usize = 32;

/// What a comment with directives begins with, after `/*`.
const DIRECTIVE_START: &[u8] = b"vt+";

/// Where a literal stands in the raw bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiteralSpan {
    /// First byte, quotes and prefixes included.
    pub start: usize,
    /// First byte after it.
    pub end: usize,
    /// What it is.
    pub class: LiteralClass,
    /// Number of the first literal of the statement with the same class and bytes.
    pub number: usize,
}

/// What a placeholder of the normalised text (without its `?`) stands for: the literal's number and class.
pub fn decode_placeholder(digits: &str) -> Option<(usize, LiteralClass)> {
    let code: usize = digits.parse().ok()?;
    Some((code / CLASSES, LiteralClass::from_code(code % CLASSES)?))
}

/// Things seen on the way that plans must know of.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Marks(u8);

impl Marks {
    /// `/*! … */`: only MySQL can read what is inside.
    pub const EXECUTABLE_COMMENT: Self = Self(1);
    /// `@x` or `:=`.
    pub const USER_VARIABLE: Self = Self(2);
    /// `?` outside literals: an error in a statement sent as text.
    pub const PLACEHOLDER: Self = Self(4);
    /// `/*vt+ … */`: Vitess' directives.
    pub const DIRECTIVE: Self = Self(16);
    /// A string, comment or quoted name without its end.
    pub const UNTERMINATED: Self = Self(8);

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether all marks of the other set are set here.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    fn set(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// The result; reused from statement to statement, so that the pass allocates nothing once it is warm.
#[derive(Debug, Default, Clone)]
pub struct Fingerprint {
    /// Normalised text.
    pub text: Vec<u8>,
    /// Literals that were replaced, in order.
    pub literals: Vec<LiteralSpan>,
    /// What plans must know of.
    pub marks: Marks,
    /// Where the first VALUES outside parentheses stands in the raw bytes.
    pub values_at: Option<usize>,
}

impl Fingerprint {
    /// Reads a statement, forgetting the one before.
    pub fn read(&mut self, sql: &[u8]) {
        self.text.clear();
        self.literals.clear();
        self.marks = Marks::default();
        self.values_at = None;
        let mut pass = Pass {
            sql,
            at: 0,
            out: self,
            previous: Previous::Start,
            blank: false,
            placeholder_at: 0,
            by_list: None,
            depth: 0,
        };
        while pass.at < sql.len() {
            pass.step();
        }
    }
}

/// The token before the present one, as far as it decides what a literal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Previous {
    Start,
    /// A word after which a string is a value, such as LIKE.
    ValueWord,
    /// A type name such as CHAR, then perhaps `(`, digits and commas.
    TypeName,
    TypeLength,
    /// Any other word, a quoted name, `)`, a number.
    Operand,
    /// A string that was replaced by a placeholder.
    String,
    /// An operator or separator.
    Symbol,
    /// A point: the next word is a name, whatever it looks like.
    Point,
}

struct Pass<'a> {
    sql: &'a [u8],
    at: usize,
    out: &'a mut Fingerprint,
    previous: Previous,
    /// Blanks or comments stand before the present token.
    blank: bool,
    /// Where in the normalised text the last placeholder begins.
    placeholder_at: usize,
    /// Inside the list of an ORDER BY or GROUP BY that began at this depth of parentheses.
    by_list: Option<u32>,
    depth: u32,
}

impl Pass<'_> {
    fn step(&mut self) {
        let byte = self.sql[self.at];
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => {
                self.blank = true;
                self.at += 1;
            }
            b'#' => self.line_comment(),
            b'-' if self.starts_dash_comment() => self.line_comment(),
            b'/' if self.peek(1) == Some(b'*') => self.block_comment(),
            b'\'' | b'"' => self.string(self.at),
            b'`' => self.quoted_name(),
            b'0'..=b'9' => self.number(),
            b'.' if self.previous != Previous::Operand
                && self.peek(1).is_some_and(|b| b.is_ascii_digit()) =>
            {
                self.number()
            }
            b'@' => self.variable(),
            _ if is_word(byte) => self.word(),
            _ => self.symbol(byte),
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.sql.get(self.at + ahead).copied()
    }

    /// `--` begins a comment only before a blank, a control character or the end.
    fn starts_dash_comment(&self) -> bool {
        self.peek(1) == Some(b'-') && self.peek(2).is_none_or(|b| b <= b' ')
    }

    fn line_comment(&mut self) {
        let rest = &self.sql[self.at..];
        self.at += rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
        self.blank = true;
    }

    fn block_comment(&mut self) {
        let start = self.at;
        let body = &self.sql[start + 2..];
        let Some(length) = body.windows(2).position(|pair| pair == b"*/") else {
            self.out.marks.set(Marks::UNTERMINATED);
            self.at = self.sql.len();
            return;
        };
        self.at = start + 2 + length + 2;
        match body.first() {
            Some(b'!') => self.out.marks.set(Marks::EXECUTABLE_COMMENT),
            Some(b'v') if body.starts_with(DIRECTIVE_START) => self.out.marks.set(Marks::DIRECTIVE),
            // Optimizer hints mean something to MySQL and therefore to the plan's identity.
            Some(b'+') => self.emit(start, self.at, self.previous),
            _ => {}
        }
        self.blank = true;
    }

    /// A string literal; `start` lies before the quote if it has a prefix.
    fn string(&mut self, start: usize) {
        let Some(end) = quoted_end(self.sql, self.at) else {
            self.out.marks.set(Marks::UNTERMINATED);
            self.at = self.sql.len();
            return;
        };
        self.at = end;
        match self.previous {
            // Adjacent strings are one literal to MySQL.
            Previous::String => {
                if let Some(last) = self.out.literals.last_mut() {
                    last.end = end;
                    last.class = LiteralClass::AdjacentStrings;
                    // Its bytes are no longer those of an earlier equal literal.
                    let number = self.out.literals.len() - 1;
                    self.renumber_last(number);
                }
            }
            Previous::Operand | Previous::TypeName | Previous::TypeLength | Previous::Point => {
                self.emit(start, end, Previous::Operand);
            }
            Previous::Start | Previous::ValueWord | Previous::Symbol => {
                self.literal(start, end, LiteralClass::String, Previous::String);
            }
        }
    }

    fn quoted_name(&mut self) {
        let start = self.at;
        match quoted_name_end(self.sql, start) {
            Some(end) => {
                self.at = end;
                self.emit(start, end, Previous::Operand);
            }
            None => {
                self.out.marks.set(Marks::UNTERMINATED);
                self.at = self.sql.len();
            }
        }
    }

    fn number(&mut self) {
        let start = self.at;
        if self.previous == Previous::Point {
            return self.word();
        }
        let (end, class) = number_end(self.sql, start);
        let runs_into_word = self.sql.get(end).is_some_and(|&b| is_word(b));
        // Digits that run into letters are a name, such as 2nd_address; 1.5 and 1e5 end there.
        if runs_into_word && matches!(class, LiteralClass::Integer | LiteralClass::HexOrBit) {
            return self.word();
        }
        self.at = end;
        let stays = match self.previous {
            Previous::TypeLength => true,
            _ => class == LiteralClass::Integer && self.by_list == Some(self.depth) && self.stands_alone(end),
        };
        if stays {
            let after =
                if self.previous == Previous::TypeLength { Previous::TypeLength } else { Previous::Operand };
            self.emit(start, end, after);
        } else {
            self.literal(start, end, class, Previous::Operand);
        }
        self.blank |= runs_into_word;
    }

    /// Whether a number in an ORDER BY or GROUP BY list is an item by itself: a position and no value.
    fn stands_alone(&self, end: usize) -> bool {
        let before = self.out.text.last().copied();
        let rest = self.sql[end..].trim_ascii_start();
        let item_starts = before.is_none_or(|b| b == b',' || b.is_ascii_alphabetic());
        item_starts && rest.first().is_none_or(|&b| b == b',' || b == b')' || b == b';' || is_word(b))
    }

    fn variable(&mut self) {
        let start = self.at;
        if self.peek(1) != Some(b'@') {
            self.out.marks.set(Marks::USER_VARIABLE);
        }
        while self.peek(0) == Some(b'@') {
            self.at += 1;
        }
        let rest = &self.sql[self.at..];
        self.at += rest.iter().position(|&b| !is_word(b) && b != b'.').unwrap_or(rest.len());
        self.emit(start, self.at, Previous::Operand);
    }

    fn word(&mut self) {
        let start = self.at;
        let rest = &self.sql[start..];
        self.at += rest.iter().position(|&b| !is_word(b)).unwrap_or(rest.len());
        let word = &self.sql[start..self.at];
        let is_introducer = self.previous != Previous::Point
            && word.strip_prefix(b"_").and_then(CharacterSet::named).is_some();
        if is_introducer && let Some(end) = introduced_end(self.sql, self.at) {
            self.at = end;
            return self.literal(start, end, LiteralClass::String, Previous::String);
        }
        let quote_follows = matches!(self.peek(0), Some(b'\''));
        if quote_follows && matches!(word, b"x" | b"X" | b"b" | b"B") {
            return match quoted_end(self.sql, self.at) {
                Some(end) => {
                    self.at = end;
                    self.literal(start, end, LiteralClass::HexOrBit, Previous::Operand);
                }
                None => {
                    self.out.marks.set(Marks::UNTERMINATED);
                    self.at = self.sql.len();
                }
            };
        }
        let after = match word_class(word) {
            _ if self.previous == Previous::Point => Previous::Operand,
            WordClass::TypeName => Previous::TypeName,
            WordClass::BeforeValue => Previous::ValueWord,
            WordClass::Other => Previous::Operand,
        };
        if self.previous != Previous::Point {
            self.follow_by_list(word);
            let is_values = word.eq_ignore_ascii_case(b"VALUES") || word.eq_ignore_ascii_case(b"VALUE");
            if is_values && self.depth == 0 && self.out.values_at.is_none() {
                self.out.values_at = Some(start);
            }
        }
        self.emit(start, self.at, after);
    }

    /// Keeps track of whether the present token belongs to the list of an ORDER BY or GROUP BY.
    fn follow_by_list(&mut self, word: &[u8]) {
        if word.eq_ignore_ascii_case(b"BY") {
            self.by_list = Some(self.depth);
        } else if self.by_list == Some(self.depth)
            && ["LIMIT", "HAVING", "FOR", "INTO", "UNION", "WINDOW", "WITH", "ORDER", "ROWS", "RANGE", "LOCK"]
                .iter()
                .any(|ends| word.eq_ignore_ascii_case(ends.as_bytes()))
        {
            self.by_list = None;
        }
    }

    fn symbol(&mut self, byte: u8) {
        let start = self.at;
        self.at += 1;
        let after = match (byte, self.previous) {
            (b'(', Previous::TypeName) | (b',', Previous::TypeLength) => Previous::TypeLength,
            (b')', _) => Previous::Operand,
            (b'.', _) => Previous::Point,
            _ => Previous::Symbol,
        };
        match byte {
            b'(' => self.depth += 1,
            b')' => {
                if self.by_list == Some(self.depth) {
                    self.by_list = None;
                }
                self.depth = self.depth.saturating_sub(1);
            }
            b'?' => self.out.marks.set(Marks::PLACEHOLDER),
            // Two of them begin a comment only before a blank, and there was none.
            b'-' => self.blank |= self.out.text.last() == Some(&b'-'),
            b':' if self.peek(0) == Some(b'=') => self.out.marks.set(Marks::USER_VARIABLE),
            _ => {}
        }
        self.emit(start, self.at, after);
    }

    fn emit(&mut self, start: usize, end: usize, after: Previous) {
        self.emit_blank();
        self.out.text.extend_from_slice(&self.sql[start..end]);
        self.previous = after;
    }

    fn emit_blank(&mut self) {
        if self.blank && !self.out.text.is_empty() {
            self.out.text.push(b' ');
        }
        self.blank = false;
    }

    fn literal(&mut self, start: usize, end: usize, class: LiteralClass, after: Previous) {
        self.emit_blank();
        let bytes = &self.sql[start..end];
        let own = self.out.literals.len();
        let equal = self
            .out
            .literals
            .iter()
            .take(MAX_COMPARED_LITERALS)
            .find(|earlier| earlier.class == class && &self.sql[earlier.start..earlier.end] == bytes);
        let number = equal.map_or(own, |earlier| earlier.number);
        self.out.literals.push(LiteralSpan { start, end, class, number });
        self.placeholder_at = self.out.text.len();
        write_placeholder(&mut self.out.text, number, class);
        self.previous = after;
    }

    /// Gives the last literal another number; what stands after its placeholder, a hint at most, goes.
    fn renumber_last(&mut self, number: usize) {
        let Some(last) = self.out.literals.last_mut() else { return };
        last.number = number;
        let class = last.class;
        self.out.text.truncate(self.placeholder_at);
        write_placeholder(&mut self.out.text, number, class);
        self.blank = false;
    }
}

fn write_placeholder(text: &mut Vec<u8>, number: usize, class: LiteralClass) {
    text.push(b'?');
    let mut code = number * CLASSES + class as usize;
    let mut digits = [0; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + (code % 10) as u8;
        code /= 10;
        if code == 0 {
            break;
        }
    }
    text.extend_from_slice(&digits[first..]);
}

#[cfg(test)]
mod tests;
