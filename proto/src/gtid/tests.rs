use std::collections::BTreeSet;

use super::*;

const A: &str = "0a3b5c7d-0000-11ee-8000-00000000000a";
const B: &str = "ffffffff-ffff-ffff-ffff-ffffffffffff";

fn set(text: &str) -> GtidSet {
    text.parse().unwrap()
}

#[test]
fn texts_come_back_in_the_form_that_mysql_gives_them() {
    // The right-hand sides are what `SELECT GTID_SUBTRACT(text, '')` answers on MySQL 9.7.
    let cases = [
        ("".to_owned(), "".to_owned()),
        (" ,, ".into(), "".into()),
        (format!("{A}:7"), format!("{A}:7")),
        (format!("{}:5-9:1-3", A.to_uppercase()), format!("{A}:1-3:5-9")),
        (format!("{A}:1-3:4:6-8:7-12"), format!("{A}:1-4:6-12")),
        (format!("{B}:1,{A}:1"), format!("{A}:1,\n{B}:1")),
        (format!("{A}:1,\n {A}:2"), format!("{A}:1-2")),
        (format!("{A}:zebra:1:Audit:4:2-3"), format!("{A}:audit:2-4:zebra:1")),
        (format!("{A}:1-9296:zebra:1"), format!("{A}:1-9296:zebra:1")),
        (format!("{A}: 1 - 3 : 9"), format!("{A}:1-3:9")),
        (format!("{A}:zebra:1,{A}:3"), format!("{A}:3:zebra:1")),
        (format!("{A}:1-9223372036854775806"), format!("{A}:1-9223372036854775806")),
    ];
    for (text, expected) in cases {
        assert_eq!(set(&text).to_string(), expected, "{text}");
        assert_eq!(set(&expected), set(&text));
    }
}

#[test]
fn what_is_no_set_is_refused() {
    let bad = [
        "1-3".to_owned(),
        A.to_owned(),
        format!("{A}:"),
        format!("{A}:0"),
        format!("{A}:0-3"),
        format!("{A}:3-1"),
        format!("{A}:1-"),
        format!("{A}:-1"),
        format!("{A}:1-2-3"),
        format!("{A}:1 2"),
        format!("{A}:+1"),
        format!("{A}:9223372036854775807"),
        format!("{A}:99999999999999999999999999"),
        format!("{A}:zebra"),
        format!("{A}:1:zebra:"),
        format!("{A}:zebra:lion:1"),
        format!("{A}:ze-bra:1"),
        format!("{A}:{}:1", "z".repeat(MAX_TAG + 1)),
        format!("{A}:1;{B}:1"),
        format!("{}:1", A.replace('-', "0")),
        format!("{}:1", &A[1..]),
        format!("{}:1", A.replace('a', "g")),
        // Bytes of several in one character, at the places where one is cut.
        "é".repeat(18) + ":1",
        format!("{A}:é"),
        format!("{A}:1é"),
    ];
    for text in bad {
        assert!(text.parse::<GtidSet>().is_err(), "{text}");
    }
}

#[test]
fn a_huge_interval_costs_no_more_than_a_small_one() {
    let all = set(&format!("{A}:1-9223372036854775806"));
    assert_eq!(all.transactions(), LAST_NUMBER);
    let both = all.union(&set(&format!("{B}:1-9223372036854775806:x:1-9223372036854775806")));
    assert_eq!(both.transactions(), u64::MAX);
    let middle = set(&format!("{A}:4611686018427387904"));
    assert_eq!(
        all.subtract(&middle).to_string(),
        format!("{A}:1-4611686018427387903:4611686018427387905-9223372036854775806")
    );
    assert!(both.contains_all(&all) && !all.contains_all(&both));
}

#[test]
fn tags_count_for_themselves() {
    let (plain, tagged) = (set(&format!("{A}:1-5")), set(&format!("{A}:audit:1-5")));
    assert!(!plain.contains_all(&tagged) && !tagged.contains_all(&plain));
    assert_eq!(plain.subtract(&tagged), plain);
    assert_eq!(plain.union(&tagged).to_string(), format!("{A}:1-5:audit:1-5"));
}

/// A small generator, so that a failing seed can be run again.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

type Naive = BTreeSet<(usize, u64)>;

const ORIGINS: [&str; 4] =
    [A, "0a3b5c7d-0000-11ee-8000-00000000000a:audit", B, "ffffffff-ffff-ffff-ffff-ffffffffffff:x_1"];

/// A set as MySQL would read it from a text in no order, and the same one transaction by transaction.
fn random_set(random: &mut Random) -> (GtidSet, Naive) {
    let (mut text, mut naive) = (Vec::new(), Naive::new());
    for _ in 0..random.below(9) {
        let origin = random.below(4) as usize;
        let first = 1 + random.below(30);
        let last = first + random.below(6);
        text.push(format!("{}:{first}-{last}", ORIGINS[origin]));
        naive.extend((first..=last).map(|number| (origin, number)));
    }
    (set(&text.join(",")), naive)
}

#[test]
fn sets_do_as_sets_of_single_transactions_do() {
    for seed in 0..5_000 {
        let mut random = Random(seed);
        let ((one, one_naive), (other, other_naive)) = (random_set(&mut random), random_set(&mut random));
        let naive = |set: &GtidSet| -> Naive {
            let numbers = set.origins.iter().flat_map(|(origin, intervals)| {
                let tag = if origin.tag.is_empty() { String::new() } else { format!(":{}", origin.tag) };
                let index = ORIGINS.iter().position(|name| {
                    let (uuid, rest) = name.split_at(UUID_TEXT);
                    parse_uuid(uuid) == Ok(origin.uuid) && rest == tag
                });
                intervals.iter().flat_map(move |i| (i.first..=i.last).map(move |n| (index.unwrap(), n)))
            });
            numbers.collect()
        };
        assert_eq!(naive(&one), one_naive, "seed {seed}");
        assert_eq!(naive(&one.union(&other)), &one_naive | &other_naive, "seed {seed}");
        assert_eq!(naive(&one.subtract(&other)), &one_naive - &other_naive, "seed {seed}");
        assert_eq!(one.contains_all(&other), one_naive.is_superset(&other_naive), "seed {seed}");
        assert_eq!(one.transactions(), one_naive.len() as u64, "seed {seed}");
        assert_eq!(one.is_empty(), one_naive.is_empty(), "seed {seed}");
        for made in [&one, &one.union(&other), &one.subtract(&other)] {
            // Equal sets are equal values with one text, whatever they were made by.
            assert_eq!(set(&made.to_string()), *made, "seed {seed}");
        }
    }
}
