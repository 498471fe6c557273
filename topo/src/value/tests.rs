use super::*;

use ShardingValue::{Bytes, Signed, Unsigned};

const BIGINT: ColumnType = ColumnType::Integer { bits: 64, unsigned: false };
const UNSIGNED: ColumnType = ColumnType::Integer { bits: 64, unsigned: true };
const TINYINT: ColumnType = ColumnType::Integer { bits: 8, unsigned: false };
const MEDIUMINT: ColumnType = ColumnType::Integer { bits: 24, unsigned: true };

fn string(text: &str) -> Literal<'_> {
    Literal::String { bytes: Cow::Borrowed(text.as_bytes()), character_set: "utf8mb4" }
}

fn raw(bytes: &[u8]) -> Literal<'_> {
    Literal::Bytes(Cow::Borrowed(bytes))
}

fn integer(text: &str) -> Literal<'_> {
    match text.strip_prefix('-') {
        Some(digits) => Literal::Integer { sign: Sign::Minus, digits },
        None => Literal::Integer { sign: Sign::Plus, digits: text },
    }
}

fn text(length: u32, character_set: &str, collation: &str) -> ColumnType {
    ColumnType::Text {
        length,
        fixed: false,
        character_set: character_set.into(),
        collation: collation.into(),
    }
}

fn bytes(text: &str) -> Result<ShardingValue, Inexact> {
    Ok(Bytes(text.as_bytes().to_vec()))
}

#[test]
fn every_way_to_write_five_is_five() {
    let ways = [
        integer("5"),
        integer("005"),
        Literal::Decimal("5.0"),
        Literal::Decimal("5."),
        Literal::Decimal("+05.000"),
        Literal::Float("5e0"),
        Literal::Float("0.5E1"),
        Literal::Float("500e-2"),
        string("5"),
        string("05"),
        string("+5"),
        string("5.0"),
        string("+005.00"),
    ];
    for literal in &ways {
        assert_eq!(convert(literal, &BIGINT), Ok(Signed(5)), "{literal:?}");
        assert_eq!(convert(literal, &TINYINT), Ok(Signed(5)), "{literal:?}");
        assert_eq!(convert(literal, &UNSIGNED), Ok(Unsigned(5)), "{literal:?}");
    }
    for literal in
        [integer("-5"), Literal::Decimal("-5.0"), Literal::Float("-5e0"), string("-5"), string("-05.0")]
    {
        assert_eq!(convert(&literal, &BIGINT), Ok(Signed(-5)), "{literal:?}");
        assert_eq!(convert(&literal, &UNSIGNED), Err(Inexact::OutOfRange), "{literal:?}");
    }
    assert_eq!(convert(&Literal::Bool(true), &TINYINT), Ok(Signed(1)));
    assert_eq!(convert(&Literal::Bool(false), &UNSIGNED), Ok(Unsigned(0)));
}

#[test]
fn nothing_is_rounded_and_nothing_half_read() {
    for not_whole in [
        "", " ", "5abc", " 5", "5 ", "5.", ".0", ".", "+", "-", "--5", "+-5", "5.5", "5.01", "5e0", "0x5",
        "5,0", "５", "5\0", "1_000", "inf", "nan",
    ] {
        assert_eq!(convert(&string(not_whole), &BIGINT), Err(Inexact::NotWhole), "{not_whole:?}");
    }
    for not_whole in ["5.5", "-0.1", ".", "5.x", "5.0000000000000000000000000000001"] {
        assert_eq!(convert(&Literal::Decimal(not_whole), &BIGINT), Err(Inexact::NotWhole), "{not_whole:?}");
    }
    for not_whole in ["5.5e0", "1e-1", "inf", "nan", "infinity", "e", "1e"] {
        assert_eq!(convert(&Literal::Float(not_whole), &BIGINT), Err(Inexact::NotWhole), "{not_whole:?}");
    }
    for kind in [raw(b"5"), Literal::Temporal] {
        assert_eq!(convert(&kind, &BIGINT), Err(Inexact::Kind), "{kind:?}");
    }
    assert_eq!(convert(&Literal::Null, &BIGINT), Err(Inexact::Null));
    let utf16 = Literal::String { bytes: Cow::Borrowed(b"5"), character_set: "utf16" };
    assert_eq!(convert(&utf16, &BIGINT), Err(Inexact::NotWhole));
}

