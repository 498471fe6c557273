//! The words of a statement, and lists of those that the fingerprint and the planner tell apart.

use super::lexeme::{is_word, quoted_end, quoted_name_end};

/// What a word says of the literals after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordClass {
    /// A type whose length or precision may follow in parentheses.
    TypeName,
    /// A string after it is a value and no alias.
    BeforeValue,
    /// Nothing.
    Other,
}

/// Longest word that has a class.
const MAX_CLASSED: usize = 9;

/// The class of a word, in whatever case.
pub fn word_class(word: &[u8]) -> WordClass {
    let mut upper = [0; MAX_CLASSED];
    let Some(upper) = upper.get_mut(..word.len()) else { return WordClass::Other };
    upper.copy_from_slice(word);
    upper.make_ascii_uppercase();
    match &*upper {
        b"BINARY" | b"BIT" | b"BLOB" | b"CHAR" | b"CHARACTER" | b"DATETIME" | b"DEC" | b"DECIMAL"
        | b"DOUBLE" | b"FIXED" | b"FLOAT" | b"INT" | b"INTEGER" | b"BIGINT" | b"MEDIUMINT" | b"NCHAR"
        | b"NUMERIC" | b"NVARCHAR" | b"REAL" | b"SMALLINT" | b"TEXT" | b"TIME" | b"TIMESTAMP"
        | b"TINYINT" | b"VARBINARY" | b"VARCHAR" | b"VECTOR" | b"YEAR" => WordClass::TypeName,
        b"ALL" | b"AND" | b"BETWEEN" | b"BY" | b"CASE" | b"DISTINCT" | b"DIV" | b"ELSE" | b"HAVING"
        | b"IN" | b"LIKE" | b"LIMIT" | b"MOD" | b"NOT" | b"OFFSET" | b"ON" | b"OR" | b"REGEXP"
        | b"RETURN" | b"RLIKE" | b"SELECT" | b"THEN" | b"VALUES" | b"WHEN" | b"WHERE" | b"XOR" => {
            WordClass::BeforeValue
        }
        _ => WordClass::Other,
    }
}

/// Functions that read or change what belongs to one session, which a pooled connection does not keep.
const SESSION_FUNCTIONS: &[&str] = &[
    "CONNECTION_ID",
    "CURRENT_ROLE",
    "CURRENT_USER",
    "FOUND_ROWS",
    "GET_LOCK",
    "IS_FREE_LOCK",
    "IS_USED_LOCK",
    "LAST_INSERT_ID",
    "PS_CURRENT_THREAD_ID",
    "RELEASE_ALL_LOCKS",
    "RELEASE_LOCK",
    "ROW_COUNT",
    "SESSION_USER",
    "SYSTEM_USER",
    "USER",
];

/// The system variables that belong to one session's past.
const SESSION_VARIABLES: &[&str] =
    &["ERROR_COUNT", "IDENTITY", "INSERT_ID", "LAST_INSERT_ID", "PSEUDO_THREAD_ID", "WARNING_COUNT"];

/// A name or keyword of a normalised text, quotes of backticks taken off (doubled ones inside stay doubled).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name<'a> {
    /// The name.
    pub text: &'a str,
    quoted: bool,
    /// First byte of the token after it.
    next: Option<u8>,
}

impl Name<'_> {
    /// Whether it is this word of the grammar, in whatever case; a quoted name never is.
    pub fn is(&self, word: &str) -> bool {
        !self.quoted && self.text.eq_ignore_ascii_case(word)
    }

    /// Whether it is one of these words of the grammar.
    pub fn is_one_of(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    /// The word of the grammar that it may be, in upper case; empty for a quoted name.
    pub fn keyword(&self) -> String {
        if self.quoted { String::new() } else { self.text.to_ascii_uppercase() }
    }

    /// Whether a point follows: the name qualifies another one.
    pub fn is_qualifier(&self) -> bool {
        self.next == Some(b'.')
    }

    /// Whether a value follows: the name is that of an option.
    pub fn is_set(&self) -> bool {
        matches!(self.next, Some(b'=' | b'?'))
    }

    /// Whether a parenthesis follows: it is called, or begins a list.
    pub fn is_called(&self) -> bool {
        self.next == Some(b'(')
    }
}

/// A normalised text, cut into tokens once; strings that stayed in it and hints are passed over.
#[derive(Debug, Default, Clone)]
pub struct Words<'a> {
    /// Names and keywords, in order.
    pub names: Vec<Name<'a>>,
    /// System variables, without `@@`, in order.
    variables: Vec<&'a str>,
    /// The most tokens between two commas: how deep a chain of operators may nest.
    pub longest_run: usize,
    /// Whether `||` or `&&` stands in it.
    pub has_symbol_connective: bool,
}

