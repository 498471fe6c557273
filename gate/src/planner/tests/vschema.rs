use super::*;

#[tokio::test]
async fn vschema_statements_find_their_keyspace() {
    let snapshot = cluster().await;
    let cases = [
        ("alter vschema add sequence s", "main vschema AddSequence(\"s\")"),
        ("alter vschema drop table shop.customers", "shop vschema DropTable(\"customers\")"),
        ("alter vschema add table nowhere.s", "SH1002"),
        ("alter vschema add table _shoal.s", "SH1012"),
        ("alter vschema add", "SH2035"),
        ("show vschema keyspaces", "answer Vschema(Keyspaces)"),
        ("show vschema tables", "answer Vschema(Tables(KeyspaceName(\"main\")))"),
        ("show vschema tables from shop;", "answer Vschema(Tables(KeyspaceName(\"shop\")))"),
        ("show vschema tables from nowhere", "SH1002"),
        ("SHOW VSCHEMA VINDEXES", "answer Vschema(Vindexes)"),
        (
            "show vschema vindexes on `shop`.orders",
            "answer Vschema(VindexesOf { keyspace: KeyspaceName(\"shop\"), table: \"orders\" })",
        ),
        ("show vschema vindexes from shop.gone", "SH2036"),
        ("show vschema", "SH2035"),
        ("show vschema columns", "SH2035"),
        ("show vschema tables like 'a'", "SH2035"),
    ];
    assert_plans(&snapshot, Some("main"), &cases);
    assert_plans(
        &snapshot,
        None,
        &[("show vschema tables", "SH1003"), ("alter vschema add table t", "SH1003")],
    );
}
