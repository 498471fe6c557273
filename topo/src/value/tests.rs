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
        assert_eq!(too_long, if seen { Err(Inexact::TooLong) } else { bytes("abc") }, "{collation}");
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
fn text_is_taken_only_in_bytes_that_the_column_has_too() {
    let utf8mb4 = text(4, "utf8mb4", "utf8mb4_bin");
    let utf8mb3 = text(4, "utf8mb3", "utf8mb3_bin");
    let latin1 = text(4, "latin1", "latin1_bin");
    let ascii = text(4, "ascii", "ascii_bin");
    let refused = Err(Inexact::CharacterSet);
    for (literal, mb4, mb3, one) in [
        (string("abc"), bytes("abc"), bytes("abc"), bytes("abc")),
        (string("€é"), bytes("€é"), bytes("€é"), refused.clone()),
        (string("😀"), bytes("😀"), refused.clone(), refused.clone()),
        (raw("é".as_bytes()), bytes("é"), bytes("é"), refused.clone()),
        (raw(&[0xe9]), refused.clone(), refused.clone(), refused.clone()),
        (
            Literal::String { bytes: Cow::Borrowed(b"abc"), character_set: "latin1" },
            bytes("abc"),
            bytes("abc"),
            bytes("abc"),
        ),
        (
            Literal::String { bytes: Cow::Borrowed(&[0xe9]), character_set: "latin1" },
            refused.clone(),
            refused.clone(),
            refused.clone(),
        ),
        // These bytes are "Ã©" in latin1.
        (
            Literal::String { bytes: Cow::Borrowed("é".as_bytes()), character_set: "latin1" },
            refused.clone(),
            refused.clone(),
            refused.clone(),
        ),
        (
            Literal::String { bytes: Cow::Borrowed(b"ab"), character_set: "utf16" },
            refused.clone(),
            refused.clone(),
            refused.clone(),
        ),
    ] {
        assert_eq!(convert(&literal, &utf8mb4), mb4, "{literal:?}");
        assert_eq!(convert(&literal, &utf8mb3), mb3, "{literal:?}");
        assert_eq!(convert(&literal, &latin1), one, "{literal:?}");
        assert_eq!(convert(&literal, &ascii), one, "{literal:?}");
    }
    assert_eq!(convert(&string("€€€€"), &utf8mb4), bytes("€€€€"));
    assert_eq!(convert(&string("€€€€€"), &utf8mb4), Err(Inexact::TooLong));
    assert_eq!(convert(&integer("5"), &utf8mb4), Err(Inexact::Kind));
}

#[test]
fn collations_and_types_that_are_not_known_are_refused() {
    for (character_set, collation) in [
        ("utf8mb4", "utf8mb4_0900_ai_ci"),
        ("latin1", "latin1_swedish_ci"),
        ("utf16", "utf16_bin"),
        ("gbk", "gbk_bin"),
    ] {
        let refusal = TextRules::of(character_set, collation).unwrap_err().to_string();
        assert!(refusal.contains(character_set), "{refusal}");
        assert_eq!(convert(&string("a"), &text(9, character_set, collation)), Err(Inexact::Column));
    }
    assert_eq!(convert(&integer("1"), &ColumnType::Other), Err(Inexact::Column));
}
