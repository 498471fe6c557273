use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::records::{
    AutoIncrement, Column, ColumnType, EntryOrigin, IndexSchema, SchemaRecord, TableKind, TableSchema,
    TableVschema, VindexDefinition, Visibility, VschemaRecord,
};

const SHARDED: Setting<'_> = Setting { sharded: true, schema: None };
const UNSHARDED: Setting<'_> = Setting { sharded: false, schema: None };

/// The sharded keyspace of Vitess' user guide: customers and their orders, with lookups and sequences.
fn customer() -> Value {
    json!({
        "sharded": true,
        "vindexes": {
            "hash": {"type": "hash"},
            "unicode_loose_md5": {"type": "unicode_loose_md5"},
            "corder_keyspace_idx": {
                "type": "consistent_lookup_unique",
                "params": {"table": "product.corder_keyspace_idx", "from": "corder_id", "to": "keyspace_id"},
                "owner": "corder"
            },
            "oname_keyspace_idx": {
                "type": "consistent_lookup",
                "params": {"table": "customer.oname_keyspace_idx", "from": "oname,corder_id", "to": "keyspace_id"},
                "owner": "corder"
            }
        },
        "tables": {
            "customer": {
                "column_vindexes": [{"column": "customer_id", "name": "hash"}],
                "auto_increment": {"column": "customer_id", "sequence": "product.customer_seq"}
            },
            "corder": {
                "column_vindexes": [
                    {"column": "customer_id", "name": "hash"},
                    {"column": "corder_id", "name": "corder_keyspace_idx"},
                    {"columns": ["oname", "corder_id"], "name": "oname_keyspace_idx"}
                ],
                "auto_increment": {"column": "corder_id", "sequence": "product.corder_seq"},
                "columns": [{"name": "oname", "type": "VARCHAR"}],
                "column_list_authoritative": true
            },
            "product": {"type": "reference", "source": "product.product"}
        },
        "require_explicit_routing": true,
        "later_word": {"of": ["Vitess", null, 1.5]}
    })
}

/// Its unsharded neighbour.
fn product() -> Value {
    json!({"tables": {
        "product": {},
        "customer_seq": {"type": "sequence"},
        "corder_seq": {"type": "sequence"}
    }})
}

fn document(value: Value) -> Document {
    read_value(value).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

fn lines(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|f| format!("{} {}: {}", f.verdict, f.path, f.what)).collect()
}

fn assert_line(findings: &[Finding], verdict: Verdict, path: &str, part: &str) {
    let found = findings.iter().any(|f| f.verdict == verdict && f.path == path && f.what.contains(part));
    assert!(found, "no {verdict} {path} … {part} in {:#?}", lines(findings));
}

#[test]
fn what_came_in_goes_out_again() {
    let given = document(customer());
    assert_eq!((given.sharded, write(&given.record, SHARDED)), (Some(true), customer()));
    let given = document(product());
    assert_eq!((given.sharded, write(&given.record, UNSHARDED)), (None, product()));
    // Through the store, too.
    let record = document(customer()).record;
    let bytes = crate::records::encode("key", &record).unwrap();
    assert_eq!(crate::records::decode::<VschemaRecord>("key", &bytes).unwrap(), record);
}

#[test]
fn what_vitess_writes_though_it_is_not_there_means_nothing() {
    let verbose = json!({
        "sharded": false, "vindexes": {}, "require_explicit_routing": false,
        "foreign_key_mode": "unspecified", "multi_tenant_spec": null,
        "tables": {"t": {
            "type": "", "column_vindexes": [], "auto_increment": null, "columns": [], "pinned": "",
            "column_list_authoritative": false, "source": ""
        }, "u": null}
    });
    let plain = json!({"tables": {"t": {}, "u": {}}});
    assert_eq!(document(verbose).record, document(plain.clone()).record);
    let by = json!({"vindexes": {"x": {"type": "xxhash", "params": {}, "owner": ""}},
        "tables": {"t": {"columnVindexes": [{"column": "", "name": "x", "columns": ["id"]}],
                         "autoIncrement": {"column": "id"}}}});
    let record = document(by).record;
    let table = &record.tables["t"];
    assert_eq!(table.column_vindexes[0].columns(), ["id"]);
    assert_eq!(table.auto_increment.as_ref().unwrap().column, "id");
}

