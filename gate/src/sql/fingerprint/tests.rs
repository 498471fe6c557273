use super::*;

fn read(sql: &str) -> Fingerprint {
    let mut fingerprint = Fingerprint::default();
    fingerprint.read(sql.as_bytes());
    fingerprint
}

/// The normalised text, with placeholders written as class letter and number.
fn text(sql: &str) -> String {
    let normalised = String::from_utf8(read(sql).text).unwrap();
    let mut pieces = normalised.split('?');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let digits = piece.len() - piece.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        match decode_placeholder(&piece[..digits]) {
            Some((number, class)) => {
                out.push_str(&format!("<{}{number}>", "idfshA".as_bytes()[class as usize] as char))
            }
            None => out.push('?'),
        }
        out.push_str(&piece[digits..]);
    }
    out
}

#[test]
fn literals_become_placeholders() {
    let cases = [
        ("SELECT * FROM t WHERE id=5", "SELECT * FROM t WHERE id=<i0>"),
        ("select 1.5, .5, 5., 1e3, 1.5E-3", "select <d0>, <d1>, <d2>, <f3>, <f4>"),
        (
            "select 'a', \"b\", x'41', X'41', b'01', 0x41, 0b01",
            "select <s0>, <s1>, <h2>, <h3>, <h4>, <h5>, <h6>",
        ),
        ("select 'it''s', 'a\\'b', '\\\\', ''", "select <s0>, <s1>, <s2>, <s3>"),
        ("insert into t values (1,'x',-2,null)", "insert into t values (<i0>,<s1>,-<i2>,null)"),
        ("select * from t limit 5, 10", "select * from t limit <i0>, <i1>"),
        ("where a like 'x' and b between 1 and 2", "where a like <s0> and b between <i1> and <i2>"),
        ("select a+1 from t where b in(1,'1',1)", "select a+<i0> from t where b in(<i0>,<s2>,<i0>)"),
        ("select case when a then 'x' else 'y' end", "select case when a then <s0> else <s1> end"),
    ];
    for (sql, expected) in cases {
        assert_eq!(text(sql), expected, "{sql}");
    }
}

#[test]
fn equal_literals_have_equal_numbers() {
    assert_eq!(text("select a+1 from t group by a+1"), "select a+<i0> from t group by a+<i0>");
    assert_eq!(text("select a+1 from t group by a+2"), "select a+<i0> from t group by a+<i1>");
    assert_eq!(text("select 1, '1', 1.0, 1e0, 1"), "select <i0>, <s1>, <d2>, <f3>, <i0>");
}

#[test]
fn literals_that_are_syntax_stay() {
    let unchanged = [
        "select a from t order by 1, 2 desc",
        "select a, b from t group by 1,2 order by 2",
        "select cast(a as char(10)), cast(b as decimal(10,2)) from t",
        "create table t (a varchar(20), b enum, c decimal(5, 2))",
        "select a 'alias', b as 'alias' from t",
        "select _gbk'x', a._utf8mb4'x', n'x', date'2020-01-01', timestamp '2020-01-01 00:00:00'",
        "select 2nd_address, t.1a, db.2t.3c from 4t",
        "select `a``b`, `5`",
        "select @@version_comment, @@session.sql_mode",
    ];
    for sql in unchanged {
        assert_eq!(text(sql), sql);
    }
    assert_eq!(text("select _utf8mb4'x', _Binary\n\"y\", _latin1 x'41'"), "select <s0>, <s1>, <s2>");
    assert_eq!(text("select _utf8mb4 'x' 'y', _ascii a"), "select <A0>, _ascii a");
    assert_eq!(text("select a from t order by a+1, 2"), "select a from t order by a+<i0>, 2");
    assert_eq!(text("select a from t order by field(a,3,1)"), "select a from t order by field(a,<i0>,<i1>)");
    assert_eq!(text("select a from t order by 1 limit 2"), "select a from t order by 1 limit <i0>");
    assert_eq!(text("select (select b from u order by 1) + 5"), "select (select b from u order by 1) + <i0>");
}

#[test]
fn adjacent_strings_are_one_literal() {
    let fingerprint = read("where a = 'x' 'y'\n'z' and b = 'x'");
    assert_eq!(text("where a = 'x' 'y'\n'z' and b = 'x'"), "where a = <A0> and b = <s1>");
    assert_eq!((fingerprint.literals[0].start, fingerprint.literals[0].end), (10, 21));
    // A hint between them is a comment to MySQL, whatever it holds.
    assert_eq!(text("select 'a' /*+ ? */ 'b', f('c')"), "select <A0>, f(<s1>)");
    // A string that first looked equal to an earlier one, and is not.
    assert_eq!(text("where a = 'x' and b = 'x' 'y'"), "where a = <s0> and b = <A1>");
}

#[test]
fn blanks_and_comments_collapse_and_hints_stay() {
    let cases = [
        ("  select\t1 \n ", "select <i0>"),
        ("select/* c */1", "select <i0>"),
        ("select 1 -- c\n+ 2", "select <i0> + <i1>"),
        ("select 1 # c\n", "select <i0>"),
        ("select 5--3", "select <i0>- -<i1>"),
        ("select 5 --/**/0 or a", "select <i0> - - <i1> or a"),
        ("where 1.or 1.5or 1e5or .5or a", "where <d0> or <d1> or <f2> or <d3> or a"),
        ("where 1or = 2", "where 1or = <i0>"),
        ("select /*+ MAX_EXECUTION_TIME(5) */ a", "select /*+ MAX_EXECUTION_TIME(5) */ a"),
        ("sum (a) sum(a)", "sum (a) sum(a)"),
    ];
    for (sql, expected) in cases {
        assert_eq!(text(sql), expected, "{sql}");
    }
    assert_ne!(read("select /*+ A */ a").text, read("select /*+ B */ a").text);
}

#[test]
fn marks_tell_of_what_plans_must_know() {
    let marked = |sql: &str, mark: Marks| read(sql).marks.has(mark);
    assert!(marked("select /*!80000 1 */", Marks::EXECUTABLE_COMMENT));
    assert!(marked("select @a", Marks::USER_VARIABLE) && marked("select a:=1", Marks::USER_VARIABLE));
    assert!(!marked("select @@autocommit", Marks::USER_VARIABLE));
    assert!(marked("select ?", Marks::PLACEHOLDER) && !marked("select '?'", Marks::PLACEHOLDER));
    for open in ["select 'a", "select \"a", "select `a", "select /* a", "select 'a\\'", "select x'4"] {
        assert!(marked(open, Marks::UNTERMINATED), "{open}");
    }
}

#[test]
fn spans_are_those_of_the_raw_bytes() {
    let sql = "select 'ä', 12 from t where a = x'00ff' -- 5";
    let spans: Vec<&str> = read(sql).literals.iter().map(|l| &sql[l.start..l.end]).collect();
    assert_eq!(spans, ["'ä'", "12", "x'00ff'"]);
}

/// Any bytes are read without a panic, and spans stay inside them.
#[test]
fn nonsense_is_survived() {
    let alphabet = b"'\"`\\/*!-#@?.,()0x9eEbBy \n\xff;:=a_";
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut fingerprint = Fingerprint::default();
    for _ in 0..20_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let length = (state >> 59) as usize;
        let sql: Vec<u8> = (0..length)
            .map(|i| alphabet[(state.rotate_left(i as u32 * 5) as usize) % alphabet.len()])
            .collect();
        fingerprint.read(&sql);
        assert!(fingerprint.literals.iter().all(|l| l.start < l.end && l.end <= sql.len()), "{sql:?}");
    }
}
