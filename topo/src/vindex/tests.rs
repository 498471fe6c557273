use super::*;
use crate::value::{Literal, convert};

use ShardingValue::{Bytes, Signed, Unsigned};

fn id(vindex: Vindex, value: &ShardingValue) -> String {
    format!("{:?}", vindex.map(value).unwrap())
}

fn bytes(text: &str) -> ShardingValue {
    Bytes(text.as_bytes().to_vec())
}

#[test]
fn hash_gives_the_ids_of_vitess() {
    // 1 to 6: go/vt/vtgate/vindexes/hash_test.go of vitessio/vitess (TestHashMap); the others: hash_auto_test.go
    // there (TestHashAutoConvert).
    let published = [
        (1, "166b40b44aba4bd6"),
        (2, "06e7ea22ce92708f"),
        (3, "4eb190c9a2fa169c"),
        (4, "d2fd8867d50d2dfe"),
        (5, "70bb023c810ca87a"),
        (6, "f098480ac4c4be71"),
        (0, "8ca64de9c1b123a7"),
        (11, "aefc44491cfe474c"),
        (0x0100_0000_0000_0000, "0d9f279ba5d87260"),
        (0x0800_0000_0000_0000, "20b9e767b2fb1456"),
    ];
    for (number, wanted) in published {
        assert_eq!(id(Vindex::Hash, &Signed(number)), wanted, "{number}");
        assert_eq!(id(Vindex::Hash, &Unsigned(number.cast_unsigned())), wanted, "{number}");
    }
    // A negative number is its two's complement; this is DES of all ones under the zero key, one of the triples
    // of test/destest.c in OpenSSL (from Eric Young's libdes).
    assert_eq!(id(Vindex::Hash, &Signed(-1)), "355550b2150e2451");
    assert_eq!(id(Vindex::Hash, &Unsigned(u64::MAX)), "355550b2150e2451");
}

#[test]
fn xxhash_gives_the_ids_of_vitess() {
    // go/vt/vtgate/vindexes/xxhash_test.go of vitessio/vitess (TestXXHashMap). The empty text stands there for
    // NULL; it is also the first sanity value of the xxHash specification, ef46db3751d8e999.
    let published = [
        (bytes("test1"), "d01ab7e4d6978f0b"),
        (bytes("test2"), "87eb11714c0a0e89"),
        (bytes("testaverylongvaluetomakesurethisworks"), "81d8c38e0d850e6a"),
        (Signed(1), "d46405367612b4b7"),
        (bytes(""), "99e9d85137db46ef"),
        (Signed(-1), "d8e2a6a7c8c7623d"),
        (Unsigned(u64::MAX), "477cfa8d6d8f1f8d"),
        (Signed(i64::MAX), "b37eb01f7bffafd8"),
        (Unsigned(i64::MAX.cast_unsigned()), "b37eb01f7bffafd8"),
        (Signed(i64::MIN), "102c27ddb26a609e"),
    ];
    for (value, wanted) in published {
        assert_eq!(id(Vindex::XxHash, &value), wanted, "{value:?}");
    }
}

#[test]
fn binary_md5_gives_the_ids_of_vitess() {
    // go/vt/vtgate/vindexes/binarymd5_test.go of vitessio/vitess (TestBinaryMD5Map).
    assert_eq!(id(Vindex::BinaryMd5, &bytes("Test")), "0cbc6611f5540bd0809a388dc95a615b");
    assert_eq!(id(Vindex::BinaryMd5, &bytes("TEST")), "033bd94b1168d7e4f0d644c3c95e35bf");
    // RFC 1321, appendix A.5. The last one holds for the number with these digits as well.
    assert_eq!(id(Vindex::BinaryMd5, &bytes("")), "d41d8cd98f00b204e9800998ecf8427e");
    assert_eq!(id(Vindex::BinaryMd5, &bytes("message digest")), "f96b697d7cb7938d525a2f31aaf161d0");
    let digits = "12345678901234567890123456789012345678901234567890123456789012345678901234567890";
    assert_eq!(id(Vindex::BinaryMd5, &bytes(digits)), "57edf4a22be3c955ac49da2e2107b67a");
}

#[test]
fn binary_numeric_reverse_bits_and_null_give_the_ids_of_vitess() {
    // go/vt/vtgate/vindexes/{binary,numeric,reverse_bits,null}_test.go of vitessio/vitess.
    assert_eq!(Vindex::Binary.map(&bytes("test1")).unwrap().0, b"test1");
    assert_eq!(Vindex::Binary.map(&bytes("test2")).unwrap().0, b"test2");
    let reversed = ["80", "40", "c0", "20", "a0", "60"];
    for (number, wanted) in (1..=6).zip(reversed) {
        assert_eq!(id(Vindex::ReverseBits, &Signed(number)), format!("{wanted}00000000000000"));
        assert_eq!(id(Vindex::Null, &Signed(number)), "00");
    }
    for number in 1..=8 {
        assert_eq!(id(Vindex::Numeric, &Signed(number)), format!("000000000000000{number}"));
    }
}