impl<'a> Words<'a> {
    /// Cuts the text.
    pub fn read(text: &'a str) -> Self {
        let mut words = Self::default();
        let (bytes, mut at, mut run) = (text.as_bytes(), 0, 0);
        let mut awaits_next = false;
        while let Some(&byte) = bytes.get(at) {
            let end = token_end(bytes, at);
            let is_hint = byte == b'/' && end > at + 1;
            if byte != b' ' && !is_hint {
                if std::mem::take(&mut awaits_next)
                    && let Some(last) = words.names.last_mut()
                {
                    last.next = Some(byte);
                }
                run = if byte == b',' { 0 } else { run + 1 };
                words.longest_run = words.longest_run.max(run);
            }
            match byte {
                b'`' => {
                    words.names.push(Name {
                        text: &text[at + 1..end.max(at + 2) - 1],
                        quoted: true,
                        next: None,
                    });
                    awaits_next = true;
                }
                b'@' => words.variables.push(text[at..end].trim_start_matches('@')),
                b'|' | b'&' => words.has_symbol_connective |= bytes.get(at + 1) == Some(&byte),
                _ if is_word(byte) && !bytes[at..end].iter().all(u8::is_ascii_digit) => {
                    words.names.push(Name { text: &text[at..end], quoted: false, next: None });
                    awaits_next = true;
                }
                _ => {}
            }
            at = end;
        }
        words
    }

    /// Whether the word of the grammar stands in it.
    pub fn has(&self, word: &str) -> bool {
        self.names.iter().any(|name| name.is(word))
    }

    /// Whether a system variable stands in it.
    pub fn has_system_variable(&self) -> bool {
        !self.variables.is_empty()
    }

    /// What of a session's state the text asks for, if anything.
    pub fn session_state(&self) -> Option<&'static str> {
        let called = self.names.iter().find_map(|name| {
            // Quotes do not hide a built-in function: MySQL finds most of them by name.
            let function = SESSION_FUNCTIONS.iter().find(|f| f.eq_ignore_ascii_case(name.text))?;
            // CURRENT_USER and CURRENT_ROLE are calls without parentheses, too.
            (name.is_called() || function.starts_with("CURRENT_")).then_some(*function)
        });
        let variable = || {
            // Blanks around its points make names of a variable's parts.
            let parts = self.variables.iter().flat_map(|variable| variable.split('.'));
            let mut parts =
                parts.chain(self.names.iter().map(|name| name.text)).map(|part| part.trim_matches('`'));
            let found =
                parts.find_map(|part| SESSION_VARIABLES.iter().find(|v| v.eq_ignore_ascii_case(part)));
            found.filter(|_| !self.variables.is_empty()).copied()
        };
        let counts_rows = || self.has("SQL_CALC_FOUND_ROWS").then_some("SQL_CALC_FOUND_ROWS");
        called.or_else(variable).or_else(counts_rows)
    }
}

/// The end of the token at `start`; a blank is one.
fn token_end(bytes: &[u8], start: usize) -> usize {
    let run = |from: usize, accepts: fn(u8) -> bool| {
        from + bytes[from..].iter().take_while(|b| accepts(**b)).count()
    };
    let end = match bytes[start] {
        b'`' => quoted_name_end(bytes, start),
        b'\'' | b'"' => quoted_end(bytes, start),
        b'/' if bytes.get(start + 1) == Some(&b'*') => {
            bytes[start + 2..].windows(2).position(|pair| pair == b"*/").map(|length| start + 2 + length + 2)
        }
        b'?' => Some(run(start + 1, |b| b.is_ascii_digit())),
        b'@' => Some(run(run(start, |b| b == b'@'), |b| is_word(b) || b == b'.' || b == b'`')),
        byte if is_word(byte) => Some(run(start, is_word)),
        _ => Some(start + 1),
    };
    // What has no end goes on to the end of the text.
    end.unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(text: &str) -> Option<&'static str> {
        Words::read(text).session_state()
    }

    #[test]
    fn session_state_is_found_where_it_is_asked_for() {
        assert_eq!(state("select last_insert_id ()"), Some("LAST_INSERT_ID"));
        assert_eq!(state("select `last_insert_id`()"), Some("LAST_INSERT_ID"));
        assert_eq!(state("select connection_id /*+ ' */ ()"), Some("CONNECTION_ID"));
        assert_eq!(state("select 'a\\'', get_lock(?0)"), Some("GET_LOCK"));
        assert_eq!(state("select current_user"), Some("CURRENT_USER"));
        assert_eq!(state("select sql_calc_found_rows a from t"), Some("SQL_CALC_FOUND_ROWS"));
        assert_eq!(state("select @@session.`identity`"), Some("IDENTITY"));
        assert_eq!(state("select user, 'row_count()', @@version from users where user = ?0"), None);
    }

    #[test]
    fn names_are_found_with_and_without_quotes() {
        let words = Words::read("select `a``b`.c, 'x.\\'y' /*+ hint ' */ from shop . t where ?12 = 10");
        let found: Vec<(&str, bool)> = words.names.iter().map(|n| (n.text, n.is_qualifier())).collect();
        let expected = [
            ("select", false),
            ("a``b", true),
            ("c", false),
            ("from", false),
            ("shop", true),
            ("t", false),
            ("where", false),
        ];
        assert_eq!(found, expected);
        assert!(!Words::read("`select`").has("select"));
    }

    #[test]
    fn runs_end_at_commas() {
        assert_eq!(Words::read("a, b and c, d").longest_run, 3);
        assert!(Words::read("a || b").has_symbol_connective && Words::read("a&&b").has_symbol_connective);
        assert!(!Words::read("a | b & c").has_symbol_connective);
    }

    #[test]
    fn broken_texts_are_survived() {
        for text in ["`", "``", "'", "/*", "@", "?", "`a", "\"\\", ""] {
            Words::read(text);
        }
    }
}