#[test]
fn integers_stop_at_the_ends_of_their_column() {
    let ends = [
        (TINYINT, "-128", "127"),
        (ColumnType::Integer { bits: 8, unsigned: true }, "0", "255"),
        (ColumnType::Integer { bits: 16, unsigned: false }, "-32768", "32767"),
        (ColumnType::Integer { bits: 24, unsigned: false }, "-8388608", "8388607"),
        (MEDIUMINT, "0", "16777215"),
        (ColumnType::Integer { bits: 32, unsigned: false }, "-2147483648", "2147483647"),
        (BIGINT, "-9223372036854775808", "9223372036854775807"),
        (UNSIGNED, "0", "18446744073709551615"),
    ];
    for (kind, low, high) in ends {
        let low: i128 = low.parse().unwrap();
        let high: i128 = high.parse().unwrap();
        for (value, inside) in [(low, true), (high, true), (low - 1, false), (high + 1, false)] {
            let digits = value.to_string();
            for literal in [integer(&digits), string(&digits), Literal::Decimal(&digits)] {
                let converted = convert(&literal, &kind);
                assert_eq!(converted.is_ok(), inside, "{literal:?} in {kind:?}: {converted:?}");
                if !inside {
                    assert_eq!(converted, Err(Inexact::OutOfRange), "{literal:?} in {kind:?}");
                }
            }
        }
    }
    let huge = "9".repeat(400);
    assert_eq!(convert(&integer(&huge), &UNSIGNED), Err(Inexact::OutOfRange));
    assert_eq!(convert(&string(&huge), &UNSIGNED), Err(Inexact::OutOfRange));
}

#[test]
fn doubles_count_only_while_they_tell_neighbours_apart() {
    assert_eq!(convert(&Literal::Float("9007199254740991e0"), &BIGINT), Ok(Signed(9_007_199_254_740_991)));
    for blurred in ["9007199254740992e0", "9007199254740993e0", "-9007199254740992e0", "1e30", "1e999"] {
        assert!(convert(&Literal::Float(blurred), &BIGINT).is_err(), "{blurred}");
    }
    assert_eq!(convert(&Literal::Float("-0e0"), &BIGINT), Ok(Signed(0)));
}

#[test]
fn binary_columns_take_the_bytes_as_they_are_stored() {
    let varbinary = ColumnType::Binary { length: 3, fixed: false };
    let fixed = ColumnType::Binary { length: 3, fixed: true };
    assert_eq!(convert(&raw(b"a\0"), &varbinary), Ok(Bytes(b"a\0".to_vec())));
    assert_eq!(convert(&string("a "), &varbinary), bytes("a "));
    for same in [raw(b"a"), raw(b"a\0"), raw(b"a\0\0"), string("a")] {
        assert_eq!(convert(&same, &fixed), Ok(Bytes(b"a\0\0".to_vec())), "{same:?}");
    }
    for kind in [&varbinary, &fixed] {
        assert_eq!(convert(&raw(b"abcd"), kind), Err(Inexact::TooLong));
        assert_eq!(convert(&raw(b"abc  "), kind), Err(Inexact::Cut));
        assert_eq!(convert(&integer("5"), kind), Err(Inexact::Kind));
        assert_eq!(convert(&Literal::Temporal, kind), Err(Inexact::Kind));
        assert_eq!(convert(&Literal::Null, kind), Err(Inexact::Null));
    }
}