#[test]
fn every_mistake_has_its_place() {
    let cases = [
        (json!([]), "", "in braces"),
        (json!({"keyspaces": {}}), "keyspaces", "one keyspace"),
        (json!({"sharded": 1}), "sharded", "true or false"),
        (json!({"vindexes": {"x": {}}}), "vindexes.x.type", "no type"),
        (json!({"vindexes": {"x": {"type": "cfc", "params": {"a": 1}}}}), "vindexes.x.params.a", "in quotes"),
        (json!({"tables": {"t": {"type": "view"}}}), "tables.t.type", "no table type"),
        (json!({"tables": {"t": {"column_vindexes": {}}}}), "tables.t.column_vindexes", "in brackets"),
        (
            json!({"tables": {"t": {"column_vindexes": [{"column": "a"}]}}}),
            "tables.t.column_vindexes[0].name",
            "vindex",
        ),
        (
            json!({"tables": {"t": {"column_vindexes": [{"name": "a"}]}}}),
            "tables.t.column_vindexes[0].column",
            "missing",
        ),
        (
            json!({"tables": {"t": {"column_vindexes": [{"name": "a", "column": "b", "columns": ["c"]}]}}}),
            "tables.t.column_vindexes[0]",
            "either",
        ),
        (
            json!({"tables": {"t": {"auto_increment": {"sequence": "s"}}}}),
            "tables.t.auto_increment.column",
            "missing",
        ),
    ];
    for (value, path, part) in cases {
        let mistakes = read_value(value.clone()).err().unwrap_or_default();
        assert_line(&mistakes, Verdict::Refused, path, part);
        assert_eq!(mistakes.len(), 1, "{value}: {:?}", lines(&mistakes));
    }
    assert_line(&read("{").unwrap_err(), Verdict::Refused, "", "no JSON");
}

#[test]
fn each_part_of_the_guides_vschema_is_accounted_for() {
    let findings = report(&document(customer()).record, SHARDED);
    use Verdict::{Kept, Used};
    let cases = [
        (Used, "vindexes.hash", "keyspace IDs"),
        (
            Kept,
            "vindexes.corder_keyspace_idx",
            "product.corder_keyspace_idx is neither filled nor read, and two rows",
        ),
        (Kept, "vindexes.oname_keyspace_idx", "neither filled nor read"),
        (
            Used,
            "tables.customer.column_vindexes[0]",
            "rows lie by customer_id (hash); the table is not created yet",
        ),
        (Used, "tables.customer.auto_increment", "counts by itself, and not in product.customer_seq"),
        (Kept, "tables.corder.column_vindexes[1]", "compares only corder_id"),
        (Kept, "tables.corder.column_vindexes[2]", "compares only oname, corder_id"),
        (Kept, "tables.corder.columns", "asks MySQL"),
        (Kept, "tables.corder.column_list_authoritative", "asks MySQL"),
        (Kept, "tables.product", "reference tables are not served yet"),
        (Kept, "tables.product.source", "not taken from there"),
        (Used, "require_explicit_routing", "so it always is"),
        (Kept, "later_word", "given back as it came"),
    ];
    for (verdict, path, part) in cases {
        assert_line(&findings, verdict, path, part);
    }
    assert!(!findings.iter().any(|finding| finding.verdict == Verdict::Refused), "{:#?}", lines(&findings));

    let findings = report(&document(product()).record, UNSHARDED);
    assert_line(&findings, Used, "tables.customer_seq", "SELECT NEXT");
    assert_line(&findings, Used, "tables.product", "a table of an unsharded keyspace");
    assert!(findings.iter().all(|finding| finding.verdict == Used), "{:#?}", lines(&findings));
}

