use std::collections::HashMap;

use super::*;

fn bytes(digits: &str) -> Vec<u8> {
    (0..digits.len() / 2).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap()).collect()
}

#[test]
fn keys_are_those_of_the_library_or_none() {
    // Printed by tests/loose-keys from golang.org/x/text v0.31.0.
    let (mut same, mut refused) = (0, 0);
    for line in include_str!("strings.tsv").lines() {
        let (text, wanted) = line.split_once('\t').unwrap();
        let text = String::from_utf8(bytes(text)).unwrap();
        match key(&text, None) {
            Some(key) => {
                assert_eq!(key, bytes(wanted), "{text:?}");
                same += 1;
            }
            None => refused += 1,
        }
    }
    assert!(same > 950 && same + refused == 1000, "{same} {refused}");
    // A vowel before its consonant, letters that become another one, two signs that may be exchanged.
    for text in ["เก", "и\u{306}", "и\u{323}\u{306}", "l·l", "\u{94d}\u{e38}"] {
        assert_eq!(key(text, None), None, "{text:?}");
    }
}

#[test]
fn keys_are_those_that_vitess_publishes() {
    // go/vt/vtgate/vindexes/unicodeloosemd5_test.go of vitessio/vitess (TestNormalization).
    let published: [(&str, &[u8]); 8] = [
        ("Test", b"\x18\x16\x16L\x17\xf3\x18\x16"),
        ("TEST", b"\x18\x16\x16L\x17\xf3\x18\x16"),
        ("Te\u{301}st", b"\x18\x16\x16L\x17\xf3\x18\x16"),
        ("Bést", b"\x16\x05\x16L\x17\xf3\x18\x16"),
        ("Test ", b"\x18\x16\x16L\x17\xf3\x18\x16"),
        (" Test", b"\x01\t\x18\x16\x16L\x17\xf3\x18\x16"),
        ("Test\t", b"\x18\x16\x16L\x17\xf3\x18\x16\x01\x00"),
        ("TéstLooong", b"\x18\x16\x16L\x17\xf3\x18\x16\x17\x11\x17q\x17q\x17q\x17O\x16\x91"),
    ];
    for (text, wanted) in published {
        assert_eq!(key(text, None).unwrap(), wanted, "{text:?}");
    }
}

/// The weights that MySQL takes together: computed ones are two.
fn tokens(collation: Collation, c: char) -> Vec<Vec<u8>> {
    let weights = collation.weights(&c.to_string());
    let mut units = weights.chunks_exact(2).peekable();
    let mut tokens = Vec::new();
    while let Some(unit) = units.next() {
        let mut token = unit.to_vec();
        if unit[0] == 0xfb && !collation.name().contains("general") {
            token.extend(units.next().into_iter().flatten());
        }
        tokens.push(token);
    }
    tokens
}

fn key_of(c: char) -> Vec<u8> {
    let mut key = Vec::new();
    KEYS.append(c, Level::Primary, &mut key);
    key
}

/// Whether for text of these characters the key follows from the weights; a character against it if not.
fn follows(collation: Collation, accepted: impl Fn(char) -> bool) -> Result<usize, char> {
    let mut keys: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
    // All others are neither listed nor assigned.
    let characters = ('\0'..'\u{40000}').chain('\u{e0000}'..'\u{e1000}');
    let all: Vec<(char, Vec<Vec<u8>>)> =
        characters.filter(|&c| accepted(c)).map(|c| (c, tokens(collation, c))).collect();
    for (c, tokens) in &all {
        if let [token] = tokens.as_slice()
            && *keys.entry(token.clone()).or_insert_with(|| key_of(*c)) != key_of(*c)
        {
            return Err(*c);
        }
    }
    for (c, tokens) in &all {
        let parts: Option<Vec<&[u8]>> =
            tokens.iter().map(|token| keys.get(token).map(Vec::as_slice)).collect();
        if parts.is_none_or(|parts| parts.concat() != key_of(*c)) {
            return Err(*c);
        }
    }
    Ok(all.len())
}

#[test]
fn equal_text_has_one_key() {
    for (name, mark, against) in [
        // MySQL takes the letter yi for i, and the library does not.
        ("utf8mb4_0900_ai_ci", WITH_UCA_900, 'ї'),
        ("utf8mb4_unicode_520_ci", WITH_UCA_520, '\u{6de}'),
        ("utf8mb4_unicode_ci", WITH_UCA_400, '😀'),
        ("utf8mb4_general_ci", WITH_GENERAL, 'ß'),
    ] {
        let collation = Collation::named(name).unwrap();
        let count = follows(collation, |c| marks(c) & mark != 0).unwrap();
        assert!(count > 60_000, "{name}: {count}");
        assert!(follows(collation, |c| marks(c) & mark != 0 || c == against).is_err(), "{name} {against}");
        assert!(
            key("a", Some(collation)).is_some() && key(&format!("a{against}"), Some(collation)).is_none()
        );
        // Equal to "a " where that is the same as "a".
        assert_eq!(key("a\u{a0}", Some(collation)).is_none(), name != "utf8mb4_general_ci", "{name}");
    }
    // Those that tell more apart have the same first level.
    for name in ["utf8mb4_0900_as_ci", "utf8mb4_0900_as_cs"] {
        assert_eq!(mark(Collation::named(name).unwrap()), WITH_UCA_900);
    }
}

#[test]
fn ascii_needs_no_marks() {
    let ascii = Collation::named("ascii_general_ci").unwrap();
    for (a, b) in ('\0'..'\u{80}').flat_map(|a| ('\0'..'\u{80}').map(move |b| (a.to_string(), b.to_string())))
    {
        assert!(
            ascii.key(&a) != ascii.key(&b) || key(&a, Some(ascii)) == key(&b, Some(ascii)),
            "{a:?} {b:?}"
        );
    }
}
