//! Where the rows and assignments of an INSERT stand in the client's bytes, so that text can be put in and taken out.

use super::lexeme::{is_word, quoted_end, quoted_name_end};

/// A piece of the client's bytes: its first byte, and the first one after it.
pub type Span = (usize, usize);

/// The rows of `VALUES (…), (…)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    /// The column list before VALUES, if there is one.
    pub list: Option<List>,
    /// At least one.
    pub rows: Vec<Row>,
}

/// A column list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct List {
    /// Where its closing parenthesis stands.
    pub close: usize,
    /// Whether it names nothing.
    pub is_empty: bool,
}

/// A row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// From its opening parenthesis, or the word ROW before it, to its closing one.
    pub span: Span,
    /// How many values it has.
    pub width: usize,
    /// The value that was asked for, with the blanks and comments around it.
    pub value: Option<Span>,
}

impl Rows {
    /// Reads the rows after the VALUES at `values_at`; `place` is that of the value that is asked for. `None`: they
    /// are not written as rows are.
    pub fn read(sql: &[u8], values_at: usize, place: Option<usize>) -> Option<Self> {
        let list = list_before(sql, values_at)?;
        let mut tokens = Tokens { sql, at: values_at };
        tokens.next()?;
        let mut rows = Vec::new();
        loop {
            let (mut open, mut end) = tokens.next()?;
            let start = open;
            if sql[open..end].eq_ignore_ascii_case(b"ROW") {
                (open, end) = tokens.next()?;
            }
            if sql[open] != b'(' {
                return None;
            }
            let items = tokens.items(end)?;
            let value = place.and_then(|place| items.spans.get(place)).copied();
            rows.push(Row { span: (start, items.end), width: items.spans.len(), value });
            let after = Tokens { sql, at: items.end }.next();
            match after {
                Some((comma, end)) if sql[comma] == b',' => tokens.at = end,
                _ => return Some(Self { list, rows }),
            }
        }
    }
}

/// The assignments of `INSERT … SET`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignments {
    /// Behind the word SET.
    pub start: usize,
    /// The value that was asked for.
    pub value: Option<Span>,
}

impl Assignments {
    /// Reads them; `place` is that of the assignment whose value is asked for.
    pub fn read(sql: &[u8], place: Option<usize>) -> Option<Self> {
        let mut tokens = Tokens { sql, at: 0 };
        let start = loop {
            let (start, end) = tokens.next()?;
            if sql[start..end].eq_ignore_ascii_case(b"SET") {
                break end;
            }
        };
        let Some(place) = place else { return Some(Self { start, value: None }) };
        let (mut depth, mut passed, mut value_at) = (0usize, 0, None);
        let mut last = start;
        loop {
            let next = tokens.next();
            let token = next.map(|(start, end)| &sql[start..end]);
            let ends = token.is_none_or(|token| {
                depth == 0 && (matches!(token, b"," | b";") || is_one_of(token, &[b"ON", b"AS"]))
            });
            if let (true, Some(at)) = (ends && passed == place, value_at) {
                return Some(Self { start, value: Some((at, last)) });
            }
            let (_, end) = next?;
            match token? {
                b"," if depth == 0 => (passed, value_at) = (passed + 1, None),
                b"=" if depth == 0 && value_at.is_none() => value_at = Some(end),
                b"(" => depth += 1,
                b")" => depth = depth.checked_sub(1)?,
                _ if ends => return None,
                _ => {}
            }
            last = end;
        }
    }
}

