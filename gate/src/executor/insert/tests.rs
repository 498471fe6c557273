use super::*;
use crate::plan::OnEqual;
use crate::sql::fingerprint::Fingerprint;
use topo::records::ColumnType;
use topo::snapshot::ShardingKey;
use topo::vindex::Vindex;

const BIGINT: ColumnType = ColumnType::Integer { bits: 64, unsigned: false };

/// An INSERT into `t` with numbered column `id`, which stands at this place.
fn insert(form: RowForm, place: Option<usize>) -> InsertRows {
    let key = ShardingKey { column: "id".into(), column_index: 0, kind: BIGINT, vindex: Vindex::XxHash };
    let numbered = Numbered {
        column: "id".into(),
        kind: BIGINT,
        max: i64::MAX as u64,
        place,
        unique_keys: vec!["PRIMARY".into()],
    };
    InsertRows {
        keyspace: "shop".parse().unwrap(),
        table: "t".into(),
        key,
        numbered: Some(numbered),
        form,
        rows: Vec::new(),
        on_equal: OnEqual::Fail,
    }
}

fn rows(columns: Option<&str>, width: usize, place: Option<usize>) -> InsertRows {
    insert(RowForm::Values { columns: columns.map(str::to_owned), width }, place)
}

/// The texts for the shards, `shard: text`.
fn texts(insert: &InsertRows, sql: &str, placed: &[(usize, Option<u64>)]) -> Vec<String> {
    let mut fingerprint = Fingerprint::default();
    fingerprint.read(sql.as_bytes());
    let placed: Vec<Placed> =
        placed.iter().map(|(shard, number)| Placed { shard: *shard, number: *number }).collect();
    let parts = parts(insert, sql.as_bytes(), fingerprint.values_at, &placed).unwrap();
    parts.iter().map(|part| format!("{}: {}", part.shard, String::from_utf8_lossy(&part.sql))).collect()
}

#[test]
fn numbers_are_put_in_where_they_are_missing() {
    for (insert, sql, expected) in [
        (rows(None, 1, None), "INSERT t (a) VALUES (1)", "INSERT t (a,`id`) VALUES (1,7)"),
        (rows(None, 2, Some(1)), "INSERT t (a, id) VALUES (1, NULL)", "INSERT t (a, id) VALUES (1,7)"),
        (rows(Some("`id`,`a`"), 2, Some(0)), "INSERT t VALUES (0,1)", "INSERT t (`id`,`a`) VALUES (7,1)"),
        (rows(Some(""), 0, None), "INSERT t VALUES ()", "INSERT t (`id`) VALUES (7)"),
        (rows(Some(""), 0, None), "INSERT t () VALUES ()", "INSERT t (`id`) VALUES (7)"),
        (rows(Some("`a`"), 1, None), "INSERT t() VALUES ROW(1)", "INSERT t(`a`,`id`) VALUES ROW(1,7)"),
        (
            rows(None, 1, None),
            "INSERT t (a) /* ( */ VALUES (')') ON DUPLICATE KEY UPDATE a = VALUES(a)",
            "INSERT t (a,`id`) /* ( */ VALUES (')',7) ON DUPLICATE KEY UPDATE a = VALUES(a)",
        ),
        (insert(RowForm::Set, None), "INSERT t SET a = 1", "INSERT t SET `id`=7, a = 1"),
        (insert(RowForm::Set, Some(1)), "INSERT t SET a = 1, id = DEFAULT", "INSERT t SET a = 1, id =7"),
    ] {
        assert_eq!(texts(&insert, sql, &[(0, Some(7))]), [format!("0: {expected}")], "{sql}");
    }
}

#[test]
fn rows_are_dealt_out_as_they_stand() {
    let sql = "REPLACE INTO t (id,a) VALUES\n  (1, 'x'), -- first\n (2,'y'),(NULL,/* z */ 'z') ;";
    let placed = [(1, None), (0, None), (1, Some(9))];
    let expected = [
        "0: REPLACE INTO t (id,a) VALUES\n  (2,'y') ;",
        "1: REPLACE INTO t (id,a) VALUES\n  (1, 'x'),(9,/* z */ 'z') ;",
    ];
    assert_eq!(texts(&rows(None, 2, Some(0)), sql, &placed), expected);
    // What has rows for one shard only stays one statement, and nothing in it is touched that need not be.
    let expected = ["2: INSERT t (`id`,`a`) VALUES (1,2),(3,4)"];
    let sql = "INSERT t VALUES (1,2), (3,4)";
    assert_eq!(texts(&rows(Some("`id`,`a`"), 2, Some(0)), sql, &[(2, None), (2, None)]), expected);
}

#[test]
fn rows_that_are_not_those_of_the_plan_are_refused() {
    let placed = [Placed { shard: 0, number: None }];
    for (sql, width) in [("INSERT t VALUES (1),(2)", 1), ("INSERT t VALUES (1)", 2), ("INSERT t VALUES 1", 1)]
    {
        let refused = parts(&rows(Some("`a`"), width, None), sql.as_bytes(), sql.find("VALUES"), &placed);
        assert_eq!(refused.unwrap_err().id, ErrorId::NotUnderstood, "{sql}");
    }
}

#[test]
fn written_numbers_are_told_from_those_to_be_made() {
    let sql = "insert t values (5),(0),('0'),(-3),(-0),(99999999999999999999),(0.4),(0.0)";
    let mut fingerprint = Fingerprint::default();
    fingerprint.read(sql.as_bytes());
    let literals = Literals {
        sql: sql.as_bytes(),
        spans: &fingerprint.literals,
        character_set: crate::sql::character_set::CharacterSet::Utf8mb4,
    };
    let mut insert = rows(None, 1, Some(0));
    let mut of = |literal: usize, negative: bool, sharding: Option<Signed>| {
        insert.rows = vec![RowValues { sharding, number: Given::Literal(Signed { literal, negative }) }];
        numbers(&insert, literals, Zero::IsNext).map(|numbers| numbers[0].clone()).map_err(|error| error.id)
    };
    let written = |number| Ok(Number::Written(ShardingValue::Signed(number)));
    assert_eq!(of(0, false, None), written(5));
    assert_eq!(of(0, true, None), written(-5));
    assert_eq!(of(1, false, None), Ok(Number::Next));
    assert_eq!(of(1, true, None), Ok(Number::Next));
    assert_eq!(of(2, false, None), Ok(Number::Next));
    assert_eq!(of(7, false, None), Ok(Number::Next));
    let other = Some(Signed { literal: 0, negative: false });
    assert_eq!(of(5, false, other), Ok(Number::Beyond));
    assert_eq!(of(5, false, None), Ok(Number::Beyond));
    // MySQL rounds it to 0, and then it is none.
    assert_eq!(of(6, false, other), Err(ErrorId::NumberedColumn));
    assert_eq!(of(0, false, None).unwrap().passed(), Some(5));
    assert_eq!(of(0, true, None).unwrap().passed(), None);
}