#[test]
fn what_cannot_be_right_is_refused() {
    let by = |kind: &str, table: Value| json!({"vindexes": {"v": {"type": kind, "owner": "t"}}, "tables": {"t": table}});
    let column = |name: &str| json!({"column_vindexes": [{"column": "a", "name": name}]});
    let cases = [
        (by("xxhsah", column("v")), "vindexes.v", "no vindex type \"xxhsah\"; write one of binary, "),
        (by("xxhash", column("w")), "tables.t.column_vindexes[0]", "has no vindex \"w\"; write one of v"),
        (by("lookup", column("v")), "tables.t.column_vindexes[0]", "must lead to one"),
        (by("lookup_unique", column("v")), "tables.t.column_vindexes[0]", "filled from this table"),
        (by("xxhash", json!({})), "tables.t", "no sharding key"),
        (by("xxhash", json!({"type": "sequence"})), "tables.t", "unsharded keyspace"),
        (
            by("xxhash", json!({"column_vindexes": [{"columns": ["a", "b"], "name": "v"}]})),
            "tables.t.column_vindexes[0]",
            "takes one column, not a, b",
        ),
    ];
    for (value, path, part) in cases {
        assert_line(&report(&document(value).record, SHARDED), Verdict::Refused, path, part);
    }
    let mut reference = column("v");
    reference["type"] = "reference".into();
    let mut pinned = column("v");
    pinned["pinned"] = "00".into();
    for table in [reference, pinned] {
        let findings = report(&document(by("xxhash", table)).record, SHARDED);
        assert_line(&findings, Verdict::Refused, "tables.t", "take its column_vindexes out");
    }
    let kept = report(&document(by("region_json", column("v"))).record, SHARDED);
    assert_line(&kept, Verdict::Kept, "tables.t.column_vindexes[0]", "takes no statements");
    let pinned = report(&document(by("xxhash", json!({"pinned": "00"}))).record, SHARDED);
    assert_line(&pinned, Verdict::Kept, "tables.t", "takes no statements");
}

fn schema() -> SchemaRecord {
    let column = |name: &str, kind: ColumnType| Column {
        name: name.into(),
        kind,
        sql_type: "json".into(),
        nullable: false,
        auto_increment: false,
        visibility: Visibility::Visible,
    };
    let number = ColumnType::Integer { bits: 64, unsigned: false };
    let columns =
        vec![column("Id", number.clone()), column("other", number), column("odd", ColumnType::Other)];
    let index = |name: &str, column: &str| IndexSchema {
        name: name.into(),
        unique: true,
        columns: vec![column.into()],
    };
    let table = TableSchema { columns, indexes: vec![index("PRIMARY", "id")] };
    SchemaRecord { tables: BTreeMap::from([("t".to_owned(), table)]), ..SchemaRecord::default() }
}

#[test]
fn a_table_that_is_created_is_judged_by_its_columns_and_keys() {
    let schema = schema();
    let setting = Setting { sharded: true, schema: Some(&schema) };
    let by = |column: &str| VschemaRecord {
        vindexes: [("v".to_owned(), VindexDefinition::of("xxhash"))].into(),
        tables: [("t".to_owned(), TableVschema::by(column, "v"))].into(),
        ..VschemaRecord::default()
    };
    let path = "tables.t.column_vindexes[0]";
    assert_line(&report(&by("ID"), setting), Verdict::Used, path, "rows lie by ID (xxhash)");
    assert_line(&report(&by("other"), setting), Verdict::Refused, path, "keep PRIMARY unique");
    assert_line(&report(&by("odd"), setting), Verdict::Refused, path, "its type json");
    assert_line(&report(&by("gone"), setting), Verdict::Refused, path, "no such column");
    let mut record = by("id");
    let numbers = AutoIncrement { column: "gone".into(), ..AutoIncrement::default() };
    record.tables.get_mut("t").unwrap().auto_increment = Some(numbers);
    assert_line(&report(&record, setting), Verdict::Refused, "tables.t.auto_increment", "no column gone");
}

