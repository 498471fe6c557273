//! Cuts a file of SQL into its statements.

/// A file that is no wanted schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadFile {
    /// A quote or comment has no end.
    #[error("line {0}: a quote or comment that has no end")]
    Open(usize),
    /// Something other than a table.
    #[error(
        "line {line}: a wanted schema holds CREATE TABLE statements, and this is another one: {begin}; take it out and \
         execute it with `shoal sql`"
    )]
    NoTable {
        /// Where it begins.
        line: usize,
        /// Its first words.
        begin: String,
    },
}

/// The CREATE TABLE statements of a text, as they stand there.
///
/// What a dump without data has around them is passed over: comments, also executable ones, SET, DROP TABLE IF EXISTS,
/// LOCK and UNLOCK TABLES.
pub(crate) fn create_tables(text: &str) -> Result<Vec<&str>, BadFile> {
    let mut tables = Vec::new();
    for (line, statement) in split(text)? {
        let words = first_words(statement);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words[..] {
            []
            | ["SET", ..]
            | ["DROP", "TABLE", "IF", "EXISTS"]
            | ["LOCK", "TABLES", ..]
            | ["UNLOCK", "TABLES", ..] => {}
            ["CREATE", "TABLE", ..] => tables.push(statement),
            _ => {
                let begin = statement.split_whitespace().take(4).collect::<Vec<_>>().join(" ");
                return Err(BadFile::NoTable { line, begin });
            }
        }
    }
    Ok(tables)
}

/// The first four words outside of comments, in upper case.
fn first_words(statement: &str) -> Vec<String> {
    let (mut words, mut at) = (Vec::new(), 0);
    while words.len() < 4 && at < statement.len() {
        let rest = &statement[at..];
        if let Some(end) = skipped(rest, Parts::Comments) {
            at += end.unwrap_or(rest.len());
        } else if rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            words.push(rest[..length].to_ascii_uppercase());
            at += length;
        } else if rest.starts_with(char::is_whitespace) {
            at += rest.len() - rest.trim_start().len();
        } else {
            break;
        }
    }
    words
}

/// The statements between semicolons with the lines where they begin; none of them is empty.
fn split(text: &str) -> Result<Vec<(usize, &str)>, BadFile> {
    let (mut statements, mut start, mut at) = (Vec::new(), 0, 0);
    let line = |at: usize| 1 + text[..at].matches('\n').count();
    while at < text.len() {
        let rest = &text[at..];
        match skipped(rest, Parts::CommentsAndQuotes) {
            Some(Some(end)) => at += end,
            Some(None) => return Err(BadFile::Open(line(at))),
            None if rest.starts_with(';') => {
                statements.push((start, &text[start..at]));
                at += 1;
                start = at;
            }
            None => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    statements.push((start, &text[start..]));
    let trimmed = statements.into_iter().map(|(start, statement)| {
        let begins = start + (statement.len() - statement.trim_start().len());
        (line(begins), statement.trim())
    });
    Ok(trimmed.filter(|(_, statement)| !statement.is_empty()).collect())
}

/// What is passed over as a whole.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parts {
    Comments,
    CommentsAndQuotes,
}

/// The length of the comment or quote at the front; `Some(None)` for one without an end, `None` where there is none.
fn skipped(rest: &str, parts: Parts) -> Option<Option<usize>> {
    let line_comment = rest.starts_with('#')
        || rest
            .strip_prefix("--")
            .is_some_and(|after| after.is_empty() || after.starts_with(char::is_whitespace));
    if line_comment {
        return Some(Some(rest.find('\n').map_or(rest.len(), |end| end + 1)));
    }
    if rest.starts_with("/*") {
        return Some(rest.find("*/").map(|end| end + 2));
    }
    let quote = rest.chars().next().filter(|c| "'\"`".contains(*c))?;
    (parts == Parts::CommentsAndQuotes).then(|| {
        let mut escaped = false;
        for (place, c) in rest.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' if quote != '`' => escaped = true,
                // A doubled quote ends one quote and begins the next, which comes to the same.
                c if c == quote => return Some(place + 1),
                _ => {}
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_found_among_what_a_dump_has_around_them() {
        let dump = "-- MySQL dump; of today\n/*!40101 SET NAMES utf8mb4 */;\nDROP TABLE IF EXISTS `a`;\n\
                    CREATE TABLE `a` (\n  `x` varchar(9) DEFAULT ';' COMMENT 'it''s \\'; so'\n);\n\
                    # the next; one\ncreate /* ; */ table b (`;` int);\nSET x = 1;\nUNLOCK TABLES;\n";
        let found = create_tables(dump).unwrap();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("CREATE TABLE `a` (") && found[0].ends_with(')'), "{found:?}");
        assert!(found[1].ends_with("create /* ; */ table b (`;` int)"), "{found:?}");
    }

    #[test]
    fn what_is_no_table_is_refused_with_its_line() {
        let of = |text| create_tables(text).unwrap_err().to_string();
        let said = of("CREATE TABLE a (id INT);\n\nINSERT INTO a VALUES (1);");
        assert!(said.starts_with("line 3: ") && said.contains("INSERT INTO a VALUES"), "{said}");
        assert!(of("CREATE VIEW v AS SELECT 1").contains("CREATE VIEW v AS"));
        assert!(of("DROP TABLE a").contains("DROP TABLE a"));
        assert_eq!(create_tables("\nCREATE TABLE a (x int DEFAULT 'x"), Err(BadFile::Open(2)));
        assert_eq!(create_tables("/* open"), Err(BadFile::Open(1)));
        assert_eq!(create_tables("\n-- nothing\n;;"), Ok(vec![]));
    }
}
