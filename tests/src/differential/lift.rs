//! Literals of a statement lifted out of its text, as a program does that uses prepared statements.

use mysql_async::Value;

/// The statement with `?` in place of numbers and strings that are compared with, assigned, listed after IN, or rows of
/// VALUES, and those.
pub(super) fn lift(sql: &str) -> (String, Vec<Value>) {
    let mut lift =
        Lift { rest: sql, text: String::new(), values: Vec::new(), lists: Vec::new(), word: String::new() };
    while let Some(first) = lift.rest.chars().next() {
        lift.step(first);
    }
    (lift.text, lift.values)
}

struct Lift<'a> {
    rest: &'a str,
    text: String,
    values: Vec<Value>,
    /// For each open parenthesis whether it is a list of values.
    lists: Vec<bool>,
    /// The last word, in upper case; `)` after a list of values.
    word: String,
}

impl Lift<'_> {
    fn step(&mut self, first: char) {
        let rest = self.rest;
        match first {
            '\'' => {
                let end = string_end(rest);
                match unescaped(&rest[1..end - 1]).filter(|_| self.is_value(&rest[end..])) {
                    Some(value) => self.lift(value, end),
                    None => self.keep(end),
                }
            }
            '`' | '"' => self.keep(1 + rest[1..].find(first).map_or(rest.len() - 1, |at| at + 1)),
            '/' if rest.starts_with("/*") => self.keep(rest.find("*/").map_or(rest.len(), |at| at + 2)),
            '0'..='9' => {
                let end = rest.find(|c: char| !is_word(c) && c != '.').unwrap_or(rest.len());
                match rest[..end].parse::<i64>() {
                    Ok(number) if self.is_value(&rest[end..]) => self.lift(Value::Int(number), end),
                    _ => self.keep(end),
                }
            }
            _ if is_word(first) => {
                let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
                self.word = rest[..end].to_uppercase();
                self.keep(end);
            }
            '(' => {
                self.lists.push(matches!(self.word.as_str(), "IN" | "VALUES" | ")"));
                self.word.clear();
                self.keep(1);
            }
            ')' => {
                let was_list = self.lists.pop().unwrap_or_default();
                self.word = if was_list { ")".to_owned() } else { String::new() };
                self.keep(1);
            }
            _ => {
                if !first.is_whitespace() && first != ',' {
                    self.word.clear();
                }
                self.keep(first.len_utf8());
            }
        }
    }

    /// Whether a literal here is a value of which nothing else is part.
    fn is_value(&self, after: &str) -> bool {
        let after = after.trim_start();
        let ends =
            after.is_empty() || after.starts_with([',', ')', ';']) || after.starts_with(char::is_alphabetic);
        match self.text.trim_end().chars().last() {
            Some('=' | '<' | '>') => ends,
            Some('(' | ',') => ends && self.lists.last() == Some(&true),
            _ => false,
        }
    }

    fn lift(&mut self, value: Value, end: usize) {
        self.values.push(value);
        self.text.push('?');
        self.rest = &self.rest[end..];
    }

    fn keep(&mut self, end: usize) {
        self.text.push_str(&self.rest[..end]);
        self.rest = &self.rest[end..];
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | '@')
}

/// The end of the string at the start of the text; the text's own where it has none.
fn string_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'\'' if bytes.get(at + 1) == Some(&b'\'') => at += 2,
            b'\'' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// What a string without escapes is.
fn unescaped(inside: &str) -> Option<Value> {
    let plain = !inside.contains('\\');
    plain.then(|| Value::Bytes(inside.replace("''", "'").into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_lifted_and_nothing_else() {
        let cases = [
            (
                "SELECT 1 FROM t WHERE id = 5 AND a < 'x''y'",
                "SELECT 1 FROM t WHERE id = ? AND a < ?",
                "5 'x\\'y'",
            ),
            (
                "INSERT INTO t VALUES (1, 'a'), (2, x'00')",
                "INSERT INTO t VALUES (?, ?), (?, x'00')",
                "1 'a' 2",
            ),
            (
                "SELECT `a = 5`, f(1) FROM t WHERE id IN (3, 4)",
                "SELECT `a = 5`, f(1) FROM t WHERE id IN (?, ?)",
                "3 4",
            ),
            ("UPDATE t SET a = 5 + 1, b = 7", "UPDATE t SET a = 5 + 1, b = ?", "7"),
            (
                "SELECT /* = 1 */ a FROM t WHERE a = 1.5 OR a = 1e3",
                "SELECT /* = 1 */ a FROM t WHERE a = 1.5 OR a = 1e3",
                "",
            ),
            ("SELECT 'it' LIMIT 5", "SELECT 'it' LIMIT 5", ""),
        ];
        for (sql, text, values) in cases {
            let (lifted, found) = lift(sql);
            let found: Vec<String> = found.iter().map(|value| value.as_sql(false)).collect();
            assert_eq!((lifted.as_str(), found.join(" ").as_str()), (text, values));
        }
    }
}