/// Where `name ( )` stands, each time: calls without arguments of a function.
pub fn calls(sql: &[u8], name: &[u8]) -> Vec<Span> {
    let mut found = Vec::new();
    let mut tokens = Tokens { sql, at: 0 };
    while let Some((start, end)) = tokens.next() {
        let word = sql[start..end].strip_prefix(b"`").and_then(|word| word.strip_suffix(b"`"));
        if !word.unwrap_or(&sql[start..end]).eq_ignore_ascii_case(name) {
            continue;
        }
        let mut ahead = Tokens { sql, at: end };
        if let (Some((open, _)), Some((close, after))) = (ahead.next(), ahead.next())
            && sql[open] == b'('
            && sql[close] == b')'
        {
            found.push((start, after));
            tokens.at = after;
        }
    }
    found
}

/// The tokens on both sides of a span.
pub fn neighbours(sql: &[u8], span: Span) -> (Option<&[u8]>, Option<&[u8]>) {
    let mut tokens = Tokens { sql, at: 0 };
    let mut before = None;
    while let Some((start, end)) = tokens.next() {
        if start >= span.0 {
            break;
        }
        before = Some(&sql[start..end]);
    }
    let after = Tokens { sql, at: span.1 }.next().map(|(start, end)| &sql[start..end]);
    (before, after)
}

/// Whether the token is one of these words.
pub fn is_one_of(token: &[u8], words: &[&[u8]]) -> bool {
    words.iter().any(|word| token.eq_ignore_ascii_case(word))
}

/// The column list right before VALUES. The outer `None`: what stands there cannot be read.
fn list_before(sql: &[u8], values_at: usize) -> Option<Option<List>> {
    let mut tokens = Tokens { sql: &sql[..values_at], at: 0 };
    let (mut list, mut opened, mut depth) = (None, None, 0usize);
    while let Some((start, end)) = tokens.next() {
        match sql[start] {
            b'(' => {
                if depth == 0 {
                    opened = Some(end);
                }
                depth += 1;
            }
            b')' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    let is_empty = Tokens { sql: &sql[..start], at: opened? }.next().is_none();
                    list = Some(List { close: start, is_empty });
                }
            }
            // A list stands right before VALUES.
            _ if depth == 0 => list = None,
            _ => {}
        }
    }
    Some(list)
}

struct Items {
    spans: Vec<Span>,
    /// After the closing parenthesis.
    end: usize,
}

/// Cuts bytes into tokens, without blanks and comments.
struct Tokens<'a> {
    sql: &'a [u8],
    at: usize,
}

impl Tokens<'_> {
    fn next(&mut self) -> Option<Span> {
        self.skip_blanks();
        let (sql, start) = (self.sql, self.at);
        let byte = *sql.get(start)?;
        let end = match byte {
            b'\'' | b'"' => quoted_end(sql, start)?,
            b'`' => quoted_name_end(sql, start)?,
            _ if is_word(byte) => {
                start + sql[start..].iter().position(|&b| !is_word(b)).unwrap_or(sql.len() - start)
            }
            _ => start + 1,
        };
        self.at = end;
        Some((start, end))
    }

    fn skip_blanks(&mut self) {
        loop {
            let rest = &self.sql[self.at.min(self.sql.len())..];
            let length = match rest {
                [b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c, ..] => 1,
                [b'#', ..] => line(rest),
                [b'-', b'-'] => 2,
                [b'-', b'-', blank, ..] if *blank <= b' ' => line(rest),
                [b'/', b'*', body @ ..] => {
                    body.windows(2).position(|pair| pair == b"*/").map_or(rest.len(), |at| at + 4)
                }
                _ => return,
            };
            self.at += length;
        }
    }

    /// The items of a list in parentheses, of which the first begins at `start`.
    fn items(&mut self, start: usize) -> Option<Items> {
        self.at = start;
        let (mut spans, mut begin, mut depth, mut is_empty) = (Vec::new(), start, 0usize, true);
        loop {
            let (token, end) = self.next()?;
            match self.sql[token] {
                b'(' => depth += 1,
                b')' if depth == 0 => {
                    if !is_empty {
                        spans.push((begin, token));
                    }
                    return Some(Items { spans, end });
                }
                b')' => depth -= 1,
                b',' if depth == 0 => {
                    spans.push((begin, token));
                    begin = end;
                }
                _ => {}
            }
            is_empty = false;
        }
    }
}