#[test]
fn tables_whose_rows_would_lie_elsewhere_are_told() {
    let before = document(customer()).record;
    let moved = |change: &dyn Fn(&mut VschemaRecord)| {
        let mut after = before.clone();
        change(&mut after);
        moved_tables(&before, &after).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(moved(&|_| {}).is_empty());
    assert!(moved(&|r| r.tables.get_mut("customer").unwrap().auto_increment = None).is_empty());
    assert!(moved(&|r| r.tables.get_mut("customer").unwrap().origin = EntryOrigin::Automatic).is_empty());
    assert!(
        moved(&|r| r.tables.get_mut("customer").unwrap().column_vindexes[0].column = "CUSTOMER_ID".into())
            .is_empty()
    );
    assert!(moved(&|r| r.tables.get_mut("corder").unwrap().column_vindexes.truncate(1)).is_empty());
    assert_eq!(moved(&|r| drop(r.tables.remove("customer"))), ["customer"]);
    assert_eq!(moved(&|r| drop(r.tables.insert("new".into(), TableVschema::by("a", "hash")))), ["new"]);
    assert_eq!(
        moved(&|r| r.vindexes.get_mut("hash").unwrap().kind = "xxhash".into()),
        ["corder", "customer"]
    );
    assert_eq!(moved(&|r| r.tables.get_mut("product").unwrap().kind = TableKind::Usual), ["product"]);
    assert_eq!(
        moved(&|r| r.tables.get_mut("customer").unwrap().column_vindexes[0].column = "a".into()),
        ["customer"]
    );
}

fn vindex(name: &str, kind: &str) -> VindexSpec {
    VindexSpec {
        name: name.into(),
        definition: VindexDefinition { kind: kind.into(), ..VindexDefinition::default() },
    }
}

fn add(table: &str, column: &str, vindex: VindexSpec) -> Change {
    Change::AddColumnVindex { table: table.into(), columns: vec![column.into()], vindex }
}

#[test]
fn statements_build_the_vschema_that_the_json_says() {
    let numbers =
        AutoIncrement { column: "id".into(), sequence: "main.seq".into(), ..AutoIncrement::default() };
    let changes = [
        Change::CreateVindex(vindex("hash", "hash")),
        add("a", "id", vindex("hash", "")),
        add("b", "id", vindex("spread", "xxhash")),
        add("b", "other", vindex("look", "lookup_unique")),
        Change::AddAutoIncrement { table: "a".into(), numbers },
    ];
    let mut record = VschemaRecord::default();
    for change in &changes {
        record = change.apply(&record, SHARDED).unwrap();
    }
    let expected = json!({"sharded": true,
    "vindexes": {"hash": {"type": "hash"}, "spread": {"type": "xxhash"}, "look": {"type": "lookup_unique"}},
    "tables": {
        "a": {"column_vindexes": [{"column": "id", "name": "hash"}], "auto_increment": {"column": "id", "sequence": "main.seq"}},
        "b": {"column_vindexes": [{"column": "id", "name": "spread"}, {"column": "other", "name": "look"}]}
    }});
    assert_eq!(write(&record, SHARDED), expected);
    let away = [
        Change::DropAutoIncrement("a".into()),
        Change::DropColumnVindex { table: "b".into(), vindex: "look".into() },
        Change::DropColumnVindex { table: "b".into(), vindex: "spread".into() },
        Change::DropTable("a".into()),
        Change::DropVindex("hash".into()),
        Change::DropVindex("spread".into()),
        Change::DropVindex("look".into()),
    ];
    for change in &away {
        record = change.apply(&record, SHARDED).unwrap();
    }
    assert_eq!(record, VschemaRecord::default());

    for change in [Change::AddSequence("s".into()), Change::AddTable("t".into())] {
        record = change.apply(&record, UNSHARDED).unwrap();
    }
    assert_eq!(write(&record, UNSHARDED), json!({"tables": {"s": {"type": "sequence"}, "t": {}}}));
    record = Change::DropSequence("s".into()).apply(&record, UNSHARDED).unwrap();
    assert_eq!(record.tables.len(), 1);
}

#[test]
fn changes_that_do_not_fit_say_why() {
    let record = document(customer()).record;
    let numbers = AutoIncrement { column: "x".into(), ..AutoIncrement::default() };
    let number = |table: &str| Change::AddAutoIncrement { table: table.into(), numbers: numbers.clone() };
    let away =
        |table: &str, vindex: &str| Change::DropColumnVindex { table: table.into(), vindex: vindex.into() };
    let conflicts = [
        (Change::CreateVindex(vindex("hash", "hash")), "a vindex hash already"),
        (Change::DropVindex("hash".into()), "uses vindex hash; ALTER VSCHEMA ON"),
        (Change::DropVindex("none".into()), "no vindex none"),
        (Change::DropTable("none".into()), "no table none"),
        (Change::DropSequence("customer".into()), "no sequence customer"),
        (add("x", "a", vindex("none", "")), "define it here by USING"),
        (add("x", "a", vindex("hash", "xxhash")), "defined otherwise, with type hash"),
        (add("customer", "a", vindex("hash", "")), "has vindex hash already"),
        (away("none", "hash"), "no table none"),
        (away("customer", "none"), "has no vindex none"),
        (away("corder", "hash"), "drop its other vindexes first"),
        (number("customer"), "column customer_id of table customer has AUTO_INCREMENT"),
        (number("none"), "no table none"),
        (Change::DropAutoIncrement("product".into()), "has no AUTO_INCREMENT"),
    ];
    for (change, part) in conflicts {
        let error = change.apply(&record, SHARDED).unwrap_err();
        assert!(matches!(&error, ChangeError::Conflict(what) if what.contains(part)), "{change:?}: {error}");
    }
    for (change, part) in [
        (Change::AddTable("x".into()), "ADD VINDEX"),
        (Change::AddSequence("x".into()), "add it to an unsharded one"),
    ] {
        let error = change.apply(&record, SHARDED).unwrap_err();
        assert!(matches!(&error, ChangeError::Unserved(what) if what.contains(part)), "{change:?}: {error}");
    }
    let twice = Change::AddTable("product".into()).apply(&document(product()).record, UNSHARDED).unwrap_err();
    assert!(twice.to_string().contains("a table product already"));
}

#[test]
fn the_key_that_a_gate_chose_gives_way() {
    let automatic = TableVschema { origin: EntryOrigin::Automatic, ..TableVschema::by("id", "xxhash") };
    let record = VschemaRecord {
        vindexes: [("xxhash".to_owned(), VindexDefinition::of("xxhash"))].into(),
        tables: [("t".to_owned(), automatic)].into(),
        ..VschemaRecord::default()
    };
    let after = add("t", "customer_id", vindex("hash", "hash")).apply(&record, SHARDED).unwrap();
    assert_eq!(after.tables["t"], TableVschema::by("customer_id", "hash"));
    let after = add("t", "name", vindex("look", "lookup")).apply(&record, SHARDED).unwrap();
    let names: Vec<&str> = after.tables["t"].column_vindexes.iter().map(|by| by.name.as_str()).collect();
    assert_eq!((names, after.tables["t"].origin), (vec!["xxhash", "look"], EntryOrigin::Declared));
}

#[test]
fn only_what_a_change_brings_is_told_again() {
    let before = document(customer()).record;
    let after = add("customer", "email", vindex("unicode_loose_md5", "")).apply(&before, SHARDED).unwrap();
    let found = new_findings(&before, &after, SHARDED);
    assert_eq!(found.len(), 1, "{:?}", lines(&found));
    assert_line(&found, Verdict::Kept, "tables.customer.column_vindexes[1]", "email decides nothing");
}
