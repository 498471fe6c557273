//! Lexemes of MySQL's SQL: where they end, and what literals are.

/// What kind of literal a span holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum LiteralClass {
    /// Decimal digits.
    Integer = 0,
    /// Digits with a point.
    Decimal = 1,
    /// Digits with an exponent.
    Float = 2,
    /// One quoted string, or one in either notation behind an introducer such as `_binary`.
    String = 3,
    /// `0x…`, `x'…'`, `0b…`, `b'…'`.
    HexOrBit = 4,
    /// Several adjacent strings, which MySQL reads as one.
    AdjacentStrings = 5,
}

/// Number of literal classes; the placeholder encoding depends on it.
pub const CLASSES: usize = 6;

impl LiteralClass {
    pub(super) fn from_code(code: usize) -> Option<Self> {
        [Self::Integer, Self::Decimal, Self::Float, Self::String, Self::HexOrBit, Self::AdjacentStrings]
            .get(code)
            .copied()
    }
}

/// Bytes of which words are made: letters, digits, `_`, `$`, and all of longer characters.
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// The end of the string whose quote stands at `start`; a doubled quote and a backslash do not end it.
pub(crate) fn quoted_end(sql: &[u8], start: usize) -> Option<usize> {
    let quote = sql[start];
    let mut at = start + 1;
    loop {
        match *sql.get(at)? {
            b'\\' => at += 2,
            b if b == quote && sql.get(at + 1) == Some(&quote) => at += 2,
            b if b == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// The end of what an introducer before `start` is for: a quoted string, or `x'…'` and its like.
pub(crate) fn introduced_end(sql: &[u8], start: usize) -> Option<usize> {
    let blanks = sql.get(start..)?.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let at = start + blanks;
    match (sql.get(at)?, sql.get(at + 1)) {
        (b'\'' | b'"', _) => quoted_end(sql, at),
        (b'x' | b'X' | b'b' | b'B', Some(b'\'')) => quoted_end(sql, at + 1),
        (b'0', Some(b'x' | b'b')) => {
            let (end, class) = number_end(sql, at);
            let runs_on = sql.get(end).is_some_and(|&byte| is_word(byte));
            (class == LiteralClass::HexOrBit && !runs_on).then_some(end)
        }
        _ => None,
    }
}

/// The end of the name whose backtick stands at `start`; a doubled one does not end it.
pub(crate) fn quoted_name_end(sql: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match *sql.get(at)? {
            b'`' if sql.get(at + 1) == Some(&b'`') => at += 2,
            b'`' => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// The end and class of the number at `start`.
pub(super) fn number_end(sql: &[u8], start: usize) -> (usize, LiteralClass) {
    let run = |from: usize, accepts: fn(&u8) -> bool| {
        from + sql.get(from..).unwrap_or_default().iter().take_while(|b| accepts(b)).count()
    };
    if sql[start] == b'0' {
        let digits: Option<fn(&u8) -> bool> = match sql.get(start + 1) {
            Some(b'x') => Some(u8::is_ascii_hexdigit),
            Some(b'b') => Some(|b| matches!(b, b'0' | b'1')),
            _ => None,
        };
        if let Some(accepts) = digits {
            let end = run(start + 2, accepts);
            if end > start + 2 {
                return (end, LiteralClass::HexOrBit);
            }
        }
    }
    let mut end = run(start, u8::is_ascii_digit);
    let mut class = LiteralClass::Integer;
    if sql.get(end) == Some(&b'.') {
        end = run(end + 1, u8::is_ascii_digit);
        class = LiteralClass::Decimal;
    }
    if matches!(sql.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(sql.get(end + 1), Some(b'+' | b'-')));
        let exponent_end = run(end + 1 + sign, u8::is_ascii_digit);
        if exponent_end > end + 1 + sign {
            return (exponent_end, LiteralClass::Float);
        }
    }
    (end, class)
}