fn text_of(text: &str, collation: &str) -> ShardingValue {
    let kind = ColumnType::Text {
        length: 100,
        fixed: false,
        character_set: "utf8mb4".into(),
        collation: collation.into(),
    };
    let literal = Literal::String { bytes: text.as_bytes().into(), character_set: "utf8mb4" };
    convert(&literal, &kind).unwrap()
}

#[test]
fn unicode_loose_vindexes_give_the_ids_of_vitess() {
    // go/vt/vtgate/vindexes/{unicodeloosemd5,unicodeloosexxhash}_test.go of vitessio/vitess.
    let published: [(&str, &[u8], &[u8]); 9] = [
        ("Test", b"\x0b^\xdb\xb4\x01\xfdu$96\x90I\x1dd\xf1\xf5", b"B\xd2\x13a\x08zL\x07"),
        ("TEst", b"\x0b^\xdb\xb4\x01\xfdu$96\x90I\x1dd\xf1\xf5", b"B\xd2\x13a\x08zL\x07"),
        ("Te\u{301}st", b"\x0b^\xdb\xb4\x01\xfdu$96\x90I\x1dd\xf1\xf5", b"B\xd2\x13a\x08zL\x07"),
        ("Tést ", b"\x0b^\xdb\xb4\x01\xfdu$96\x90I\x1dd\xf1\xf5", b"B\xd2\x13a\x08zL\x07"),
        ("Bést", b"\xc2\xb23.Os\xd0\x07A\x02bIpo/\xb6", b"\x92iu\xb9\xce.\xc3\x16"),
        (" Test", b"\xa2\xe3Q\\~\x8d\xf1\xff\xd2\xcc\xfc\x11\xc6\xb1\x9d\xd1", b"O\xcb\x8b\xe3N\xc0Wu"),
        ("Test\t", b"\x82Em\xd8z\x9cz\x02\xb1\xc2\x05kZ\xba\xa2r", b" \xaf\x87\xfc6\xe3\xfdQ"),
        (
            "TéstLooong",
            b"\x96\x83\xe1+\x80C\x0c\xd4S\xf5\xdf\xdf\xba\x81\xc9\xa5",
            b"\xd3\xea\x879B\xb4\x84\xa7",
        ),
        ("T", b"\xac\x0f\x91y\xf5\x1d\xb8\x7f\xe8\xec\xc0\xcf@\xca\xb9z", b"\xf8\x1c;\xe2\xd5\x01\xfe\x18"),
    ];
    for (text, md5, xxhash) in published {
        let collations = ["utf8mb4_bin", "utf8mb4_0900_ai_ci", "utf8mb4_general_ci", "utf8mb4_unicode_ci"];
        let values = collations.map(|collation| text_of(text, collation));
        for value in values.into_iter().chain([bytes(text)]) {
            assert_eq!(Vindex::UnicodeLooseMd5.map(&value).unwrap().0, md5, "{value:?}");
            assert_eq!(Vindex::UnicodeLooseXxHash.map(&value).unwrap().0, xxhash, "{value:?}");
        }
    }
    // A letter that is equal to another one for MySQL and not for Vitess, and bytes that are no text.
    for value in [text_of("ß", "utf8mb4_general_ci"), Bytes(vec![0xff])] {
        assert_eq!(Vindex::UnicodeLooseMd5.map(&value), Err(Unmapped::Text(Vindex::UnicodeLooseMd5)));
    }
}

#[test]
fn numbers_only_vindexes_refuse_text_by_name() {
    for vindex in Vindex::ALL {
        let text_kind = ColumnType::Binary { length: 10, fixed: false };
        let number_kind = ColumnType::Integer { bits: 64, unsigned: true };
        let numbers_only = matches!(vindex, Vindex::Hash | Vindex::Numeric | Vindex::ReverseBits);
        assert_eq!(vindex.fits(&text_kind), !numbers_only, "{vindex}");
        assert!(vindex.fits(&number_kind), "{vindex}");
        assert!(!vindex.fits(&ColumnType::Other), "{vindex}");
        assert!(vindex.map(&Unsigned(7)).is_ok(), "{vindex}");
        match vindex.map(&bytes("7")) {
            Ok(_) => assert!(!numbers_only, "{vindex}"),
            Err(refusal) => {
                assert!(numbers_only && refusal.to_string().contains(vindex.as_str()), "{refusal}");
            }
        }
    }
}

#[test]
fn names_are_those_of_vitess() {
    for vindex in Vindex::ALL {
        assert_eq!(vindex.to_string().parse(), Ok(vindex));
    }
    let refusal = "lookup".parse::<Vindex>().unwrap_err().to_string();
    assert!(refusal.contains("lookup") && refusal.contains("xxhash"), "{refusal}");
}