#[test]
fn trailing_spaces_count_only_where_the_collation_sees_them() {
    for collation in ["utf8mb4_bin", "utf8mb4_0900_bin"] {
        let seen = collation == "utf8mb4_0900_bin";
        let column = text(3, "utf8mb4", collation);
        assert_eq!(convert(&string("a "), &column), bytes(if seen { "a " } else { "a" }), "{collation}");
        assert_eq!(convert(&string(" a"), &column), bytes(" a"), "{collation}");
        assert_eq!(convert(&string("a\t"), &column), bytes("a\t"), "{collation}");
        let too_long = convert(&string("abc "), &column);
        assert_eq!(too_long, if seen { Err(Inexact::Cut) } else { bytes("abc") }, "{collation}");
        let fixed = ColumnType::Text {
            length: 3,
            fixed: true,
            character_set: "utf8mb4".into(),
            collation: collation.into(),
        };
        assert_eq!(convert(&string("a  "), &fixed), bytes("a"), "CHAR with {collation}");
    }
}

#[test]
fn text_is_taken_in_the_bytes_that_the_column_has_for_it() {
    let kinds = [
        ("utf8mb4", "utf8mb4_bin"),
        ("utf8mb3", "utf8mb3_bin"),
        ("latin1", "latin1_bin"),
        ("ascii", "ascii_bin"),
    ];
    let kinds = kinds.map(|(character_set, collation)| text(4, character_set, collation));
    let latin1 =
        |bytes: &'static [u8]| Literal::String { bytes: Cow::Borrowed(bytes), character_set: "latin1" };
    let e_acute = Some("é".as_bytes());
    // What utf8mb4, utf8mb3, latin1 and ascii have for it; `None`: it is refused.
    let cases = [
        (string("abc"), [Some(&b"abc"[..]), Some(b"abc"), Some(b"abc"), Some(b"abc")]),
        (string("€é"), [Some("€é".as_bytes()), Some("€é".as_bytes()), Some(&[0x80, 0xe9]), None]),
        (string("ł"), [Some("ł".as_bytes()), Some("ł".as_bytes()), None, None]),
        (string("😀"), [Some("😀".as_bytes()), None, None, None]),
        (raw("é".as_bytes()), [e_acute, e_acute, Some(&[0xc3, 0xa9]), None]),
        (raw(&[0xe9]), [None, None, Some(&[0xe9]), None]),
        (latin1(b"abc"), [Some(b"abc"), Some(b"abc"), Some(b"abc"), Some(b"abc")]),
        (latin1(&[0xe9]), [e_acute, e_acute, Some(&[0xe9]), None]),
        (latin1("é".as_bytes()), [Some("Ã©".as_bytes()), Some("Ã©".as_bytes()), Some(&[0xc3, 0xa9]), None]),
        (Literal::String { bytes: Cow::Borrowed(b"ab"), character_set: "utf16" }, [None; 4]),
    ];
    for (literal, wanted) in cases {
        for (kind, wanted) in kinds.iter().zip(wanted) {
            let wanted = wanted.map(|bytes| Bytes(bytes.to_vec())).ok_or(Inexact::CharacterSet);
            assert_eq!(convert(&literal, kind), wanted, "{literal:?} {kind:?}");
        }
    }
    assert_eq!(convert(&string("€€€€"), &kinds[0]), bytes("€€€€"));
    assert_eq!(convert(&string("€€€€€"), &kinds[0]), Err(Inexact::TooLong));
    assert_eq!(convert(&integer("5"), &kinds[0]), Err(Inexact::Kind));
}