fn line(rest: &[u8]) -> usize {
    rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(sql: &str, span: Span) -> &str {
        &sql[span.0..span.1]
    }

    /// A row's text, how many values it has, and the one at the place.
    type Found<'a> = (&'a str, usize, Option<&'a str>);

    fn rows(sql: &str, place: usize) -> (Option<(usize, bool)>, Vec<Found<'_>>) {
        let values_at = sql.find("VALUES").unwrap();
        let rows = Rows::read(sql.as_bytes(), values_at, Some(place)).unwrap();
        let list = rows.list.map(|list| (list.close, list.is_empty));
        let row = |row: &Row| (text(sql, row.span), row.width, row.value.map(|span| text(sql, span)));
        (list, rows.rows.iter().map(row).collect())
    }

    #[test]
    fn rows_are_found_whatever_stands_in_them() {
        let sql = "insert into t (a, `b(`) VALUES (1, ')'), (f(2,3) /* ,( */, \"x\\\")\"),(  ) ON x";
        let (list, found) = rows(sql, 0);
        assert_eq!(list, Some((sql.find(") V").unwrap(), false)));
        let expected = [
            ("(1, ')')", 2, Some("1")),
            ("(f(2,3) /* ,( */, \"x\\\")\")", 2, Some("f(2,3) /* ,( */")),
            ("(  )", 0, None),
        ];
        assert_eq!(found, expected);
        let (list, found) = rows("insert t() VALUES row(1, -- )\n 2) , ROW (3,4) as n(a,b)", 1);
        assert_eq!(list, Some((9, true)));
        assert_eq!(found, [("row(1, -- )\n 2)", 2, Some(" -- )\n 2")), ("ROW (3,4)", 2, Some("4"))]);
        assert_eq!(rows("insert t VALUES (1)", 5), (None, vec![("(1)", 1, None)]));
    }

    #[test]
    fn what_is_no_row_is_not_read() {
        for sql in ["VALUES", "VALUES 1", "VALUES (1", "VALUES (1),", "VALUES ('1"] {
            assert_eq!(Rows::read(sql.as_bytes(), 0, None), None, "{sql}");
        }
    }

    #[test]
    fn assignments_are_found() {
        for (sql, place, expected) in [
            ("insert t set a=1, b = null", 1, Some(" null")),
            ("insert t set a=f(1,2), id=default on duplicate key update a=3", 1, Some("default")),
            ("insert t set id = 0 as n", 0, Some(" 0")),
            ("insert `set` set x.id='a,b' , c=2;", 0, Some("'a,b'")),
            ("insert t set a=1", 1, None),
        ] {
            let found = Assignments::read(sql.as_bytes(), Some(place));
            assert_eq!(found.and_then(|found| found.value).map(|span| text(sql, span)), expected, "{sql}");
        }
        let start = Assignments::read(b"insert t SET a=1", None).unwrap().start;
        assert_eq!(start, "insert t SET".len());
        assert_eq!(Assignments::read(b"insert t values (1)", None), None);
    }

    #[test]
    fn calls_are_found_where_they_are_calls() {
        let sql =
            "select last_insert_id(), 'last_insert_id()', `LAST_INSERT_ID` ( /**/ ) + last_insert_id(5)";
        let found: Vec<&str> =
            calls(sql.as_bytes(), b"LAST_INSERT_ID").into_iter().map(|span| text(sql, span)).collect();
        assert_eq!(found, ["last_insert_id()", "`LAST_INSERT_ID` ( /**/ )"]);
        let span = calls(sql.as_bytes(), b"LAST_INSERT_ID")[1];
        assert_eq!(neighbours(sql.as_bytes(), span), (Some(&b","[..]), Some(&b"+"[..])));
    }
}
