//! Lists of words that the fingerprint and the planner tell apart.

/// Types whose length or precision may follow in parentheses.
const TYPE_NAMES: &[&str] = &[
    "BINARY",
    "BIT",
    "BLOB",
    "CHAR",
    "CHARACTER",
    "DATETIME",
    "DEC",
    "DECIMAL",
    "DOUBLE",
    "FIXED",
    "FLOAT",
    "INT",
    "INTEGER",
    "BIGINT",
    "MEDIUMINT",
    "NCHAR",
    "NUMERIC",
    "NVARCHAR",
    "REAL",
    "SMALLINT",
    "TEXT",
    "TIME",
    "TIMESTAMP",
    "TINYINT",
    "VARBINARY",
    "VARCHAR",
    "VECTOR",
    "YEAR",
];

/// Words after which a string is a value and no alias.
const BEFORE_VALUES: &[&str] = &[
    "ALL", "AND", "BETWEEN", "BY", "CASE", "DISTINCT", "DIV", "ELSE", "HAVING", "IN", "LIKE", "LIMIT", "MOD",
    "NOT", "OFFSET", "ON", "OR", "REGEXP", "RETURN", "RLIKE", "SELECT", "THEN", "VALUES", "WHEN", "WHERE",
    "XOR",
];

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
    "RELEASE_ALL_LOCKS",
    "RELEASE_LOCK",
    "ROW_COUNT",
    "SESSION_USER",
    "SYSTEM_USER",
    "USER",
];

/// Whether the word is the name of a type that takes a length.
pub fn is_type_name(word: &[u8]) -> bool {
    contains(TYPE_NAMES, word)
}

/// Whether a string after the word is a value.
pub fn may_precede_string(word: &[u8]) -> bool {
    contains(BEFORE_VALUES, word)
}

/// The function of session state that the normalised text calls, if any.
pub fn session_function(text: &str) -> Option<&'static str> {
    let found = names(text).find_map(|name| {
        // Quotes do not hide a built-in function: MySQL finds most of them by name.
        let function = SESSION_FUNCTIONS.iter().find(|function| function.eq_ignore_ascii_case(name.text))?;
        // CURRENT_USER and CURRENT_ROLE are calls without parentheses, too.
        (name.is_called() || function.starts_with("CURRENT_")).then_some(*function)
    });
    let counts_rows = || names(text).any(|name| name.is("SQL_CALC_FOUND_ROWS"));
    found.or_else(|| counts_rows().then_some("SQL_CALC_FOUND_ROWS"))
}

/// A name in the normalised text, quotes of backticks taken off (doubled ones inside stay doubled).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name<'a> {
    /// The name.
    pub text: &'a str,
    quoted: bool,
    rest: &'a str,
}

impl Name<'_> {
    /// Whether it is this word of the grammar, in whatever case; a quoted name never is.
    pub fn is(&self, word: &str) -> bool {
        !self.quoted && self.text.eq_ignore_ascii_case(word)
    }

    /// The word of the grammar that it may be, in upper case; empty for a quoted name.
    pub fn keyword(&self) -> String {
        if self.quoted { String::new() } else { self.text.to_ascii_uppercase() }
    }

    /// Whether it is one of these words of the grammar.
    pub fn is_one_of(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    /// Whether a point follows: the name qualifies another one.
    pub fn is_qualifier(&self) -> bool {
        self.rest.trim_start().starts_with('.')
    }

    fn is_called(&self) -> bool {
        self.rest.trim_start().starts_with('(')
    }
}

/// The names and keywords of the normalised text in order; strings that stayed in it are passed over.
pub fn names(text: &str) -> impl Iterator<Item = Name<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let first = rest.chars().next()?;
            match first {
                '`' => {
                    let end = rest[1..].find('`')?;
                    let name = Name { text: &rest[1..=end], quoted: true, rest: &rest[end + 2..] };
                    rest = name.rest;
                    return Some(name);
                }
                '\'' | '"' => {
                    let end = rest[1..].find(first)?;
                    rest = &rest[end + 2..];
                }
                c if is_name_char(c) => {
                    let end = rest.find(|c| !is_name_char(c)).unwrap_or(rest.len());
                    let name = Name { text: &rest[..end], quoted: false, rest: &rest[end..] };
                    rest = name.rest;
                    return Some(name);
                }
                c => rest = &rest[c.len_utf8()..],
            }
        }
    })
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()
}

fn contains(sorted_or_not: &[&str], word: &[u8]) -> bool {
    sorted_or_not.iter().any(|w| word.eq_ignore_ascii_case(w.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_functions_are_found_where_they_are_called() {
        assert_eq!(session_function("select last_insert_id ()"), Some("LAST_INSERT_ID"));
        assert_eq!(session_function("select `last_insert_id`()"), Some("LAST_INSERT_ID"));
        assert_eq!(session_function("select current_user"), Some("CURRENT_USER"));
        assert_eq!(session_function("select sql_calc_found_rows a from t"), Some("SQL_CALC_FOUND_ROWS"));
        assert_eq!(session_function("select user, 'row_count()' from users where user = ?0"), None);
    }

    #[test]
    fn names_are_found_with_and_without_quotes() {
        let found: Vec<(&str, bool)> =
            names("select `a b`.c, 'x.y' from shop . t").map(|n| (n.text, n.is_qualifier())).collect();
        let expected =
            [("select", false), ("a b", true), ("c", false), ("from", false), ("shop", true), ("t", false)];
        assert_eq!(found, expected);
    }
}