#[test]
fn values_are_equal_as_the_collation_has_it() {
    // Sections 12.10.1 and 12.10.6 of MySQL's manual, and what Unicode calls equal at the first level.
    let cases = [
        ("utf8mb4", "utf8mb4_0900_ai_ci", "Müller", "MULLER", true),
        ("utf8mb4", "utf8mb4_0900_ai_ci", "a", "a ", false),
        ("utf8mb4", "utf8mb4_0900_ai_ci", "ß", "ss", true),
        ("utf8mb4", "utf8mb4_0900_ai_ci", "가", "\u{1100}\u{1161}", true),
        ("utf8mb4", "utf8mb4_0900_ai_ci", "a\u{ad}b", "ab", true),
        ("utf8mb4", "utf8mb4_0900_ai_ci", "😀", "😁", false),
        ("utf8mb4", "utf8mb4_0900_as_ci", "Müller", "MULLER", false),
        ("utf8mb4", "utf8mb4_0900_as_ci", "Müller", "MÜLLER", true),
        ("utf8mb4", "utf8mb4_0900_as_cs", "Müller", "MÜLLER", false),
        ("utf8mb4", "utf8mb4_0900_as_cs", "Å", "A\u{30a}", true),
        ("utf8mb4", "utf8mb4_general_ci", "ß", "s", true),
        ("utf8mb4", "utf8mb4_general_ci", "a  ", "Á", true),
        ("utf8mb4", "utf8mb4_general_ci", "😀", "😁", true),
        ("utf8mb4", "utf8mb4_unicode_ci", "ß", "SS", true),
        ("utf8mb4", "utf8mb4_unicode_ci", "a\u{a0} ", "a", true),
        ("utf8mb4", "utf8mb4_unicode_520_ci", "😀", "😁", false),
        ("utf8mb3", "utf8mb3_general_ci", "é", "E ", true),
        ("latin1", "latin1_swedish_ci", "é", "E ", true),
        ("latin1", "latin1_swedish_ci", "ö", "o", false),
        ("latin1", "latin1_swedish_ci", "Ü", "y", true),
        ("latin1", "latin1_general_ci", "é", "e", false),
        ("ascii", "ascii_general_ci", "Abc", "aBC", true),
    ];
    for (character_set, collation, one, other, equal) in cases {
        let column = text(10, character_set, collation);
        let (first, second) = (convert(&string(one), &column), convert(&string(other), &column));
        assert!(first.is_ok() && second.is_ok(), "{collation} {one:?} {other:?}");
        assert_eq!(first == second, equal, "{collation} {one:?} {other:?}");
        let hash = |value| crate::vindex::Vindex::XxHash.map(&value).unwrap();
        assert_eq!(hash(first.unwrap()) == hash(second.unwrap()), equal, "{collation} {one:?} {other:?}");
    }
    let fixed = |collation: &str| ColumnType::Text {
        length: 3,
        fixed: true,
        character_set: "utf8mb4".into(),
        collation: collation.into(),
    };
    // What CHAR drops, a comparison without padding sees: 'a ' is equal to 'a', a space and an accent.
    for collation in ["utf8mb4_0900_ai_ci", "utf8mb4_0900_as_ci", "utf8mb4_0900_as_cs"] {
        assert!(convert(&string("a"), &fixed(collation)).is_ok());
        for literal in ["a ", "a\u{a0}", "a \u{301}", " "] {
            assert_eq!(
                convert(&string(literal), &fixed(collation)),
                Err(Inexact::TrailingSpaces),
                "{literal:?}"
            );
        }
    }
    let general = fixed("utf8mb4_general_ci");
    assert_eq!(convert(&string("A  "), &general), convert(&string("a"), &general));
}

#[test]
fn collations_and_types_that_are_not_known_are_refused() {
    for (character_set, collation) in [
        ("utf8mb4", "utf8mb4_sv_0900_ai_ci"),
        ("latin1", "latin1_german2_ci"),
        ("utf16", "utf16_bin"),
        ("gbk", "gbk_bin"),
    ] {
        let refusal = TextRules::of(character_set, collation).unwrap_err().to_string();
        assert!(refusal.contains(character_set), "{refusal}");
        assert_eq!(convert(&string("a"), &text(9, character_set, collation)), Err(Inexact::Column));
    }
    assert_eq!(convert(&integer("1"), &ColumnType::Other), Err(Inexact::Column));
}
